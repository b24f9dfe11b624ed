"""Money to the cent: lines, list, file and ledger say the same sum, whatever the amounts are."""

import json
from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from match_runs import Found, publish, run, uscc

from citybrain.settings import DatabaseRole, Settings
from citybrain.warehouse.connection import connect
from conftest import People

# From a cent to what numeric(18,2) holds in a sum of a few lines.
CENTS = st.integers(1, 10**15)
NAMES = st.text(
    st.characters(codec="utf-8", exclude_characters="\x00", exclude_categories=["Cs"]), max_size=40
)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_lines_list_file_and_ledger_agree_to_the_cent(desk: Settings, people: People, data: Any) -> None:
    from acting import act, approve, countersign, lines_of, list_of, list_of_pk, pay

    from citybrain.policy.grants import review
    from citybrain.policy.grants.making import make_lists
    from citybrain.policy.grants.payment import read_payment_file

    amounts = [Decimal(cents) / 100 for cents in data.draw(st.lists(CENTS, min_size=1, max_size=6))]
    names = data.draw(st.lists(NAMES, min_size=len(amounts), max_size=len(amounts)))
    item = publish(desk, notice_days=0)
    lines = [
        Found(uscc(n), amount, name=name) for n, (amount, name) in enumerate(zip(amounts, names, strict=True))
    ]
    run(desk, {item: lines})
    make_lists()
    grant_list = list_of(item.item_id)
    assert grant_list.total == sum(amounts)

    left = list(amounts)
    for n in sorted(
        data.draw(st.sets(st.integers(0, len(amounts) - 1), max_size=len(amounts) - 1)), reverse=True
    ):
        line = lines_of(grant_list)[uscc(n)]
        version = list_of_pk(grant_list).version
        act(people.officer, review.exclude, line.pk, people.officer, version, "不再独立经营")
        del left[n]
    assert list_of_pk(grant_list).total == sum(left)
    approve(grant_list, people.officer)
    countersign(grant_list, people.checker)
    file = pay(desk, grant_list, people.treasury).file
    assert file is not None
    assert (file.rows, file.total) == (len(left), sum(left))

    import csv
    from io import StringIO

    rows = list(csv.DictReader(StringIO(read_payment_file(desk, file).decode("gb18030"), newline="")))
    assert [Decimal(row["金额（元）"]) for row in rows] == left
    assert not [
        row for row in rows for cell in row.values() if cell.lstrip().startswith(("=", "+", "-", "@"))
    ]
    with connect(desk, DatabaseRole.DESK) as connection:
        (payload,) = connection.execute(
            "SELECT payload FROM ledger.entry WHERE subject = %s ORDER BY entry_id DESC LIMIT 1",
            (f"grant_list:{grant_list.pk}",),
        ).fetchone() or ("{}",)
        (awarded,) = connection.execute(
            "SELECT sum(amount) FROM policy.award WHERE item_id = %s", (item.item_id,)
        ).fetchone() or (None,)
    payload = json.loads(payload) if isinstance(payload, str) else payload
    assert Decimal(payload["paid"]) == Decimal(payload["total"]) == awarded == sum(left)


def test_the_same_lines_give_the_same_bytes_whatever_their_order() -> None:
    from citybrain.policy.grants.models import GrantLine, GrantList
    from citybrain.policy.grants.payment_rows import FileRow, file_bytes
    from citybrain.policy.parts import parts_of

    grant_list = GrantList(item_id="A", title="稳岗", period_year=2026, number=1)
    lines = [
        GrantLine(
            uscc=uscc(n), enterprise_name=f"=HYPERLINK({n})", amount=Decimal("1.50"), county_code="341602"
        )
        for n in range(5)
    ]
    shares = {"city": Decimal("0.5"), "county": Decimal("0.5")}
    rows = [FileRow(line, part) for line in lines for part in parts_of(line.amount, [], shares)]
    once = file_bytes(grant_list, 1, rows)
    assert once == file_bytes(grant_list, 1, rows[::-1])
    assert once != file_bytes(grant_list, 2, rows)
    assert once.decode("gb18030").splitlines()[1].endswith(",一次拨付,市级")
    assert "'=HYPERLINK(0)" in once.decode("gb18030")


def test_who_reviews_a_list() -> None:
    from citybrain.policy.grants.making import reviewers_needed

    escalate = [{"if_amount_over": {"number": "500000"}, "level": 3}, {"if_amount_over": 1000000, "level": 4}]
    assert reviewers_needed({"level": 1}, Decimal(1)) == 2, "four eyes are the least"
    assert reviewers_needed({"level": 2, "escalate": escalate}, Decimal("500000")) == 2
    assert reviewers_needed({"level": 2, "escalate": escalate}, Decimal("500000.01")) == 3
    assert reviewers_needed({"level": 2, "escalate": escalate}, Decimal("2000000")) == 4
