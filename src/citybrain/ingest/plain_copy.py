"""A plain CSV as COPY takes it: the file's own bytes, but for the lines that do not look right.

Where nothing but delimiters parts the cells, PostgreSQL splits the lines as well as we do. All that is asked
here of a line is that it has a cell for each column and that each cell is written as values of its type are
(`copy_text`); one pattern asks a whole chunk at once. Most deliveries are of this kind, and most of their
lines are never taken apart.

A line that is left out leaves a placeholder in the stream, which COPY reads and drops: so the server counts
every line, and the number it gives a row is the row's line.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from citybrain.catalogue import Dataset
from citybrain.ingest.copy_text import cell_pattern
from citybrain.ingest.readers.csv_reader import first_record
from citybrain.ingest.readers.records import DeliveryRejectedError
from citybrain.ingest.readers.text_lines import is_plain

PLACEHOLDER: Final = "\x01"  # in the first text of a line that COPY is to drop; no plain delivery has one
READ_BY_COPY: Final = "\r\n\\\0"  # characters that no delimiter and no missing value may hold here


class NotPlainError(Exception):
    """Some line is not a record of its own, or too many do not look right: the delivery is read with care."""


@dataclass(frozen=True)
class Run:
    """Neighbouring lines that look right, `rows` of them from line `first` on, as bytes."""

    first: int
    rows: int
    text: bytes


@dataclass(frozen=True)
class OddLine:
    """A line that is left out, and what stands for it in the stream; a `blank` one is no record."""

    line: int
    blank: bool
    text: bytes


@dataclass(frozen=True)
class PlainCsv:
    """A CSV delivery that is plain as far as its header tells. `columns` in the order of the cells; an empty
    cell is NULL, and so are the texts of `missing`; the records begin with line `first_line`."""

    columns: tuple[str, ...]
    types: tuple[str, ...]
    delimiter: str
    missing: frozenset[str]
    first_line: int

    @property
    def first_text(self) -> str:
        """The column in which a line that is left out is marked."""
        return self.columns[self.types.index("text")]

    def lines(self, chunks: Iterator[bytes]) -> Iterator[Run | OddLine]:
        """Every line below the header, in order, out of the bytes of the delivery in chunks of whole lines.
        Raises NotPlainError as soon as one is not plain."""
        line, end = 1, b""
        for chunk in chunks:
            if line < self.first_line:
                line, chunk = _below(chunk, line, self.first_line)
                if not chunk:
                    continue
            end = end or (b"\r\n" if chunk[: chunk.find(b"\n")].endswith(b"\r") else b"\n")
            if not is_plain(chunk) or PLACEHOLDER.encode() in chunk or (end == b"\n" and b"\r" in chunk):
                raise NotPlainError
            if not chunk.endswith(b"\n"):
                chunk += end
            for found in _of_chunk(chunk, line, self._shape(end)):
                yield found
                line = found.line + 1 if isinstance(found, OddLine) else found.first + found.rows

    def _shape(self, end: bytes) -> "_Shape":
        return _shape(self.types, self.delimiter, self.missing, end)


def plain_csv(dataset: Dataset, path: Path) -> PlainCsv | None:
    """The delivery that begins at `path`, when its dataset and its header let COPY take it as it stands."""
    kind = dataset.format
    missing = frozenset(kind.missing)
    if kind.kind != "csv" or kind.encoding != "utf-8" or "" not in missing:
        return None  # COPY has one text for NULL, and here that is nothing at all
    if any(letter in text for text in missing for letter in READ_BY_COPY + kind.delimiter):
        return None
    try:
        matched, first_line = first_record(dataset, path)
    except DeliveryRejectedError:
        return None  # the careful reading says what is wrong, and of how many rows
    columns = tuple(name for name in matched if name is not None)
    if len(columns) < max(2, len(matched)) or not kind.delimiter.isascii() or kind.delimiter.isalnum():
        return None  # a header that is ignored; a single column, whose empty line would look like a cell
    types = tuple(dataset.column(name).type for name in columns)
    if "text" not in types:
        return None  # a line that is left out could not be marked
    return PlainCsv(columns, types, kind.delimiter, missing, first_line)


@dataclass(frozen=True)
class _Shape:
    """What a run of lines looks like. `quick` lets a text swallow the end of a line that has too few cells:
    then there are not as many delimiters as that many lines have. `strict` does not, nor anything that COPY
    would read in its own way."""

    quick: re.Pattern[bytes]
    strict: re.Pattern[bytes]
    delimiter: bytes
    delimiters: int
    nothing: tuple[re.Pattern[bytes], ...]
    left_out: bytes


@cache
def _shape(types: tuple[str, ...], delimiter: str, missing: frozenset[str], end: bytes) -> _Shape:
    mark = re.escape(delimiter)
    quick, strict = f"[^{mark}]*+", rf"[^{mark}\r\n\\\x00]*+"
    return _Shape(
        _run_of_lines(types, mark, missing, end, quick, strict),
        _run_of_lines(types, mark, missing, end, strict, strict),
        delimiter.encode(),
        len(types) - 1,
        tuple(_nothing(text, mark) for text in sorted(missing - {""})),
        delimiter.join(
            PLACEHOLDER if place == types.index("text") else "" for place in range(len(types))
        ).encode()
        + end,
    )


def _run_of_lines(
    types: Sequence[str], mark: str, missing: frozenset[str], end: bytes, text: str, last: str
) -> re.Pattern[bytes]:
    """Possessive throughout: a cell that does not fit ends the match, nothing is tried twice."""
    texts = [text] * (len(types) - 1) + [last]
    cells = [cell_pattern(kind, missing) or text for kind, text in zip(types, texts, strict=True)]
    return re.compile(f"(?:{mark.join(cells)}{re.escape(end.decode())})*+".encode())


def _of_chunk(chunk: bytes, line: int, shape: _Shape) -> Iterator[Run | OddLine]:
    """The lines of a chunk of whole lines, the first of which has the number `line`."""
    read_its_own_way = b"\\" in chunk or b"\x00" in chunk
    pattern = shape.strict if read_its_own_way else shape.quick
    start = 0
    while start < len(chunk):
        match = pattern.match(chunk, start)
        end = match.end() if match is not None else start
        rows = chunk.count(b"\n", start, end)
        if pattern is shape.quick and chunk.count(shape.delimiter, start, end) != rows * shape.delimiters:
            pattern = shape.strict
            continue
        if rows:
            text = chunk[start:end]
            for nothing in shape.nothing:
                text = nothing.sub(b"", text)
            yield Run(line, rows, text)
            line += rows
        if end < len(chunk):  # the line that ended the run
            start = chunk.find(b"\n", end) + 1
            yield OddLine(line, not chunk[end:start].strip(b"\r\n"), shape.left_out)
            line += 1
        else:
            start = end


def _nothing(text: str, mark: str) -> re.Pattern[bytes]:
    """A whole cell that says in its way that there is nothing. The text stands first in the pattern: then the
    search leaps from one to the next."""
    return re.compile(rf"{re.escape(text)}(?<![^{mark}\n]{re.escape(text)})(?=[{mark}\r\n])".encode())


def _below(chunk: bytes, line: int, first_line: int) -> tuple[int, bytes]:
    """What of a chunk that begins with `line` stands on `first_line` and below, and the line it begins
    with. Raises NotPlainError for a return alone above it, which ends a line too."""
    start = 0
    while line < first_line:
        end = chunk.find(b"\n", start)
        if b"\r" in chunk[start : end if end >= 0 else len(chunk)].removesuffix(b"\r"):
            raise NotPlainError
        if end < 0:
            return line, b""
        start, line = end + 1, line + 1
    return line, chunk[start:]
