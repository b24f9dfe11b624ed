"""Grants that are paid in stages and by several budgets: files, receipts and claims part by part."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from match_runs import firms, publish, run, uscc

from citybrain.settings import DatabaseRole, Settings
from citybrain.warehouse.connection import connect
from citybrain.warehouse.row_scope import SYSTEM, enter
from conftest import People
from standing_in import standing_in

HEAD = "序号,统一社会信用代码,金额（元）,结果,流水号,日期,原因\n"
HALVES = {"city": Decimal("0.5"), "county": Decimal("0.5")}
GROWN = {"id": "grown", "fact": "staff", "op": ">=", "value": 20}
STAGES = [
    {"id": "first", "share": Decimal("0.6"), "label": "公示后"},
    {"id": "rest", "share": Decimal("0.4"), "label": "达产后", "after": "P30D", "when": GROWN},
]


@pytest.fixture
def facts(desk: Settings) -> Iterator[psycopg.Connection[Any]]:
    """The facts of the enterprises that `firms` makes, which a test may change."""
    columns = (
        "(uscc text, enterprise_name text, is_active boolean, staff bigint, layoff_rate numeric,"
        " seen_at timestamptz)"
    )
    with standing_in(desk, {"mart_enterprise_facts": columns}, [DatabaseRole.MATCHER]) as dbt:
        for number in (1, 2, 3):
            dbt.execute(
                "INSERT INTO marts.mart_enterprise_facts VALUES (%s, '企业', true, 10, 0, %s)",
                (uscc(number), datetime.now(UTC)),
            )
        yield dbt


def payable_list(desk: Settings, people: People, *amounts: str, **terms: Any) -> Any:
    from acting import approve, countersign, list_of

    from citybrain.policy.grants.making import make_lists

    item = publish(desk, notice_days=0, **terms)
    run(desk, {item: firms(*amounts)})
    make_lists()
    grant_list = list_of(item.item_id)
    approve(grant_list, people.officer)
    countersign(grant_list, people.checker)
    return grant_list


def returned(desk: Settings, people: People, file: Any, rows: str) -> None:
    from acting import act

    from citybrain.policy.grants.receipts import import_receipts

    act(people.treasury, import_receipts, desk, file.pk, (HEAD + rows).encode(), people.treasury)


def row(number: int, firm: int, amount: str, tag: str) -> str:
    return f"{number},{uscc(firm)},{amount},成功,{tag}-{number},2026-12-01,\n"


def days_ago(desk: Settings, file: Any, days: int) -> None:
    """Move a payment file back in time, as only the owner of the tables can."""
    with connect(desk, DatabaseRole.OWNER) as owner:
        enter(owner, SYSTEM)
        owner.execute("ALTER TABLE ops.payment_file DISABLE TRIGGER append_only")
        owner.execute(
            "UPDATE ops.payment_file SET created_at = created_at - %s WHERE id = %s",
            (timedelta(days=days), file.pk),
        )
        owner.execute("ALTER TABLE ops.payment_file ENABLE TRIGGER append_only")


def waiting(desk: Settings, people: People, grant_list: Any) -> list[str]:
    from acting import act

    from citybrain.policy.grants.later_parts import later_parts
    from citybrain.policy.grants.terms import terms_of

    terms = act(people.treasury, terms_of, grant_list.item_version_id)
    return [each.waits_for for each in act(people.treasury, later_parts, desk, grant_list, terms)]


def test_a_grant_is_paid_stage_by_stage_and_by_payer(
    desk: Settings, people: People, facts: psycopg.Connection[Any]
) -> None:
    from acting import pay

    from citybrain.policy.grants.payment import read_payment_file

    grant_list = payable_list(desk, people, "1000.05", "0.01", pay=STAGES, share=HALVES)
    first = pay(desk, grant_list, people.treasury).file
    assert first is not None
    text = read_payment_file(desk, first).decode("gb18030").splitlines()
    rows = [line.split(",") for line in text[1:]]
    assert [(each[0], each[4], each[-1]) for each in rows] == [
        ("1", "300.02", "市级"),
        ("2", "300.01", "县级"),
        ("3", "0.01", "市级"),
    ]
    assert (first.rows, first.total) == (3, Decimal("600.04"))
    assert waiting(desk, people, grant_list) == ["前一期尚未全部入账"]
    tag = f"S{first.pk}"
    returned(desk, people, first, row(1, 1, "300.02", tag) + row(3, 2, "0.01", tag))
    assert waiting(desk, people, grant_list) == ["前一期尚未全部入账"]
    returned(desk, people, first, row(2, 1, "300.01", tag))
    assert waiting(desk, people, grant_list)[0].endswith("未满 30 天")
    days_ago(desk, first, 30)
    assert waiting(desk, people, grant_list) == ["条件尚未满足，或缺少数据"]
    facts.execute("UPDATE marts.mart_enterprise_facts SET staff = NULL")
    assert waiting(desk, people, grant_list) == ["条件尚未满足，或缺少数据"], "missing never pays"
    assert not pay(desk, grant_list, people.treasury).made
    facts.execute("UPDATE marts.mart_enterprise_facts SET staff = 20")
    rest = pay(desk, grant_list, people.treasury)
    assert rest.made and rest.file is not None and rest.later == 1
    assert (rest.file.rows, rest.file.total) == (2, Decimal("400.02"))
    assert waiting(desk, people, grant_list) == []
    assert not pay(desk, grant_list, people.treasury).made
    with connect(desk, DatabaseRole.DESK) as connection:
        awarded = connection.execute(
            "SELECT sum(amount), count(*) FROM policy.award WHERE item_id = %s", (grant_list.item_id,)
        ).fetchone()
        entries = connection.execute(
            "SELECT payload -> 'by_payer' ->> 'city', payload ->> 'later_lines' FROM ledger.entry"
            " WHERE subject = %s AND kind = 'grant_payment' ORDER BY entry_id",
            (f"grant_list:{grant_list.pk}",),
        ).fetchall()
    assert awarded == (Decimal("1000.06"), 2), "a grant is awarded once, whole"
    assert entries == [("300.03", "0"), ("200.01", "1")]


def test_a_claim_ends_the_later_stages(
    desk: Settings, people: People, facts: psycopg.Connection[Any]
) -> None:
    from acting import act, lines_of, pay

    from citybrain.policy.grants.acts import GrantRefusedError
    from citybrain.policy.grants.receipts import ask_back

    grant_list = payable_list(desk, people, "1000.00", pay=STAGES)
    first = pay(desk, grant_list, people.treasury).file
    assert first is not None
    returned(desk, people, first, row(1, 1, "600.00", f"T{first.pk}"))
    facts.execute("UPDATE marts.mart_enterprise_facts SET staff = 20")
    days_ago(desk, first, 31)
    assert waiting(desk, people, grant_list) == [""]
    line = lines_of(grant_list)[uscc(1)]
    with pytest.raises(GrantRefusedError, match=r"不超过 600\.00 元"):
        act(people.treasury, ask_back, line.pk, Decimal("600.01"), "申报不实", people.treasury)
    act(people.treasury, ask_back, line.pk, Decimal("600.00"), "申报不实", people.treasury)
    assert waiting(desk, people, grant_list) == ["这一户有追回，后续各期不再拨付"]
    assert not pay(desk, grant_list, people.treasury).made


def test_a_return_of_several_rows_a_firm_names_them(desk: Settings, people: People) -> None:
    from acting import pay

    from citybrain.policy.grants.receipt_rows import ReceiptError

    grant_list = payable_list(desk, people, "10.00", share=HALVES)
    file = pay(desk, grant_list, people.treasury).file
    assert file is not None
    for rows, reason in (
        (f",{uscc(1)},5.00,成功,X1,2026-12-01,\n", "有 2 笔，回单须有“序号”"),
        (row(3, 1, "5.00", "X"), "（序号 3） 不在拨付文件中"),
        (row(1, 2, "5.00", "X"), "不在拨付文件中"),
        (row(1, 1, "10.00", "X"), r"金额应为 5\.00 元"),
        (row(1, 1, "5.00", "X") + row(1, 1, "5.00", "Y"), "序号重复：1"),
        (row(1, 1, "5.00", "X").replace("1,", "一,", 1), "不是拨付文件中的序号"),
    ):
        with pytest.raises(ReceiptError, match=reason):
            returned(desk, people, file, rows)
    returned(desk, people, file, row(1, 1, "5.00", f"Z{file.pk}") + row(2, 1, "5.00", f"Z{file.pk}"))


@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    fen=st.lists(st.integers(1, 10**15), min_size=1, max_size=4),
    part=st.integers(1, 99),
    borne=st.integers(1, 99),
)
def test_files_and_lines_agree_whatever_is_split(
    desk: Settings, people: People, fen: list[int], part: int, borne: int
) -> None:
    from acting import act, pay

    from citybrain.policy.grants.later_parts import later_parts
    from citybrain.policy.grants.terms import terms_of

    share = {"city": Decimal(borne).scaleb(-2), "county": Decimal(100 - borne).scaleb(-2)}
    stages = [
        {"id": "first", "share": Decimal(part).scaleb(-2), "label": "首期"},
        {"id": "rest", "share": Decimal(100 - part).scaleb(-2), "label": "余款"},
    ]
    amounts = [str(Decimal(each).scaleb(-2)) for each in fen]
    grant_list = payable_list(desk, people, *amounts, pay=stages, share=share)
    file = pay(desk, grant_list, people.treasury).file
    assert file is not None
    terms = act(people.treasury, terms_of, grant_list.item_version_id)
    later = act(people.treasury, later_parts, desk, grant_list, terms)
    outstanding = sum((one.amount for each in later for one in each.parts), Decimal(0))
    assert file.total + outstanding == sum(map(Decimal, amounts)) == grant_list.total


def test_the_database_keeps_parts_within_their_line(desk: Settings, people: People) -> None:
    from acting import pay

    grant_list = payable_list(desk, people, "10.00", pay=STAGES)
    file = pay(desk, grant_list, people.treasury).file
    assert file is not None
    insert = (
        "INSERT INTO ops.grant_part (line_id, payment_file_id, organisation_id, row, stage, stage_number,"
        " stage_label, payer, amount)"
        " SELECT line_id, payment_file_id, organisation_id, 9, 'rest', {}, '', 'city', {}"
        " FROM ops.grant_part WHERE payment_file_id = {}"
    )
    with connect(desk, DatabaseRole.OWNER) as owner:
        enter(owner, SYSTEM)
        for statement, constraint in (
            (insert.format(1, "4.01", file.pk).replace("'city'", "'county'"), "grant_part_within_its_line"),
            (insert.format(2, "4.00", file.pk), "grant_part_in_its_turn"),
        ):
            with pytest.raises(psycopg.errors.CheckViolation) as refused, owner.transaction():
                owner.execute(statement.encode())
            assert refused.value.diag.constraint_name == constraint
        for statement in ("UPDATE ops.grant_part SET amount = 1", "DELETE FROM ops.grant_part"):
            with pytest.raises(psycopg.Error, match="append-only"), owner.transaction():
                owner.execute(statement.encode())
