"""Readers: any table of texts reads back as it was written, and COPY's text means the same to PostgreSQL."""

import csv
import io
import json
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

import openpyxl
import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, assume, given
from hypothesis import settings as effort
from hypothesis import strategies as st

from citybrain.catalogue import Dataset, load_dataset
from citybrain.ingest.copy_text import NULL, null_text, text_copy, typed_copy
from citybrain.ingest.readers import RecordBatch, read_delivery, read_lines, text_lines
from citybrain.ingest.readers.excel_reader import ERRORS
from citybrain.ingest.readers.plain_rows import PlainRows
from citybrain.ingest.readers.text_lines import line_blocks
from citybrain.settings import DatabaseRole, Settings
from citybrain.warehouse.connection import connect
from trial_city import SOURCE

HEADER = ["uscc", "name", "staff", "capital", "opened_on"]
# Every character that XML and CSV can carry; a lone carriage return is a line end to both.
LETTERS = st.characters(blacklist_categories=("Cs", "Cc", "Cn"), blacklist_characters="\ufeff\ufffe\uffff")
CELL = st.text(alphabet=LETTERS | st.sampled_from("\",;\t\n'\\=@"), max_size=12)
TABLE = st.lists(st.lists(CELL, min_size=5, max_size=5), min_size=1, max_size=12)
relaxed = effort(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def trial(tmp_path: Path) -> "Trial":
    return Trial(tmp_path)


class Trial:
    """A dataset of each format, and what its reader gives for some bytes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def read(self, kind: str, content: bytes, options: str = "") -> list[list[str | None]]:
        path = self.folder / "delivery"
        path.write_bytes(content)
        reading = read_delivery(self.dataset(kind, options), path)
        rows: list[list[str | None]] = []
        for batch in reading.batches:
            assert not batch.faults
            assert list(batch.lines) == sorted(batch.lines)
            order = [reading.columns.index(name) for name in HEADER]
            rows += [[row[position] for position in order] for row in batch.rows]
        return rows

    def dataset(self, kind: str, options: str) -> Dataset:
        source = self.folder / "trial.yml"
        form = f"{{kind: {kind}{options}}}"
        connector = "{kind: drop_folder, path: trial}"
        text = SOURCE.format(
            id="trial", connector=connector, format=form, delivers="snapshot", geometry="null"
        )
        source.write_text(text, encoding="utf-8")
        return load_dataset(source)


@relaxed
@given(table=TABLE, encoding=st.sampled_from(["utf-8", "gb18030"]), ends=st.sampled_from(["\n", "\r\n"]))
def test_csv(trial: Trial, table: list[list[str]], encoding: str, ends: str) -> None:
    text = io.StringIO()
    writer = csv.writer(
        text, lineterminator=ends, quoting=csv.QUOTE_ALL if len(table) % 2 else csv.QUOTE_MINIMAL
    )
    writer.writerows([HEADER, *table])
    content = text.getvalue().encode(encoding)
    if encoding == "gb18030" and not content.isascii():
        try:
            content.decode("utf-8")
        except UnicodeDecodeError:
            pass  # cannot be taken for UTF-8
        else:
            return
    assert trial.read("csv", content, f", encoding: {encoding}") == table


@relaxed
@given(table=TABLE)
def test_jsonl(trial: Trial, table: list[list[str]]) -> None:
    lines = [
        json.dumps(dict(zip(HEADER, row, strict=True)), ensure_ascii=len(table) % 2 == 0) for row in table
    ]
    assert trial.read("jsonl", "\n".join(lines).encode()) == table


@relaxed
@given(table=TABLE)
def test_parquet(trial: Trial, table: list[list[str]]) -> None:
    sink = io.BytesIO()
    pq.write_table(pa.table(dict(zip(HEADER, map(list, zip(*table, strict=True)), strict=True))), sink)
    assert trial.read("parquet", sink.getvalue()) == table


@effort(relaxed, max_examples=25)
@given(table=TABLE)
def test_excel(trial: Trial, table: list[list[str]]) -> None:
    assume(not any(cell in ERRORS for row in table for cell in row))  # such a text is taken for the error
    workbook = openpyxl.Workbook()
    page = workbook.active
    assert page is not None
    for number, row in enumerate([HEADER, *table], start=1):
        for position, value in enumerate(row, start=1):
            cell = page.cell(number, position, value)
            cell.data_type = "s"  # a text, whatever it looks like
    sink = io.BytesIO()
    workbook.save(sink)
    wanted = [[cell or None for cell in row] for row in table if any(row)]
    found = trial.read("excel", sink.getvalue())
    assert [[cell or None for cell in row] for row in found] == wanted


@relaxed
@given(
    text=st.text(alphabet=st.sampled_from("ab\r\n"), max_size=60),
    cuts=st.lists(st.integers(min_value=0, max_value=60), max_size=6),
)
def test_lines_do_not_depend_on_chunks(text: str, cuts: list[int]) -> None:
    edges = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    chunks = [text[start:end] for start, end in pairwise(edges)]
    found = [line for block in line_blocks(iter(chunks)) for line in block.lines]
    wanted = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if wanted[-1] == "":
        wanted.pop()
    assert found == wanted


def by_line(batches: Iterable[RecordBatch]) -> dict[int, object]:
    """What each line of a delivery was read as: cells, or the reason for none."""
    found: dict[int, object] = {}
    for batch in batches:
        found |= {line: list(row) for line, row in zip(batch.lines, batch.rows, strict=True)}
        found |= {fault.line: fault.reason for fault in batch.faults}
    return found


@relaxed
@given(
    lines=st.lists(
        st.sampled_from(["a,b,1,2,2026-01-01", "无,,,,", "a,b", "", "long " * 9 + ",,,,", '"a,b",,,,', "\r"])
    ),
    end=st.sampled_from(["\n", "\r\n"]),
    ended=st.booleans(),
    chunk=st.integers(min_value=1, max_value=60),
    encoding=st.sampled_from(["utf-8", "gb18030"]),
    wanted=st.sets(st.integers(min_value=1, max_value=20)),
)
def test_wanted_lines_are_read_as_among_all(
    trial: Trial, lines: list[str], end: str, ended: bool, chunk: int, encoding: str, wanted: set[int]
) -> None:
    """Whatever stands between them, and wherever the file's bytes are cut."""
    dataset, path = trial.dataset("csv", f", encoding: {encoding}"), trial.folder / "delivery"
    path.write_bytes((end.join([",".join(HEADER), *lines]) + end * ended).encode(encoding))
    whole = by_line(read_delivery(dataset, path).batches)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(text_lines, "CHUNK_BYTES", chunk)
        some = by_line(read_lines(dataset, path, wanted).batches)
        plain = all(map(text_lines.is_plain, text_lines.byte_chunks(path)))
    assert {line: some[line] for line in wanted & some.keys()} == {
        line: whole[line] for line in wanted & whole.keys()
    }
    assert not plain or some.keys() <= wanted, "lines were read that nobody asked for"


@pytest.mark.integration
@effort(relaxed, max_examples=30)
@given(table=st.lists(st.lists(CELL | st.none(), min_size=2, max_size=2), min_size=1, max_size=8))
def test_what_copy_reads_is_what_was_written(settings: Settings, table: list[list[str | None]]) -> None:
    missing = frozenset({"", "a"}) if len(table) % 2 else frozenset({"-"})
    batch = RecordBatch(range(1, len(table) + 1), table)
    with connect(settings, DatabaseRole.LOADER) as connection:
        typed = copied(
            connection, "x text, y text", typed_copy(batch, ["text", "text"], missing)[0], null_text(missing)
        )
        text = copied(connection, "fault text, record jsonb, x text, y text", text_copy(batch, None, 2), NULL)
    assert [list(row[1:]) for row in typed] == [
        [None if cell is None or cell in missing else cell for cell in row] for row in table
    ]
    assert [list(row[3:]) for row in text] == table


WRITTEN_CELL = st.text(alphabet=st.sampled_from("0123-.:eTN/A无 x２\\"), max_size=6) | st.sampled_from(
    ["", "-", "2026-03-01", "2026-03-01T08:00", "12.5", "today", "1e5"]
)


@relaxed
@given(
    types=st.lists(
        st.sampled_from(["text", "integer", "numeric", "date", "timestamp"]), min_size=1, max_size=4
    ),
    delimiter=st.sampled_from([",", ";", "|", "\t"]),
    missing=st.sampled_from([frozenset({""}), frozenset({"-"}), frozenset({"", "-", "N/A"})]),
    data=st.data(),
)
def test_lines_taken_whole_are_copied_as_their_cells_would_be(
    types: list[str], delimiter: str, missing: frozenset[str], data: st.DataObject
) -> None:
    width = len(types)
    rows = data.draw(st.lists(st.lists(WRITTEN_CELL, min_size=width, max_size=width), min_size=1, max_size=6))
    lines = list(range(5, 5 + len(rows)))
    whole = PlainRows([delimiter.join(row) for row in rows], delimiter)
    assert list(whole) == rows
    assert typed_copy(RecordBatch(lines, whole), types, missing) == typed_copy(
        RecordBatch(lines, rows), types, missing
    )


def copied(
    connection: psycopg.Connection, columns: str, content: bytes, null: str
) -> list[tuple[object, ...]]:
    connection.execute(f"CREATE TEMPORARY TABLE copied (line bigint, {columns})")  # type: ignore[arg-type]
    with connection.cursor() as cursor:
        with cursor.copy(f"COPY copied FROM STDIN (FORMAT text, NULL '{null}')") as copy:  # type: ignore[arg-type]
            copy.write(content)
        rows = cursor.execute("SELECT * FROM copied ORDER BY line").fetchall()
    connection.execute("DROP TABLE copied")
    return rows
