"""The quick way (distinct criteria asked once, answers combined) finds what one statement an item finds, and
what Python works out; a run that matches only what changed leaves the rows a full one would."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import sql
from rules_and_rows import FACTS, Enterprise, enterprises, fill, found, rules

from bureau import ACTIVE, DAY, SALES, Bureau, code, firm, item, later, version
from citybrain.policy.anomalies import bunchings
from citybrain.policy.answers import ask
from citybrain.policy.bounds import Facts, facts_valued, numbers_of
from citybrain.policy.edges import edges
from citybrain.policy.evaluation import evaluate
from citybrain.policy.facts_table import NOW, make_facts_now
from citybrain.policy.gaps import data_gaps
from citybrain.policy.impact import draft_rule, impact
from citybrain.policy.library import load_policies
from citybrain.policy.mutation import score
from citybrain.policy.passes import PlannedItem
from citybrain.policy.plan import Plan, plan_of
from citybrain.policy.replay import replay
from citybrain.policy.rule import Rule
from citybrain.policy.run_report import MatchReport
from citybrain.policy.some_firms import match_some
from citybrain.policy.verdicts import combine
from citybrain.policy.writing import NEW_ROWS, bounded, make_new_rows, takes_vectors, write_rows
from citybrain.settings import SOURCE_TREE, Settings

pytestmark = pytest.mark.integration

Trial = psycopg.Connection[Any]
relaxed = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
SHOWN = ("uscc", "status", "unmet_mask", "unknown_mask", "distance", "amount", "facts")


def together(trial: Trial, chosen: list[Rule]) -> dict[int, dict[str, dict[str, Any]]]:
    """The rows of several rules, matched as those of changed enterprises are: by place, then by code."""
    items = [
        PlannedItem(place, f"ITEM-{place}", "", "", rule.payable, "", Plan.from_json(plan_of(rule).as_json()))
        for place, rule in enumerate(chosen)
    ]
    takes_vectors(trial)
    with trial.transaction(force_rollback=True):
        count = make_facts_now(trial, FACTS, DAY)
        make_new_rows(trial)
        match_some(trial, NOW, count, items, (), NEW_ROWS, 1, lambda: None)
        query = sql.SQL("SELECT item_version_id, {} FROM {}").format(
            sql.SQL(", ").join(map(sql.Identifier, SHOWN)), sql.Identifier(NEW_ROWS)
        )
        rows = trial.execute(query).fetchall()
    found: dict[int, dict[str, dict[str, Any]]] = {place: {} for place in range(len(chosen))}
    for place, *row in rows:
        found[place][row[0]] = dict(zip(SHOWN, row, strict=True))
    return found


def by_pass(trial: Trial, rule: Rule, day: date, bound: bool) -> dict[str, dict[str, Any]]:
    """The rows of a rule for the enterprises of the trial's facts table, by code."""
    plan = Plan.from_json(plan_of(rule).as_json())
    takes_vectors(trial)
    with trial.transaction(force_rollback=True):
        count = make_facts_now(trial, FACTS, day)
        answers = ask(trial, NOW, plan.criteria, plan.asks, count)
        candidates = combine(plan, range(len(plan.criteria)), answers)
        if bound:
            asked = facts_valued([plan.worth] if plan.worth else [])
            facts = Facts(numbers_of(trial, NOW, asked, (0, count)), asked)
            candidates = bounded(trial, NOW, plan, candidates, facts)
        make_new_rows(trial)
        write_rows(trial, NOW, NEW_ROWS, plan, candidates, 1, 1)
        query = sql.SQL("SELECT {} FROM {}").format(
            sql.SQL(", ").join(map(sql.Identifier, SHOWN)), sql.Identifier(NEW_ROWS)
        )
        rows = trial.execute(query).fetchall()
    return {row[0]: dict(zip(SHOWN, row, strict=True)) for row in rows}


@settings(relaxed, max_examples=60)
@given(rules(), st.lists(enterprises, min_size=1, max_size=25))
def test_the_quick_way_finds_what_one_statement_finds(
    trial: Trial, rule: Rule, rows: list[Enterprise]
) -> None:
    fill(trial, rows)
    one_by_one = found(trial, rule)
    assert by_pass(trial, rule, DAY, bound=False) == {
        uscc: {name: row[name] for name in SHOWN} for uscc, row in one_by_one.items()
    }


@settings(relaxed, max_examples=25)
@given(st.lists(rules(), min_size=1, max_size=4), st.lists(enterprises, min_size=1, max_size=25))
def test_rules_matched_together_find_what_each_one_finds(
    trial: Trial, chosen: list[Rule], rows: list[Enterprise]
) -> None:
    fill(trial, rows)
    one_by_one = [found(trial, rule) for rule in chosen]
    assert together(trial, chosen) == {
        place: {uscc: {name: row[name] for name in SHOWN} for uscc, row in each.items()}
        for place, each in enumerate(one_by_one)
    }


@settings(relaxed, max_examples=25)
@given(rules(), st.lists(enterprises, min_size=1, max_size=25), st.integers(0, 3))
def test_near_lists_are_cut_alike(trial: Trial, rule: Rule, rows: list[Enterprise], keep: int) -> None:
    from dataclasses import replace

    from citybrain.policy.compiler import compile_rule
    from citybrain.policy.item_file import Near

    near = Near(within=rule.version.near.within, keep=keep)
    rule = replace(rule, version=rule.version.model_copy(update={"near": near}))
    fill(trial, rows)
    kept = {row[0] for row in trial.execute(sql.SQL(compile_rule(rule, DAY).sql)).fetchall()}
    assert set(by_pass(trial, rule, DAY, bound=True)) == kept


# Edges of the project's own rules


POLICIES = load_policies(Settings(project=SOURCE_TREE))
RULES = [(policy.item.id, number, rule) for policy in POLICIES for number, rule in enumerate(policy.rules)]
A_FEW = RULES[:: max(1, len(RULES) // 25)]


@pytest.mark.parametrize(("item_id", "number", "rule"), A_FEW, ids=lambda part: str(part)[:24])
def test_edges_of_a_rule_come_out_alike(settings: Settings, item_id: str, number: int, rule: Rule) -> None:
    check_edges(settings, [rule])


@pytest.mark.slow
def test_edges_of_every_rule_come_out_alike(settings: Settings) -> None:
    check_edges(settings, [rule for _, _, rule in RULES])


def check_edges(settings: Settings, chosen: list[Rule]) -> None:
    """PostgreSQL and Python agree on every made-up enterprise, and no missing fact pays."""
    from datetime import UTC, datetime, time

    from rules_and_rows import create_facts_table

    from citybrain.policy.facts import load_facts
    from citybrain.settings import DatabaseRole

    facts = load_facts(settings)
    with psycopg.connect(settings.dsn(DatabaseRole.MATCHER), autocommit=True) as connection:
        connection.execute("SET search_path = pg_temp, pg_catalog")
        create_facts_table(connection, facts)
        for rule in chosen:
            by_day: dict[date, list[Any]] = {}
            for edge in edges(rule):
                by_day.setdefault(edge.day, []).append(edge)
            for day, cases in by_day.items():
                fill(
                    connection,
                    [dict(case.facts) for case in cases],
                    facts,
                    datetime.combine(day, time(), UTC),
                )
                rows = found(connection, rule, day)
                for place, case in enumerate(cases):
                    expected = evaluate(rule, case.facts, day)
                    row = rows.get(f"E{place:04d}")
                    assert (row["status"] if row else "ineligible") == expected.status, case.about
                    if row is not None:
                        assert row["amount"] == expected.amount, case.about
                    if expected.status == "eligible":
                        assert all(case.facts.get(name) is not None for name in rule.amount_names)


def test_almost_every_change_to_a_rule_is_noticed(capsys: pytest.CaptureFixture[str]) -> None:
    scores = [(item_id, score(rule)) for item_id, _, rule in A_FEW]
    made, killed = sum(one.made for _, one in scores), sum(one.killed for _, one in scores)
    survivors = [(item_id, one.survivors) for item_id, one in scores if one.survivors]
    with capsys.disabled():
        print(f"\n{killed} of {made} mutants of {len(A_FEW)} rules killed: {killed / made:.1%}")  # noqa: T201
    assert killed / made >= 0.95, survivors


# Runs that match what changed


def state(bureau: Bureau) -> list[Any]:
    return [
        bureau.rows(
            "SELECT item_version_id, uscc, status, unmet_mask, unknown_mask, distance, amount, facts"
            " FROM policy.match_row WHERE until_run IS NULL ORDER BY 1, 2"
        ),
        bureau.rows(
            "SELECT item_version_id, uscc, outcome, amount, reason, excluded_by"
            " FROM policy.proposal_row WHERE until_run IS NULL ORDER BY 1, 2"
        ),
    ]


def told(report: MatchReport) -> tuple[Any, ...]:
    each = [(item.item_id, item.eligible, item.needs_data, item.near) for item in report.items]
    return each, report.firms_found, report.yuan_proposed


ASKED = {"id": "sold", "fact": "revenue", "op": ">=", "value": 1000}
OLD = {"id": "old", "fact": "established_on", "op": "at_least_ago", "value": "P1Y"}
ONE = {"group": "ONE", "rule": "highest_wins"}
TRIAL_ITEMS = [
    item("SALES", version(require={"all": [ACTIVE, ASKED]}, exclusion=ONE)),
    item("FLAT", version(amount={"kind": "flat", "value": 70}, exclusion=ONE,
                         caps={"budget": {"id": "FUND", "amount": 500}})),
    item("OLD", version(require={"all": [ACTIVE, OLD]}, caps={"budget": {"id": "FUND", "amount": 500}})),
    item("SOME", version(require={"at_least": 1, "of": [ASKED, OLD]},
                         amount={"kind": "per_unit", "of": "staff", "value": 3})),
]  # fmt: skip
firms = st.builds(
    firm,
    st.sampled_from([None, 0, 999, 1000, 5000, Decimal("1000.01")]),
    is_active=st.sampled_from([True, True, True, False, None]),
    established_on=st.sampled_from(
        [None, date(2020, 1, 1), date(2025, 6, 1), date(2025, 6, 2), date(2025, 6, 3)]
    ),
    staff=st.sampled_from([None, 0, 3, 9]),
)


@settings(relaxed, max_examples=8)
@given(st.lists(firms, min_size=24, max_size=24), st.lists(firms, min_size=1, max_size=3), st.integers(0, 3))
def test_an_incremental_run_leaves_the_rows_a_full_one_would(
    bureau: Bureau, before: list[Any], changed: list[Any], days: int
) -> None:
    bureau.writes(*TRIAL_ITEMS)
    bureau.knows(before)
    bureau.matches()
    bureau.knows([*changed, *before[len(changed) : -1]])  # and one is gone
    report = bureau.matches(later(days))
    left = state(bureau)
    proof = bureau.matches(later(days), full=True)
    assert (proof.kind, proof.rows_closed, proof.rows_added) == ("full", 0, 0)
    assert state(bureau) == left
    assert told(report) == told(proof)  # totals by difference are those that a full run counts
    assert report.kind in ("incremental", "full")
    assert replay(bureau.settings, report.run_id or 0).equal


def test_what_changed_is_matched_and_nothing_else(bureau: Bureau) -> None:
    bureau.writes(*TRIAL_ITEMS)
    known = [firm(1000 + number, established_on=date(2020, 1, 1), staff=2) for number in range(30)]
    bureau.knows(known)
    first = bureau.matches()
    bureau.knows([*known[:5], firm(1, established_on=date(2020, 1, 1), staff=2), *known[6:]])
    second = bureau.matches()
    assert (second.kind, second.changed_enterprises, second.changed_items) == ("incremental", 1, 0)
    assert (
        second.rows_added == second.rows_closed == 3
    )  # eligible for OLD, no longer for SALES; SOME knows less
    rows = bureau.rows("SELECT DISTINCT uscc FROM policy.match_row WHERE first_run = %s", second.run_id)
    assert rows == [{"uscc": code(5)}]
    assert replay(bureau.settings, first.run_id or 0).equal
    assert replay(bureau.settings, second.run_id or 0).equal


def test_time_alone_makes_an_enterprise_old_enough(bureau: Bureau) -> None:
    bureau.writes(item("OLD", version(require={"all": [ACTIVE, OLD]})))
    young = date(DAY.year - 1, DAY.month, DAY.day) + timedelta(days=2)
    bureau.knows([*(firm(established_on=date(2020, 1, 1)) for _ in range(9)), firm(established_on=young)])
    assert bureau.matches().items[0].eligible == 9
    assert not bureau.matches(later(1)).made  # nothing flips on this day
    report = bureau.matches(later(2))
    assert (report.kind, report.changed_enterprises, report.items[0].eligible) == ("incremental", 1, 10)


def test_a_changed_item_is_matched_with_everybody(bureau: Bureau) -> None:
    others = [item(f"ITEM-{number}") for number in range(6)]
    bureau.writes(*others)
    bureau.knows([firm(), firm(2000)])
    bureau.matches()
    bureau.writes(*others[:5], item("ITEM-5", version(amount={**SALES, "rate": 0.2})))
    report = bureau.matches()
    assert (report.kind, report.changed_items, report.changed_enterprises) == ("incremental", 1, 0)
    assert {number: line[1] for (name, number), line in bureau.lines().items() if name == "ITEM-5"} == {
        0: Decimal("200.00"), 1: Decimal("400.00"),
    }  # fmt: skip
    assert bureau.matches(full=True).rows_added == 0


def test_once_a_day_a_run_is_a_full_one(bureau: Bureau) -> None:
    bureau.writes(*TRIAL_ITEMS)
    known = [firm(1000 + number, established_on=date(2020, 1, 1), staff=2) for number in range(9)]
    bureau.knows(known)
    bureau.matches()
    bureau.knows([firm(1, established_on=date(2020, 1, 1), staff=2), *known[1:]])
    assert bureau.matches(dry_run=True).kind == "incremental"
    bureau.runs("UPDATE policy.match_run SET finished_at = finished_at - interval '25 hours'")
    report = bureau.matches()
    assert (report.kind, report.rows_closed, report.rows_added) == ("full", 3, 3)


def test_an_award_settles_its_group_and_fund_again(bureau: Bureau) -> None:
    bureau.writes(*TRIAL_ITEMS)
    bureau.knows([firm(1000 + number, established_on=date(2020, 1, 1), staff=2) for number in range(8)])
    bureau.matches()
    bureau.award(3, "FLAT", DAY.year, amount=300)
    report = bureau.matches()
    assert (report.kind, report.rows_added) == ("incremental", 0)
    left = state(bureau)
    bureau.matches(full=True)
    assert state(bureau) == left
    assert bureau.lines()["SALES", 3][0] == "excluded"


def test_the_difference_is_topped_up(bureau: Bureau) -> None:
    group = {"group": "TOP-UP", "rule": "top_up"}
    bureau.writes(
        item("SALES", version(exclusion=group)),
        item("FLAT", version(exclusion=group, amount={"kind": "flat", "value": 60})),
    )
    bureau.knows([firm(1000), firm(500), firm(1000)])
    bureau.matches()
    bureau.award(0, "FLAT", DAY.year, amount=60)
    bureau.award(1, "FLAT", DAY.year, amount=60)
    bureau.award(2, "SALES", DAY.year, amount=40)
    bureau.matches()
    assert bureau.lines()["SALES", 0][:2] == ("pay", Decimal("40.00"))
    assert bureau.lines()["SALES", 1][0] == "excluded"  # its fifty are less than the sixty it has
    # What it was awarded forty for is worth a hundred by now, and not granted twice: the sixty are topped up.
    assert bureau.lines()["SALES", 2][0] == "excluded"
    assert bureau.lines()["FLAT", 2][:2] == ("pay", Decimal("20.00"))


# Reports


def test_the_impact_of_a_draft(bureau: Bureau) -> None:
    bureau.writes(item("SALES", version(require={"all": [ACTIVE, ASKED]})))
    bureau.knows([firm(1000), firm(900), firm(3000), firm(None)])
    bureau.matches()
    draft = version(
        require={"all": [ACTIVE, {**ASKED, "op": "<=", "value": 1500}]},
        amount={**SALES, "rate": 0.2}, caps={"budget": {"id": "FUND", "amount": 300}},
    )  # fmt: skip
    path = bureau.file.parent / "draft.yml"
    path.write_text(bureau.writes(item("SALES", draft)).read_text(encoding="utf-8"), encoding="utf-8")
    found = impact(bureau.settings, draft_rule(bureau.settings, path, "SALES", DAY), "SALES", DAY)
    total = found.total
    assert (total.before, total.after, total.gained, total.lost, total.changed) == (2, 2, 1, 1, 1)
    assert (total.yuan_before, total.yuan_after, found.yuan) == (400, 380, -20)
    assert (found.fund_left, found.shortfall) == (300, 80)
    assert bureau.rows("SELECT count(*) AS n FROM policy.match_run") == [{"n": 1}]


def test_a_missing_column_has_a_price(bureau: Bureau) -> None:
    layoffs = {"id": "layoffs", "fact": "layoff_rate", "op": "<=", "value": 0.055}
    bureau.writes(item("SALES", version(require={"all": [ACTIVE, layoffs]})))
    known = {"layoff_rate": Decimal("0.01")}
    bureau.knows([firm(1000, **known), firm(4000), firm(None, **known), firm(None)])
    bureau.matches()
    gaps = {gap.fact: gap for gap in data_gaps(bureau.settings)}
    layoff, sales = gaps["layoff_rate"], gaps["revenue"]
    assert (layoff.pairs, layoff.alone, layoff.yuan_alone) == (2, 1, 400)
    assert layoff.department == "人力资源和社会保障局"
    assert (sales.pairs, sales.alone, sales.yuan_alone, sales.yuan_alone_estimated) == (2, 1, 0, 100)


def test_a_crowd_beside_a_limit_is_seen(bureau: Bureau) -> None:
    bureau.writes(item("SALES", version(require={"all": [ACTIVE, {**ASKED, "value": 100_000}]})))
    even = [firm(98_500 + 100 * number) for number in range(30)]
    bureau.knows(even)
    assert bunchings(bureau.settings, DAY) == []
    bureau.knows([*even, *(firm(100_000 + number) for number in range(40))])
    (crowd,) = bunchings(bureau.settings, DAY)
    assert (crowd.fact, crowd.met, crowd.missed, crowd.items) == ("revenue", 55, 15, ("SALES",))
