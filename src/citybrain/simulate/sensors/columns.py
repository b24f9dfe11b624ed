"""Columns of numpy arrays as Parquet, and the truth about spoilt rows as plain values."""

from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from citybrain.simulate.dirt import Planted
from citybrain.simulate.parquet_file import parquet_of

Columns = dict[str, NDArray[Any]]


def parquet_of_columns(columns: Columns, schema: pa.Schema) -> bytes:
    """The arrays as one Parquet file; times are UTC without saying so, NaN is written as missing."""
    arrays = []
    for field in schema:
        values = columns[field.name]
        if pa.types.is_timestamp(field.type):
            arrays.append(pa.array(values, type=pa.timestamp("us")).cast(field.type))
        else:
            arrays.append(pa.array(values, from_pandas=True).cast(field.type))
    return parquet_of(pa.Table.from_arrays(arrays, schema=schema))


def plain_truth(truth: list[Planted]) -> list[Planted]:
    """The truth with Python's own values instead of numpy's."""
    return [
        replace(planted, value=_plain(planted.value)) if isinstance(planted.value, np.generic) else planted
        for planted in truth
    ]


def _plain(value: np.generic) -> Any:
    return str(value) if isinstance(value, np.datetime64 | np.str_) else value.item()
