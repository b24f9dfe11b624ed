"""From a match run to the payment file, as two officers and the treasury walk it."""

from collections.abc import Callable
from decimal import Decimal

import psycopg
from match_runs import DAY, Found, firms, publish, run, uscc

from citybrain.ledger import verify
from citybrain.settings import DatabaseRole, Settings
from citybrain.warehouse.connection import connect
from conftest import People


def test_a_list_is_reviewed_published_and_paid(
    desk: Settings, people: People, past_notice: Callable[[int], None]
) -> None:
    from acting import approve, countersign, lines_of, list_of, open_notice, pay

    from citybrain.policy.grants.making import make_lists
    from citybrain.policy.grants.notices import close_due_notices
    from citybrain.policy.grants.payment import read_payment_file

    item = publish(desk, recheck=["is_active"])
    run_id = run(desk, {item: firms("1000.10", "2000.20", "0.03")})
    made = make_lists()
    assert (made.run_id, made.made) == (run_id, [f"{item.item_id}/2026/1"])
    grant_list = list_of(item.item_id)
    assert (grant_list.state, grant_list.line_count, grant_list.total) == ("draft", 3, Decimal("3000.33"))
    assert grant_list.organisation_id is not None and grant_list.facts_sha256 == "c" * 64

    approve(grant_list, people.officer)
    countersign(grant_list, people.checker)
    open_notice(grant_list, people.officer)
    assert close_due_notices() == []
    past_notice(grant_list.pk)
    assert close_due_notices() == [grant_list.code]
    paid = pay(desk, grant_list, people.treasury)
    assert paid.made and paid.file is not None and paid.held == 0
    assert (paid.file.rows, paid.file.total) == (3, Decimal("3000.33"))
    assert {line.state for line in lines_of(grant_list).values()} == {"paid"}
    assert list_of(item.item_id).state == "paid_file_made"
    text = read_payment_file(desk, paid.file).decode("gb18030")
    assert text.splitlines()[0].startswith("序号,统一社会信用代码,企业名称")
    assert [row.split(",")[4] for row in text.splitlines()[1:]] == ["1000.10", "2000.20", "0.03"]

    with connect(desk, DatabaseRole.DESK) as connection:
        awards = connection.execute(
            "SELECT uscc, amount, period_year FROM policy.award WHERE item_id = %s ORDER BY uscc",
            (item.item_id,),
        ).fetchall()
        assert awards[0] == (uscc(1), Decimal("1000.10"), DAY.year) and len(awards) == 3
        entries = connection.execute(
            "SELECT kind, payload ->> 'decision' FROM ledger.entry WHERE subject = %s ORDER BY entry_id",
            (f"grant_list:{grant_list.pk}",),
        ).fetchall()
        assert entries == [
            ("grant_list", "made"),
            ("grant_decision", "approve"),
            ("grant_decision", "approve"),
            ("grant_notice", "open"),
            ("grant_notice", "close"),
            ("grant_payment", "pay"),
        ]
        (sha256,) = connection.execute(
            "SELECT payload ->> 'sha256' FROM ledger.entry WHERE subject = %s AND kind = 'grant_payment'",
            (f"grant_list:{grant_list.pk}",),
        ).fetchone() or ("",)
        assert sha256 == paid.file.sha256
        assert verify(connection).holds


def test_the_same_file_again_is_the_same_object(desk: Settings, people: People) -> None:
    from acting import approve, countersign, list_of, pay

    from citybrain.lake import list_objects
    from citybrain.policy.grants.making import make_lists

    item = publish(desk, notice_days=0)
    run(desk, {item: firms("7.77", "8.88")})
    make_lists()
    grant_list = list_of(item.item_id)
    approve(grant_list, people.officer)
    countersign(grant_list, people.checker)
    first = pay(desk, grant_list, people.treasury)
    again = pay(desk, grant_list, people.treasury)
    assert first.made and not again.made
    assert first.file is not None and again.file is not None and first.file.pk == again.file.pk
    assert len(list(list_objects(desk, "payments", f"{grant_list.code}/"))) == 1
    with connect(desk, DatabaseRole.DESK) as connection:
        counted = connection.execute(
            "SELECT count(*) FROM ledger.entry WHERE subject = %s AND kind = 'grant_payment'",
            (f"grant_list:{grant_list.pk}",),
        ).fetchone()
    assert counted == (1,), "asking again is no second act"


def test_only_items_that_pay_without_application_make_lists(desk: Settings, people: People) -> None:
    from citybrain.policy.grants.making import make_lists

    auto, confirm = publish(desk), publish(desk, channel="confirm")
    apply, unconfirmed = publish(desk, channel="apply"), publish(desk, payable=False)
    near = Found(uscc(9), Decimal("5.00"), status="near", unmet=2)
    run_id = run(desk, {item: [*firms("10.00"), near] for item in (auto, confirm, apply, unconfirmed)})
    assert make_lists(run_id).made == [f"{auto.item_id}/2026/1", f"{confirm.item_id}/2026/1"]
    again = make_lists(run_id)
    assert (again.made, again.replaced) == ([], [])
    assert set(again.kept) >= {f"{auto.item_id}/2026/1", f"{confirm.item_id}/2026/1"}


def test_dbt_reads_lists_but_nothing_of_people(desk: Settings) -> None:
    import pytest

    with connect(desk, DatabaseRole.TRANSFORMER, autocommit=True) as transformer:
        assert transformer.execute("SELECT count(*) FROM ops.grant_line").fetchone() != (0,)
        transformer.execute("SELECT list_id, step, decision, at FROM ops.grant_decision")
        for column in ("person_id", "reason"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                transformer.execute(f"SELECT {column} FROM ops.grant_decision")
        for column in ("text", "contact", "sender"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                transformer.execute(f"SELECT {column} FROM ops.grant_objection")
