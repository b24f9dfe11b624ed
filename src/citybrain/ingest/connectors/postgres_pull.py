"""Rows of another department's PostgreSQL, by the time of their last change: a window of changes an object.

Each window begins some time before the watermark, so that a row whose transaction ended late is not missed;
rows that come again restate themselves. The watermark moves with the manifest row of what was read.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from pathlib import Path

import psycopg
from psycopg import sql

from citybrain.catalogue import Dataset
from citybrain.catalogue.connector import PostgresPull
from citybrain.ingest.connectors.arrival import Arrival, Fetched, SourceError, iso_version
from citybrain.ingest.manifest import watermarks
from citybrain.lake import spool
from citybrain.settings import DatabaseRole, Settings
from citybrain.warehouse.connection import CONNECT_TIMEOUT_SECONDS, connect

READ_UNTIL = "postgres_read_until"
OVERLAP_SEEN = "postgres_overlap_seen"
EVER = "-infinity"


@dataclass(frozen=True)
class Window:
    """Rows whose watermark is after `after` and not after `until`, as the source writes times."""

    after: str
    until: str


@dataclass(frozen=True)
class PostgresSource:
    """A table of an outside database, as a dataset reads it."""

    settings: Settings
    dataset: Dataset
    connector: PostgresPull

    @property
    def table(self) -> sql.Identifier:
        return sql.Identifier(*self.connector.table.split("."))

    @property
    def watermark(self) -> sql.Identifier:
        return sql.Identifier(self._name(self.connector.watermark))

    @property
    def columns(self) -> sql.Composed:
        """The dataset's columns by the first of their headers: what they are called in the source."""
        names = [column.accepted_headers[0] for column in self.dataset.columns]
        return sql.SQL(", ").join(map(sql.Identifier, names))

    @property
    def order(self) -> sql.Composed:
        """By watermark, then by key: the same rows always make the same bytes."""
        keys = [sql.Identifier(self._name(name)) for name in self.dataset.key]
        return sql.SQL(", ").join([self.watermark, *keys])

    def _name(self, column: str) -> str:
        return self.dataset.column(column).accepted_headers[0]

    def within(self, window: Window) -> sql.Composed:
        kind = sql.SQL(self.dataset.column(self.connector.watermark).type)
        return sql.SQL("{column} > {after}::{kind} AND {column} <= {until}::{kind}").format(
            column=self.watermark, after=sql.Literal(window.after), until=sql.Literal(window.until), kind=kind
        )


def pulled_windows(
    settings: Settings, dataset: Dataset, connector: PostgresPull, day: date | None
) -> Iterator[Arrival]:
    """What changed since the watermark, oldest first; with `day` what was last changed on it, anew.

    Raises SourceError when the database cannot be read.
    """
    source = PostgresSource(settings, dataset, connector)
    with _reading(source) as outside:
        found = _changed_since(source, outside) if day is None else _changed_on(source, outside, day)
    for window in found:
        moment = "".join(letter for letter in window.until[:19] if letter.isdigit())
        name = f"{connector.table.split('.')[1]}_{moment}.csv"
        yield Arrival(name, partial(_fetch, source, window, keep=day is None))


@contextmanager
def _reading(source: PostgresSource) -> Iterator[psycopg.Connection]:
    """A read-only transaction that sees one state of the source, with time limits."""
    name = source.connector.connection
    try:
        address = source.settings.source_database(name)
    except KeyError as error:
        raise SourceError(f"no connection {name!r}: name it in CITYBRAIN_SOURCE_DATABASES") from error
    limit = f"{int(source.connector.timeout_seconds * 1000)}ms"
    options = {
        "timezone": "Asia/Shanghai",
        "datestyle": "ISO, YMD",
        "client_encoding": "UTF8",
        "statement_timeout": limit,
        "lock_timeout": limit,
        "idle_in_transaction_session_timeout": limit,
    }
    try:
        with psycopg.connect(
            address, application_name="citybrain landing", connect_timeout=CONNECT_TIMEOUT_SECONDS
        ) as outside:
            outside.read_only = True
            outside.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            for option, value in options.items():
                outside.execute("SELECT set_config(%s, %s, false)", (option, value))
            yield outside
    except psycopg.Error as error:
        text = " ".join(str(error).split())
        raise SourceError(f"connection {name}, {source.connector.table}: {text}") from error


def _changed_since(source: PostgresSource, outside: psycopg.Connection) -> list[Window]:
    """Windows of at most `rows_per_pull` new rows; the first one begins before the watermark.

    Without new rows: the overlap alone, when a row has come into it.
    """
    with connect(source.settings, DatabaseRole.LOADER, "citybrain landing") as own:
        known = watermarks(own, source.dataset.id)
    read_until = known.get(READ_UNTIL)
    bounds = _bounds(source, outside, Window(read_until or EVER, "infinity"))
    starts = [_before(source, outside, read_until) if read_until else EVER, *bounds]
    windows = [Window(after, until) for after, until in zip(starts, bounds, strict=False)]
    if windows or read_until is None:
        return windows
    overlap = Window(starts[0], read_until)
    return [overlap] if _digest(source, outside, overlap) != known.get(OVERLAP_SEEN) else []


def _changed_on(source: PostgresSource, outside: psycopg.Connection, day: date) -> list[Window]:
    start = datetime.combine(day, time())
    instant = timedelta(microseconds=1)
    whole = Window(str(start - instant), str(start + timedelta(days=1) - instant))
    bounds = _bounds(source, outside, whole)
    return [Window(after, until) for after, until in zip([whole.after, *bounds], bounds, strict=False)]


def _bounds(source: PostgresSource, outside: psycopg.Connection, window: Window) -> list[str]:
    """The last moment of each pull; rows changed at the same moment are never torn apart."""
    rows = outside.execute(
        sql.SQL(
            "SELECT changed.moment::text FROM ("
            " SELECT {watermark} AS moment, row_number() OVER (ORDER BY {watermark}) AS place,"
            "  count(*) OVER () AS rows FROM {table} WHERE {within}"
            ") AS changed WHERE place % {limit} = 0 OR place = rows"
            " GROUP BY changed.moment ORDER BY changed.moment"
        ).format(
            watermark=source.watermark,
            table=source.table,
            within=source.within(window),
            limit=sql.Literal(source.connector.rows_per_pull),
        )
    ).fetchall()
    return [text for (text,) in rows]


def _before(source: PostgresSource, outside: psycopg.Connection, moment: str) -> str:
    """The moment, less the overlap."""
    kind = sql.SQL(source.dataset.column(source.connector.watermark).type)
    row = outside.execute(
        sql.SQL("SELECT ({moment}::{kind} - {overlap}::interval)::text").format(
            moment=sql.Literal(moment), kind=kind, overlap=sql.Literal(source.connector.overlap)
        )
    ).fetchone()
    return str(row[0]) if row else moment


def _not_later_than_now(source: PostgresSource, outside: psycopg.Connection, moment: str) -> str:
    """One row dated into the future must not have us skip everything until then: it is read again instead."""
    kind = sql.SQL(source.dataset.column(source.connector.watermark).type)
    row = outside.execute(
        sql.SQL("SELECT least({moment}::{kind}, now()::{kind})::text").format(
            moment=sql.Literal(moment), kind=kind
        )
    ).fetchone()
    return str(row[0]) if row else moment


def _digest(source: PostgresSource, outside: psycopg.Connection, window: Window) -> str:
    """Tells whether other rows stand in a window than did before."""
    row = outside.execute(
        sql.SQL(
            "SELECT md5(coalesce(string_agg(row({order})::text, ',' ORDER BY {order}), ''))"
            " FROM {table} WHERE {within}"
        ).format(order=source.order, table=source.table, within=source.within(window))
    ).fetchone()
    return str(row[0]) if row else ""


def _fetch(source: PostgresSource, window: Window, target: Path, keep: bool) -> Fetched | None:
    version = iso_version(datetime.now(UTC))
    statement = sql.SQL(
        "COPY (SELECT {columns} FROM {table} WHERE {within} ORDER BY {order})"
        " TO STDOUT (FORMAT csv, HEADER true, ENCODING 'UTF8')"
    ).format(columns=source.columns, table=source.table, within=source.within(window), order=source.order)
    with _reading(source) as outside:
        with outside.cursor().copy(statement) as copy:
            spooled = spool(map(bytes, copy), target, source.settings.max_object_mb)
        kept: Mapping[str, str] = {}
        if keep:
            until = _not_later_than_now(source, outside, window.until)
            overlap = Window(_before(source, outside, until), until)
            kept = {READ_UNTIL: until, OVERLAP_SEEN: _digest(source, outside, overlap)}
    with target.open("rb") as file:
        if sum(1 for _ in zip(file, range(2), strict=False)) < 2:  # rows left the window meanwhile
            return None
    return Fetched(spooled, version, None, kept)
