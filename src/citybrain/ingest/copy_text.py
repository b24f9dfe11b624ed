"""Rows to COPY's text format, a whole batch at once while it is clean.

Two passes use it. The typed pass sends every row that looks right for its columns and leaves out the others;
the
text pass sends those others with every cell as text. A row is left out when a cell is not written the way
values
of its type are written here (`WRITTEN`): PostgreSQL itself would take `today`, `infinity` or a time with a
zone
that the column cannot keep, and quietly make something of it.
"""

import json
import re
from collections.abc import Iterable, Sequence
from functools import cache
from itertools import compress
from typing import Final

from citybrain.ingest.readers.plain_rows import PlainRows
from citybrain.ingest.readers.records import MAX_RECORD_CHARS, Cell, RecordBatch, shortened, too_long

# For each type the characters it is written with, and the same as a pattern for PostgreSQL (the text pass),
# which
# also wants a year of four digits first and allows midnight behind a date.
WRITTEN: Final[dict[str, tuple[bytes, str]]] = {
    "integer": (b"0123456789+- ", "^[-+0-9 ]*$"),
    "bigint": (b"0123456789+- ", "^[-+0-9 ]*$"),
    "numeric": (b"0123456789+-.eE ", "^[-+0-9.eE ]*$"),
    "date": (b"0123456789-/.", r"^[0-9]{4}[-0-9/.]*([ T]0{1,2}:00(:00(\.0+)?)?)?$"),
    "timestamp": (b"0123456789-/.:T ", "^[0-9]{4}[-0-9/.:T ]*$"),
    "timestamptz": (b"0123456789-/.:TZ+ ", "^[0-9]{4}[-0-9/.:TZ+ ]*$"),
}
_YEAR_FIRST = {"date", "timestamp", "timestamptz"}
_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
NULL = "\\N"


def null_text(missing: frozenset[str]) -> str:
    """What the typed pass writes for NULL: nothing, where an empty cell means just that."""
    return "" if "" in missing else NULL


def typed_copy(
    batch: RecordBatch, types: Sequence[str], missing: frozenset[str]
) -> tuple[bytes, Sequence[int]]:
    """The batch's rows that look right for columns of `types`, each led by its line number; missing values
    are NULL. Also the numbers of their lines.

    Rows that do not look right, or that PostgreSQL cannot store, are left out.
    """
    lines, rows = batch.lines, batch.rows
    if isinstance(rows, PlainRows):
        copied = _plain_copy(lines, rows, types, missing)
        if copied is not None:
            return copied
    odd = _odd_rows(rows, types, missing)
    if odd:
        lines, rows = _without(odd, lines, rows)
    if not rows:
        return b"", ()
    body = _joined(rows, len(types))
    if body is not None:
        text = "\n".join(map("%d\t%s".__mod__, zip(lines, body, strict=True))) + "\n"
        return _with_nulls(text, missing).encode(), lines
    storable = [index for index, row in enumerate(rows) if not unstorable(row)]
    escaped = [_line_of(lines[index], rows[index], missing, null_text(missing)) for index in storable]
    return "".join(escaped).encode(), [lines[index] for index in storable]


def _plain_copy(
    lines: Sequence[int], rows: PlainRows, types: Sequence[str], missing: frozenset[str]
) -> tuple[bytes, Sequence[int]] | None:
    """`typed_copy` of lines as they stand in the file: their cells are never taken apart.

    None when a line holds what COPY reads in its own way: a tab, a backslash, a lone return or a NUL.
    """
    texts = rows.texts
    body = "\n".join(texts)
    if any(character in body for character in "\\\r\x00") or (rows.delimiter != "\t" and "\t" in body):
        return None
    if len(body) > MAX_RECORD_CHARS and max(map(len, texts)) > MAX_RECORD_CHARS:
        return None
    lines, texts = _fitting(lines, texts, body, _written(tuple(types), rows.delimiter, missing))
    if not texts:
        return b"", ()
    copied = "\n".join(map("%d\t%s".__mod__, zip(lines, texts, strict=True))) + "\n"
    if rows.delimiter != "\t":
        copied = copied.replace(rows.delimiter, "\t")
    return _with_nulls(copied, missing).encode(), lines


def _fitting(
    lines: Sequence[int], texts: list[str], body: str, written: re.Pattern[str]
) -> tuple[Sequence[int], list[str]]:
    """The lines whose cells are written as their types are, run by run; `body` is `texts`, joined."""
    body += "\n"
    first, start, runs = 0, 0, []
    while start < len(body):
        fits = written.match(body, start)
        end = start if fits is None else fits.end()
        last = first + body.count("\n", start, end)
        runs.append(slice(first, last))
        first, start = last + 1, body.find("\n", end) + 1 or len(body)  # the line that ended the run is odd
    if len(runs) == 1:
        return lines[runs[0]], texts[runs[0]]
    return [line for run in runs for line in lines[run]], [text for run in runs for text in texts[run]]


@cache
def _written(types: tuple[str, ...], delimiter: str, missing: frozenset[str]) -> re.Pattern[str]:
    """A run of lines whose cells are written as their types are.

    Possessive throughout: a cell that does not fit ends the match, nothing is tried twice. The lines have as
    many cells as there are types, so that a text ends at the next delimiter: it need not look for a line's
    end.
    """
    ends = [re.escape(delimiter)] * (len(types) - 1) + ["\n"]
    line = "".join(
        (cell_pattern(kind, missing) or f"[^{end}]*+") + end for kind, end in zip(types, ends, strict=True)
    )
    return re.compile(f"(?:{line})*+")


def cell_pattern(kind: str, missing: frozenset[str]) -> str | None:
    """How a cell of the type is written, possessive; None where anything goes. An empty cell fits a number,
    and a day or time where it means that there is none."""
    if kind not in WRITTEN:
        return None
    letters = f"[{re.escape(WRITTEN[kind][0].decode())}]*+"
    given = f"[0-9]{{4}}{letters}|" if kind in _YEAR_FIRST else letters
    return f"(?:{'|'.join([given, *map(re.escape, sorted(missing - {''}))])})"


def text_copy(batch: RecordBatch, wanted: frozenset[int] | None, width: int) -> bytes:
    """The batch's records on the `wanted` lines (None: all): line, fault, faulty record as JSON, `width`
    cells.
    """
    found: list[str] = []
    for place, line in _places(batch.lines, wanted):
        row = batch.rows[place]
        problem = unstorable(row)
        if problem:
            cells = [None if cell is None else shortened(cell) for cell in row]
            found.append(_fault_row(line, problem, cells, width))
        else:
            found.append(_line_of(f"{line}\t{NULL}\t{NULL}", row, frozenset(), NULL))
    for fault in batch.faults:
        if wanted is None or fault.line in wanted:
            found.append(_fault_row(fault.line, fault.reason, fault.record, width))
    return "".join(found).encode(errors="replace")  # faults alone may hold what UTF-8 cannot


def _places(lines: Sequence[int], wanted: frozenset[int] | None) -> Iterable[tuple[int, int]]:
    """Where the wanted lines stand among `lines`, and which they are."""
    if wanted is None:
        return enumerate(lines)
    if isinstance(lines, range):
        return [(line - lines.start, line) for line in sorted(wanted.intersection(lines))]
    return [(place, line) for place, line in enumerate(lines) if line in wanted]


def _fault_row(line: int, reason: str, record: object, width: int) -> str:
    text = json.dumps(record, ensure_ascii=False).replace("\\u0000", "\\u2400")
    nulls = f"\t{NULL}" * width
    return f"{line}\t{reason.replace(chr(0), '␀').translate(_ESCAPES)}\t{text.translate(_ESCAPES)}{nulls}\n"


def unstorable(row: Sequence[Cell]) -> str:
    """Why PostgreSQL cannot take the row as text; empty when it can."""
    cells = [cell for cell in row if cell is not None]
    if any("\x00" in cell for cell in cells):
        return "含空字符 (holds a NUL character)"
    if sum(map(len, cells)) > MAX_RECORD_CHARS:
        return too_long()
    try:
        "".join(cells).encode()
    except UnicodeEncodeError:
        return "含不成对的代理字符 (holds half a surrogate pair)"
    return ""


def _joined(rows: Sequence[Sequence[Cell]], width: int) -> list[str] | None:
    """Each row's cells joined by tabs, or None when some cell needs escaping, is NULL, or cannot be
    stored.
    """
    try:
        joined = ["\t".join(row) for row in rows]  # type: ignore[arg-type]  # a None ends up in the except
    except TypeError:
        return None
    body = "\n".join(joined)
    plain = (
        len(body) <= MAX_RECORD_CHARS
        and not any(character in body for character in "\\\r\x00")
        and body.count("\t") == len(rows) * (width - 1)
        and body.count("\n") == len(rows) - 1
    )
    if not plain:
        return None
    try:
        body.encode()
    except UnicodeEncodeError:
        return None
    return joined


def _with_nulls(text: str, missing: frozenset[str]) -> str:
    for marker in missing:
        if marker and marker in text:
            text = _to_null(text, marker, null_text(missing))
    return text


def _to_null(text: str, marker: str, null: str) -> str:
    """`text` with each cell that is exactly `marker` replaced; twice, since neighbours share a tab."""
    escaped = marker.translate(_ESCAPES)
    if f"\t{escaped}\t" in text:
        for _ in range(2):
            text = text.replace(f"\t{escaped}\t", f"\t{null}\t")
    return text.replace(f"\t{escaped}\n", f"\t{null}\n")


def _line_of(lead: int | str, row: Sequence[Cell], missing: frozenset[str], null: str) -> str:
    cells = "\t".join([null if cell is None or cell in missing else cell.translate(_ESCAPES) for cell in row])
    return f"{lead}\t{cells}\n"


def _without(
    odd: set[int], lines: Sequence[int], rows: Sequence[Sequence[Cell]]
) -> tuple[list[int], list[Sequence[Cell]]]:
    keep = [index not in odd for index in range(len(rows))]
    return list(compress(lines, keep)), list(compress(rows, keep))


def _odd_rows(rows: Sequence[Sequence[Cell]], types: Sequence[str], missing: frozenset[str]) -> set[int]:
    """The positions of rows with a cell that is not written as its type is."""
    odd: set[int] = set()
    for position, kind in enumerate(types):
        if kind not in WRITTEN:
            continue
        letters = WRITTEN[kind][0]
        cells = [row[position] for row in rows]
        if _all_fit(cells, kind, letters):
            continue
        odd.update(
            index
            for index, cell in enumerate(cells)
            if cell and cell not in missing and not _all_fit((cell,), kind, letters)
        )
    return odd


def _all_fit(cells: Iterable[Cell], kind: str, letters: bytes) -> bool:
    given = [cell for cell in cells if cell]
    if "".join(given).encode("utf-8", "surrogatepass").translate(None, letters):
        return False
    if kind not in _YEAR_FIRST or not given:
        return True
    years = "".join([cell[:4] for cell in given])
    return len(years) == 4 * len(given) and years.isdigit()
