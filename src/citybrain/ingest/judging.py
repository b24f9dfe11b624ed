"""From a staged delivery to the lines that stay out: Great Expectations' verdict, row predicates, and what
no file needs to say.

Three rules hold for every dataset without being written down: a record must be readable, a text must fit its
column's type, and a delivery names each key once (the first line counts).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import psycopg
from psycopg import sql

from citybrain.catalogue import Dataset
from citybrain.ingest.manifest import Batch
from citybrain.ingest.stage import SCHEMA, Staged, recover_records
from citybrain.quality import (
    Card,
    Expectations,
    RuleResult,
    Unique,
    Verdict,
    judge_batch,
    row_predicates,
)
from citybrain.settings import DatabaseRole, Settings

WORK_MEM = "64MB"  # hashed keys and references of a large delivery
RED_SHARE = 0.1  # of a delivery's rows unreadable or mistyped: then the delivery is wrong, not the rows
_TYPE_ZH = {
    "integer": "整数",
    "bigint": "整数",
    "numeric": "数值",
    "boolean": "是非值",
    "date": "日期",
    "timestamp": "不带时区的时间",
    "timestamptz": "时间",
}


Test = tuple[sql.Composable, str]
"""A condition on a row of `s`, and the reason that stands for it."""


@dataclass(frozen=True)
class Judgement:
    """The card, each rule's result, and in Chinese why the card is not green."""

    card: Card
    results: list[RuleResult]
    reason: str | None


def judge(
    connection: psycopg.Connection,
    settings: Settings,
    staged: Staged,
    batch: Batch,
    expectations: Expectations,
) -> Judgement:
    """The card of a staged batch; fills its table of bad lines."""
    verdict = judge_batch(
        settings.dsn(DatabaseRole.LOADER),
        SCHEMA,
        staged.table,
        staged.dataset,
        expectations,
        run_name(batch.batch_id),
        as_of=batch.landed_at,
        logical_date=batch.logical_date,
        settings=settings,
    )
    own = find_bad_lines(connection, staged, batch, expectations, suspects(verdict))
    results = [*verdict.results, *own]
    card = max((verdict.card, *(result.card or Card.GREEN for result in own)), key=list(Card).index)
    reasons = [verdict.reason] if verdict.reason else []
    reasons += [str(result.detail["reason"]) for result in own if result.card is not None]
    return Judgement(card, results, "；".join(reasons) or None)


def run_name(batch_id: int) -> str:
    """What the batch's result is called in Great Expectations' Data Docs."""
    return f"batch_{batch_id}"


def suspects(verdict: Verdict) -> frozenset[str] | None:
    """The rules that the verdict did not find kept by every row; None when there is no verdict on rules."""
    if any(result.rule_kind == "gate" for result in verdict.results):
        return None
    return frozenset(result.rule_id for result in verdict.results if result.unexpected_rows != 0)


def find_bad_lines(
    connection: psycopg.Connection,
    staged: Staged,
    batch: Batch,
    expectations: Expectations,
    rule_ids: frozenset[str] | None = None,
) -> list[RuleResult]:
    """Fill the table of bad lines, with all reasons of a line; the results of the three unwritten rules.

    `rule_ids`: the row rules some row may break (None: any of them). The verdict has counted the same
    predicates on the same rows, so a rule it found kept is not evaluated again.
    """
    connection.execute(sql.SQL("SET work_mem = {}").format(sql.Literal(WORK_MEM)))
    predicates = row_predicates(
        staged.dataset, expectations, staged.table, as_of=batch.landed_at, rule_ids=rule_ids
    )
    tests: list[Test] = [
        (sql.SQL(found.sql), f"{found.reason_zh} [{found.rule_id}]")
        for found in predicates
        if rule_ids is not None or found.repeats_sql is None or _count(connection, found.repeats_sql) > 0
    ]
    if staged.mistyped:
        tests += _type_tests(staged.dataset, _covered(expectations, "well_typed"))
    tests += _key_tests(staged.dataset, _covered(expectations, "not_null"))
    _write_bad_lines(connection, staged, tests)
    doubled = 0 if _keys_are_checked(expectations) else _find_doubled_keys(connection, staged)
    recover_bad_records(connection, staged)
    return [
        _own_result("readable_records", staged.faults, staged.rows_in, "记录无法读取"),
        _own_result("typed_values", staged.mistyped, staged.rows_in - staged.faults, "取值与列类型不符"),
        _own_result("key_once", doubled, staged.rows_in - staged.faults, "同一交付内主键重复"),
    ]


def _count(connection: psycopg.Connection, subselect: str) -> int:
    row = connection.execute(sql.SQL("SELECT {}").format(sql.SQL(subselect))).fetchone()
    return int(row[0]) if row else 0


def _write_bad_lines(connection: psycopg.Connection, staged: Staged, tests: list[Test]) -> None:
    """Rows that fail some test, with the reasons. The table is made by the query: PostgreSQL shares the scan
    among its workers when it fills a new table, not when it adds to one."""
    connection.execute(sql.SQL("DROP TABLE {}").format(staged.bad))
    reasons = [
        sql.SQL("CASE WHEN {} THEN {} END").format(test, sql.Literal(reason)) for test, reason in tests
    ]
    some: sql.Composable = sql.SQL(" OR ").join(test for test, _ in tests) if tests else sql.SQL("false")
    connection.execute(
        sql.SQL(
            "CREATE UNLOGGED TABLE {} AS SELECT s._line, array_remove(ARRAY[{}]::text[], NULL) AS reasons"
            " FROM {} AS s WHERE {}"
        ).format(staged.bad, sql.SQL(", ").join(reasons), staged.typed, some)
    )
    # Guessed by its pages it seems to be large, and then the good rows are hashed to disk, not the bad ones.
    connection.execute(sql.SQL("ANALYZE {} (_line)").format(staged.bad))


def _keys_are_checked(expectations: Expectations) -> bool:
    """Whether a written rule keeps out every line that repeats a key."""
    return any(
        isinstance(rule, Unique) and rule.when is None and set(rule.columns) <= set(expectations.dataset.key)
        for rule in expectations.row_rules
    )


def _covered(expectations: Expectations, kind: str) -> set[str]:
    """The columns for which a rule of `kind` already gives the reason, on every row."""
    return {
        name
        for rule in expectations.row_rules
        if getattr(rule, "kind", None) == kind and rule.when is None
        for name in rule.column_names
    }


def _type_tests(dataset: Dataset, covered: set[str]) -> list[Test]:
    return [
        (
            sql.SQL("coalesce({} = ANY (s._type_errors), false)").format(sql.Literal(column.name)),
            f"{column.label.zh}：不是{_TYPE_ZH[column.type]} ({column.name} is not of type {column.type})",
        )
        for column in dataset.columns
        if column.type != "text" and column.name not in covered
    ]


def _key_tests(dataset: Dataset, covered: set[str]) -> list[Test]:
    """A mistyped key is NULL too, and has its own reason."""
    return [
        (
            sql.SQL("(s.{} IS NULL AND NOT coalesce({} = ANY (s._type_errors), false))").format(
                sql.Identifier(name), sql.Literal(name)
            ),
            f"主键列为空：{dataset.column(name).label.zh} (key column {name} is empty)",
        )
        for name in dataset.key
        if name not in covered
    ]


def _find_doubled_keys(connection: psycopg.Connection, staged: Staged) -> int:
    """Mark the later ones among good rows with the same key. How many."""
    keys = sql.SQL(", ").join(map(sql.Identifier, staged.dataset.key))
    good = sql.SQL("{} AS s WHERE NOT EXISTS (SELECT FROM {} AS b WHERE b._line = s._line)").format(
        staged.typed, staged.bad
    )
    # Most deliveries have none: hashing the keys tells, without sorting them all.
    doubled = sql.SQL("SELECT {keys} FROM {good} GROUP BY {keys} HAVING count(*) > 1").format(
        keys=keys, good=good
    )
    if connection.execute(sql.SQL("SELECT EXISTS ({})").format(doubled)).fetchone() == (False,):
        return 0
    return connection.execute(
        sql.SQL(
            "INSERT INTO {bad} SELECT _line,"
            " ARRAY['主键重复，保留第 ' || first || ' 行 (the key stands in line '"
            " || first || ' already)']"
            " FROM (SELECT _line, first_value(_line) OVER (PARTITION BY {keys} ORDER BY _line)"
            " AS first FROM {good}) AS numbered WHERE _line <> first"
        ).format(bad=staged.bad, keys=keys, good=good)
    ).rowcount


def recover_bad_records(connection: psycopg.Connection, staged: Staged) -> None:
    """Put the records of bad lines into the text table as delivered, where they are not there yet."""
    rows = connection.execute(
        sql.SQL(
            "SELECT _line FROM {} AS b WHERE NOT EXISTS (SELECT FROM {} AS t WHERE t._line = b._line)"
        ).format(staged.bad, staged.text)
    ).fetchall()
    recover_records(connection, staged, frozenset(line for (line,) in rows))


def _own_result(rule_id: str, bad: int, evaluated: int, reason: str) -> RuleResult:
    share = bad / evaluated if evaluated else 0.0
    card = None if not bad else Card.RED if share > RED_SHARE and rule_id != "key_once" else Card.YELLOW
    detail = {"reason": f"{reason} {bad} 行，占 {share:.1%}"} if bad else {}
    return RuleResult(rule_id, "built_in", None, card, bad, evaluated, detail)


def worst_rules(results: Sequence[RuleResult], limit: int = 5) -> list[RuleResult]:
    """The failed rules, red before yellow, then by rows."""
    failed = [result for result in results if result.card is not None]
    return sorted(failed, key=lambda result: (result.card != Card.RED, -(result.unexpected_rows or 0)))[
        :limit
    ]
