"""The project's own policies: what is restated, what is made up, that every case holds, their counts."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from psycopg import sql
from rules_and_rows import create_facts_table, fill, found

from citybrain.catalogue import ContentError, load_departments, plain_yaml
from citybrain.policy import Policy, load_policies
from citybrain.policy.compiler import FACTS_TABLE
from citybrain.policy.examples import CasingError, example_documents, page_of, write_examples
from citybrain.policy.examples.casing import cases_of
from citybrain.policy.examples.drawing import shares
from citybrain.policy.examples.template_file import load_plan, load_templates
from citybrain.policy.facts import load_facts
from citybrain.policy.item_file import All, AnyOf, AtLeast, Node, children
from citybrain.policy.library import case_facts, census, rule_of, run_cases
from citybrain.policy.values import exact
from citybrain.settings import SOURCE_TREE, DatabaseRole, Settings

OWN = Settings(project=SOURCE_TREE)


@pytest.fixture(scope="module")
def policies() -> list[Policy]:
    return load_policies(OWN)


def test_there_are_as_many_as_the_city_has(policies: list[Policy]) -> None:
    counts = census(policies, load_facts(OWN))
    assert (counts.documents, counts.items, counts.real_documents) == (217, 1178, 17)
    assert counts.distinct_criteria >= 500 and counts.facts_used >= 0.8 * counts.facts
    assert set(counts.amount_kinds) == {
        "flat", "flat_by", "formula", "match", "per_unit", "rate_by", "rate_of", "tiers",
    }  # fmt: skip
    assert sum(len(theme.items) for file in load_templates() for theme in file.themes) >= 60


def test_everything_the_format_can_say_is_said_somewhere(policies: list[Policy]) -> None:
    rules = [rule for policy in policies for rule in policy.rules]
    versions = [rule.version for rule in rules]
    assert {policy.item.channel for policy in policies} == {"auto", "confirm", "apply"}
    exclusions = {version.exclusion.rule for version in versions if version.exclusion}
    assert exclusions == {"highest_wins", "top_up", "once_a_year", "once_ever", "mutual"}
    assert {type(node) for version in versions for node in nodes(version.require)} >= {All, AnyOf, AtLeast}
    budgets = {budget.when_short for version in versions if (budget := version.caps.budget)}
    assert budgets == {"rank", "pro_rata"}
    modes = {version.amount.mode for version in versions if version.amount.kind == "tiers"}
    assert modes == {"marginal", "whole"}
    assert any(version.pay for version in versions) and any(version.share for version in versions)
    operators = {criterion.leaf.op for rule in rules for criterion in rule.criteria}
    assert operators >= {"is", "==", "!=", ">", ">=", "<", "<=", "in", "not_in", "between", "under"}
    assert operators >= {"at_least_ago", "at_most_ago"}
    day = date(2026, 11, 26)
    in_force = [policy for policy in policies if policy.rule_on(day)]
    over = [p for p in policies if all(r.version.valid.end and r.version.valid.end < day for r in p.rules)]
    to_come = [p for p in policies if all(r.version.valid.start > day for r in p.rules)]
    assert len(in_force) > 800 and len(over) > 30 and len(to_come) > 30
    assert sum(len(policy.item.versions) > 1 for policy in policies) > 100


def nodes(root: Node) -> Iterator[Node]:
    yield root
    for child in children(root):
        yield from nodes(child)


def test_what_is_restated_names_its_page_and_what_is_made_up_says_so(policies: list[Policy]) -> None:
    real = [policy for policy in policies if policy.document.origin == "real"]
    assert len({version.source for policy in real for version in policy.item.versions}) >= 15
    for policy in policies:
        made_up = policy.document.origin == "synthetic"
        assert (
            made_up
            == policy.item.title.startswith("【示例】")
            == policy.document.title.startswith("【示例】")
        )
        assert not made_up or (policy.document.number or "示例").startswith("示例")
        for version in policy.item.versions:
            assert version.source.startswith("http") != made_up


def test_no_item_with_an_unconfirmed_number_is_payable(policies: list[Policy]) -> None:
    waiting = {policy.item.id for policy in policies for rule in policy.rules if not rule.payable}
    assert waiting >= {"AH-HIGH-TECH-TEAM", "AH-JOB-EXPANSION", "AH-STARTUP-LOAN-INTEREST", "JZ-LINGZHI"}
    assert all(not item_id.startswith(("EX-", "DEMO-")) for item_id in waiting)


def test_a_repealed_clause_holds_on_no_day_since(policies: list[Policy]) -> None:
    (repealed,) = (policy for policy in policies if policy.item.id == "WH-RESEARCH-GROWTH")
    assert repealed.rule_on(date(2020, 6, 1)) is not None
    assert repealed.rule_on(date(2026, 6, 1)) is None


def test_every_example_has_a_grant_a_miss_and_a_gap(policies: list[Policy]) -> None:
    for policy in policies:
        if policy.item.id.startswith("EX-"):
            statuses = Counter(case.expect.status for case in policy.item.cases)
            assert statuses["eligible"] >= 1 and statuses["needs_data"] >= 1, policy.item.id
            assert statuses["near"] + statuses["ineligible"] >= 1, policy.item.id


def test_cases_hold_in_python(policies: list[Policy]) -> None:
    facts = load_facts(OWN)
    results = [result for policy in policies for result in run_cases(policy, facts)]
    assert [result for result in results if result.reason] == []
    assert len(results) > 3_500


@pytest.mark.integration
def test_cases_of_every_template_hold_in_postgresql(settings: Settings, policies: list[Policy]) -> None:
    """One item of each template, and all that people wrote."""
    chosen: dict[str, Policy] = {}
    for policy in policies:
        group = policy.rules[-1].version.exclusion
        template = group.group if group and policy.item.id.startswith("EX-") else policy.item.id
        chosen.setdefault(template, policy)
    assert len(chosen) >= 150
    assert wrong_in_postgresql(settings, list(chosen.values())) == []


@pytest.mark.slow
@pytest.mark.integration
def test_every_case_holds_in_postgresql(settings: Settings, policies: list[Policy]) -> None:
    assert wrong_in_postgresql(settings, policies) == []


def wrong_in_postgresql(settings: Settings, policies: list[Policy]) -> list[tuple[str, str, Any]]:
    """Cases whose compiled statement says otherwise. All their enterprises stand in one table."""
    facts = load_facts(settings)
    cases = [(policy, case) for policy in policies for case in policy.item.cases]
    wrong = []
    with psycopg.connect(settings.dsn(DatabaseRole.MATCHER), autocommit=True) as connection:
        connection.execute("SET search_path = pg_temp, pg_catalog")
        create_facts_table(connection, facts)
        rows = [case_facts(policy, case, facts) for policy, case in cases]
        fill(connection, rows, facts, datetime(2030, 1, 1, tzinfo=UTC))
        connection.execute(sql.SQL("ANALYZE {}").format(sql.Identifier(FACTS_TABLE)))
        answers: dict[tuple[str, date], dict[str, Any]] = {}
        for number, (policy, case) in enumerate(cases):
            rule = rule_of(policy, case)
            day = case.on or rule.version.valid.start
            answer = answers.setdefault((policy.item.id, day), {}) or found(connection, rule, day)
            answers[policy.item.id, day] = answer
            row = answer.get(f"E{number:04d}")
            status = row["status"] if row else "ineligible"
            amount = case.expect.amount
            if status != case.expect.status or (amount is not None and row["amount"] != Decimal(amount)):
                wrong.append((policy.item.id, case.name, row))
    return wrong


# Examples and their templates


def test_the_files_are_what_the_templates_give() -> None:
    plan, facts = load_plan(), load_facts(OWN)
    written = dict(example_documents(facts))
    committed = {f"{path.parent.name}/{path.name}" for path in OWN.policies_dir.glob("*/example_*.yml")}
    assert set(written) == committed
    assert len(written) == plan.documents
    assert sum(len(content["items"]) for content in written.values()) == plan.items
    for name, content in written.items():
        text = (OWN.policies_dir / name).read_text(encoding="utf-8")
        assert exactly(plain_yaml(text)) == exactly(content), name
    for name in list(written)[::40]:
        assert (OWN.policies_dir / name).read_text(encoding="utf-8") == page_of(written[name]), name


def exactly(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: exactly(each) for key, each in value.items()}
    if isinstance(value, list):
        return [exactly(each) for each in value]
    plain = exact(value)
    return plain if isinstance(plain, bool | str | date | None) else Decimal(plain)


def test_documents_differ_from_one_another(policies: list[Policy]) -> None:
    clauses: dict[str, set[str]] = {}
    for policy in policies:
        if policy.document.origin == "synthetic":
            clauses.setdefault(policy.document.id, set()).update(v.clause for v in policy.item.versions)
    assert len({frozenset(each) for each in clauses.values()}) == len(clauses)
    titles = Counter(policy.document.title for policy in {p.document.id: p for p in policies}.values())
    assert titles.most_common(1)[0][1] == 1


def test_every_department_of_the_templates_is_one_of_the_city() -> None:
    assert {file.department for file in load_templates()} <= set(load_departments())


@pytest.mark.parametrize(
    ("total", "weights", "parts"),
    [(10, [1, 1, 1], [4, 3, 3]), (7, [5, 1], [6, 1]), (3, [1, 1, 1, 1], [1, 1, 1, 0]), (0, [2, 3], [0, 0])],
)
def test_a_total_is_shared_out_whole(total: int, weights: list[int], parts: list[int]) -> None:
    assert shares(total, weights) == parts


def test_a_template_nobody_can_get_is_a_fault() -> None:
    template = {
        "id": "EX-NOBODY",
        "title": "无人可得",
        "versions": [
            {
                "valid": {"from": date(2026, 1, 1)},
                "clause": "税额的一半，须为零",
                "source": "citybrain:demo",
                "require": {"all": [{"id": "none", "fact": "tax_paid", "op": "==", "value": 0}]},
                "amount": {"kind": "rate_of", "of": "tax_paid", "rate": Decimal("0.5")},
                "review": {"roles": ["经办"], "notice_days": 5, "confirm_by_enterprise": False},
            }
        ],
    }
    with pytest.raises(CasingError, match=r"EX-NOBODY .*unmet amount_positive"):
        cases_of(template, {}, load_facts(OWN))


def test_writing_again_changes_nothing_and_clears_what_no_template_gives(tmp_path: Any) -> None:
    facts = load_facts(OWN)
    stale = tmp_path / "commerce" / "example_gone.yml"
    stale.parent.mkdir()
    stale.write_text("old")
    (tmp_path / "commerce" / "own.yml").write_text("kept")
    few = load_plan().model_copy(update={"documents": 3, "items": 8})
    counted = write_examples(tmp_path, facts, dry_run=True, plan=few)
    assert (counted.documents, counted.items, counted.changed, counted.removed) == (3, 8, 3, 1)
    assert stale.exists()
    assert write_examples(tmp_path, facts, plan=few).changed == 3
    assert not stale.exists() and (tmp_path / "commerce" / "own.yml").exists()
    again = write_examples(tmp_path, facts, plan=few)
    assert (again.changed, again.removed) == (0, 0)


def test_a_wrong_range_names_file_and_line(tmp_path: Any) -> None:
    from citybrain.catalogue import load_content
    from citybrain.policy.examples.template_file import Plan

    broken = tmp_path / "plan.yml"
    text = (SOURCE_TREE / "src/citybrain/policy/examples/plan.yml").read_text(encoding="utf-8")
    broken.write_text(text.replace("fund: {yuan:", "fund: {dollars:"), encoding="utf-8")
    with pytest.raises(ContentError, match=r"plan.yml:\d+: fund.dollars"):
        load_content(broken, Plan)
