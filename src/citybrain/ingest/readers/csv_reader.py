"""CSV: whole blocks through the standard reader while they are clean, record by record where they are not."""

import csv
from collections import deque
from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import compress
from operator import itemgetter
from pathlib import Path

from citybrain.catalogue import Dataset
from citybrain.ingest.readers.header import match_header
from citybrain.ingest.readers.plain_rows import PlainRows
from citybrain.ingest.readers.records import (
    BATCH_ROWS,
    MAX_RECORD_CHARS,
    DeliveryRejectedError,
    Fault,
    Reading,
    RecordBatch,
    shortened,
    too_long,
)
from citybrain.ingest.readers.text_lines import (
    LineBlock,
    byte_chunks,
    is_plain,
    line_blocks,
    refuse_other_kinds,
    text_chunks,
    wanted_lines,
)

MAX_OPEN_QUOTES = (
    1000  # each costs a look ahead; a file with more of them has another delimiter or another quoting
)
OTHER_DELIMITERS = ",;\t|"


def read_csv(dataset: Dataset, path: Path) -> Reading:
    """Cells of a CSV file, texts only. A line with too few or too many cells, or with a quote that never
    closes, is a fault.

    Raises DeliveryRejectedError for a header that does not fit and for bytes that are not the declared
    encoding.
    """
    csv.field_size_limit(
        MAX_RECORD_CHARS
    )  # the module's own limit, for all its users: higher than its default
    refuse_other_kinds(path, "csv")
    blocks = line_blocks(text_chunks(path, dataset.format.encoding))
    delimiter = dataset.format.delimiter
    header, first = _take_header(blocks, delimiter)
    try:
        matched = match_header(dataset, header)
    except DeliveryRejectedError as error:
        hint = _delimiter_hint(dataset, header, delimiter)
        rows = sum(1 for line in first.lines if line) + sum(
            1 for block in blocks for line in block.lines if line
        )
        raise DeliveryRejectedError(hint or error.reason, rows) from None
    kept = [position for position, column in enumerate(matched) if column is not None]
    batches = _records(first, blocks, delimiter, len(header))
    if len(kept) < len(matched):
        batches = _project(batches, kept)
    return Reading([column for column in matched if column is not None], batches)


def read_csv_lines(
    dataset: Dataset, path: Path, wanted: Collection[int], known_plain: bool = False
) -> Reading | None:
    """The records on the `wanted` lines of a delivery that was read to its end; the others are passed over as
    bytes.

    None, unless the delivery is `known_plain`, when the lines of the file are not its records: somewhere
    there is a quote, a lone return or a record over the limit.
    """
    if not known_plain and not all(is_plain(chunk) for chunk in byte_chunks(path)):
        return None
    delimiter = dataset.format.delimiter
    matched, first_line = first_record(dataset, path)
    kept = [position for position, column in enumerate(matched) if column is not None]
    records = sorted(number for number in wanted if number >= first_line)
    batches = (
        _plain_records(numbers, lines, delimiter, len(matched))
        for numbers, lines in wanted_lines(byte_chunks(path), dataset.format.encoding, records)
    )
    return Reading(
        [column for column in matched if column is not None],
        _project(batches, kept) if len(kept) < len(matched) else batches,
    )


def first_record(dataset: Dataset, path: Path) -> tuple[list[str | None], int]:
    """For each header cell the column it fills (None: ignored), and the line on which the records begin.

    Raises DeliveryRejectedError for a header that does not fit.
    """
    header, below = _take_header(
        line_blocks(text_chunks(path, dataset.format.encoding)), dataset.format.delimiter
    )
    return match_header(dataset, header), below.first


def _take_header(blocks: Iterator[LineBlock], delimiter: str) -> tuple[list[str], LineBlock]:
    """The header's cells, and the block that follows them."""
    for block in blocks:
        reader = csv.reader(block.lines, delimiter=delimiter)
        try:
            header = next((row for row in reader if row), None)
        except csv.Error as error:
            raise DeliveryRejectedError(f"表头无法读取 (the header cannot be read: {error})") from error
        if header is not None:
            used = reader.line_num
            return header, LineBlock(block.first + used, block.lines[used:], block.cut, block.quoted)
    raise DeliveryRejectedError("空文件 (the file holds no line)")


def _delimiter_hint(dataset: Dataset, header: Sequence[str], declared: str) -> str | None:
    """What to say when the whole header sits in one cell that another delimiter splits into known names."""
    known = {name for column in dataset.columns for name in column.accepted_headers}
    if len(header) != 1:
        return None
    for other in OTHER_DELIMITERS:
        if other != declared and len(known.intersection(header[0].split(other))) >= min(2, len(known)):
            return (
                f"登记分隔符 {declared!r}，实际像是 {other!r}"
                f" (declared delimiter {declared!r}, looks like {other!r})"
            )
    return None


def _project(batches: Iterator[RecordBatch], kept: Sequence[int]) -> Iterator[RecordBatch]:
    """The same batches without the cells of ignored headers."""
    pick: Callable[[Sequence[str | None]], Sequence[str | None]]
    pick = itemgetter(*kept) if len(kept) > 1 else lambda row: (row[kept[0]],)
    for batch in batches:
        yield RecordBatch(batch.lines, [pick(row) for row in batch.rows], batch.faults)


def _records(
    first: LineBlock, blocks: Iterator[LineBlock], delimiter: str, width: int
) -> Iterator[RecordBatch]:
    opened = 0
    block: LineBlock | None = first
    while block is not None:
        clean = _clean_records(block, delimiter, width)
        if clean is not None:
            for start in range(0, len(clean.rows), BATCH_ROWS):
                end = start + BATCH_ROWS
                yield RecordBatch(clean.lines[start:end], clean.rows[start:end])
            if clean.faults:
                yield RecordBatch((), (), clean.faults)
        else:
            batch, open_quotes = _careful(block, blocks, delimiter, width)
            opened += open_quotes
            if opened > MAX_OPEN_QUOTES:
                raise DeliveryRejectedError(
                    f"引号不配对的行超过 {MAX_OPEN_QUOTES} 行 (more than {MAX_OPEN_QUOTES} lines open a quote"
                    " that does not close within the record)"
                )
            yield batch
        block = next(blocks, None)


def _clean_records(block: LineBlock, delimiter: str, width: int) -> RecordBatch | None:
    """The block's records if each of its lines is one, else None."""
    if block.cut:
        return None
    if not block.quoted or not any('"' in line for line in block.lines):
        return _unquoted(block, delimiter, width)
    try:
        rows = list(csv.reader(block.lines, delimiter=delimiter, strict=True))
    except csv.Error:
        return None
    if len(rows) != len(block.lines) or set(map(len, rows)) != {width}:
        return None
    return RecordBatch(range(block.first, block.first + len(rows)), rows)


def _unquoted(block: LineBlock, delimiter: str, width: int) -> RecordBatch:
    """Without a quote every line is a record of its own, and delimiters alone part its cells."""
    numbers = range(block.first, block.first + len(block.lines))
    return _plain_records(numbers, block.lines, delimiter, width)


def _plain_records(numbers: Sequence[int], texts: list[str], delimiter: str, width: int) -> RecordBatch:
    counts = [text.count(delimiter) for text in texts]
    if set(counts) == {width - 1} and "" not in texts:
        return RecordBatch(numbers, PlainRows(texts, delimiter))
    fits = [count == width - 1 and text != "" for count, text in zip(counts, texts, strict=True)]
    faults = [
        Fault(number, _wrong_width(count + 1, width), shortened(text))
        for number, count, text, fit in zip(numbers, counts, texts, fits, strict=True)
        if not fit and text
    ]
    rows = PlainRows(list(compress(texts, fits)), delimiter)
    return RecordBatch(list(compress(numbers, fits)), rows, faults)


def _wrong_width(found: int, width: int) -> str:
    return f"{found} 个单元格，应为 {width} 个 ({found} cells, expected {width})"


def _careful(
    block: LineBlock, blocks: Iterator[LineBlock], delimiter: str, width: int
) -> tuple[RecordBatch, int]:
    """One record at a time, with lines of later blocks where a quoted cell goes on. Also: how many quotes
    never closed.

    A record that takes several lines and still does not fit is taken for a stray quote: its first line is
    the fault,
    the others are read again as records of their own.
    """
    waiting: deque[tuple[int, str]] = deque(enumerate(block.lines, start=block.first))
    cut = set(block.cut)
    lines: list[int] = []
    rows: list[list[str]] = []
    faults: list[Fault] = []
    opened = 0

    def ahead() -> Iterator[str]:
        position = 0
        while True:
            if position == len(waiting):
                more = next(blocks, None)
                if more is None:
                    return
                waiting.extend(enumerate(more.lines, start=more.first))
                cut.update(more.cut)
            yield waiting[position][1] + "\n"
            position += 1

    while waiting:
        number, line = waiting[0]
        row, span, problem = None, 1, ""
        if number in cut:
            problem = too_long()
        elif line:
            row, span, problem = _one_record(line, ahead(), delimiter, width)
            opened += span > 1 and row is None
        if problem:
            faults.append(Fault(number, problem, shortened(line)))
        elif row is not None:
            lines.append(number)
            rows.append(row)
        for _ in range(span if row is not None else 1):
            waiting.popleft()
    return RecordBatch(lines, rows, faults), opened


def _one_record(
    line: str, ahead: Iterator[str], delimiter: str, width: int
) -> tuple[list[str] | None, int, str]:
    """The record that starts with `line`: its cells or None, how many lines were looked at, what is wrong."""
    strict = csv.reader(ahead, delimiter=delimiter, strict=True)
    try:
        row = next(strict)
    except csv.Error as error:
        loose = next(csv.reader([line], delimiter=delimiter), [])
        if line.count('"') % 2 == 0 and len(loose) == width:  # "abc"d: sloppy, but only one way to read it
            return loose, 1, ""
        return None, strict.line_num, f"引号不配对 (quotes do not match: {error})"
    if len(row) == width:
        return row, strict.line_num, ""
    return None, strict.line_num, _wrong_width(len(row), width)
