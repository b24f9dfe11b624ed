"""Lines that stay out, with all their reasons: what is asked of a row, and the statement that asks it."""

import psycopg
from psycopg import sql

from citybrain.catalogue import Dataset
from citybrain.ingest.stage_tables import Staged
from citybrain.quality import Expectations, RowPredicate

_TYPE_ZH = {
    "integer": "整数",
    "bigint": "整数",
    "numeric": "数值",
    "boolean": "是非值",
    "date": "日期",
    "timestamp": "不带时区的时间",
    "timestamptz": "时间",
}

WORK_MEM = "64MB"  # hashed keys and references of a large delivery

Test = tuple[sql.Composable, str]
"""A condition on a row of `s`, and the reason that stands for it."""


def rule_tests(predicates: list[RowPredicate]) -> list[Test]:
    return [(sql.SQL(found.sql), f"{found.reason_zh} [{found.rule_id}]") for found in predicates]


def type_tests(dataset: Dataset, expectations: Expectations) -> list[Test]:
    """Whether each column's text fits its type, where no rule gives the reason."""
    covered = _covered(expectations, "well_typed")
    return [
        (
            sql.SQL("coalesce({} = ANY (s._type_errors), false)").format(sql.Literal(column.name)),
            f"{column.label.zh}：不是{_TYPE_ZH[column.type]} ({column.name} is not of type {column.type})",
        )
        for column in dataset.columns
        if column.type != "text" and column.name not in covered
    ]


def key_tests(dataset: Dataset, expectations: Expectations) -> list[Test]:
    """Whether the key is there, where no rule asks. A mistyped key is NULL too, and has its own reason."""
    covered = _covered(expectations, "not_null")
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


def _covered(expectations: Expectations, kind: str) -> set[str]:
    """The columns for which a rule of `kind` already gives the reason, on every row."""
    return {
        name
        for rule in expectations.row_rules
        if getattr(rule, "kind", None) == kind and rule.when is None
        for name in rule.column_names
    }


def select_bad(staged: Staged, tests: list[Test], among: sql.Composable) -> sql.Composed:
    """Of rows `among` those of `s` the ones that fail some test: line, reasons, and place in the table."""
    reasons = [
        sql.SQL("CASE WHEN {} THEN {} END").format(test, sql.Literal(reason)) for test, reason in tests
    ]
    some: sql.Composable = sql.SQL(" OR ").join(test for test, _ in tests) if tests else sql.SQL("false")
    return sql.SQL(
        "SELECT s._line, array_remove(ARRAY[{}]::text[], NULL) AS reasons, s.ctid AS place"
        " FROM {} AS s WHERE {} AND ({})"
    ).format(sql.SQL(", ").join(reasons), staged.typed, among, some)


def write_bad_lines(connection: psycopg.Connection, staged: Staged, tests: list[Test]) -> None:
    """Fill the table of bad lines anew. The table is made by the query: PostgreSQL shares the scan among its
    workers when it fills a new table, not when it adds to one."""
    connection.execute(sql.SQL("DROP TABLE {}").format(staged.bad))
    connection.execute(
        sql.SQL("CREATE UNLOGGED TABLE {} AS {}").format(
            staged.bad, select_bad(staged, tests, sql.SQL("true"))
        )
    )
