"""Deliveries to rows of texts: one reader a format, all with the same face."""

from collections.abc import Collection
from pathlib import Path

from citybrain.catalogue import Dataset
from citybrain.ingest.readers.records import DeliveryRejectedError, Fault, Reading, RecordBatch

__all__ = ["DeliveryRejectedError", "Fault", "Reading", "RecordBatch", "read_delivery", "read_lines"]


def read_delivery(dataset: Dataset, path: Path) -> Reading:
    """Open the delivery at `path` as the dataset declares it. Raises DeliveryRejectedError.

    A workbook's rows, and a scene's, are kept in a file beside `path` for the next reading: see `kept`.
    """
    # Each format's library is imported when it is needed: the gate of a CSV needs neither Arrow nor openpyxl.
    match dataset.format.kind:
        case "csv":
            from citybrain.ingest.readers.csv_reader import read_csv

            return read_csv(dataset, path)
        case "jsonl":
            from citybrain.ingest.readers.jsonl_reader import read_jsonl

            return read_jsonl(dataset, path)
        case "json":
            from citybrain.ingest.readers.json_reader import read_json_records

            return read_json_records(dataset, path)
        case "geojson":
            from citybrain.ingest.readers.geojson_reader import read_geojson

            return read_geojson(dataset, path)
        case "parquet":
            from citybrain.ingest.readers.parquet_reader import read_parquet

            return read_parquet(dataset, path)
        case "excel":
            from citybrain.ingest.readers.excel_reader import read_excel
            from citybrain.ingest.readers.kept import kept_reading

            return kept_reading(path, lambda: read_excel(dataset, path))
        case "geotiff":
            from citybrain.ingest.readers.geotiff_reader import read_geotiff
            from citybrain.ingest.readers.kept import kept_reading

            return kept_reading(path, lambda: read_geotiff(dataset, path))


def read_lines(dataset: Dataset, path: Path, lines: Collection[int], known_plain: bool = False) -> Reading:
    """A delivery that was read once, again for the records on `lines`. Where it is cheaper to read all of
    them, others come too. `known_plain`: a CSV each line of which is known to be a record of its own."""
    if dataset.format.kind == "csv":
        from citybrain.ingest.readers.csv_reader import read_csv_lines

        reading = read_csv_lines(dataset, path, lines, known_plain)
        if reading is not None:
            return reading
    return read_delivery(dataset, path)
