"""JSON lines: one object a line; numbers keep the digits they were written with."""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from citybrain.catalogue import Dataset
from citybrain.ingest.readers.header import KeyTracker
from citybrain.ingest.readers.records import (
    BATCH_ROWS,
    Cell,
    Fault,
    Reading,
    RecordBatch,
    shortened,
    too_long,
)
from citybrain.ingest.readers.text_lines import line_blocks, refuse_other_kinds, text_chunks

EPOCHS = {"s": 1, "ms": 1000}
LAST_SECOND = 253_402_300_799  # of the year 9999


class _DoubledKeyError(ValueError):
    pass


def _no_doubled_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise _DoubledKeyError("a key comes twice")
    return found


def _no_constants(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


_FLAT = json.JSONDecoder(
    parse_float=str, parse_int=str, parse_constant=_no_constants, object_pairs_hook=_no_doubled_keys
)
_NESTED = json.JSONDecoder(parse_constant=_no_constants)


def read_jsonl(dataset: Dataset, path: Path) -> Reading:
    """Values of a JSON-lines file as texts; nested values as JSON. A line that is no object is a fault.

    Raises DeliveryRejectedError at the end when the records' keys do not fit the dataset.
    """
    refuse_other_kinds(path, "jsonl")
    keys = KeyTracker(dataset)
    return Reading(keys.columns, _records(dataset, path, keys))


def _records(dataset: Dataset, path: Path, keys: KeyTracker) -> Iterator[RecordBatch]:
    total = parsed = 0
    epochs = {
        place: EPOCHS[column.epoch]
        for place, column in enumerate(dataset.columns)
        if column.epoch is not None
    }
    for block in line_blocks(text_chunks(path, dataset.format.encoding)):
        for start in range(0, len(block.lines), BATCH_ROWS):
            lines: list[int] = []
            rows: list[list[Cell]] = []
            faults: list[Fault] = []
            for number, line in enumerate(block.lines[start : start + BATCH_ROWS], start=block.first + start):
                if not line or line.isspace():
                    continue
                if number in block.cut:
                    faults.append(Fault(number, too_long(), shortened(line)))
                    continue
                try:
                    rows.append(_row(line, keys, epochs))
                    lines.append(number)
                except (ValueError, RecursionError) as error:
                    faults.append(
                        Fault(number, f"不是 JSON 对象 (not a JSON object: {error})", shortened(line))
                    )
            total += len(rows) + len(faults)
            parsed += len(rows)
            yield RecordBatch(lines, rows, faults)
    if parsed:
        keys.judge(total)


def _row(line: str, keys: KeyTracker, epochs: Mapping[int, int]) -> list[Cell]:
    record = _FLAT.decode(line)
    if not isinstance(record, dict):
        raise ValueError(f"a {type(record).__name__}")
    keys.note(record)
    row: list[Cell] = [None] * len(keys.columns)
    filled: set[int] = set()
    for key, value in record.items():
        position = keys.position.get(key)
        if position is None:
            continue
        if position in filled:
            raise ValueError(f"two keys for the column {keys.columns[position]}")
        filled.add(position)
        if isinstance(value, dict | list):
            row[position] = json.dumps(_NESTED.decode(line)[key], ensure_ascii=False)
        elif isinstance(value, bool):
            row[position] = "true" if value else "false"
        else:
            row[position] = value
    for position, per_second in epochs.items():
        row[position] = _moment(row[position], per_second)
    return row


def _moment(cell: Cell, per_second: int) -> Cell:
    """A count since 1970 as ISO 8601; a text of another kind, or a count beyond year 9999, as it is."""
    if cell is None or not (cell.isascii() and cell.isdigit()):
        return cell
    seconds, rest = divmod(int(cell[:20]), per_second)
    if seconds > LAST_SECOND:
        return cell
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest * 1000 // per_second:03}Z"
