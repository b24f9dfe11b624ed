"""The raw table of a dataset follows from its file: created when missing, widened when the file gains a
column.

A large delivery stands in a table of its own, `delivered.batch_<id>`, which is a part of `raw.<dataset>` by
inheritance: who reads the raw table reads it too, and a column that the raw table gains it gains as well.

A row carries its batch and its line; what else is known of where it came from stands once, with the batch
(`meta.batch`). Rows are never rewritten, so a column that changes its type or leaves the file is not this
module's to settle: a changed type is an error that says what to do, a column that left stays and takes NULL.
"""

import psycopg
from psycopg import sql

from citybrain.catalogue import Dataset, usable_datasets
from citybrain.settings import DatabaseRole, Settings
from citybrain.warehouse.connection import connect

RAW_SCHEMA = "raw"
OWN_TABLES_SCHEMA = "delivered"
LINEAGE: dict[str, str] = {
    "_batch_id": "bigint",
    "_line": "bigint",
    "_logical_date": "date",
    "_loaded_at": "timestamptz",
}
_TYPE_NAMES = {
    "timestamp without time zone": "timestamp",
    "timestamp with time zone": "timestamptz",
}


class RawTableError(RuntimeError):
    """The raw table and the dataset's file cannot be brought together without losing rows."""


def prepare_raw_table(settings: Settings, dataset: Dataset) -> bool:
    """Make `raw.<dataset>` hold every column of the file. True when something had to be created or added.

    Looks as the loader, and connects as the owner only when there is something to do. Raises RawTableError
    on a changed type.
    """
    with connect(settings, DatabaseRole.LOADER, "citybrain raw tables") as connection:
        if not _statements(dataset, _columns(connection, dataset.id)):
            return False
    with connect(settings, DatabaseRole.OWNER, "citybrain raw tables") as connection:
        # Two gates may find the same table missing: the second waits here and then finds nothing to do.
        connection.execute("SELECT pg_advisory_xact_lock(hashtext('raw.' || %s))", (dataset.id,))
        statements = _statements(dataset, _columns(connection, dataset.id))
        for statement in statements:
            connection.execute(statement)
    return bool(statements)


def prepare_missing_tables(settings: Settings) -> None:
    """An empty `raw.<dataset>` for each dataset that nobody has delivered yet: staging reads them all."""
    with connect(settings, DatabaseRole.LOADER, "citybrain raw tables") as connection:
        rows = connection.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = %s", (RAW_SCHEMA,)
        ).fetchall()
    there = {name for (name,) in rows}
    for name, dataset in usable_datasets(settings).items():
        if name not in there:
            prepare_raw_table(settings, dataset)


def _columns(connection: psycopg.Connection, table: str) -> dict[str, str]:
    """The table's columns and their types, in order; empty when there is no such table."""
    rows = connection.execute(
        "SELECT a.attname, format_type(a.atttypid, a.atttypmod) FROM pg_attribute a"
        " JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE n.nspname = %s AND c.relname = %s AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum",
        (RAW_SCHEMA, table),
    ).fetchall()
    return {str(name): _TYPE_NAMES.get(kind, str(kind)) for name, kind in rows}


def _statements(dataset: Dataset, present: dict[str, str]) -> list[sql.Composed]:
    """What to run so that the table holds the file's columns."""
    wanted = {column.name: column.type for column in dataset.columns}
    table = sql.Identifier(RAW_SCHEMA, dataset.id)
    if not present:
        columns = [
            sql.SQL("{} {}").format(sql.Identifier(name), sql.SQL(kind)) for name, kind in wanted.items()
        ]
        columns += [
            sql.SQL("{} {} NOT NULL").format(sql.Identifier(name), sql.SQL(kind))
            for name, kind in LINEAGE.items()
        ]
        create = sql.SQL("CREATE TABLE {} ({})").format(table, sql.SQL(", ").join(columns))
        # Rows of a batch stand together, in the order of batches: a block range index finds them, and costs
        # a load next to nothing where a unique index costs a third of it. That a batch is loaded once is
        # the manifest's to hold.
        index = sql.SQL(
            "CREATE INDEX ON {} USING brin (_batch_id, _line) WITH (pages_per_range = 32, autosummarize = on)"
        ).format(table)
        comment = sql.SQL("COMMENT ON TABLE {} IS {}").format(table, sql.Literal(dataset.description))
        return [create, index, comment, *(_comment(dataset, name) for name in wanted)]
    changed = [
        f"{name} is {present[name]} in raw.{dataset.id}, but {kind} in dags/sources/{dataset.id}.yml"
        for name, kind in wanted.items()
        if name in present and present[name] != kind
    ]
    if changed:
        raise RawTableError(
            f"{'; '.join(changed)}. Loaded rows keep their type: give the column a new name in the file"
            " (its old header may stay), or migrate the table by hand"
        )
    statements: list[sql.Composed] = []
    for name, kind in wanted.items():
        if name not in present:
            add = sql.SQL("ALTER TABLE {} ADD COLUMN {} {}").format(
                table, sql.Identifier(name), sql.SQL(kind)
            )
            statements += [add, _comment(dataset, name)]
    return statements


def _comment(dataset: Dataset, name: str) -> sql.Composed:
    column = dataset.column(name)
    unit = f" [{column.unit}]" if column.unit else ""
    return sql.SQL("COMMENT ON COLUMN {} IS {}").format(
        sql.Identifier(RAW_SCHEMA, dataset.id, name),
        sql.Literal(f"{column.label.zh} / {column.label.en}{unit}"),
    )
