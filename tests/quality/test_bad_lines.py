"""The table of bad lines holds what every rule by itself says, whichever rules the verdict let be judged."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import psycopg
import pytest

from citybrain.catalogue import Dataset
from citybrain.ingest.judging import find_bad_lines, suspects
from citybrain.ingest.manifest import Batch
from citybrain.ingest.stage_tables import Staged, drop_stage
from citybrain.quality import Expectations, judge_batch, row_predicates
from citybrain.settings import DatabaseRole, Settings

from .conftest import AS_OF, TYPES, bad_lines, random_rows
from .test_gate import ROW_RULES, with_type_errors

pytestmark = pytest.mark.integration

NUMBER = 900_001
ROWS = 400
BATCH = Batch(
    NUMBER, "trial", "k", "0" * 64, "x", "v", date(2026, 5, 1), AS_OF, "landed", None, 0, 0, 0, 0, None, 0
)
WELL_TYPED = {"small", "day"}  # the rule `typed` gives the reason there


@pytest.fixture
def staged(
    loader: psycopg.Connection, stage: Callable[..., str], dataset: Dataset, tmp_path: Path
) -> Iterator[Callable[[list[dict[str, Any]]], Staged]]:
    """Rows as a staged delivery. Its records stand in the text table already, so no file is read again."""

    def fill(rows: list[dict[str, Any]]) -> Staged:
        drop_stage(loader, NUMBER)
        name = stage(rows)
        loader.execute(f"ALTER TABLE stage.{name} RENAME TO batch_{NUMBER}".encode())
        loader.execute(
            f"CREATE TABLE stage.batch_{NUMBER}_bad (_line bigint, reasons text[], place tid)".encode()
        )
        loader.execute(
            f"CREATE TABLE stage.batch_{NUMBER}_text AS SELECT _line FROM stage.batch_{NUMBER}".encode()
        )
        mistyped = sum(row.get("_type_errors") is not None for row in rows)
        return Staged(NUMBER, dataset, tmp_path / "nothing", len(rows), 0, mistyped)

    yield fill
    drop_stage(loader, NUMBER)


def found(connection: psycopg.Connection) -> dict[int, list[str]]:
    rows = connection.execute(f"SELECT _line, reasons FROM stage.batch_{NUMBER}_bad".encode()).fetchall()
    assert len(rows) == len(dict(rows)), "a line is bad once"
    return dict(rows)


def rule_by_rule(
    connection: psycopg.Connection, staged: Staged, expectations: Expectations, rows: list[dict[str, Any]]
) -> dict[int, list[str]]:
    """Each predicate by itself, then types, key columns, and keys that a good line above has: as written
    down."""
    reasons: dict[int, list[str]] = defaultdict(list)
    for predicate in row_predicates(expectations.dataset, expectations, staged.table, as_of=AS_OF):
        for line in bad_lines(connection, staged.table, predicate.sql):
            reasons[line].append(f"{predicate.reason_zh} [{predicate.rule_id}]")
    typed = any(rule.kind == "well_typed" and rule.when is None for rule in expectations.row_rules)
    present = any(rule.kind == "not_null" and rule.when is None for rule in expectations.row_rules)
    for line, row in enumerate(rows, start=1):
        errors = row.get("_type_errors") or []
        for name, kind in TYPES.items():
            if kind != "text" and name in errors and not (typed and name in WELL_TYPED):
                reasons[line].append(f"is not of type {kind}")
        if row["word"] is None and not present:
            reasons[line].append("key column word is empty")
    first: dict[str, int] = {}
    for line, row in enumerate(rows, start=1):
        if line not in reasons and first.setdefault(row["word"], line) != line:
            reasons[line].append(f"the key stands in line {first[row['word']]} already")
    return dict(reasons)


def assert_same(mine: dict[int, list[str]], wanted: dict[int, list[str]]) -> None:
    assert mine.keys() == wanted.keys()
    for line, texts in wanted.items():
        assert len(mine[line]) == len(texts), line
        assert all(want in text for text, want in zip(mine[line], texts, strict=True)), line


@pytest.mark.parametrize("seed", [5, 6])
@pytest.mark.parametrize("rules", ["all", "few"])
def test_bad_lines_are_those_of_every_rule_by_itself(
    seed: int,
    rules: str,
    clean_city: Settings,
    loader: psycopg.Connection,
    staged: Callable[[list[dict[str, Any]]], Staged],
    expect: Callable[..., Expectations],
) -> None:
    """`few`: no rule on the key, so that repeated keys are found by no written rule."""
    few = ("small_range", "code_when", "typed_when")
    chosen = [rule for rule in ROW_RULES if rules == "all" or rule["id"] in few]
    kept_by_all = {"id": "kept", "kind": "one_of", "column": "yes", "values": [True, False]}
    expectations = expect(*chosen, kept_by_all)
    rows = with_type_errors(random_rows(seed, ROWS), seed)
    delivery = staged(rows)
    wanted = rule_by_rule(loader, delivery, expectations, rows)
    assert 0 < len(wanted) < ROWS or rules == "all"

    find_bad_lines(loader, delivery, BATCH, expectations)
    assert_same(found(loader), wanted)

    verdict = judge_batch(
        clean_city.dsn(DatabaseRole.LOADER),
        "stage",
        delivery.table,
        expectations.dataset,
        expectations,
        "trial",
        as_of=AS_OF,
        settings=clean_city,
    )
    some = suspects(verdict)
    assert some is not None
    assert "kept" not in some
    find_bad_lines(loader, delivery, BATCH, expectations, some)
    assert_same(found(loader), wanted)


def test_a_verdict_that_broke_down_spares_no_rule(
    settings: Settings, expect: Callable[..., Expectations]
) -> None:
    expectations = expect({"id": "word", "kind": "not_null", "column": "word"})
    verdict = judge_batch(
        settings.dsn(DatabaseRole.LOADER),
        "stage",
        "no_such_table",
        expectations.dataset,
        expectations,
        "trial",
        settings=settings,
    )
    assert suspects(verdict) is None
