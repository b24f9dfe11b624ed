"""Stage tables: one delivery as typed rows, before anybody has judged it.

`stage.batch_<id>` holds every row with typed columns; `_type_errors` names the columns whose text did not
parse (NULL: none). `stage.batch_<id>_text` holds, as text, the rows that need a second look and the records
that are no rows at all. Both are unlogged, belong to the loader, and are dropped when the batch is settled.

A plain CSV is copied as it stands, line after line (`plain_copy`); then the server numbers the rows that
arrive, and `_line` is worked out of that number and the lines that are not among them. Any other delivery is
read record by record, and each row is sent with its line.
"""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import psycopg
from psycopg import sql

from citybrain.catalogue import Column, Dataset
from citybrain.ingest.copy_text import WRITTEN, null_text, text_copy, typed_copy
from citybrain.ingest.plain_copy import NotPlainError, OddLine, PlainCsv, plain_csv
from citybrain.ingest.readers import DeliveryRejectedError, Reading, RecordBatch, read_delivery, read_lines
from citybrain.ingest.readers.text_lines import byte_chunks, whole_lines
from citybrain.ingest.sent_lines import SentLines
from citybrain.lake import Arriving

SCHEMA = "stage"
NO_ROWS = "没有数据行 (no rows below the header)"
MANY_LINES = 200_000  # beyond this the second pass takes every line instead of remembering which
TYPED_COPY = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT text, ON_ERROR ignore, LOG_VERBOSITY verbose, NULL {})")
PLAIN_COPY = sql.SQL(
    "COPY {} ({}) FROM STDIN (FORMAT text, DELIMITER {}, NULL '', ON_ERROR ignore, LOG_VERBOSITY verbose)"
)
MOST_GAPS = 50_000  # between the rows of a plain delivery; each row's line is looked up among them
TEXT_COPY = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT text)")


@dataclass(frozen=True)
class Staged:
    """A staged delivery. `rows_in` = rows of the typed table + `faults` (records that are no rows);
    `mistyped` rows have a text that does not fit its column's type; of a `plain` delivery each line is a
    record."""

    batch_id: int
    dataset: Dataset
    path: Path
    rows_in: int
    faults: int
    mistyped: int = 0
    plain: bool = False

    @property
    def table(self) -> str:
        return f"batch_{self.batch_id}"

    @property
    def typed(self) -> sql.Identifier:
        return sql.Identifier(SCHEMA, self.table)

    @property
    def text(self) -> sql.Identifier:
        return sql.Identifier(SCHEMA, f"{self.table}_text")

    @property
    def bad(self) -> sql.Identifier:
        """Lines that stay out, with the reasons; filled by the gate."""
        return sql.Identifier(SCHEMA, f"{self.table}_bad")


def drop_stage(connection: psycopg.Connection, batch_id: int) -> None:
    names = [sql.Identifier(SCHEMA, f"batch_{batch_id}{suffix}") for suffix in ("", "_text", "_bad")]
    connection.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(sql.SQL(", ").join(names)))


def stage_delivery(
    connection: psycopg.Connection, dataset: Dataset, batch_id: int, delivery: Path | Arriving
) -> Staged:
    """Build the stage tables of a delivery from its bytes; tables of an earlier try are replaced. The bytes
    stand in a file, or are on their way into one: then a plain delivery is copied while it comes.

    `connection` is the loader's, in autocommit. Raises DeliveryRejectedError when the delivery is unusable
    as a whole, and as `Arriving.complete` when it is not the object that was promised.
    """
    if isinstance(delivery, Arriving):
        delivery.begin()
        path, chunks = delivery.path, whole_lines(delivery.chunks())
    else:
        path, chunks = delivery, byte_chunks(delivery)
    plain = plain_csv(dataset, path)
    if plain is not None:
        try:
            return _stage_plain(connection, dataset, batch_id, path, plain, chunks)
        except (NotPlainError, psycopg.errors.CharacterNotInRepertoire):
            pass  # the careful reading says what is wrong with which record
    if isinstance(delivery, Arriving):
        delivery.complete()
    return _stage_records(connection, dataset, batch_id, path)


def _stage_plain(
    connection: psycopg.Connection,
    dataset: Dataset,
    batch_id: int,
    path: Path,
    plain: PlainCsv,
    chunks: Iterator[bytes],
) -> Staged:
    """Raises NotPlainError, or CharacterNotInRepertoire for bytes that are no UTF-8."""
    staged = Staged(batch_id, dataset, path, 0, 0, plain=True)
    drop_stage(connection, batch_id)
    _create_tables(connection, staged)
    sent = SentLines(MOST_GAPS)
    odd, blank, typed_rows = _plain_pass(connection, staged, plain, chunks, sent)
    records = sent.rows + len(odd)
    if records == 0:
        raise DeliveryRejectedError(NO_ROWS)
    skipped = sent.left_out(typed_rows)
    if skipped is None or (sent.rows and _last_number(connection, staged) != sent.rows):
        raise NotPlainError  # another server: it tells nothing of rows it skips, or does not number them
    _number_lines(connection, staged, plain.first_line, sorted([*odd, *blank]))
    return _complete(connection, staged, records, typed_rows, frozenset([*odd, *skipped]))


def _stage_records(connection: psycopg.Connection, dataset: Dataset, batch_id: int, path: Path) -> Staged:
    staged = Staged(batch_id, dataset, path, 0, 0)
    drop_stage(connection, batch_id)
    _create_tables(connection, staged)
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
    return _complete(connection, staged, records, typed_rows, wanted)


def _complete(
    connection: psycopg.Connection,
    staged: Staged,
    records: int,
    typed_rows: int,
    left_out: frozenset[int] | None,
) -> Staged:
    """Bring in the records on the lines `left_out` (None: all there are), and count."""
    faults = mistyped = 0
    if typed_rows < records:
        faults = _text_pass(connection, staged, left_out)
        doubtful, mistyped = _type_the_doubtful(connection, staged)
        if typed_rows + doubtful + faults != records:
            raise RuntimeError(
                f"batch {staged.batch_id}: {records} records read, but {typed_rows + doubtful} rows"
                f" and {faults} faults staged"
            )
    # Unless the planner knows that keys differ, it lets each worker gather them all.
    known = staged.dataset.key if staged.plain else ["_line", *staged.dataset.key]
    keys = sql.SQL(", ").join(map(sql.Identifier, known))
    connection.execute(sql.SQL("ANALYZE {} ({})").format(staged.typed, keys))
    return replace(staged, rows_in=records, faults=faults, mistyped=mistyped)


def recover_records(connection: psycopg.Connection, staged: Staged, lines: frozenset[int]) -> None:
    """Put the records on `lines` into the text table as delivered, so that the quarantine can show them."""
    if lines:
        _text_pass(connection, staged, lines if len(lines) <= MANY_LINES else None)


def _create_tables(connection: psycopg.Connection, staged: Staged) -> None:
    columns = staged.dataset.columns
    typed = sql.SQL(", ").join(
        sql.SQL("{} {}").format(sql.Identifier(column.name), sql.SQL(column.type)) for column in columns
    )
    text = sql.SQL(", ").join(sql.SQL("{} text").format(sql.Identifier(column.name)) for column in columns)
    number = sql.SQL(
        "_sent bigint NOT NULL GENERATED BY DEFAULT AS IDENTITY (CACHE 1000000)"
        if staged.plain
        else "_line bigint NOT NULL"
    )
    for statement in (
        sql.SQL("CREATE UNLOGGED TABLE {} ({}, _type_errors text[], {})").format(staged.typed, number, typed),
        sql.SQL("CREATE UNLOGGED TABLE {} (_line bigint NOT NULL, _fault text, _record jsonb, {})").format(
            staged.text, text
        ),
        sql.SQL("CREATE UNLOGGED TABLE {} (_line bigint NOT NULL, reasons text[] NOT NULL)").format(
            staged.bad
        ),
    ):
        connection.execute(statement)


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


def _plain_pass(
    connection: psycopg.Connection,
    staged: Staged,
    plain: PlainCsv,
    chunks: Iterator[bytes],
    sent: SentLines,
) -> tuple[list[int], list[int], int]:
    """Copy the lines that look right and parse. The odd lines, the blank ones, and how many rows arrived."""
    odd: list[int] = []
    blank: list[int] = []
    names = sql.SQL(", ").join(map(sql.Identifier, plain.columns))
    statement = PLAIN_COPY.format(staged.typed, names, sql.Literal(plain.delimiter))
    with closing(connection.cursor()) as cursor, sent.listening(connection):
        with cursor.copy(statement) as copy:
            for found in plain.lines(chunks):
                if isinstance(found, OddLine):
                    (blank if found.blank else odd).append(found.line)
                    if len(odd) + len(blank) > MOST_GAPS:
                        raise NotPlainError
                else:
                    sent.add_run(found.first, found.rows)
                    copy.write(found.text)
        return odd, blank, cursor.rowcount


def _last_number(connection: psycopg.Connection, staged: Staged) -> int:
    """The number of the last row that was sent: one that is skipped has its number too."""
    found = connection.execute(
        "SELECT currval(pg_get_serial_sequence(%s, '_sent'))", [f"{SCHEMA}.{staged.table}"]
    ).fetchone()
    return int(found[0]) if found else 0


def _number_lines(connection: psycopg.Connection, staged: Staged, first_line: int, gaps: list[int]) -> None:
    """`_line` for rows that were numbered from 1 as they were sent: those from `first_line` on, but for the
    lines of `gaps` (ascending).

    A row's line is told by how many gaps lie before it: a gap lies before all rows from some number on. Rows
    that come later are numbered by the negative of their line.
    """
    reached = [line - first_line - before + 1 for before, line in enumerate(gaps)]
    line: sql.Composable = sql.SQL("_sent + {}").format(sql.Literal(first_line - 1))
    if reached:
        line = sql.SQL("{} + width_bucket(_sent, {}::bigint[])").format(line, sql.Literal(reached))
    connection.execute(
        sql.SQL(
            "ALTER TABLE {} ADD COLUMN _line bigint"
            " GENERATED ALWAYS AS (CASE WHEN _sent < 0 THEN - _sent ELSE {} END) VIRTUAL"
        ).format(staged.typed, line)
    )


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


def _type_the_doubtful(connection: psycopg.Connection, staged: Staged) -> tuple[int, int]:
    """Move the text table's rows into the typed table: what parses gets its type, the rest is NULL and
    named. How many rows, and how many of them have something that did not parse.
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
        "WITH typed AS (INSERT INTO {} ({}, _type_errors, {}) SELECT {}, {}, {} FROM {}"
        " WHERE _fault IS NULL RETURNING _type_errors)"
        " SELECT count(*), count(_type_errors) FROM typed"
    ).format(
        staged.typed,
        sql.SQL("_sent" if staged.plain else "_line"),
        names,
        sql.SQL("- _line" if staged.plain else "_line"),
        type_errors,
        sql.SQL(", ").join(values),
        staged.text,
    )
    found = connection.execute(statement).fetchone()
    return (int(found[0]), int(found[1])) if found else (0, 0)
