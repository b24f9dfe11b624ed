"""Rows of a mart as Arrow batches, read through a server-side cursor: memory does not grow with the mart."""

from collections.abc import Iterator

import psycopg
import pyarrow as pa
from psycopg import sql

MARTS = "marts"
BATCH_ROWS = 20_000
_TYPES = {
    "text": pa.large_string(),
    "character varying": pa.large_string(),
    "smallint": pa.int32(),
    "integer": pa.int32(),
    "bigint": pa.int64(),
    "boolean": pa.bool_(),
    "real": pa.float32(),
    "double precision": pa.float64(),
    "date": pa.date32(),
    "timestamp without time zone": pa.timestamp("us"),
    "timestamp with time zone": pa.timestamp("us", tz="UTC"),
}
_AS_TEXT = {"json", "jsonb", "ARRAY", "uuid", "interval", "time without time zone"}
WIDEST_DECIMAL = (38, 9)  # for a numeric without precision of its own


class UnknownColumnTypeError(ValueError):
    """A mart has a column of a type that has no place in an open table yet."""


def mart_schema(connection: psycopg.Connection, mart: str) -> tuple[pa.Schema, sql.Composed]:
    """The mart's columns in Arrow's types, and the query that gives its rows so.

    Raises UnknownColumnTypeError. JSON, arrays and the like become text.
    """
    columns = connection.execute(
        "SELECT column_name, data_type, numeric_precision, numeric_scale FROM information_schema.columns"
        " WHERE table_schema = %s AND table_name = %s ORDER BY ordinal_position",
        (MARTS, mart),
    ).fetchall()
    fields, selected = [], []
    for name, kind, precision, scale in columns:
        column: sql.Composable = sql.Identifier(name)
        if kind == "numeric":
            wide = (precision, scale) if precision is not None else WIDEST_DECIMAL
            fields.append(pa.field(name, pa.decimal128(*wide)))
            column = sql.SQL("{}::numeric({}, {})").format(column, *map(sql.Literal, wide))
        elif kind in _AS_TEXT:
            fields.append(pa.field(name, pa.large_string()))
            column = sql.SQL("{}::text").format(column)
        elif kind in _TYPES:
            fields.append(pa.field(name, _TYPES[kind]))
        else:
            raise UnknownColumnTypeError(f"{mart}.{name} is {kind}: no Iceberg type is known for it")
        selected.append(column)
    query = sql.SQL("SELECT {} FROM {}").format(sql.SQL(", ").join(selected), sql.Identifier(MARTS, mart))
    return pa.schema(fields), query


def mart_rows(connection: psycopg.Connection, schema: pa.Schema, query: sql.Composed) -> pa.RecordBatchReader:
    """The query's rows as a stream; `connection` must be in a transaction until it has been read."""

    def batches() -> Iterator[pa.RecordBatch]:
        with connection.cursor(name="mart_rows") as cursor:
            cursor.itersize = BATCH_ROWS
            cursor.execute(query)
            while rows := cursor.fetchmany(BATCH_ROWS):
                columns = zip(*rows, strict=True)
                arrays = [pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)]
                yield pa.RecordBatch.from_arrays(arrays, schema=schema)

    return pa.RecordBatchReader.from_batches(schema, batches())
