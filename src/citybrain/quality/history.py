"""What the last loaded batches of a dataset looked like, from the manifest."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from math import ceil, floor
from statistics import median

from psycopg import Connection

from citybrain.catalogue import Column
from citybrain.catalogue.working_day import day_kind
from citybrain.quality.compiler import as_column_time
from citybrain.quality.rules import (
    BatchRule,
    ColumnMean,
    Freshness,
    Range,
    RowCountAgainstHistory,
    RowCountAgainstSameDays,
)

YEAR = timedelta(days=366)

Bounds = tuple[object | None, object | None]
"""Lowest and highest fine figure; None: open."""


def usual_rows(connection: Connection, dataset_id: str, last: int) -> float | None:
    """Median of the rows delivered by the last loaded batches; None before the first one."""
    rows = connection.execute(
        "SELECT rows_in FROM meta.batch WHERE dataset = %s AND state = 'loaded' AND rows_in IS NOT NULL"
        " ORDER BY settled_at DESC NULLS LAST, batch_id DESC LIMIT %s",
        (dataset_id, last),
    ).fetchall()
    return float(median(row[0] for row in rows)) if rows else None


def usual_rows_of_such_days(
    connection: Connection, dataset_id: str, rule: RowCountAgainstSameDays, day: date
) -> float | None:
    """Median of the rows delivered for earlier days of the kind that `day` is; None while they are too few.

    What came last for a day counts for it.
    """
    rows = connection.execute(
        "SELECT DISTINCT ON (logical_date) logical_date, rows_in FROM meta.batch"
        " WHERE dataset = %s AND state = 'loaded' AND rows_in IS NOT NULL AND logical_date >= %s"
        " ORDER BY logical_date, settled_at DESC NULLS LAST, batch_id DESC",
        (dataset_id, day - YEAR),
    ).fetchall()
    return median_of_such_days(rows, day, rule.weeks, rule.least)


def median_of_such_days(
    rows_by_day: Iterable[tuple[date, int]], day: date, weeks: int, least: int
) -> float | None:
    """The median over the days before `day` that are of its kind and lie within the rule's window."""
    kind = day_kind(day)
    window = YEAR if kind == "holiday" else timedelta(weeks=weeks)
    such = [rows for of, rows in rows_by_day if day - window <= of < day and day_kind(of) == kind]
    return float(median(such)) if len(such) >= least else None


def batch_bounds(
    rule: BatchRule, column: Column | None, usual: float | None, as_of: datetime
) -> list[tuple[str, Bounds]]:
    """The fine figures of a batch rule as absolute values, by Great Expectations' severity. Empty: the rule
    cannot be judged.
    """
    if isinstance(rule, Freshness):
        if column is None:
            raise ValueError(f"{rule.id}: freshness needs its column")
        ages = (("warning", rule.yellow_older_than), ("critical", rule.red_older_than))
        return [
            (severity, (as_column_time(as_of - age, column), None))
            for severity, age in ages
            if age is not None
        ]
    scale = 1.0
    if isinstance(rule, RowCountAgainstHistory | RowCountAgainstSameDays):
        if usual is None:
            return []
        scale = usual
    ranges = (("warning", rule.yellow_outside), ("critical", rule.red_outside))
    counts = not isinstance(rule, ColumnMean)
    return [(severity, _scaled(fine, scale, counts)) for severity, fine in ranges if fine is not None]


def _scaled(fine: Range, scale: float, counts: bool) -> Bounds:
    low = None if fine.min is None else fine.min * scale
    high = None if fine.max is None else fine.max * scale
    if counts:  # a count at or above 80.5 is at or above 81
        return None if low is None else ceil(low), None if high is None else floor(high)
    return low, high
