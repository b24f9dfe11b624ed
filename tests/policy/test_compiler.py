"""The compiled SQL and the Python evaluator agree on every enterprise; a missing fact never pays."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rules_and_rows import (
    DAY,
    FACTS,
    LOADED,
    POOLS,
    Enterprise,
    enterprises,
    fill,
    found,
    leaf,
    only,
    rule_of,
    rules,
)

from citybrain.policy.compiler import compile_rule
from citybrain.policy.evaluation import evaluate, met
from citybrain.policy.publishing import criterion_rows, definition_of, stored_rule
from citybrain.policy.rule import Rule

pytestmark = pytest.mark.integration

Trial = psycopg.Connection[Any]
relaxed = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
SOUND: Enterprise = {
    "people": 30, "share": Decimal("0.05"), "sales": Decimal(1000), "costs": Decimal(10),
    "since": date(2020, 1, 1), "good": True, "size": "small", "place": "341602",
}  # fmt: skip


def ids(rule: Rule, mask: int) -> tuple[str, ...]:
    return tuple(row[1] for row in criterion_rows(rule) if mask >> row[0] & 1)


@settings(relaxed, max_examples=80)
@given(rules(), st.lists(enterprises, min_size=1, max_size=25))
def test_postgresql_and_python_find_the_same(trial: Trial, rule: Rule, rows: list[Enterprise]) -> None:
    fill(trial, rows)
    answers = found(trial, rule)
    for number, row in enumerate(rows):
        expected = evaluate(rule, row, DAY)
        answer = answers.get(f"E{number:04d}")
        if expected.status == "ineligible":
            assert answer is None
            continue
        assert answer is not None
        assert answer["status"] == expected.status
        assert ids(rule, answer["unmet_mask"]) == expected.unmet
        assert ids(rule, answer["unknown_mask"]) == expected.unknown
        assert answer["distance"] == expected.distance
        assert answer["amount"] == expected.amount
        assert (answer["facts"] is not None) == (expected.status == "eligible")


@settings(relaxed, max_examples=60)
@given(rules(), enterprises, st.data())
def test_missing_never_pays(trial: Trial, rule: Rule, row: Enterprise, data: st.DataObject) -> None:
    """Every fact is taken away in turn, and random sets of them. Whoever is still eligible would be so, for
    the same money, whatever the missing facts turn out to be."""
    spoilt = [{**row, name: None} for name in FACTS]
    for taken in data.draw(st.lists(st.sets(st.sampled_from(sorted(FACTS))), max_size=6)):
        spoilt.append({**row, **dict.fromkeys(taken)})
    fill(trial, spoilt)
    answers = found(trial, rule)
    for number, holes in enumerate(spoilt):
        answer = answers.get(f"E{number:04d}")
        if answer is None or answer["status"] != "eligible":
            continue
        assert answer["amount"] > 0
        assert all(holes[name] is not None for name in rule.amount_names)
        for name in (name for name, value in holes.items() if value is None):
            for value in POOLS[name]:
                completed = evaluate(rule, {**holes, name: value}, DAY)
                assert (completed.status, completed.amount) == ("eligible", answer["amount"]), (name, value)


def test_no_row_with_a_missing_fact_it_needs_is_eligible(trial: Trial) -> None:
    require = {"all": [
        {"id": name, "fact": name, "op": op, "value": value}
        for name, op, value in (
            ("people", ">=", 1), ("share", "<=", Decimal("0.055")), ("sales", ">", 0), ("costs", ">", 0),
            ("since", "<=", date(2025, 1, 1)), ("good", "is", True), ("size", "in", ["small"]),
            ("place", "under", ["3416"]),
        )
    ]}  # fmt: skip
    rule = rule_of(require, {"kind": "rate_of", "of": "sales", "rate": Decimal("0.1")})
    fill(trial, [SOUND, *({**SOUND, name: None} for name in FACTS)])
    answers = found(trial, rule)
    assert answers.pop("E0000")["status"] == "eligible"
    assert len(answers) == len(FACTS)
    assert {answer["status"] for answer in answers.values()} == {"needs_data"}
    assert all(answer["facts"] is None for answer in answers.values())


@pytest.mark.parametrize(
    ("fact", "op", "value", "met_by", "not_by"),
    [
        ("people", ">=", 30, [30, 31], [29]),
        ("people", ">", 30, [31], [30, 29]),
        ("people", "<=", 30, [29, 30], [31]),
        ("people", "<", 30, [29], [30, 31]),
        ("people", "==", 30, [30], [29, 31]),
        ("people", "!=", 30, [29, 31], [30]),
        ("people", "between", [30, 31], [30, 31], [29, 2_000_000_000]),
        ("people", "in", [1, 30], [1, 30], [0, 31]),
        ("people", "not_in", [1, 30], [0, 31], [1, 30]),
        ("share", "<=", Decimal("0.055"), [Decimal("0.055"), Decimal("0.054999")], [Decimal("0.055001")]),
        ("share", ">", Decimal("0.055"), [Decimal("0.055001")], [Decimal("0.055")]),
        ("sales", ">=", 500_000, [Decimal(500_000)], [Decimal("499999.99")]),
        ("sales", "between", [1, 500_000], [Decimal(1), Decimal(500_000)], [Decimal("500000.01")]),
        ("since", "<=", date(2025, 1, 1), [date(2024, 12, 31), date(2025, 1, 1)], [date(2025, 1, 2)]),
        ("since", "between", [date(2025, 1, 1), date(2025, 1, 2)], [date(2025, 1, 2)], [date(2024, 12, 31)]),
        ("good", "is", True, [True], [False]),
        ("good", "is", False, [False], [True]),
        ("size", "==", "small", ["small"], ["large"]),
        ("size", "!=", "small", ["large"], ["small"]),
        ("size", "not_in", ["small", "micro"], ["large"], ["small", "micro"]),
        ("place", "under", ["3416"], ["341602", "3416%"], ["341226", "C3416"]),
        ("place", "under", ["C27", "341622"], ["C2730", "341622"], ["341602"]),
        ("place", "==", "x'; DROP TABLE t; --", ["x'; DROP TABLE t; --"], ["x"]),
    ],
)
def test_each_operator_at_under_and_over_its_value(
    trial: Trial, fact: str, op: str, value: Any, met_by: list[Any], not_by: list[Any]
) -> None:
    rule = rule_of(leaf(fact, op, value))
    fill(trial, [{fact: each} for each in (*met_by, *not_by, None)])
    answers = found(trial, rule)
    statuses = [answers[code]["status"] for code in sorted(answers)]
    assert statuses == ["eligible"] * len(met_by) + ["near"] * len(not_by) + ["needs_data"]
    assert [met(only(rule), each, DAY) for each in (*met_by, *not_by, None)] == (
        [True] * len(met_by) + [False] * len(not_by) + [None]
    )


def test_at_least_counts_and_a_gate_is_no_near_miss(trial: Trial) -> None:
    people, size, place = (
        {"id": "people", "fact": "people", "op": ">=", "value": 30},
        {"id": "size", "fact": "size", "op": "==", "value": "small"},
        {"id": "place", "fact": "place", "op": "under", "value": ["3416"], "gate": True},
    )
    rule = rule_of({"at_least": 2, "of": [people, size, place]})
    fill(trial, [
        {"people": 30, "size": "small", "place": "3411"},
        {"people": 30, "size": "large", "place": "3411"},
        {"people": 1, "size": "large", "place": "341602"},
        {"people": 1, "size": "large", "place": "3411"},
        {"people": 30, "size": None, "place": "3411"},
    ])  # fmt: skip
    answers = found(trial, rule)
    assert {code: answer["status"] for code, answer in answers.items()} == {
        "E0000": "eligible",
        "E0001": "near",  # one more of two would do, and the size can change
        "E0002": "near",
        "E0004": "needs_data",
    }


def test_a_stale_fact_is_a_missing_fact(trial: Trial) -> None:
    rule = rule_of(leaf("good", "is", True))
    midnight = datetime(2026, 5, 1, 16, 0, tzinfo=UTC)  # 30 days before the day begins in Shanghai
    for loaded, status in ((midnight, "eligible"), (midnight - timedelta(seconds=1), "needs_data")):
        fill(trial, [{"good": True}], loaded=loaded)
        assert found(trial, rule)["E0000"]["status"] == status


@pytest.mark.parametrize(
    ("rounding", "expected"),
    [
        ({}, "10.01"),  # 33.35 x 0.3 = 10.005
        ({"mode": "down"}, "10.00"),
        ({"mode": "up"}, "10.01"),
        ({"to": 0.1}, "10.00"),
        ({"to": 1, "mode": "up"}, "11.00"),
        ({"to": 10}, "10.00"),
        ({"to": 100, "mode": "up"}, "100.00"),
    ],
)
def test_cents_are_rounded_as_the_item_says(trial: Trial, rounding: dict[str, Any], expected: str) -> None:
    amount = {"kind": "rate_of", "of": "sales", "rate": Decimal("0.3"), "round": rounding}
    rule = rule_of(leaf("good", "is", True), amount)
    fill(trial, [{"good": True, "sales": Decimal("33.35")}])
    answer = found(trial, rule)["E0000"]
    assert answer["amount"] == Decimal(expected)
    assert str(answer["amount"]) == expected


def test_an_absurd_amount_is_no_amount_and_no_error(trial: Trial) -> None:
    rule = rule_of(leaf("good", "is", True), {"kind": "formula", "expr": "people * sales * sales"})
    fill(trial, [{"good": True, "people": 2_000_000_000, "sales": Decimal("9e12")}])
    assert found(trial, rule)["E0000"]["status"] == "needs_data"


def test_only_the_closest_and_largest_near_ones_are_kept(trial: Trial) -> None:
    rule = rule_of(
        leaf("good", "is", True),
        {"kind": "per_unit", "of": "people", "value": Decimal(1)},
        near={"within": 1, "keep": 3},
    )
    fill(trial, [{"good": False, "people": number} for number in range(1, 8)])
    from psycopg import sql

    rows = trial.execute(sql.SQL(compile_rule(rule, DAY).sql)).fetchall()
    assert {row[0] for row in rows} == {"E0006", "E0005", "E0004"}


@settings(max_examples=15, deadline=None)
@given(rules())
def test_a_published_rule_is_read_back_as_it_was(rule: Rule) -> None:
    """Through JSON, as the database keeps it, to the same SQL."""
    import json
    from types import SimpleNamespace

    item = SimpleNamespace(id="X", title="题", channel="confirm")
    definition = definition_of(SimpleNamespace(item=item), rule)  # type: ignore[arg-type]
    read_back = stored_rule(json.loads(json.dumps(definition)))
    assert compile_rule(read_back, DAY).sql == compile_rule(rule, DAY).sql


def test_the_same_rule_gives_the_same_text() -> None:
    rule = rule_of(leaf("place", "in", ["a", "b"]))
    assert compile_rule(rule, DAY) == compile_rule(rule, DAY)
    assert compile_rule(rule, DAY).sha256 != compile_rule(rule, DAY + timedelta(days=1)).sha256
    assert LOADED.tzinfo is UTC
