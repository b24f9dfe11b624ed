"""A group that is topped up: matched, decided, paid, booked, and matched again for the difference."""

from decimal import Decimal
from typing import Any

import pytest

from bureau import ACTIVE, DAY, REVIEW, Bureau, code, firm, item, version
from citybrain.settings import DatabaseRole, Settings
from citybrain.warehouse.connection import connect
from conftest import People

pytestmark = pytest.mark.integration

HEAD = "统一社会信用代码,金额（元）,结果,流水号,日期,原因\n"
GROUP = {"group": "TOPPED", "rule": "top_up"}
AT_ONCE = {"review": {**REVIEW, "notice_days": 0, "confirm_by_enterprise": False}, "exclusion": GROUP}
STAFF = {"id": "staff", "fact": "staff", "op": ">=", "value": 10}


def written(bureau: Bureau) -> None:
    """Sixty for everybody; a tenth of the revenue for who has staff."""
    flat = version(amount={"kind": "flat", "value": 60}, **AT_ONCE)
    rate = version(require={"all": [ACTIVE, STAFF]}, **AT_ONCE)
    bureau.writes(item("TOP-FLAT", flat, channel="auto"), item("TOP-RATE", rate, channel="auto"))


def paid_and_booked(desk: Settings, people: People, item_id: str) -> dict[str, Decimal]:
    """The item's newest list decided, paid, and the bank's return taken in. Returns what each one got."""
    from acting import act, approve, countersign, lines_of, list_of, pay

    from citybrain.policy.grants.receipts import import_receipts, reconcile

    grant_list = list_of(item_id)
    approve(grant_list, people.officer)
    countersign(grant_list, people.checker)
    file = pay(desk, grant_list, people.treasury).file
    assert file is not None
    got = {uscc: line.amount for uscc, line in lines_of(grant_list).items() if line.state == "paid"}
    rows = "".join(
        f"{uscc},{amount},成功,{grant_list.code}-{uscc},2026-06-30,\n" for uscc, amount in got.items()
    )
    act(people.treasury, import_receipts, desk, file.pk, (HEAD + rows).encode("gb18030"), people.treasury)
    assert act(people.treasury, reconcile, file.pk).settled
    return got


def test_only_the_difference_is_paid(desk: Settings, people: People, bureau: Bureau) -> None:
    from acting import list_of

    from citybrain.policy.grants.making import make_lists

    written(bureau)
    bureau.knows([firm(1000, staff=3), firm(500, staff=3)])
    bureau.matches(DAY)
    assert make_lists().made == ["TOP-FLAT/2026/1"]
    assert paid_and_booked(desk, people, "TOP-FLAT") == {code(0): Decimal(60), code(1): Decimal(60)}

    # Both take on staff: a tenth of a thousand is forty more than sixty, a tenth of five hundred is less.
    bureau.knows([firm(1000, staff=12), firm(500, staff=12)])
    bureau.matches(DAY)
    lines = bureau.lines()
    assert lines["TOP-RATE", 0][:2] == ("pay", Decimal("40.00"))
    assert lines["TOP-RATE", 1] == (
        "excluded",
        Decimal("50.00"),
        "就高补差：本年度同组已享受 60.00 元，没有差额",
    )
    assert {lines["TOP-FLAT", number][0] for number in (0, 1)} == {"excluded"}
    assert make_lists().made == ["TOP-RATE/2026/1"]
    assert list_of("TOP-RATE").total == Decimal(40)
    assert paid_and_booked(desk, people, "TOP-RATE") == {code(0): Decimal(40)}

    # Forty and sixty are the hundred; nothing is left to pay, and a full run says the same.
    for full in (False, True):
        bureau.matches(DAY, full=full)
        assert {line[0] for line in bureau.lines().values()} == {"excluded"}
        assert make_lists().made == []
    assert awarded(desk) == [(code(0), Decimal(100)), (code(1), Decimal(60))]


def awarded(desk: Settings) -> list[Any]:
    with connect(desk, DatabaseRole.DESK) as connection:
        return connection.execute(
            "SELECT uscc, sum(amount) FROM policy.award WHERE exclusion_group = 'TOPPED' GROUP BY 1"
            " ORDER BY 1"
        ).fetchall()
