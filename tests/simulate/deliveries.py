"""Reads back what the demo city sent, with nothing of the platform between."""

import csv
import hashlib
import io
import json
from collections.abc import Callable, Iterator
from typing import Any

import pyarrow.parquet as pq
from minio import Minio
from python_calamine import CalamineWorkbook
from rasterio.io import MemoryFile
from rasterio.warp import transform_bounds

from citybrain.catalogue import load_datasets
from citybrain.catalogue.connector import PostgresPull, S3Prefix
from citybrain.settings import SOURCE_TREE, Settings
from citybrain.simulate import read_ledger
from citybrain.simulate.plan import owed

Row = dict[str, Any]


def read_rows(settings: Settings, dataset: str) -> list[Row]:
    """Every record of a dataset, in the order of its deliveries, by the headers it was sent with."""
    if dataset == "air_quality_hour":
        return _features((settings.feeds_dir / "air" / "latest.geojson").read_bytes())
    file = load_datasets(Settings(project=SOURCE_TREE))[dataset]
    if isinstance(file.connector, S3Prefix):
        read = OBJECTS.get(file.format.kind, _parquet)
        return [row for content in _objects(settings, dataset) for row in read(content)]
    if isinstance(file.connector, PostgresPull):
        return _changes(settings, dataset)
    rows: list[Row] = []
    for path in sorted((settings.drops / dataset).iterdir()):
        content = path.read_bytes()
        if path.suffix == ".csv":
            rows += csv.DictReader(io.StringIO(content.decode(file.format.encoding), newline=""))
        elif path.suffix == ".parquet":
            rows += pq.read_table(io.BytesIO(content)).to_pylist()
        elif path.suffix == ".jsonl":
            rows += [json.loads(line) for line in content.splitlines()]
        elif path.suffix == ".geojson":
            rows += _features(content)
        else:
            assert file.format.sheet is not None
            sheet = CalamineWorkbook.from_path(str(path)).get_sheet_by_name(file.format.sheet).to_python()
            rows += [dict(zip(sheet[0], cells, strict=True)) for cells in sheet[1:]]
    return rows


def _features(content: bytes) -> list[Row]:
    return [
        {**feature["properties"], "geometry": feature["geometry"]}
        for feature in json.loads(content)["features"]
    ]


def _scene(content: bytes) -> list[Row]:
    """The facts of one scene."""
    with MemoryFile(content) as memory, memory.open() as file:
        red, near, mask = (band.astype(float) for band in file.read())
        clear, cloudy = mask == 1, mask == 2
        west, south, east, north = transform_bounds(file.crs, "EPSG:4326", *file.bounds)
        return [
            {
                "scene_id": file.tags()["SCENE_ID"],
                "acquired_at": file.tags()["ACQUIRED_AT"],
                "platform": file.tags()["PLATFORM"],
                "crs": str(file.crs),
                "west": west, "south": south, "east": east, "north": north,
                "width": file.width, "height": file.height, "bands": file.count,
                "resolution_m": file.res[0],
                "cloud_share": cloudy.sum() / (clear | cloudy).sum(),
                "nodata_share": (mask == 0).mean(),
                "ndvi_mean": ((near - red) / (near + red + (mask == 0)))[clear].mean(),
            }
        ]  # fmt: skip


def _parquet(content: bytes) -> list[Row]:
    rows: list[Row] = pq.read_table(io.BytesIO(content)).to_pylist()
    return rows


OBJECTS: dict[str, Callable[[bytes], list[Row]]] = {
    "jsonl": lambda content: [json.loads(line) for line in content.splitlines()],
    "geotiff": _scene,
}


def _objects(settings: Settings, dataset: str) -> Iterator[bytes]:
    """What an s3_prefix connector would see, in order of key; pictures beside a manifest are left out."""
    access, secret = settings.s3_access
    client = Minio(settings.s3_address, access_key=access, secret_key=secret, secure=False)
    bucket = settings.bucket("inbox")
    for found in client.list_objects(bucket, prefix=f"{dataset}/", recursive=True):
        assert found.object_name is not None
        if found.object_name.endswith(".jpg"):
            continue
        response = client.get_object(bucket, found.object_name)
        yield response.read()
        response.close()
        response.release_conn()


def _changes(settings: Settings, dataset: str) -> list[Row]:
    """What was written into the exchange: made again, and the same by its hash."""
    ledger = read_ledger(settings)
    assert ledger is not None
    hashes = {sent.name: sent.sha256 for sent in ledger.sent if sent.dataset == dataset}
    rows: list[Row] = []
    anew = ledger.model_copy(update={"sent": []})
    for delivery in owed(anew, ledger.reached or ledger.started):
        if delivery.dataset == dataset:
            content, _, _ = delivery.make()
            assert hashlib.sha256(content).hexdigest() == hashes[delivery.name]
            rows += csv.DictReader(io.StringIO(content.decode(), newline=""))
    return rows


def truth_of(settings: Settings, dataset: str) -> list[Row]:
    """The planted rows of a dataset; `place` is the record's position, from 1, in what `read_rows` gives."""
    ledger = read_ledger(settings)
    assert ledger is not None
    planted, before = [], 0
    for sent in (sent for sent in ledger.sent if sent.dataset == dataset):
        path = settings.data_dir / "truth" / dataset / f"{sent.name}.jsonl"
        for line in path.read_bytes().splitlines():
            record = json.loads(line)
            planted.append({**record, "place": before + record["row"]})
        before += sent.rows
    return planted
