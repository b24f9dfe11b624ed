"""From a staged delivery to the lines that stay out: Great Expectations' verdict, row predicates, and what
no file needs to say.

Three rules hold for every dataset without being written down: a record must be readable, a text must fit its
column's type, and a delivery names each key once (the first line counts).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import psycopg
from psycopg import sql

from citybrain.ingest.bad_lines import WORK_MEM, key_tests, rule_tests, type_tests, write_bad_lines
from citybrain.ingest.early_checks import EarlyChecks
from citybrain.ingest.manifest import Batch
from citybrain.ingest.stage import recover_records
from citybrain.ingest.stage_tables import SCHEMA, Staged, index_stage
from citybrain.quality import (
    Card,
    Expectations,
    RowPredicate,
    RuleResult,
    Unique,
    Verdict,
    judge_batch,
    row_predicates,
)
from citybrain.settings import DatabaseRole, Settings

RED_SHARE = 0.1  # of a delivery's rows unreadable or mistyped: then the delivery is wrong, not the rows


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
    early: EarlyChecks | None = None,
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
    own = find_bad_lines(connection, staged, batch, expectations, suspects(verdict), early)
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
    early: EarlyChecks | None = None,
) -> list[RuleResult]:
    """Fill the table of bad lines, with all reasons of a line; the results of the three unwritten rules.

    `rule_ids`: the row rules some row may break (None: any of them). The verdict has counted the same
    predicates on the same rows, so a rule it found kept is not evaluated again. `early` has asked the rows of
    a plain delivery as they arrived: then rules that compare rows are left, and nothing is to be done again
    where no row repeats another.
    """
    connection.execute(sql.SQL("SET work_mem = {}").format(sql.Literal(WORK_MEM)))
    predicates = row_predicates(
        staged.dataset, expectations, staged.table, as_of=batch.landed_at, rule_ids=rule_ids
    )
    if not staged.plain:
        early = None
    if early is not None:
        early.finish(staged)
        counting = early.start(lambda second: _repeated(second, predicates, rule_ids))
        _learn_bad_lines(connection, staged)
        recover_bad_records(connection, staged)
        index_stage(connection, staged)
        repeated = counting.result()
    else:
        repeated = _repeated(connection, predicates, rule_ids)
    if repeated or early is None:
        asked = [found for found in predicates if found.repeats_sql is None or found.rule_id in repeated]
        types = type_tests(staged.dataset, expectations) if staged.mistyped else []
        tests = [*rule_tests(asked), *types, *key_tests(staged.dataset, expectations)]
        write_bad_lines(connection, staged, tests)
        _learn_bad_lines(connection, staged)
    doubled = 0 if _keys_are_checked(expectations) else _find_doubled_keys(connection, staged)
    recover_bad_records(connection, staged)
    return [
        _own_result("readable_records", staged.faults, staged.rows_in, "记录无法读取"),
        _own_result("typed_values", staged.mistyped, staged.rows_in - staged.faults, "取值与列类型不符"),
        _own_result("key_once", doubled, staged.rows_in - staged.faults, "同一交付内主键重复"),
    ]


def _repeated(
    connection: psycopg.Connection, predicates: list[RowPredicate], rule_ids: frozenset[str] | None
) -> frozenset[str]:
    """Of the rules that compare rows, those that some row breaks. A verdict has counted them already."""
    return frozenset(
        found.rule_id
        for found in predicates
        if found.repeats_sql is not None
        and (rule_ids is not None or _count(connection, found.repeats_sql) > 0)
    )


def _learn_bad_lines(connection: psycopg.Connection, staged: Staged) -> None:
    """Guessed by its pages the table seems to be large: then the good rows are hashed to disk, not the bad
    ones."""
    connection.execute(sql.SQL("ANALYZE {} (_line)").format(staged.bad))


def _count(connection: psycopg.Connection, subselect: str) -> int:
    row = connection.execute(sql.SQL("SELECT {}").format(sql.SQL(subselect))).fetchone()
    return int(row[0]) if row else 0


def _keys_are_checked(expectations: Expectations) -> bool:
    """Whether a written rule keeps out every line that repeats a key."""
    return any(
        isinstance(rule, Unique) and rule.when is None and set(rule.columns) <= set(expectations.dataset.key)
        for rule in expectations.row_rules
    )


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
            " || first || ' already)'], place"
            " FROM (SELECT _line, s.ctid AS place,"
            " first_value(_line) OVER (PARTITION BY {keys} ORDER BY _line) AS first FROM {good})"
            " AS numbered WHERE _line <> first"
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
