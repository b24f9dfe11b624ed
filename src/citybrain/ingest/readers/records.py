"""What every reader gives: rows of texts in batches, faults by line, and a refusal for a delivery that
cannot be read."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

MAX_RECORD_CHARS = 1024 * 1024  # a longer record is a fault, so that memory stays flat
BATCH_ROWS = 8192

Cell = str | None


class DeliveryRejectedError(Exception):
    """The delivery as a whole cannot be used. `rows` is how many it holds, as far as that can be told."""

    def __init__(self, reason: str, rows: int = 0) -> None:
        self.reason = reason
        self.rows = rows
        super().__init__(reason)


@dataclass(frozen=True)
class Fault:
    """A record that cannot become a row: where it starts, why, and what it was (a JSON value, shortened)."""

    line: int
    reason: str
    record: object


@dataclass(frozen=True)
class RecordBatch:
    """Rows with as many cells as the reading has columns, their line numbers, and the faults between them."""

    lines: Sequence[int]
    rows: Sequence[Sequence[Cell]]
    faults: Sequence[Fault] = field(default_factory=tuple)

    def __len__(self) -> int:
        return len(self.rows) + len(self.faults)


@dataclass(frozen=True)
class Reading:
    """An open delivery: the dataset's column names in the order of the cells, and the batches, once.

    Line numbers grow. CSV and JSON lines give the line of the file, Excel the sheet's row, GeoJSON and
    Parquet the record's number, counted from 1; a GeoTIFF is its line 1. The iterator raises
    DeliveryRejectedError when the delivery turns out unusable further down.
    """

    columns: list[str]
    batches: Iterator[RecordBatch]


def too_long() -> str:
    return f"记录超过 {MAX_RECORD_CHARS} 个字符 (record longer than {MAX_RECORD_CHARS} characters)"


def shortened(text: str, limit: int = 200) -> str:
    return text if len(text) <= limit else f"{text[:limit]}…（共 {len(text)} 字符）"
