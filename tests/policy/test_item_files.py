"""Item files: what is refused, with its line; the project's own policies, and their cases on PostgreSQL."""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from bureau import ACTIVE, REVIEW, Bureau, item, version
from citybrain.catalogue import ContentError
from citybrain.cli import app
from citybrain.policy import load_policies, policy_faults
from citybrain.policy.compiler import compile_rule
from citybrain.policy.formula import FormulaError, parse_formula
from citybrain.policy.wording import amount_words, condition_lines, exclusion_words
from citybrain.settings import SOURCE_TREE, Settings, get_settings

ASKED = {"id": "asked", "fact": "revenue", "op": ">=", "value": 1}


@pytest.fixture
def bureau(tmp_path: Path) -> Bureau:
    """Files only: no server."""
    import shutil

    (tmp_path / "policies").mkdir()
    for name in ("facts.yml", "anomalies.yml"):
        shutil.copy(SOURCE_TREE / "policies" / name, tmp_path / "policies")
    return Bureau(Settings(project=tmp_path), None)  # type: ignore[arg-type]


def faults(bureau: Bureau) -> list[tuple[int, str]]:
    return [(line, reason) for _, line, reason in policy_faults(bureau.settings)]


def asking(**leaf: Any) -> dict[str, Any]:
    return item("SALES", version(require={"all": [{**ASKED, **leaf}]}))


def both(first: dict[str, Any], second: dict[str, Any]) -> dict[str, Any]:
    return item("SALES", version(require={"all": [{**ASKED, **first}, {**ASKED, "id": "too", **second}]}))


@pytest.mark.parametrize(
    "expr",
    [
        "revenue / 3",
        "1 / revenue",
        "1 / (revenue + 5)",
        "1 / greatest(staff, 1)",
        "case when staff > 0 then 1 / staff else 0 end",
        "case when staff >= 1 and revenue > 2 then 1 / staff else 0 end",
    ],
)
def test_a_guarded_division_is_no_fault(bureau: Bureau, expr: str) -> None:
    bureau.writes(item("SALES", version(require=ASKED, amount={"kind": "formula", "expr": expr})))
    assert faults(bureau) == []


def test_a_whole_version_of_everything_loads_and_is_told(bureau: Bureau) -> None:
    whole = version(
        valid={"from": date(2026, 2, 1), "gap": "一月停办"},
        params={"least": "$base", "base": 5, "age": "P2Y"},
        require={"all": [ACTIVE, {**ASKED, "op": ">", "value": "$least"},
                         {"id": "old", "fact": "established_on", "op": "at_least_ago", "value": "$age"}]},
        amount={"kind": "match", "of": "revenue", "ratio": 1.5},
        pay=[{"id": "first", "share": 0.5, "label": "立项后"},
             {"id": "second", "share": 0.5, "label": "达产后", "when": {**ASKED, "value": 9}}],
        share={"city": 0.5, "county": 0.5},
        exclusion={"group": "TOP-UP", "rule": "top_up"},
    )  # fmt: skip
    bureau.writes(item("SALES", version(valid={"from": date(2025, 1, 1), "to": date(2025, 12, 31)}), whole))
    (policy,) = load_policies(bureau.settings)
    rule = policy.rules[1]
    assert condition_lines(rule) == [
        "须同时满足：",
        "　登记状态为存续",
        "　上年度营业收入高于 5 元（不含）",
        "　成立日期距今满 2 年（含）",
    ]
    assert amount_words(rule) == (
        "上年度营业收入按 1:1.5 配套；分期支付：立项后 50%，达产后 50%（上年度营业收入不低于 9 元（含））"
        "；资金分担：市级 50%、县级 50%"
    )
    assert exclusion_words(rule.version.exclusion) == "同组事项一年内就高补差（组 TOP-UP）"
    assert "established_on" in rule.used


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (item("SALES", bonus=1), "items.0.bonus: Extra inputs are not permitted"),
        (asking(weight=2), "weight: Extra inputs are not permitted"),
        (asking(fact="profit"), "no fact is called 'profit'"),
        (asking(fact="revenue_yuan"), "no fact is called 'revenue_yuan'"),
        (asking(value="1000"), "'1000' is not a value of type money"),
        (asking(value="1 OR 1=1"), "is not a value of type money"),
        (asking(value=True), "True is not a value of type money"),
        (asking(value=date(2026, 1, 1)), "is not a value of type money"),
        (asking(value=float("nan")), "a number is finite"),
        (asking(value=10**19), "at most 18 digits"),
        (asking(value="$limit"), "no parameter is called 'limit'"),
        (asking(value=[1, 2]), ">= takes one value, not a list"),
        (asking(op="between", value=[1]), "between takes two values"),
        (asking(op="between", value=[2, 1]), "nothing lies between 2 and 1"),
        (asking(op="in", value=[]), "in takes at least one value"),
        (asking(op="like", value="%"), "Input should be"),
        (asking(op="under", value=["1"]), "under does not fit revenue (money)"),
        (asking(fact="is_active", op=">", value=True), "> does not fit is_active (bool)"),
        (asking(fact="size_band", op="==", value="huge"), "'huge' is not one of large, medium"),
        (asking(fact="size_band", op="==", value="x'; DROP TABLE t; --"), "is not one of large, medium"),
        (asking(fact="established_on", value="2025-01-01"), "is not a value of type date"),
        (asking(id="amount_positive"), "'amount_positive' is taken"),
        (asking(id="Robert'); --"), "is not a name"),
        (item("SALES", version(require={"all": [ASKED, ASKED]})), "'asked' is taken"),
        (item("SALES", version(require={"all": []})), "at least 1 item"),
        (item("SALES", version(require={"not": ASKED})), "not: Extra inputs"),
        (item("SALES", version(require={"at_least": 2, "of": [ASKED]})), "at least 2 of 1 can never be met"),
        (item("SALES", version(on_missing="pay")), "Input should be 'needs_data'"),
        (item("SALES", version(params={"revenue": 1})), "'revenue' is a fact"),
        (item("SALES", version(amount={"kind": "flat", "value": -1})), "greater than or equal to 0"),
        (item("SALES", version(amount={"kind": "flat", "value": "100"})), "'100' is not a number"),
        (item("SALES", version(amount={"kind": "rate_of", "of": "revenue", "rate": 8})), "less than or"),
        (item("SALES", version(amount={"kind": "rate_of", "of": "size_band", "rate": 0})), "not a number"),
        (
            item("SALES", version(amount={"kind": "flat_by", "by": "size_band", "values": {"huge": 1}})),
            "size_band is never 'huge'",
        ),
        (
            item("SALES", version(amount={"kind": "tiers", "of": "revenue", "mode": "whole", "tiers": [
                {"from": 5, "value": 1}, {"from": 1, "value": 2}]})),
            "rising order",
        ),
        *(
            (item("SALES", version(amount={"kind": "tiers", "of": "revenue", "mode": mode, "tiers": [tier]})),
             "greater than or equal to 0")
            for mode, tier in (
                ("whole", {"from": -5, "value": 1}),
                ("whole", {"from": 5, "value": -1}),
                ("marginal", {"from": 5, "rate": -0.1}),
            )
        ),
        (item("SALES", version(recheck_before_pay=["profit"])), "no fact is called 'profit'"),
        (item("SALES", version(), version()), "versions overlap on 2026-01-01"),
        (item("SALES", version(valid={"from": date(2026, 2, 1), "to": date(2026, 1, 1)})), "is before"),
        (item("SALES", version(caps={"per_enterprise": 0})), "greater than 0"),
        (item("SALES", channel="auto"), "channel auto asks no enterprise to confirm"),
        (item("sales; drop table"), "String should match pattern"),
        (
            item("SALES", version(valid={"from": date(2025, 1, 1), "to": date(2025, 6, 30)}), version()),
            "nothing holds between 2025-06-30 and 2026-01-01",
        ),
        (item("SALES", version(amount={"kind": "flat", "value": 10**15})), "less than Decimal('1000"),
        (item("SALES", version(params={"a": "$b", "b": "$a"})), "go round in a circle: a -> b -> a"),
        (item("SALES", version(params={"a": "$b"})), "no parameter is called 'b'"),
        (item("SALES", version(params={"a": 1})), "nothing uses the parameter 'a'"),
        (item("SALES", version(pay=[{"id": "a", "share": 0.4, "label": "首期"}])), "do not add up to 1"),
        (item("SALES", version(share={"city": 0.5, "county": 0.4})), "do not add up to 1"),
        (item("SALES", version(share={"village": 1})), "Input should be 'nation'"),
        (
            item("SALES", version(pay=[{"id": "a", "share": 1, "label": "首期", "when": ASKED}])),
            "the first part of `pay`",
        ),
        (item("SALES", version(amount={"kind": "match", "of": "staff", "ratio": 1})), "int, not money"),
        (item("SALES", version(amount={"kind": "match", "of": "revenue", "ratio": 0})), "greater than 0"),
        (asking(fact="established_on", op="at_least_ago", value="2 years"), "is not a span of time"),
        (asking(fact="established_on", op="at_least_ago", value="P900Y"), "longer than two hundred years"),
        (asking(op="at_most_ago", value="P1Y"), "at_most_ago does not fit revenue (money)"),
        (both({"op": ">", "value": 5}, {"op": "<", "value": 5}), "no value is left for 上年度营业收入"),
        (both({"op": ">=", "value": 5}, {"op": "<", "value": 5}), "no value is left for 上年度营业收入"),
        (both({"op": "==", "value": 5}, {"op": "!=", "value": 5}), "no value is left for 上年度营业收入"),
        (
            both({"fact": "staff", "op": ">", "value": 5}, {"fact": "staff", "op": "<", "value": 6}),
            "no value is left for 从业人数",
        ),
        (
            both({"fact": "industry_code", "op": "under", "value": ["C2"]},
                 {"fact": "industry_code", "op": "under", "value": ["C3", "D"]}),
            "no value is left for 行业代码",
        ),
        (
            both({"fact": "size_band", "op": "in", "value": ["large"]},
                 {"fact": "size_band", "op": "!=", "value": "large"}),
            "no value is left for 企业规模",
        ),
        (
            both({"fact": "established_on", "op": "at_least_ago", "value": "P3Y"},
                 {"fact": "established_on", "op": "at_most_ago", "value": "P2Y"}),
            "no value is left for 成立日期",
        ),
        (
            item("SALES", version(require={"all": [ASKED, {"any": [
                {**ASKED, "id": "less", "op": "<", "value": 1}, {**ASKED, "id": "more", "value": 9}]}]})),
            "this branch is dead",
        ),
        *(
            (item("SALES", version(amount={"kind": "formula", "expr": expr})), "may be zero")
            for expr in ("1 / staff", "1 / (staff - 5)", "case when staff >= 0 then 1 / staff else 1 end")
        ),
        (item("SALES", given={"profit": 1}), "no fact is called 'profit'"),
        (
            item("SALES", cases=[{"name": "x", "on": date(2031, 1, 1), "expect": {"status": "near"}}]),
            "no version holds",
        ),
        (
            item("SALES", cases=[{"name": "说好的", "expect": {"status": "eligible"}}]),
            "case 说好的: status needs_data",
        ),
    ],
)  # fmt: skip
def test_what_is_wrong_is_refused_with_its_line(bureau: Bureau, wrong: dict[str, Any], reason: str) -> None:
    bureau.writes(wrong)
    lines = [line for line, told in faults(bureau) if reason in told]
    assert lines
    assert min(lines) > 1


def test_the_line_is_that_of_the_fault(bureau: Bureau) -> None:
    path = bureau.writes(item("SALES"))
    text = path.read_text(encoding="utf-8").replace("fact: is_active", "fact: is_alive")
    path.write_text(text, encoding="utf-8")
    expected = text.splitlines().index(next(line for line in text.splitlines() if "is_alive" in line)) + 1
    assert faults(bureau) == [
        (expected, "items.0.versions.0.require.all.0.fact: no fact is called 'is_alive':"
                   " policies/facts.yml lists them")
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda text: text + "\n- id: [", "but found '-'"),
        (lambda text: text.replace("taxation", "human_resources"), "the file lies in the folder of taxation"),
        (lambda text: "\t" + text, "cannot start any token"),
        (lambda text: "[]", "must be a mapping"),
        (lambda text: text + "\nitems: []\n", 'duplicate key "items"'),
        (lambda text: text.replace("policy-item@1", "policy-item@9"), "schema"),
    ],
)
def test_a_file_that_is_no_item_file(bureau: Bureau, change: Callable[[str], str], reason: str) -> None:
    path = bureau.writes(item("SALES"))
    path.write_text(change(path.read_text(encoding="utf-8")), encoding="utf-8")
    assert any(reason in told for _, told in faults(bureau))


def test_groups_funds_and_ids_agree_across_files(bureau: Bureau) -> None:
    once, ever = ({"group": "SHARED", "rule": rule} for rule in ("once_a_year", "highest_wins"))
    bureau.writes(item("AA", version(exclusion=once)), item("BB", version(exclusion=ever)))
    assert [told for _, told in faults(bureau)] == ["SHARED is a group with two rules"]
    funds = [{"budget": {"id": "FUND", "amount": amount}} for amount in (1, 2)]
    bureau.writes(*(item(name, version(caps=caps)) for name, caps in zip(("AA", "BB"), funds, strict=True)))
    assert [told for _, told in faults(bureau)] == ["FUND is a fund with two amounts or orders"]
    bureau.writes(item("AA"))
    (bureau.file.parent / "again.yml").write_text(bureau.file.read_text(encoding="utf-8"), encoding="utf-8")
    assert [told for _, told in faults(bureau)] == ["AA is an item of two files"]


def test_a_clause_from_a_page_is_never_granted_unasked(bureau: Bureau) -> None:
    review = {**REVIEW, "confirm_by_enterprise": False}
    bureau.writes(item("SALES", version(review=review), channel="auto"), origin="real")
    assert "is never granted unasked" in faults(bureau)[0][1]


def test_the_facts_file_is_held_to_its_types(bureau: Bureau) -> None:
    path = bureau.settings.policies_dir / "facts.yml"
    text = path.read_text(encoding="utf-8")
    for change, reason in (
        (text.replace("column: is_active,", "column: is_active; drop,"), "is not a name"),
        (text.replace("column: is_active,", "column: size_band,"), "columns claimed twice: size_band"),
        (text.replace("  is_active:", "  amount:"), "names the results use themselves: amount"),
        (text.replace("source: market_regulation", "source: magic", 1), "no department is called 'magic'"),
        (text.replace("type: bool", "type: enum", 1), "an enum lists its values"),
    ):
        path.write_text(change, encoding="utf-8")
        assert any(reason in told for _, told in faults(bureau)), reason


@pytest.mark.parametrize(
    "attack",
    [
        "pg_sleep(10)", "(select 1)", "revenue::int", "1; drop table x", "cast(revenue as text)",
        "lo_import('x')", "current_user", "policy.match_run", "f.revenue", '"revenue"', "'x'",
        "revenue || 'x'", "coalesce(revenue, 0)", "sum(revenue)", "revenue over ()", "$1", "%s", "*",
        "revenue in (1)", "revenue between 1 and 2", "array[1]", "1e400", "case revenue when 1 then 2 end",
        "case when 1 = 1 then 2 end", "least(revenue, pg_sleep(1))",
        "case when pg_sleep(1) > 0 then 1 else 2 end", "case when exists (select 1) then 1 else 2 end",
        "case when true then 1 else 2 end", "revenue = 1", "not revenue", "", "revenue costs",
        "revenue % 2", "revenue ^ 2", "-- x", "revenue -- x\n; select 1", "(" * 150 + "1" + ")" * 150,
        "1" + "+1" * 190, "nullif(revenue, 0)", "random()", "interval '1 day'", "null", "true",
        "revenue at time zone 'x'",
    ],
)  # fmt: skip
def test_a_formula_is_arithmetic_and_nothing_else(attack: str) -> None:
    with pytest.raises(FormulaError):
        parse_formula(attack)


def test_a_comment_in_a_formula_does_not_reach_the_sql(bureau: Bureau) -> None:
    bureau.writes(
        item("SALES", version(amount={"kind": "formula", "expr": "revenue /* */ * 0.5 /* ; drop */"}))
    )
    (policy,) = load_policies(bureau.settings)
    assert "drop" not in compile_rule(policy.rules[0], date(2026, 6, 1)).sql
    bureau.writes(item("SALES", version(amount={"kind": "formula", "expr": "profit * 2"})))
    with pytest.raises(ContentError, match="no fact is called 'profit'"):
        load_policies(bureau.settings)


# Commands


def test_commands_without_a_server(bureau: Bureau, monkeypatch: pytest.MonkeyPatch) -> None:
    bureau.writes(item("SALES"))
    monkeypatch.setenv("CITYBRAIN_PROJECT", str(bureau.settings.project))
    get_settings.cache_clear()
    try:
        runner = CliRunner()
        assert runner.invoke(app, ["policy", "validate"]).exit_code == 0
        assert runner.invoke(app, ["policy", "test", "SALES"]).exit_code == 0
        assert runner.invoke(app, ["policy", "test", "NOTHING"]).exit_code == 1
        shown = runner.invoke(app, ["policy", "show", "SALES", "--on", "2026-06-01"])
        assert "金额：上年度营业收入的 10%" in shown.stdout
        sql_text = runner.invoke(app, ["policy", "show", "SALES", "--on", "2026-06-01", "--sql"]).stdout
        assert sql_text.startswith("SELECT")
        assert runner.invoke(app, ["policy", "show", "SALES", "--on", "2027-06-01"]).exit_code == 1
        assert runner.invoke(app, ["policy", "show", "OTHER"]).exit_code == 2
        bureau.writes(item("SALES", bonus=1))
        broken = runner.invoke(app, ["policy", "validate", "--json"])
        assert broken.exit_code == 1
        assert "Extra inputs are not permitted" in broken.stdout
        assert runner.invoke(app, ["policy", "match"]).exit_code == 2
        assert "PolicyFile" in runner.invoke(app, ["schema", "policy"]).stdout
    finally:
        get_settings.cache_clear()
