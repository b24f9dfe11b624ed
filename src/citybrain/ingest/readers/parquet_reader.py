"""Parquet: row batches, each value as the text PostgreSQL reads."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from citybrain.catalogue import Dataset
from citybrain.ingest.readers.header import match_header
from citybrain.ingest.readers.records import BATCH_ROWS, Cell, DeliveryRejectedError, Reading, RecordBatch


def read_parquet(dataset: Dataset, path: Path) -> Reading:
    """Values of a Parquet file as texts; NaN is NULL, as the data-frame libraries that write it mean it.

    Raises DeliveryRejectedError for a file that is cut off or damaged, and for columns that do not fit or
    hold lists or bytes.
    """
    if path.stat().st_size == 0:
        raise DeliveryRejectedError("空文件 (the file is empty)")
    try:
        file = pq.ParquetFile(path, memory_map=False, pre_buffer=False)
    except (pa.ArrowException, OSError) as error:
        raise DeliveryRejectedError(
            f"不是 Parquet，或文件不完整 (not Parquet, or cut off: {_brief(error)})"
        ) from error
    rows = file.metadata.num_rows
    try:
        matched = match_header(dataset, file.schema_arrow.names)
    except DeliveryRejectedError as error:
        raise DeliveryRejectedError(error.reason, rows) from None
    kept = [position for position, column in enumerate(matched) if column is not None]
    fields = [file.schema_arrow.field(position) for position in kept]
    nested = [field.name for field in fields if not _is_plain(field.type)]
    if nested:
        raise DeliveryRejectedError(
            f"列不是单值 (columns hold lists, structures or bytes: {', '.join(nested)})", rows
        )
    columns = [matched[position] or "" for position in kept]
    return Reading(columns, _records(file, [field.name for field in fields], rows))


def _records(file: pq.ParquetFile, names: Sequence[str], total: int) -> Iterator[RecordBatch]:
    first = 1
    try:
        for batch in file.iter_batches(batch_size=BATCH_ROWS, columns=list(names)):
            cells = [_texts(batch.column(name)) for name in names]
            rows: list[Sequence[Cell]] = list(zip(*cells, strict=True))
            yield RecordBatch(range(first, first + len(rows)), rows)
            first += len(rows)
    except (pa.ArrowException, OSError) as error:
        raise DeliveryRejectedError(
            f"Parquet 文件损坏 (the Parquet file is damaged: {_brief(error)})", total
        ) from error


def _is_plain(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return not (
        pa.types.is_nested(kind)
        or pa.types.is_binary(kind)
        or pa.types.is_large_binary(kind)
        or pa.types.is_fixed_size_binary(kind)
    )


def _texts(values: pa.Array) -> list[Cell]:
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    if pa.types.is_floating(values.type):
        values = pc.if_else(pc.is_nan(values), None, values)
    found: list[Cell] = pc.cast(values, pa.string()).to_pylist()
    return found


def _brief(error: BaseException) -> str:
    return str(error).splitlines()[0][:200]
