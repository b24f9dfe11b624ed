# ruff: noqa: E501  # one rule a line
"""The two halves of the gate agree, and nothing that goes wrong passes."""

import time
from collections.abc import Callable
from random import Random
from typing import Any

import psycopg
import pytest

from citybrain.catalogue import Dataset
from citybrain.quality import Card, Expectations, judge_batch, row_predicates
from citybrain.settings import DatabaseRole, Settings

from .conftest import AS_OF, WORDS, bad_lines, random_rows

pytestmark = pytest.mark.integration

HOSTILE = {
    "column": "word",
    "one_of": ["O'Brien", "{x}:y %s", "a:b::c", "back\\slash", '"quoted"', "{batch}", "谯城区", "a"],
}
ROW_RULES: list[dict[str, Any]] = [
    {"id": "present", "kind": "not_null", "columns": ["word", "small", "amount", "day"]},
    {"id": "present_when", "kind": "not_null", "column": "day", "when": {"column": "small", "one_of": [0, 1, 2025]}},
    {"id": "words", "kind": "one_of", "columns": ["word", "other_word"], "values": WORDS[::2]},
    {"id": "numbers", "kind": "one_of", "columns": ["small", "big"], "values": [0, 5, -1]},
    {"id": "large_numbers", "kind": "one_of", "column": "big", "values": [5, 2**53]},
    {"id": "words_when_large", "kind": "one_of", "column": "word", "values": ["a"], "when": {"column": "big", "equals": 2**53}},
    {"id": "words_when_certain", "kind": "one_of", "column": "word", "values": ["a"], "when": {"column": "yes", "equals": False}},
    {"id": "certain", "kind": "one_of", "column": "yes", "values": [True]},
    {"id": "words_when", "kind": "one_of", "column": "other_word", "values": ["a"], "when": HOSTILE},
    {"id": "small_range", "kind": "between", "column": "small", "min": 0, "max": 90},
    {"id": "small_strict", "kind": "between", "column": "small", "min": 0, "max": 90, "strict_min": True, "strict_max": True},
    {"id": "big_range", "kind": "between", "column": "big", "max": 2**53},
    {"id": "amount_range", "kind": "between", "columns": ["amount", "other_amount"], "min": 0, "max": 5000},
    {"id": "amount_strict", "kind": "between", "column": "amount", "min": 0.1, "strict_min": True},
    {"id": "amount_when", "kind": "between", "column": "amount", "min": 0, "when": HOSTILE},
    {"id": "day_range", "kind": "between", "column": "day", "min": "1949-10-01T00:00:00", "max": "2026-05-02T00:00:00"},
    {"id": "moment_range", "kind": "between", "column": "moment", "max": "2026-05-01T12:00:00", "strict_max": True},
    {"id": "instant_range", "kind": "between", "column": "instant", "max": "2026-05-01T12:00:00+08:00"},
    {"id": "pattern", "kind": "matches", "columns": ["word", "other_word"], "pattern": "[a-z0-9]{1,3}|.*[{}:%'].*|谯.*"},
    {"id": "pattern_when", "kind": "matches", "column": "other_word", "pattern": "a+", "when": HOSTILE},
    {"id": "letters", "kind": "length", "column": "word", "min": 1, "max": 6},
    {"id": "code", "kind": "valid_uscc", "column": "uscc"},
    {"id": "code_when", "kind": "valid_uscc", "column": "uscc", "when": HOSTILE},
    {"id": "past_day", "kind": "not_in_future", "column": "day", "tolerance": "P1D"},
    {"id": "past_moment", "kind": "not_in_future", "columns": ["moment", "instant"], "tolerance": "PT2H"},
    {"id": "past_year", "kind": "not_in_future", "column": "small"},
    {"id": "typed", "kind": "well_typed", "columns": ["small", "day"]},
    {"id": "typed_when", "kind": "well_typed", "column": "amount", "when": HOSTILE},
    {"id": "single", "kind": "unique", "columns": ["word"]},
    {"id": "compound", "kind": "unique", "columns": ["small", "day", "yes"]},
    {"id": "single_when", "kind": "unique", "columns": ["other_word"], "when": HOSTILE},
    {"id": "days_in_order", "kind": "column_order", "earlier": "day", "later": "other_day"},
    {"id": "amounts_in_order", "kind": "column_order", "earlier": "amount", "later": "other_amount", "strict": True},
    {"id": "mixed_order", "kind": "column_order", "earlier": "small", "later": "amount"},
    {"id": "order_when", "kind": "column_order", "earlier": "small", "later": "other_small", "when": HOSTILE},
]  # fmt: skip
KINDS = {rule["kind"] for rule in ROW_RULES} | {"references"}


def judged(settings: Settings, table: str, expectations: Expectations, name: str = "trial") -> Any:
    return judge_batch(
        settings.dsn(DatabaseRole.LOADER),
        "stage",
        table,
        expectations.dataset,
        expectations,
        name,
        as_of=AS_OF,
        settings=settings,
    )


def with_type_errors(rows: list[dict[str, Any]], seed: int) -> list[dict[str, Any]]:
    chance = Random(seed)
    choices: list[list[str] | None] = [None, None, [], ["small"], ["day", "amount"], ["word'", "small"]]
    return [{**row, "_type_errors": chance.choice(choices)} for row in rows]


@pytest.mark.parametrize("seed", [1, 2])
def test_quarantine_and_verdict_count_the_same_rows(
    seed: int,
    clean_city: Settings,
    loader: psycopg.Connection,
    stage: Callable[..., str],
    expect: Callable[..., Expectations],
    divisions: Dataset,
) -> None:
    references = {
        "id": "known",
        "kind": "references",
        "column": "word",
        "dataset": divisions.id,
        "target": "name",
    }
    expectations = expect(*ROW_RULES, references, references={divisions.id: divisions})
    table = stage(with_type_errors(random_rows(seed, 400), seed))
    verdict = judged(clean_city, table, expectations)
    results = {result.rule_id: result for result in verdict.results}
    assert [result.detail["error"] for result in verdict.results if "error" in result.detail] == []
    predicates = row_predicates(expectations.dataset, expectations, table, as_of=AS_OF)
    counted = {found.rule_id: len(bad_lines(loader, table, found.sql)) for found in predicates}
    assert counted == {rule_id: results[rule_id].unexpected_rows for rule_id in counted}
    # Every kind is in the comparison, and none is compared on nothing.
    assert {results[rule_id].rule_kind for rule_id in counted} == KINDS
    for kind in KINDS:
        assert any(
            results[rule_id].unexpected_rows for rule_id in counted if results[rule_id].rule_kind == kind
        ), kind
    for rule_id in counted:
        assert results[rule_id].unexpected_rows <= results[rule_id].evaluated_rows <= 400
        # Not a decimal: Great Expectations walks its stack for each of those.
        assert type(results[rule_id].unexpected_rows) is int


def test_every_row_rule_kind_is_compared() -> None:
    from typing import get_args

    from citybrain.quality.rules import RowRule

    assert {model.model_fields["kind"].annotation.__args__[0] for model in get_args(RowRule)} == KINDS


def cards(verdict: Any) -> dict[str, Card | None]:
    return {result.rule_id: result.card for result in verdict.results}


def test_card_is_the_largest_severity(
    settings: Settings, stage: Callable[..., str], expect: Callable[..., Expectations]
) -> None:
    """One bad row of twenty that have a value; thirty rows in all."""
    table = stage([{"small": -1}] + [{"small": 1}] * 19 + [{}] * 10)
    rule = {"kind": "between", "column": "small", "min": 0}

    def card(**limits: float) -> Card:
        return judged(settings, table, expect({**rule, "id": "r", **limits})).card

    assert card() is Card.YELLOW
    assert card(yellow_above=0.05) is Card.GREEN
    assert card(yellow_above=0.049) is Card.YELLOW
    assert card(red_above=0.05) is Card.YELLOW
    assert card(red_above=0.049) is Card.RED
    assert card(yellow_above=0.05, red_above=0.05) is Card.GREEN
    verdict = judged(
        settings,
        table,
        expect(
            {**rule, "id": "red", "red_above": 0}, {**rule, "id": "yellow"}, {**rule, "id": "fine", "min": -5}
        ),
    )
    assert verdict.card is Card.RED
    assert cards(verdict) == {"red": Card.RED, "yellow": Card.YELLOW, "fine": None}
    assert [(result.unexpected_rows, result.evaluated_rows) for result in verdict.results if result.card] == [
        (1, 20)
    ] * 2
    assert verdict.reason is not None
    assert verdict.reason.startswith("small 列：超出范围（不小于 0）：20 行中 1 行")


def test_an_expectation_that_raises_is_red_even_where_the_rule_only_gives_yellow(
    settings: Settings,
    loader: psycopg.Connection,
    stage: Callable[..., str],
    expect: Callable[..., Expectations],
) -> None:
    table = stage([{"word": "a", "small": 1}])
    loader.execute("ALTER TABLE stage.quality_trial DROP COLUMN small")
    verdict = judged(
        settings,
        table,
        expect(
            {"id": "word", "kind": "not_null", "column": "word"},
            {"id": "small", "kind": "not_null", "column": "small"},
        ),
    )
    assert verdict.card is Card.RED
    assert cards(verdict) == {"word": None, "small": Card.RED}
    assert "small" in str(verdict.reason)
    assert "出错" in str(verdict.reason)


@pytest.mark.parametrize("broken", ["table", "password"])
def test_a_gate_that_breaks_down_is_red(
    broken: str, settings: Settings, stage: Callable[..., str], expect: Callable[..., Expectations]
) -> None:
    table = stage([{"word": "a"}])
    expectations = expect({"id": "word", "kind": "not_null", "column": "word"})
    url = settings.dsn(DatabaseRole.LOADER)
    secret = settings.secret("loader_password")
    verdict = judge_batch(
        url if broken == "table" else url.replace(secret, "wrong"),
        "stage",
        "no_such_table" if broken == "table" else table,
        expectations.dataset,
        expectations,
        "broken",
        settings=settings,
    )
    assert verdict.card is Card.RED
    [result] = verdict.results
    assert result.rule_kind == "gate"
    assert result.detail["error"]
    assert secret not in str(verdict)


def test_the_stage_table_is_free_after_the_verdict(
    settings: Settings,
    loader: psycopg.Connection,
    stage: Callable[..., str],
    expect: Callable[..., Expectations],
) -> None:
    table = stage([{"word": "a"}])
    judged(settings, table, expect({"id": "word", "kind": "unique", "columns": ["word"]}))
    loader.execute("SET lock_timeout = '2s'")
    loader.execute("DROP TABLE stage.quality_trial")
    for _attempt in range(20):  # a closed session takes a moment to leave the list
        others = loader.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE usename = current_user AND pid <> pg_backend_pid()"
        ).fetchone()
        if others == (0,):
            break
        time.sleep(0.1)
    assert others == (0,)


def test_a_megabyte_cell_does_not_reach_the_kept_result(
    settings: Settings, stage: Callable[..., str], expect: Callable[..., Expectations]
) -> None:
    table = stage([{"word": "x" * 3_000_000}] * 3)
    verdict = judged(
        settings, table, expect({"id": "letters", "kind": "length", "column": "word", "max": 10}), "megabyte"
    )
    assert cards(verdict) == {"letters": Card.YELLOW}
    assert (settings.data_dir / "gx" / "trial" / "megabyte.json").stat().st_size < 20_000


def test_references_wait_for_the_other_dataset(
    clean_city: Settings,
    loader: psycopg.Connection,
    stage: Callable[..., str],
    expect: Callable[..., Expectations],
    divisions: Dataset,
) -> None:
    rule = {"id": "known", "kind": "references", "column": "word", "dataset": divisions.id, "target": "name"}
    expectations = expect(rule, references={divisions.id: divisions})
    table = stage([{"word": "a"}, {"word": "n12"}, {"word": None}, {"word": ""}])
    predicate = row_predicates(expectations.dataset, expectations, table)[0].sql
    # The newest logical date counts, not the newest arrival, and only what was loaded.
    assert bad_lines(loader, table, predicate) == [2, 4]
    loader.execute(
        "UPDATE meta.batch SET state = 'refused', rows_loaded = 0, rows_rejected = rows_in WHERE dataset = %s",
        (divisions.id,),
    )
    assert bad_lines(loader, table, predicate) == []
    verdict = judged(clean_city, table, expectations)
    assert cards(verdict) == {"known": None, "known.reference_loaded": Card.YELLOW}
    assert divisions.id in str(verdict.reason)


BATCH_RULES: list[tuple[dict[str, Any], Card | None]] = [
    ({"kind": "row_count", "yellow_outside": {"min": 4, "max": 4}}, None),
    ({"kind": "row_count", "yellow_outside": {"min": 5}}, Card.YELLOW),
    ({"kind": "row_count", "yellow_outside": {"max": 3}, "red_outside": {"max": 3.5}}, Card.RED),
    ({"kind": "column_mean", "column": "small", "red_outside": {"min": 2, "max": 2}}, None),
    ({"kind": "column_mean", "column": "small", "red_outside": {"min": 2.1}}, Card.RED),
    ({"kind": "distinct_count", "column": "word", "yellow_outside": {"min": 2, "max": 2}}, None),
    ({"kind": "distinct_count", "column": "word", "yellow_outside": {"min": 3}}, Card.YELLOW),
    ({"kind": "freshness", "column": "instant", "yellow_older_than": "PT2H"}, None),
    ({"kind": "freshness", "column": "instant", "yellow_older_than": "PT1H", "red_older_than": "PT2H"}, Card.YELLOW),
    ({"kind": "freshness", "column": "moment", "red_older_than": "PT30M"}, Card.RED),
    ({"kind": "freshness", "column": "day", "red_older_than": "P1D"}, None),
]  # fmt: skip


def test_batch_rules_judge_the_delivery_as_a_whole(
    settings: Settings, stage: Callable[..., str], expect: Callable[..., Expectations]
) -> None:
    """AS_OF is noon of 2026-05-01 in Asia/Shanghai; the newest reading is ninety minutes older."""
    rows = [
        {
            "small": 1,
            "word": "a",
            "instant": "2026-05-01 10:30:00+08",
            "moment": "2026-05-01 10:30:00",
            "day": "2026-04-30",
        },
        {"small": 2, "word": "b", "instant": "2026-05-01 09:00:00+08"},
        {"small": 3, "word": "b"},
        {},
    ]
    rules = [{"id": f"rule_{number}", **rule} for number, (rule, _card) in enumerate(BATCH_RULES)]
    verdict = judged(settings, stage(rows), expect(*rules))
    assert cards(verdict) == {f"rule_{number}": card for number, (_rule, card) in enumerate(BATCH_RULES)}
    assert all(result.unexpected_rows is None for result in verdict.results)


def test_row_count_against_history(
    clean_city: Settings, stage: Callable[..., str], expect: Callable[..., Expectations]
) -> None:
    expectations = expect(
        {
            "id": "usual",
            "kind": "row_count_against_history",
            "last": 3,
            "yellow_outside": {"min": 0.8, "max": 1.2},
            "red_outside": {"min": 0.5},
        }
    )

    def card(rows: int) -> Card:
        return judged(clean_city, stage([{}] * rows), expectations).card

    first = judged(clean_city, stage([{}] * 3), expectations)
    assert (first.card, first.results[0].detail) == (Card.GREEN, {"not_judged": "no loaded batch yet"})
    with psycopg.connect(clean_city.dsn(DatabaseRole.OWNER), autocommit=True) as owner:
        for number, (rows, state) in enumerate(
            [(1000, "loaded"), (10, "loaded"), (12, "loaded"), (8, "loaded"), (99, "refused")]
        ):
            owner.execute(
                "INSERT INTO meta.batch (dataset, object_key, sha256, bytes, source_name, source_version, logical_date, landed_at,"
                " state, rows_in, rows_loaded, rows_quarantined, rows_rejected, settled_at, reason) VALUES"
                " ('trial', %s, %s, 1, 'x', '1', '2026-01-01', now(), %s, %s, 0, 0, %s, now() + %s * interval '1 second', 'x')",
                (f"h{number}", f"{number:064d}", state, rows, rows, number),
            )  # fmt: skip
    # The median of the last three loaded ones is 10.
    assert [card(rows) for rows in (10, 8, 7, 12, 13, 5, 4)] == [
        Card.GREEN, Card.GREEN, Card.YELLOW, Card.GREEN, Card.YELLOW, Card.YELLOW, Card.RED,
    ]  # fmt: skip
