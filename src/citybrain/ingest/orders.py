"""Data work orders: a rule that a delivery breaks is work for the department that owns the data.

One order stands open for a dataset and rule. It is opened in the transaction that settles the batch, kept up
by later batches that break the rule again, and closed by the first one that keeps it.
"""

from dataclasses import dataclass
from datetime import datetime

import psycopg
from psycopg.rows import class_row

from citybrain.catalogue import usable_datasets
from citybrain.catalogue.department import load_departments
from citybrain.settings import DatabaseRole, get_settings
from citybrain.warehouse.connection import connect

# Results of this very transaction: a released batch has those of its first gate, too.
_BROKEN = """
INSERT INTO meta.data_order AS standing
    (dataset, rule_id, rule_kind, card, opened_by_batch, last_batch, unexpected_rows, evaluated_rows)
SELECT DISTINCT ON (r.rule_id)
    b.dataset, r.rule_id, r.rule_kind, r.card, b.batch_id, b.batch_id, r.unexpected_rows, r.evaluated_rows
FROM meta.gate_result AS r
JOIN meta.batch AS b USING (batch_id)
WHERE r.batch_id = %(batch)s AND r.gated_at = now() AND r.card IS NOT NULL
ORDER BY r.rule_id, r.card
ON CONFLICT (dataset, rule_id) WHERE closed_at IS NULL DO UPDATE SET
    card = excluded.card,
    last_batch = excluded.last_batch,
    unexpected_rows = excluded.unexpected_rows,
    evaluated_rows = excluded.evaluated_rows
"""
# `delivery` is the order for a delivery that could not be used at all: any that can be used closes it.
_KEPT = """
UPDATE meta.data_order AS o SET closed_at = now(), closed_by_batch = %(batch)s
WHERE o.closed_at IS NULL AND o.dataset = %(dataset)s
    AND NOT EXISTS (
        SELECT FROM meta.gate_result AS r
        WHERE r.batch_id = %(batch)s AND r.gated_at = now() AND r.rule_id = o.rule_id AND r.card IS NOT NULL
    )
    AND (
        o.rule_id = 'delivery'
        OR EXISTS (
            SELECT FROM meta.gate_result AS r
            WHERE r.batch_id = %(batch)s AND r.gated_at = now() AND r.rule_id = o.rule_id
        )
    )
"""


@dataclass(frozen=True)
class DataOrder:
    """A row of `meta.data_order` with the names people read. Times are aware; closed_at None: open."""

    data_order_id: int
    dataset: str
    rule_id: str
    card: str
    opened_at: datetime
    last_batch: int
    unexpected_rows: int | None
    evaluated_rows: int | None
    closed_at: datetime | None
    owner: str = ""
    title: str = ""


def write_orders(connection: psycopg.Connection, batch_id: int, dataset: str) -> None:
    """Open, keep up and close orders by the gate results that this transaction has written."""
    parameters = {"batch": batch_id, "dataset": dataset}
    connection.execute(_BROKEN, parameters)
    connection.execute(_KEPT, parameters)


def data_orders(department: str | None = None, with_closed: bool = False) -> list[DataOrder]:
    """Orders of one department (default: of all), the oldest first. Raises KeyError for an unknown one."""
    settings = get_settings()
    departments, datasets = load_departments(), usable_datasets(settings)
    wanted = departments[department].id if department is not None else None
    owned = [name for name, dataset in datasets.items() if wanted is None or dataset.owner == wanted]
    with (
        connect(settings, DatabaseRole.LOADER, "citybrain orders") as connection,
        connection.cursor(row_factory=class_row(DataOrder)) as cursor,
    ):
        found = cursor.execute(
            "SELECT data_order_id, dataset, rule_id, card, opened_at, last_batch, unexpected_rows,"
            " evaluated_rows, closed_at FROM meta.data_order"
            " WHERE dataset = ANY(%s) AND (closed_at IS NULL OR %s) ORDER BY opened_at, data_order_id",
            (owned, with_closed),
        ).fetchall()
    return [
        DataOrder(
            **{
                **vars(order),
                "owner": departments[datasets[order.dataset].owner].zh,
                "title": datasets[order.dataset].title.zh,
            }
        )
        for order in found
    ]
