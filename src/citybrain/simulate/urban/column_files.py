"""Equally long columns as the files departments send: CSV, Parquet and GeoJSON."""

import csv
import io
from collections.abc import Iterable
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
from numpy.typing import NDArray

from citybrain.simulate.parquet_file import parquet_of

Columns = dict[str, NDArray[Any]]


def csv_of_columns(headers: dict[str, str], columns: Columns, encoding: str = "utf-8") -> bytes:
    """`headers`: the columns in their order, and what stands above each. None is written as nothing."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(headers.values())
    writer.writerows(zip(*(columns[name].tolist() for name in headers), strict=True))
    return text.getvalue().encode(encoding)


def parquet_of_columns(schema: pa.Schema, columns: Columns) -> bytes:
    """Columns of text are arrays of objects, None where there is no value; times are microseconds of UTC."""
    arrays = [pa.array(columns[field.name], type=field.type, from_pandas=True) for field in schema]
    return parquet_of(pa.Table.from_arrays(arrays, schema=schema))


def geojson_of_rows(rows: Iterable[dict[str, Any]]) -> bytes:
    """A feature for each row; its `geometry` is a mapping as RFC 7946 has it, or None."""
    features = [
        orjson.dumps(
            {
                "type": "Feature",
                "properties": {name: value for name, value in row.items() if name != "geometry"},
                "geometry": row["geometry"],
            }
        )
        for row in rows
    ]
    return b'{"type":"FeatureCollection","features":[\n' + b",\n".join(features) + b"\n]}\n"


def texts(values: NDArray[Any]) -> NDArray[np.object_]:
    """As objects, so that a defect may put in any text or none."""
    return np.array(values.tolist(), dtype=object)
