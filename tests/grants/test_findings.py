"""Findings on a list: one account for many firms, one business cut into several."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import psycopg
import pytest
from match_runs import firms, publish, run, uscc

from citybrain.settings import DatabaseRole, Settings
from conftest import People
from standing_in import standing_in

HEAD = "统一社会信用代码,金额（元）,结果,流水号,日期,原因,收款账号\n"


@pytest.fixture
def register(desk: Settings) -> Iterator[psycopg.Connection[Any]]:
    """Where enterprises are and when they were founded, as the warehouse has it."""
    columns = "(uscc text, premises_hash text, industry_code text, established_on date)"
    with standing_in(desk, {"mart_enterprise_facts": columns}, [DatabaseRole.MATCHER]) as dbt:
        yield dbt


def draft(desk: Settings, *amounts: str) -> Any:
    from acting import list_of

    from citybrain.policy.grants.making import make_lists

    item = publish(desk, notice_days=0)
    run(desk, {item: firms(*amounts)})
    make_lists()
    return list_of(item.item_id)


def found(desk: Settings, people: People, grant_list: Any) -> list[tuple[str, tuple[str, ...]]]:
    from acting import act

    from citybrain.policy.grants.findings import findings

    return [(one.kind, one.codes) for one in act(people.officer, findings, desk, grant_list)]


def test_firms_at_one_address_founded_one_after_another(
    desk: Settings, people: People, register: psycopg.Connection[Any]
) -> None:
    rows = [
        (1, "door", "C2730", date(2024, 1, 1)),
        (2, "door", "C2730", date(2024, 12, 31)),  # within a year of the one before …
        (3, "door", "C2730", date(2025, 11, 30)),  # … and this one of that
        (4, "door", "C2730", date(2027, 1, 1)),  # more than a year later
        (5, "door", "F5152", date(2024, 1, 1)),  # another trade
        (6, "next door", "C2730", date(2024, 1, 1)),
        (7, None, "C2730", date(2024, 1, 1)),  # nobody knows where
        (8, None, "C2730", date(2024, 1, 1)),
        (99, "door", "C2730", date(2024, 1, 2)),  # not in the list
    ]
    for number, *values in rows:
        register.execute(
            "INSERT INTO marts.mart_enterprise_facts VALUES (%s, %s, %s, %s)", (uscc(number), *values)
        )
    grant_list = draft(desk, *["10.00"] * 8)
    assert found(desk, people, grant_list) == [("split", (uscc(1), uscc(2), uscc(3)))]


def test_one_account_for_several_firms(desk: Settings, people: People) -> None:
    from acting import act, approve, countersign, pay

    from citybrain.policy.grants.receipts import import_receipts

    grant_list = draft(desk, "10.00", "20.00", "30.00", "40.00")
    assert found(desk, people, grant_list) == [], "without a warehouse, and nothing booked"
    approve(grant_list, people.officer)
    countersign(grant_list, people.checker)
    file = pay(desk, grant_list, people.treasury).file
    assert file is not None
    rows = [
        (1, "10.00", "6222-0001"),
        (2, "20.00", "6222 0001"),  # the same, written otherwise
        (3, "30.00", "62220002"),
        (4, "40.00", ""),
    ]
    text = HEAD + "".join(
        f"{uscc(number)},{amount},成功,F{file.pk}-{number},2026-12-01,,{account}\n"
        for number, amount, account in rows
    )
    act(people.treasury, import_receipts, desk, file.pk, text.encode(), people.treasury)
    assert found(desk, people, grant_list) == [("account", (uscc(1), uscc(2)))]
    later = draft(desk, "11.00")  # the first of them again, in another list
    assert found(desk, people, later) == [("account", (uscc(1), uscc(2)))]
    with psycopg.connect(desk.admin_url, dbname="city") as admin:
        kept = admin.execute(
            "SELECT account_hash FROM ops.payment_receipt WHERE payment_file_id = %s", (file.pk,)
        )
        hashes = [row[0] for row in kept.fetchall()]
    assert len(set(hashes)) == 3 and "62220001" not in "".join(hashes)
