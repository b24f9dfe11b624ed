"""A delivery's bytes into its stage tables.

A plain CSV is copied as it stands, line after line (`plain_copy`), and the server numbers the lines; a large
one in stretches, each a transaction of its own, so that the rows of one can be looked at while the next one
is copied (`early_checks`). Any other delivery is read record by record, and each row is sent with its line.
"""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from typing import Protocol

import psycopg
from psycopg import sql

from citybrain.catalogue import Column, Dataset
from citybrain.ingest.copy_text import WRITTEN, null_text, text_copy, typed_copy
from citybrain.ingest.plain_copy import PLACEHOLDER, NotPlainError, OddLine, PlainCsv, Run, plain_csv
from citybrain.ingest.readers import DeliveryRejectedError, Reading, RecordBatch, read_delivery, read_lines
from citybrain.ingest.readers.text_lines import byte_chunks, whole_lines
from citybrain.ingest.sent_lines import SentLines, skipped_places
from citybrain.ingest.stage_tables import SCHEMA, Staged, create_tables, learn_keys
from citybrain.lake import Arriving

NO_ROWS = "没有数据行 (no rows below the header)"
MANY_LINES = 200_000  # beyond this the second pass takes every line instead of remembering which
TYPED_COPY = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT text, ON_ERROR ignore, LOG_VERBOSITY verbose, NULL {})")
PLAIN_COPY = sql.SQL(
    "COPY {} ({}) FROM STDIN (FORMAT text, DELIMITER {}, NULL '', ON_ERROR ignore, LOG_VERBOSITY verbose)"
    " WHERE {} IS DISTINCT FROM {}"
)
MOST_GAPS = 50_000  # lines of a plain delivery that get a second look; beyond, every line gets it
STRETCH = 75_000  # lines; what is looked at while the next ones are copied
TEXT_COPY = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT text)")


class Onlooker(Protocol):
    """Is shown the rows of a plain delivery while more of them are copied."""

    def rows_stand(self, staged: Staged, lines: range, pages: int) -> None:
        """The rows of these lines stand in the typed table, which has so many `pages` now, for every session
        to see. COPY writes few of them into pages that were there before."""

    def all_stand(self, staged: Staged) -> None:
        """No more rows come as they stand in the delivery."""

    def wait(self) -> None:
        """Returns when everything shown was looked at. Raises what kept it from that."""

    def forget(self) -> None:
        """The delivery is not plain after all: what was shown will not stay. Returns when nobody looks."""


def stage_delivery(
    connection: psycopg.Connection,
    dataset: Dataset,
    batch_id: int,
    delivery: Path | Arriving,
    own_table: bool = False,
    onlooker: Onlooker | None = None,
) -> Staged:
    """Build the stage tables of a delivery from its bytes; tables of an earlier try are replaced. The bytes
    stand in a file, or are on their way into one: then a plain delivery is copied while it comes.

    `connection` is the loader's, in autocommit. `own_table`: the raw table stands, the batch is in the
    manifest and not loaded. Raises DeliveryRejectedError when the delivery is unusable as a whole, and as
    `Arriving.complete` when it is not the object that was promised.
    """
    if isinstance(delivery, Arriving):
        delivery.begin()
        path, chunks = delivery.path, whole_lines(delivery.chunks())
    else:
        path, chunks = delivery, byte_chunks(delivery)
    staged = Staged(batch_id, dataset, path, 0, 0, own_table=own_table)
    plain = plain_csv(dataset, path)
    if plain is not None:
        try:
            return _stage_plain(connection, replace(staged, plain=True), plain, chunks, onlooker)
        except (NotPlainError, psycopg.errors.CharacterNotInRepertoire):
            # the careful reading says what is wrong with which record
            if onlooker is not None:
                onlooker.forget()
    if isinstance(delivery, Arriving):
        delivery.complete()
    return _stage_records(connection, staged)


def _stage_plain(
    connection: psycopg.Connection,
    staged: Staged,
    plain: PlainCsv,
    chunks: Iterator[bytes],
    onlooker: Onlooker | None,
) -> Staged:
    """Raises NotPlainError, or CharacterNotInRepertoire for bytes that are no UTF-8."""
    create_tables(connection, staged, plain.first_line)
    seen = _plain_pass(connection, staged, plain, chunks, onlooker)
    records = seen.rows + len(seen.odd)
    if records == 0:
        raise DeliveryRejectedError(NO_ROWS)
    if seen.rows != seen.arrived + len(seen.skipped) or _last_number(connection, staged) != seen.last_line:
        raise NotPlainError  # another server: it tells nothing of rows it skips, or does not number them
    if onlooker is None:
        connection.execute(learn_keys(staged))
    else:
        onlooker.all_stand(staged)
    return _complete(
        connection, staged, records, seen.arrived, frozenset([*seen.odd, *seen.skipped]), onlooker
    )


def _stage_records(connection: psycopg.Connection, staged: Staged) -> Staged:
    create_tables(connection, staged, first_line=1)
    sent = SentLines(MANY_LINES)
    records, last_line, typed_rows = _typed_pass(connection, staged, sent)
    if records == 0:
        raise DeliveryRejectedError(NO_ROWS)
    wanted: frozenset[int] | None = frozenset()
    if typed_rows < records:
        wanted = sent.left_out(typed_rows)
        if wanted is None and records - typed_rows <= MANY_LINES:
            wanted = _lines_left_out(connection, staged, last_line)
        if wanted is None:
            connection.execute(sql.SQL("TRUNCATE {}").format(staged.typed))
            typed_rows = 0
    connection.execute(learn_keys(staged))
    return _complete(connection, staged, records, typed_rows, wanted)


def _complete(
    connection: psycopg.Connection,
    staged: Staged,
    records: int,
    typed_rows: int,
    left_out: frozenset[int] | None,
    onlooker: Onlooker | None = None,
) -> Staged:
    """Bring in the records on the lines `left_out` (None: all there are), and count. An onlooker looks
    only at rows that came before."""
    faults = mistyped = 0
    places: tuple[str, ...] = ()
    if typed_rows < records:
        faults = _text_pass(connection, staged, left_out)
        if onlooker is not None:
            onlooker.wait()
        doubtful, mistyped, places = _type_the_doubtful(connection, staged)
        if typed_rows + doubtful + faults != records:
            raise RuntimeError(
                f"batch {staged.batch_id}: {records} records read, but {typed_rows + doubtful} rows"
                f" and {faults} faults staged"
            )
    return replace(staged, rows_in=records, faults=faults, mistyped=mistyped, doubtful=places)


def recover_records(connection: psycopg.Connection, staged: Staged, lines: frozenset[int]) -> None:
    """Put the records on `lines` into the text table as delivered, so that the quarantine can show them."""
    if lines:
        _text_pass(connection, staged, lines if len(lines) <= MANY_LINES else None)


def _batches(
    staged: Staged, wanted: frozenset[int] | None = None
) -> tuple[list[Column], Iterator[RecordBatch]]:
    """The columns of the cells, and the records: all, or at least those on the `wanted` lines."""
    reading: Reading
    if wanted is None:
        reading = read_delivery(staged.dataset, staged.path)
    else:
        reading = read_lines(staged.dataset, staged.path, wanted, staged.plain)
    return [staged.dataset.column(name) for name in reading.columns], reading.batches


@dataclass
class _Seen:
    """Of the lines of a plain delivery: how many `rows` look right, which lines do not (`odd`), which of the
    others the server could not read (`skipped`), how many rows `arrived`, and the `last_line`, 0 for none."""

    odd: list[int] = field(default_factory=list)
    skipped: list[int] = field(default_factory=list)
    rows: int = 0
    blank: int = 0
    arrived: int = 0
    last_line: int = 0


def _plain_pass(
    connection: psycopg.Connection,
    staged: Staged,
    plain: PlainCsv,
    chunks: Iterator[bytes],
    onlooker: Onlooker | None,
) -> _Seen:
    """Copy the lines that look right and parse, in one stretch if there is nobody to see them earlier."""
    names = sql.SQL(", ").join(map(sql.Identifier, plain.columns))
    statement = PLAIN_COPY.format(
        staged.typed,
        names,
        sql.Literal(plain.delimiter),
        sql.Identifier(plain.first_text),
        sql.Literal(PLACEHOLDER),
    )
    seen = _Seen()
    lines = plain.lines(chunks)
    first = next(lines, None)
    while first is not None:
        begun = first.line if isinstance(first, OddLine) else first.first
        with closing(connection.cursor()) as cursor:
            with skipped_places(connection, MOST_GAPS) as places, cursor.copy(statement) as copy:
                _send_stretch(copy, chain([first], lines), seen, begun + STRETCH if onlooker else None)
            seen.arrived += cursor.rowcount
            seen.skipped += [begun + place - 1 for place in places]
            if len(seen.skipped) > MOST_GAPS:
                raise NotPlainError
            if onlooker is not None:
                onlooker.rows_stand(staged, range(begun, seen.last_line + 1), _pages(connection, staged))
        first = next(lines, None)
    return seen


def _pages(connection: psycopg.Connection, staged: Staged) -> int:
    [(pages,)] = connection.execute(
        "SELECT pg_relation_size(%s) / current_setting('block_size')::integer", [f"{SCHEMA}.{staged.table}"]
    ).fetchall()
    return int(pages)


def _send_stretch(copy: psycopg.Copy, lines: Iterator[Run | OddLine], seen: _Seen, until: int | None) -> None:
    """Send lines, all of them or those up to the run that passes the line `until`."""
    for found in lines:
        copy.write(found.text)
        if isinstance(found, Run):
            seen.rows += found.rows
            seen.last_line = found.first + found.rows - 1
        else:
            seen.last_line = found.line
            if found.blank:
                seen.blank += 1
            else:
                seen.odd.append(found.line)
            if len(seen.odd) + seen.blank > MOST_GAPS:
                raise NotPlainError
        if until is not None and seen.last_line >= until:
            return


def _last_number(connection: psycopg.Connection, staged: Staged) -> int:
    """The number of the last line that was sent: one that is dropped has its number too."""
    found = connection.execute(
        "SELECT currval(pg_get_serial_sequence(%s, '_line'))", [f"{SCHEMA}.{staged.table}"]
    ).fetchone()
    return int(found[0]) if found else 0


def _typed_pass(connection: psycopg.Connection, staged: Staged, sent: SentLines) -> tuple[int, int, int]:
    """Copy what parses. How many records there are, the last line, and how many rows arrived."""
    columns, batches = _batches(staged)
    types = [column.type for column in columns]
    missing = frozenset(staged.dataset.format.missing)
    names = sql.SQL(", ").join(map(sql.Identifier, ["_line", *(column.name for column in columns)]))
    records = last_line = 0
    with closing(connection.cursor()) as cursor, sent.listening(connection):
        with cursor.copy(TYPED_COPY.format(staged.typed, names, sql.Literal(null_text(missing)))) as copy:
            for batch in batches:
                records += len(batch)
                last_line = max(last_line, *batch.lines[-1:], *(fault.line for fault in batch.faults), 0)
                copied, lines = typed_copy(batch, types, missing)
                sent.add(batch, lines)
                copy.write(copied)
        return records, last_line, cursor.rowcount


def _lines_left_out(connection: psycopg.Connection, staged: Staged, last_line: int) -> frozenset[int]:
    """The lines up to the last that are no row of the typed table: each gap is told by its ends.

    COPY mostly writes in the order of lines, and then a scan finds the gaps without a sort. Where it filled
    an earlier page later, some line stands after a higher one, and the lines are sorted.
    """
    with connection.transaction():
        # A scan in the order of the table: it begins at the first page, and no workers share it.
        connection.execute("SET LOCAL synchronize_seqscans = off")
        connection.execute("SET LOCAL max_parallel_workers_per_gather = 0")
        ends = _ends_of_gaps(connection, staged, last_line, sql.SQL(""))
        if any(after <= before for before, after in ends):
            ends = _ends_of_gaps(connection, staged, last_line, sql.SQL("ORDER BY _line"))
    return frozenset(line for before, after in ends for line in range(before + 1, after))


def _ends_of_gaps(
    connection: psycopg.Connection, staged: Staged, last_line: int, order: sql.SQL
) -> list[tuple[int, int]]:
    """Pairs of a line and the next one there is, where they are no neighbours."""
    query = sql.SQL(
        "SELECT before, _line"
        " FROM (SELECT lag(_line, 1, 0::bigint) OVER ({order}) AS before, _line FROM {typed}) AS rows"
        " WHERE _line <> before + 1"
        " UNION ALL SELECT coalesce(max(_line), 0), {last}::bigint + 1 FROM {typed}"
    ).format(order=order, typed=staged.typed, last=sql.Literal(last_line))
    return connection.execute(query).fetchall()


def _text_pass(connection: psycopg.Connection, staged: Staged, wanted: frozenset[int] | None) -> int:
    """Copy the records on the `wanted` lines as text (None: all). The number of faults in the text table."""
    columns, batches = _batches(staged, wanted)
    names = ["_line", "_fault", "_record", *(column.name for column in columns)]
    statement = TEXT_COPY.format(staged.text, sql.SQL(", ").join(map(sql.Identifier, names)))
    with closing(connection.cursor()) as cursor:
        with cursor.copy(statement) as copy:
            for batch in batches:
                copy.write(text_copy(batch, wanted, len(columns)))
        found = cursor.execute(
            sql.SQL("SELECT count(*) FROM {} WHERE _fault IS NOT NULL").format(staged.text)
        ).fetchone()
    return int(found[0]) if found else 0


def _type_the_doubtful(connection: psycopg.Connection, staged: Staged) -> tuple[int, int, tuple[str, ...]]:
    """Move the text table's rows into the typed table: what parses gets its type, the rest is NULL and
    named. How many rows, how many of them have something that did not parse, and where those of a plain
    delivery stand: there they are few.
    """
    values, errors = [], []
    missing = sql.Literal(staged.dataset.format.missing)
    for column in staged.dataset.columns:
        name = sql.Identifier(column.name)
        given = sql.SQL("({name} IS NOT NULL AND {name} <> ALL ({missing}::text[]))").format(
            name=name, missing=missing
        )
        if column.type == "text":
            values.append(sql.SQL("CASE WHEN {} THEN {} END").format(given, name))
            continue
        kind = sql.SQL(column.type)
        fits = sql.SQL("pg_input_is_valid({}, {})").format(name, sql.Literal(column.type))
        if column.type in WRITTEN:
            fits = sql.SQL("({} ~ {} AND {})").format(name, sql.Literal(WRITTEN[column.type][1]), fits)
        values.append(sql.SQL("CASE WHEN {} AND {} THEN {}::{} END").format(given, fits, name, kind))
        errors.append(
            sql.SQL("CASE WHEN {} AND NOT {} THEN {} END").format(given, fits, sql.Literal(column.name))
        )
    names = sql.SQL(", ").join(sql.Identifier(column.name) for column in staged.dataset.columns)
    type_errors = sql.SQL("nullif(array_remove(ARRAY[{}]::text[], NULL), '{{}}')").format(
        sql.SQL(", ").join(errors)
    )
    statement = sql.SQL(
        "WITH typed AS (INSERT INTO {} (_line, _type_errors, {}) SELECT _line, {}, {} FROM {}"
        " WHERE _fault IS NULL RETURNING ctid, _type_errors)"
        " SELECT count(*), count(_type_errors),"
        " coalesce(array_agg(ctid::text) FILTER (WHERE {}), '{{}}') FROM typed"
    ).format(
        staged.typed,
        names,
        type_errors,
        sql.SQL(", ").join(values),
        staged.text,
        sql.Literal(staged.plain),
    )
    [(rows, mistyped, places)] = connection.execute(statement).fetchall()
    return rows, mistyped, tuple(places)
