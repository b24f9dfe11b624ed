"""GeoJSON: one row a feature; properties are columns, the geometry goes as JSON text into the dataset's
geometry column.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson

from citybrain.catalogue import Dataset
from citybrain.ingest.readers.header import KeyTracker
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

MAX_DOCUMENT_MB = 64  # the document is parsed as a whole; larger ones belong into JSON lines


def read_geojson(dataset: Dataset, path: Path) -> Reading:
    """Features of a FeatureCollection. A feature that is none is a fault; a null geometry is NULL.

    Raises DeliveryRejectedError for anything that is not a FeatureCollection, or is larger than
    MAX_DOCUMENT_MB.
    """
    refuse_other_kinds(path, "geojson")
    if path.stat().st_size > MAX_DOCUMENT_MB * 1024 * 1024:
        raise DeliveryRejectedError(
            f"GeoJSON 超过 {MAX_DOCUMENT_MB} MiB (larger than {MAX_DOCUMENT_MB} MiB: send JSON lines)"
        )
    try:
        document = orjson.loads("".join(text_chunks(path, dataset.format.encoding)))
    except orjson.JSONDecodeError as error:
        raise DeliveryRejectedError(f"不是 JSON，或文件不完整 (not JSON, or cut off: {error})") from error
    features = document.get("features") if isinstance(document, dict) else None
    if (
        not isinstance(document, dict)
        or document.get("type") != "FeatureCollection"
        or not isinstance(features, list)
    ):
        raise DeliveryRejectedError("不是 GeoJSON 要素集合 (not a GeoJSON FeatureCollection)")
    geometry = [dataset.column(dataset.geometry_column)] if dataset.geometry_column else []
    keys = KeyTracker(dataset, without=[column.accepted_headers[0] for column in geometry])
    return Reading(keys.columns, _records(dataset, features, keys))


def _records(dataset: Dataset, features: list[Any], keys: KeyTracker) -> Iterator[RecordBatch]:
    geometry = keys.columns.index(dataset.geometry_column) if dataset.geometry_column else None
    parsed = 0
    for start in range(0, len(features), BATCH_ROWS):
        lines: list[int] = []
        rows: list[list[Cell]] = []
        faults: list[Fault] = []
        for number, feature in enumerate(features[start : start + BATCH_ROWS], start=start + 1):
            properties = feature.get("properties") if isinstance(feature, dict) else None
            if not isinstance(properties, dict) or feature.get("type") != "Feature":
                text = orjson.dumps(feature).decode()
                faults.append(
                    Fault(
                        number, "不是 GeoJSON 要素 (not a GeoJSON Feature with properties)", shortened(text)
                    )
                )
                continue
            keys.note(properties)
            row = _row(properties, keys)
            if geometry is not None and feature.get("geometry") is not None:
                row[geometry] = orjson.dumps(feature["geometry"]).decode()
            lines.append(number)
            rows.append(row)
        parsed += len(rows)
        yield RecordBatch(lines, rows, faults)
    if parsed:
        keys.judge(len(features))


def _row(properties: Mapping[str, Any], keys: KeyTracker) -> list[Cell]:
    row: list[Cell] = [None] * len(keys.columns)
    for key, value in properties.items():
        position = keys.position.get(key)
        if position is not None and value is not None:
            row[position] = value if isinstance(value, str) else orjson.dumps(value).decode()
    return row
