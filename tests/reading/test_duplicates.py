"""Groups of tickets: what joins, what stays apart, and that the order of arrival does not matter."""

from datetime import UTC, datetime, timedelta

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from citybrain.reading.duplicates import WITHIN, Call, closed_spans, groups

BEGIN = datetime(2026, 3, 1, tzinfo=UTC)


def call(number: int, hours: float, matter: int = 0, village: str | None = "v", place: str = "") -> Call:
    chances = np.full(4, 0.01)
    chances[matter] = 0.97
    return Call(
        f"T{number:03}", BEGIN + timedelta(hours=hours), village, place, f"class{matter // 2}", chances
    )


def test_the_same_matter_within_three_days_is_one_group() -> None:
    found = groups([call(1, 0), call(2, 20), call(3, 70), call(4, 150)])
    assert found == {"T001": "T001", "T002": "T001", "T003": "T001", "T004": "T004"}


def test_a_chain_of_calls_holds_a_group_open() -> None:
    assert set(groups([call(n, 60.0 * n) for n in range(1, 6)]).values()) == {"T001"}


def test_other_matter_other_village_other_compound_stay_apart() -> None:
    tickets = [
        call(1, 0, place="合欢苑"),
        call(2, 1, matter=1, place="合欢苑"),
        call(3, 2, village="w", place="合欢苑"),
        call(4, 3, place="银杏里"),
        call(5, 4),
    ]
    found = groups(tickets)
    assert found["T002"] == "T002"
    assert found["T003"] == "T003"
    assert found["T004"] == "T004"
    assert found["T005"] in ("T001", "T004")  # names no compound: it may be either


def test_nobody_knows_where_so_nobody_joins() -> None:
    assert groups([call(1, 0, village=None), call(2, 1, village=None)]) == {"T001": "T001", "T002": "T002"}


calls = st.lists(
    st.builds(
        call,
        st.integers(0, 999),
        st.floats(0, 400),
        st.integers(0, 3),
        st.sampled_from(["v", "w", None]),
        st.sampled_from(["", "a", "b"]),
    ),
    max_size=30,
    unique_by=lambda one: one.ticket_no,
)


@given(calls, st.randoms())
def test_groups_do_not_depend_on_the_order(tickets: list[Call], shuffle: object) -> None:
    mixed = list(tickets)
    shuffle.shuffle(mixed)  # type: ignore[attr-defined]
    assert groups(mixed) == groups(tickets)


@given(calls)
def test_no_group_reaches_beyond_a_closed_span(tickets: list[Call]) -> None:
    """What lets a late ticket be grouped with its neighbours alone."""
    found = groups(tickets)
    of = {one.ticket_no: one for one in tickets}
    for village in ("v", "w"):
        within = [one for one in tickets if one.village == village]
        for first, last in closed_spans([one.received_at for one in within]):
            span = [one for one in within if first <= one.received_at <= last]
            assert {found[one.ticket_no] for one in span} <= {one.ticket_no for one in span}
            assert groups(span) == {one.ticket_no: found[one.ticket_no] for one in span}
    for number, first in found.items():
        assert of[first].received_at <= of[number].received_at


def test_spans_end_where_nobody_calls() -> None:
    moments = [BEGIN, BEGIN + WITHIN, BEGIN + 3 * WITHIN]
    assert closed_spans(moments) == [(BEGIN, BEGIN + WITHIN), (BEGIN + 3 * WITHIN, BEGIN + 3 * WITHIN)]
