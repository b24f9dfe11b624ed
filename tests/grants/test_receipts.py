"""What the bank says of a payment file: taken in whole or not at all; money that is asked back."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest
from match_runs import firms, publish, run, uscc

from citybrain.settings import DatabaseRole, Settings
from citybrain.warehouse.connection import connect
from citybrain.warehouse.row_scope import SYSTEM, enter
from conftest import People

HEAD = "统一社会信用代码,金额（元）,结果,流水号,日期,原因\n"


@pytest.fixture
def paid_file(desk: Settings, people: People) -> Any:
    """A payment file of three enterprises and its list."""
    from acting import approve, countersign, list_of, pay

    from citybrain.policy.grants.making import make_lists

    item = publish(desk, notice_days=0)
    run(desk, {item: firms("1000.10", "2000.20", "0.03")})
    make_lists()
    grant_list = list_of(item.item_id)
    approve(grant_list, people.officer)
    countersign(grant_list, people.checker)
    return pay(desk, grant_list, people.treasury).file


def row(number: int, amount: str, result: str = "成功", reference: str = "", reason: str = "") -> str:
    return f"{uscc(number)},{amount},{result},{reference or f'R{number}-{amount}'},2026-12-01,{reason}\n"


def taken(desk: Settings, person: Any, file: Any, text: str) -> Any:
    from acting import act

    from citybrain.policy.grants.receipts import import_receipts

    return act(person, import_receipts, desk, file.pk, text.encode("gb18030"), person)


def test_a_return_is_taken_in_once_and_reconciled(desk: Settings, people: People, paid_file: Any) -> None:
    from acting import act

    from citybrain.policy.grants.receipts import reconcile

    tag = f"A{paid_file.pk}"
    text = HEAD + row(1, "1000.10", reference=f"{tag}-1") + row(2, "2000.20", "失败", f"{tag}-2", "账号有误")
    first = taken(desk, people.treasury, paid_file, text)
    again = taken(desk, people.treasury, paid_file, text)
    assert (first.paid, first.failed, first.new, again.new) == (1, 1, True, False)
    found = act(people.treasury, reconcile, paid_file.pk)
    assert (found.rows, found.paid, found.yuan_paid, found.settled) == (3, 1, Decimal("1000.10"), False)
    assert [(row.uscc, row.reason) for row in found.failed] == [(uscc(2), "账号有误")]
    assert [row.uscc for row in found.open] == [uscc(3)]
    assert found.yuan_open == Decimal("2000.23")
    rest = HEAD + row(2, "2000.20", reference=f"{tag}-3") + row(3, "0.03", reference=f"{tag}-4")
    taken(desk, people.treasury, paid_file, rest)
    assert act(people.treasury, reconcile, paid_file.pk).settled
    with connect(desk, DatabaseRole.DESK) as connection:
        entries = connection.execute(
            "SELECT payload ->> 'paid', payload ->> 'failed' FROM ledger.entry WHERE kind = 'grant_receipt'"
            " AND subject = %s ORDER BY entry_id", (f"grant_list:{paid_file.list_id}",),
        ).fetchall()  # fmt: skip
    assert entries == [("1", "1"), ("2", "0")]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("统一社会信用代码,金额（元）\n", "缺少列：结果"),
        (HEAD, "没有数据行"),
        (HEAD + row(1, "1000.11"), "金额应为 1000.10 元"),
        (HEAD + row(9, "1.00"), "不在拨付文件中"),
        (HEAD + row(1, "1000.10") + row(1, "1000.10", reference="X"), "统一社会信用代码重复"),
        (HEAD + row(1, "1000.10", reference="X") + row(2, "2000.20", reference="X"), "流水号重复：X"),
        (HEAD + row(1, "1000.10", "也许"), "第 2 行：结果须为"),
        (HEAD + row(1, "1e99999999999"), "第 2 行"),
        (HEAD + row(1, "-5"), "以分为止的正数"),
        (HEAD + row(1, "NaN"), "以分为止的正数"),
        (HEAD + row(1, "1000.10", "失败"), "失败的须写原因"),
        (HEAD + row(1, "1000.10").replace("2026-12-01", "昨天"), "须写作 2026-06-30"),
    ],
)
def test_a_wrong_return_is_refused_whole(
    desk: Settings, people: People, paid_file: Any, text: str, reason: str
) -> None:
    from acting import act

    from citybrain.policy.grants.receipt_rows import ReceiptError
    from citybrain.policy.grants.receipts import reconcile

    with pytest.raises(ReceiptError, match=reason):
        taken(desk, people.treasury, paid_file, text)
    assert len(act(people.treasury, reconcile, paid_file.pk).open) == 3


def test_money_is_asked_back_by_one_and_settled_by_another(
    desk: Settings, people: People, paid_file: Any
) -> None:
    from acting import act

    from citybrain.policy.grants.acts import GrantRefusedError, scope
    from citybrain.policy.grants.models import GrantLine
    from citybrain.policy.grants.receipts import ask_back, reconcile, settle_recovery

    with scope():
        line = GrantLine.objects.get(payment_file=paid_file, uscc=uscc(1))
    half = Decimal("500.05")
    with pytest.raises(GrantRefusedError, match="尚未确认入账"):
        act(people.treasury, ask_back, line.pk, half, "注销", people.treasury)
    taken(desk, people.treasury, paid_file, HEAD + row(1, "1000.10", reference=f"B{paid_file.pk}"))
    with pytest.raises(GrantRefusedError, match=r"不超过 1000\.10 元"):
        act(people.treasury, ask_back, line.pk, Decimal("1000.11"), "注销", people.treasury)
    with pytest.raises(GrantRefusedError, match="岗位"):
        act(people.officer, ask_back, line.pk, half, "注销", people.officer)
    asked = act(people.treasury, ask_back, line.pk, half, "申报不实", people.treasury)
    with pytest.raises(GrantRefusedError, match="已在追回中"):
        act(people.treasury, ask_back, line.pk, half, "申报不实", people.treasury)
    assert act(people.treasury, reconcile, paid_file.pk).yuan_to_recover == half
    with pytest.raises(GrantRefusedError, match="岗位"):
        act(people.treasury, settle_recovery, asked.pk, True, "已缴回", people.treasury)
    settled = act(people.checker, settle_recovery, asked.pk, True, "已缴回", people.checker)
    assert settled.state == "recovered"
    assert act(people.treasury, reconcile, paid_file.pk).yuan_recovered == half
    with pytest.raises(GrantRefusedError, match=r"不超过 500\.05 元"):
        act(people.treasury, ask_back, line.pk, Decimal("500.06"), "申报不实", people.treasury)


def test_the_database_keeps_receipts_as_they_are(desk: Settings, people: People, paid_file: Any) -> None:
    taken(desk, people.treasury, paid_file, HEAD + row(1, "1000.10", reference=f"C{paid_file.pk}"))
    with connect(desk, DatabaseRole.OWNER) as owner:
        enter(owner, SYSTEM)
        for statement in (
            "UPDATE ops.payment_receipt SET amount = 1",
            "DELETE FROM ops.payment_receipt",
            "INSERT INTO ops.payment_receipt (part_id, line_id, payment_file_id, paid, amount, reference,"
            " booked_on, reason, sha256, received_by_id, received_at)"
            " SELECT part_id, line_id, payment_file_id, true, amount,"
            " 'twice', booked_on, '', sha256, received_by_id, now() FROM ops.payment_receipt LIMIT 1",
        ):
            with pytest.raises(psycopg.Error), owner.transaction():
                owner.execute(statement.encode())


def test_the_command_line_takes_in_and_reconciles(
    desk: Settings, people: People, paid_file: Any, tmp_path: Path
) -> None:
    from typer.testing import CliRunner

    from citybrain.cli import app

    path = tmp_path / "return.csv"
    path.write_text(HEAD + row(1, "1000.10", reference=f"D{paid_file.pk}"), encoding="utf-8")
    call = ["grants", "import-receipts", str(paid_file.pk), str(path), "--person"]
    runner = CliRunner()
    assert runner.invoke(app, [*call, people.officer.username]).exit_code == 1
    done = runner.invoke(app, [*call, people.treasury.username])
    assert (done.exit_code, done.stdout) == (0, "1 paid, 0 failed\n")
    told = runner.invoke(app, ["grants", "reconcile", str(paid_file.pk)])
    assert told.exit_code == 1
    assert "1 of 3 paid, 1,000.10 of 3,000.33 yuan; 0 failed, 2 open" in told.stdout
    assert runner.invoke(app, ["grants", "reconcile", "99999"]).exit_code == 2
