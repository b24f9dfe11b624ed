"""Tables as the Parquet objects that platforms export."""

import io
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray


def parquet_bytes(columns: dict[str, NDArray[Any]], missing: dict[str, Any] | None = None) -> bytes:
    """Columns in the order of the mapping. NaT is null; `missing`: column -> the value that means null."""
    arrays = {}
    for name, values in columns.items():
        void = values == missing[name] if missing and name in missing else None
        arrays[name] = pa.array(values, mask=void, from_pandas=True)
    return parquet_of(pa.table(arrays))


def parquet_of(table: pa.Table) -> bytes:
    """The table as one file."""
    file = io.BytesIO()
    pq.write_table(table, file, compression="zstd")
    return file.getvalue()
