"""Excel workbooks (.xlsx): the sheet's rows as texts, the way the sender saw them."""

import zipfile
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import ParseError

import openpyxl
from openpyxl.utils.exceptions import InvalidFileException

from citybrain.catalogue import Dataset
from citybrain.ingest.readers.header import match_header
from citybrain.ingest.readers.records import (
    BATCH_ROWS,
    Cell,
    DeliveryRejectedError,
    Fault,
    Reading,
    RecordBatch,
    shortened,
)

MAX_UNPACKED_MB = 512
BROKEN = (zipfile.BadZipFile, InvalidFileException, ParseError, KeyError, ValueError, OSError, EOFError)
ERRORS = {"#DIV/0!", "#N/A", "#NAME?", "#NULL!", "#NUM!", "#REF!", "#VALUE!", "#SPILL!", "#CALC!"}


def read_excel(dataset: Dataset, path: Path) -> Reading:
    """Cells of the declared sheet (the first when none is declared). The first row that is not empty is the
    header.

    A formula gives the value Excel stored beside it; one without a stored value, or with an error, makes its
    row a fault.
    Raises DeliveryRejectedError for anything that is not such a workbook.
    """
    _refuse_bombs(path)
    try:
        shown = _open_workbook(path, data_only=True)
        names = [sheet.title for sheet in shown.worksheets]
        wanted = dataset.format.sheet or (names[0] if names else "")
        if wanted not in names:
            raise DeliveryRejectedError(
                f"没有工作表 {wanted!r}，文件里有 {'、'.join(names) or '无'} "
                f"(no sheet {wanted!r}; the workbook has {names})"
            )
        rows = _numbered(shown[wanted])
        formulas = _numbered(_open_workbook(path, data_only=False)[wanted]) if _has_formulas(path) else None
        header = _take_header(rows, formulas)
        matched = _matched(dataset, header, rows)
    except BROKEN as error:
        raise DeliveryRejectedError(
            f"不是 .xlsx 工作簿，或文件损坏 (not an .xlsx workbook, or damaged: {error})"
        ) from error
    kept = [position for position, column in enumerate(matched) if column is not None]
    columns = [column for column in matched if column is not None]
    return Reading(columns, _records(rows, formulas, kept, len(header)))


def _refuse_bombs(path: Path) -> None:
    if path.stat().st_size == 0:
        raise DeliveryRejectedError("空文件 (the file is empty)")
    try:
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
    except zipfile.BadZipFile as error:
        raise DeliveryRejectedError(f"不是 .xlsx 工作簿 (not an .xlsx workbook: {error})") from error
    if unpacked > MAX_UNPACKED_MB * 1024 * 1024:
        raise DeliveryRejectedError(
            f"解压后超过 {MAX_UNPACKED_MB} MiB (unpacks to more than {MAX_UNPACKED_MB} MiB)"
        )


def _open_workbook(path: Path, data_only: bool) -> Any:
    # As a stream: by name openpyxl would judge the suffix, and a spooled file has none.
    return openpyxl.load_workbook(path.open("rb"), read_only=True, data_only=data_only)


def _has_formulas(path: Path) -> bool:
    """Whether any sheet of the workbook holds a formula element; looks at the bytes, chunk by chunk."""
    with zipfile.ZipFile(path) as archive:
        for entry in archive.infolist():
            if not entry.filename.startswith("xl/worksheets/"):
                continue
            with archive.open(entry) as file:
                tail = b""
                while chunk := file.read(1024 * 1024):
                    if b"<f>" in (text := tail + chunk) or b"<f " in text or b"<f/" in text:
                        return True
                    tail = chunk[-2:]
    return False


def _numbered(sheet: Any) -> Iterator[tuple[int, tuple[Any, ...]]]:
    sheet.reset_dimensions()  # what a writer claims about its size is often wrong
    return enumerate(sheet.iter_rows(values_only=True), start=1)


def _take_header(
    rows: Iterator[tuple[int, tuple[Any, ...]]], formulas: Iterator[tuple[int, tuple[Any, ...]]] | None
) -> list[str]:
    for _, row in rows:
        if formulas is not None:
            next(formulas)
        texts = [_text(value) or "" for value in row]
        while texts and not texts[-1]:
            texts.pop()
        if texts:
            return texts
    raise DeliveryRejectedError("工作表为空 (the sheet is empty)")


def _matched(
    dataset: Dataset, header: Sequence[str], rows: Iterator[tuple[int, tuple[Any, ...]]]
) -> list[str | None]:
    try:
        return match_header(dataset, header)
    except DeliveryRejectedError as error:
        count = sum(1 for _, row in rows if any(value is not None for value in row))
        raise DeliveryRejectedError(error.reason, count) from None


def _records(
    rows: Iterator[tuple[int, tuple[Any, ...]]],
    formulas: Iterator[tuple[int, tuple[Any, ...]]] | None,
    kept: Sequence[int],
    width: int,
) -> Iterator[RecordBatch]:
    lines: list[int] = []
    texts: list[list[Cell]] = []
    faults: list[Fault] = []
    try:
        for number, row in rows:
            written = next(formulas)[1] if formulas is not None else row
            if all(value is None for value in row) and all(value is None for value in written):
                continue
            problem = _problem(row, written, kept, width)
            if problem:
                faults.append(Fault(number, problem, [shortened(str(value)) for value in written]))
            else:
                padded = [*row, *[None] * (width - len(row))]
                lines.append(number)
                texts.append([_text(padded[position]) for position in kept])
            if len(lines) + len(faults) >= BATCH_ROWS:
                yield RecordBatch(lines, texts, faults)
                lines, texts, faults = [], [], []
    except BROKEN as error:
        raise DeliveryRejectedError(f"工作表损坏 (the sheet is damaged: {error})") from error
    yield RecordBatch(lines, texts, faults)


def _problem(row: Sequence[Any], written: Sequence[Any], kept: Sequence[int], width: int) -> str:
    beyond = [value for value in row[width:] if value is not None]
    if beyond:
        return f"表头之外还有 {len(beyond)} 个单元格 ({len(beyond)} cells beyond the header)"
    for position in kept:
        where = f"第 {position + 1} 列"
        shown = row[position] if position < len(row) else None
        formula = written[position] if position < len(written) else None
        if shown is None and isinstance(formula, str) and formula.startswith("="):
            return f"{where}的公式没有存值 (column {position + 1}: a formula without a stored value)"
        if isinstance(shown, str) and shown in ERRORS:
            return f"{where}为公式错误 {shown} (column {position + 1}: an Excel error)"
    return ""


def _text(value: Any) -> Cell:
    match value:
        case None | str():
            return value
        case bool():
            return "true" if value else "false"
        case float() if value.is_integer() and abs(value) < 1e15:
            return str(int(value))
        case datetime() if value.time() == time():
            return value.date().isoformat()
        case datetime():
            return value.isoformat(sep=" ")
        case date() | time():
            return value.isoformat()
        case timedelta():
            return str(value)
        case _:
            return repr(value) if isinstance(value, float) else str(value)
