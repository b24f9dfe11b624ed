"""Nested JSON: a document, or one on each line; rows are found by the paths in the dataset's headers.

What no column's path leads to is left where it is: documents of this kind carry links, units and times of
their own that are no columns.
"""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from citybrain.catalogue import Dataset
from citybrain.ingest.readers.json_walk import (
    UnevenListsError,
    UnreadableJsonError,
    as_text,
    read_documents,
    records_at,
    rows_of,
    steps_of,
)
from citybrain.ingest.readers.records import (
    BATCH_ROWS,
    Cell,
    DeliveryRejectedError,
    Fault,
    Reading,
    RecordBatch,
    shortened,
)
from citybrain.ingest.readers.text_lines import refuse_other_kinds, text_chunks

MAX_DOCUMENT_MB = 64  # each document is parsed as a whole; a pull in pages has one on each line

Row = tuple[int, list[Cell] | None, Fault | None]


def read_json_records(dataset: Dataset, path: Path) -> Reading:
    """Rows of the records at the format's `records`. A record whose lists do not fit together is a fault.

    Raises DeliveryRejectedError for what is not JSON, holds no records where the file says, or has none of
    the values of a required column.
    """
    refuse_other_kinds(path, "json")
    columns = [column.name for column in dataset.columns]
    return Reading(columns, _batches(dataset, documents(dataset, path)))


def documents(dataset: Dataset, path: Path) -> Iterator[Any]:
    """The documents of a delivery, one by one. Raises DeliveryRejectedError."""
    chunks = text_chunks(path, dataset.format.encoding)
    small = path.stat().st_size <= MAX_DOCUMENT_MB * 1024 * 1024
    texts = iter(["".join(chunks)]) if small else _lines(chunks)
    try:
        for text in texts:
            yield from read_documents(text)
    except UnreadableJsonError as error:
        raise DeliveryRejectedError(f"不是 JSON，或文件不完整 (not JSON, or cut off: {error})") from error


def _lines(chunks: Iterator[str]) -> Iterator[str]:
    """The lines of a delivery too large to be held: each is a document."""
    held = ""
    for chunk in chunks:
        *lines, held = (held + chunk).split("\n")
        yield from lines
        if len(held) > MAX_DOCUMENT_MB * 1024 * 1024:
            raise DeliveryRejectedError(
                f"JSON 文档超过 {MAX_DOCUMENT_MB} MiB (a document larger than {MAX_DOCUMENT_MB} MiB)"
            )
    yield held


def _batches(dataset: Dataset, found: Iterator[Any]) -> Iterator[RecordBatch]:
    seen: set[str] = set()
    rows = _rows(dataset, found, seen)
    total = 0
    while batch := list(islice(rows, BATCH_ROWS)):
        total += len(batch)
        good = [(line, row) for line, row, _ in batch if row is not None]
        yield RecordBatch(
            [line for line, _ in good],
            [row for _, row in good],
            [fault for _, _, fault in batch if fault is not None],
        )
    _require_columns(dataset, seen, total)


def _rows(dataset: Dataset, found: Iterator[Any], seen: set[str]) -> Iterator[Row]:
    """Rows and faults numbered from 1; the names of columns that had a value anywhere go into `seen`."""
    paths = [[steps_of(header) for header in column.accepted_headers] for column in dataset.columns]
    flat = [steps for choices in paths for steps in choices]
    names = [column.name for column in dataset.columns]
    number = 0
    for document in found:
        pointer = dataset.format.records
        records = records_at(document, pointer)
        if records is None:
            raise DeliveryRejectedError(f"{pointer or '文档根部'} 处没有记录 (no records at {pointer!r})")
        for record in records:
            try:
                for values in rows_of(record, flat):
                    number += 1
                    yield number, _row(values, paths, names, seen), None
            except UnevenListsError as error:
                number += 1
                text = as_text(record) or "null"
                reason = f"并列数组长度不一 (uneven lists: {error})"
                yield number, None, Fault(number, reason, shortened(text))


def _row(values: list[Any], paths: list[list[list[str]]], names: list[str], seen: set[str]) -> list[Cell]:
    """One cell for each column: the first of its headers that leads to a value."""
    row: list[Cell] = []
    place = 0
    for name, choices in zip(names, paths, strict=True):
        given = [value for value in values[place : place + len(choices)] if value is not None]
        place += len(choices)
        if given:
            seen.add(name)
        row.append(as_text(given[0]) if given else None)
    return row


def _require_columns(dataset: Dataset, seen: set[str], rows: int) -> None:
    missing = [
        f"- {'|'.join(column.accepted_headers)}（缺少列 missing column {column.name}）"
        for column in dataset.columns
        if column.required and column.name not in seen
    ]
    if rows and missing:
        raise DeliveryRejectedError(
            f"内容与 dags/sources/{dataset.id}.yml 不符 (values differ): " + "; ".join(missing), rows
        )
