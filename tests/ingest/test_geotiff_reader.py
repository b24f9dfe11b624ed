"""Satellite scenes: the facts are those of the pixels, and whatever else comes is refused with a reason."""

import time
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from hypothesis import HealthCheck, given
from hypothesis import settings as effort
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image
from rasterio.transform import Affine, from_origin

from citybrain.catalogue import Dataset, load_dataset
from citybrain.ingest.readers import DeliveryRejectedError, read_delivery
from citybrain.ingest.readers.geotiff_reader import FACTS, MAX_PIXELS
from citybrain.settings import SOURCE_TREE

TAGS = {"SCENE_ID": "T1_20260512", "ACQUIRED_AT": "2026-05-12T02:55:00+00:00", "PLATFORM": "Sentinel-2B"}
CORNER = from_origin(387_720, 3_748_560, 10, 10)
DATASET: Dataset = load_dataset(SOURCE_TREE / "dags" / "sources" / "satellite_scene.yml")


def write_scene(path: Path, bands: NDArray[Any], tags: dict[str, str] = TAGS, **changed: Any) -> Path:
    """A scene of UTM zone 50 with these bands; `changed` replaces what rasterio is told of the file."""
    count, height, width = bands.shape
    profile = {
        "driver": "GTiff", "width": width, "height": height, "count": count, "dtype": bands.dtype,
        "nodata": 0, "crs": "EPSG:32650", "transform": CORNER,
    } | changed  # fmt: skip
    with rasterio.open(path, "w", **profile) as file:
        file.write(bands)
        file.update_tags(**tags)
    return path


def even_bands(height: int = 20, width: int = 30) -> NDArray[np.uint16]:
    """Half red 1000 and near infrared 3000 (NDVI 0.5), all of it clear."""
    layers = [np.full((height, width), value) for value in (1000, 3000, 1)]
    return np.stack(layers).astype(np.uint16)


def facts_of(path: Path) -> dict[str, str | None]:
    # by another name each time: what a reading keeps beside a file must not answer for the next
    reading = read_delivery(DATASET, path)
    ((row,),) = [batch.rows for batch in reading.batches]
    return dict(zip(reading.columns, row, strict=True))


def reason_of(path: Path) -> str:
    with pytest.raises(DeliveryRejectedError) as caught:
        facts_of(path)
    return caught.value.reason


def test_the_dataset_takes_every_fact() -> None:
    assert {column.name for column in DATASET.columns} == set(FACTS)


def test_an_even_scene(tmp_path: Path) -> None:
    bands = even_bands()
    bands[2, :10, :15] = 2
    bands[0, 19, :] = 0
    found = facts_of(write_scene(tmp_path / "scene", bands))
    assert found["scene_id"] == TAGS["SCENE_ID"]
    assert found["acquired_at"] == TAGS["ACQUIRED_AT"]
    assert found["crs"] == "EPSG:32650"
    assert (found["width"], found["height"], found["bands"], found["resolution_m"]) == (
        "30",
        "20",
        "3",
        "10.00",
    )
    assert found["nodata_share"] == "0.0500"
    assert found["cloud_share"] == f"{150 / 570:.4f}"
    assert found["ndvi_mean"] == "0.5000"
    west, south, east, north = (float(found[name] or "nan") for name in ("west", "south", "east", "north"))
    assert 115.78 < west < east < 115.80
    assert 33.86 < south < north < 33.88
    assert 0.0030 < east - west < 0.0036  # 300 m there


def test_degrees_are_taken_as_they_are(tmp_path: Path) -> None:
    grid = from_origin(115.75, 33.9, 0.0001, 0.0001)
    found = facts_of(write_scene(tmp_path / "scene", even_bands(), crs="EPSG:4326", transform=grid))
    assert (found["west"], found["south"], found["east"], found["north"]) == (
        "115.750000",
        "33.898000",
        "115.753000",
        "33.900000",
    )
    assert found["resolution_m"] == "11.12"


def test_what_the_file_does_not_say_is_null(tmp_path: Path) -> None:
    bands = even_bands()
    bands[2] = 2
    found = facts_of(write_scene(tmp_path / "scene", bands, tags={}))
    assert (found["scene_id"], found["acquired_at"], found["platform"]) == (None, None, None)
    assert (found["cloud_share"], found["ndvi_mean"]) == ("1.0000", None)


@st.composite
def some_bands(draw: st.DrawFn) -> NDArray[np.uint16]:
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    shape = draw(st.integers(1, 70)), draw(st.integers(1, 70))
    reflected = random.integers(0, draw(st.sampled_from([3, 10_000, 65_536])), (2, *shape))
    return np.stack([*reflected, random.integers(0, 3, shape)]).astype(np.uint16)


LAYOUTS: list[dict[str, Any]] = [
    {},
    {"compress": "deflate", "predictor": 2},
    {"compress": "lzw", "interleave": "band"},
    {"tiled": True, "blockxsize": 16, "blockysize": 16, "compress": "zstd"},
    {"BIGTIFF": "YES", "ENDIANNESS": "BIG"},
]


@given(bands=some_bands(), layout=st.sampled_from(LAYOUTS))
@effort(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_shares_and_mean_are_those_of_the_pixels(
    tmp_path_factory: pytest.TempPathFactory, bands: NDArray[np.uint16], layout: dict[str, Any]
) -> None:
    found = facts_of(write_scene(tmp_path_factory.mktemp("scene") / "x", bands, **layout))
    pixels = [tuple(map(int, pixel)) for pixel in bands.reshape(3, -1).T]
    with_data = [pixel for pixel in pixels if all(pixel)]
    clear = [(near - red) / (near + red) for red, near, mask in with_data if mask == 1]
    assert float(found["nodata_share"] or "nan") == pytest.approx(1 - len(with_data) / len(pixels), abs=6e-5)
    if with_data:
        cloudy = len(with_data) - len(clear)
        assert float(found["cloud_share"] or "nan") == pytest.approx(cloudy / len(with_data), abs=6e-5)
    else:
        assert found["cloud_share"] is None
    if clear:
        assert float(found["ndvi_mean"] or "nan") == pytest.approx(sum(clear) / len(clear), abs=6e-5)
    else:
        assert found["ndvi_mean"] is None


@given(kept=st.floats(0, 1, exclude_max=True), layout=st.sampled_from(LAYOUTS))
@effort(max_examples=60, deadline=None)
def test_a_file_that_is_cut_off_is_refused(
    tmp_path_factory: pytest.TempPathFactory, kept: float, layout: dict[str, Any]
) -> None:
    folder = tmp_path_factory.mktemp("cut")
    bands = np.random.default_rng(5).integers(1, 3, (3, 64, 64)).astype(np.uint16)
    whole = write_scene(folder / "whole", bands, **layout)
    expected = facts_of(whole)
    (folder / "part").write_bytes(whole.read_bytes()[: int(kept * whole.stat().st_size)])
    try:
        assert facts_of(folder / "part") == expected  # nothing but the writer's padding was cut
    except DeliveryRejectedError as error:
        assert any(word in error.reason for word in ("cut off", "empty", "not a TIFF", "expected")), (
            error.reason
        )


@given(
    places=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=6)
)
@effort(max_examples=80, deadline=None)
def test_damaged_bytes_never_break_the_reader(
    tmp_path_factory: pytest.TempPathFactory, places: list[tuple[float, int]]
) -> None:
    folder = tmp_path_factory.mktemp("damaged")
    content = bytearray(write_scene(folder / "whole", even_bands(), compress="deflate").read_bytes())
    for where, value in places:
        content[int(where * len(content))] = value
    (folder / "damaged").write_bytes(content)
    try:
        found = facts_of(folder / "damaged")
    except DeliveryRejectedError as error:
        assert error.reason
    else:
        assert set(found) == set(FACTS)


@contextmanager
def memory_below(most_mb: float) -> Iterator[None]:
    """Holds what Python and numpy allocate within the block against a limit."""
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < most_mb * 1024 * 1024
    finally:
        tracemalloc.stop()


def test_bombs_are_refused_before_a_pixel_is_decoded(tmp_path: Path) -> None:
    wide = {"driver": "GTiff", "count": 3, "dtype": "uint16", "crs": "EPSG:32650", "transform": CORNER}
    side = int(MAX_PIXELS**0.5)
    shapes: list[tuple[str, dict[str, Any], str]] = [
        ("large", {"width": 200_000, "height": 200_000, "tiled": True}, "more than"),
        ("sparse", {"width": side, "height": side}, "times the file"),
        ("many_bands", {"width": 64, "height": 64, "count": 4000}, "expected red"),
    ]
    for name, shape, reason in shapes:
        with rasterio.open(tmp_path / name, "w", **(wide | shape), SPARSE_OK=True):
            pass
        assert (tmp_path / name).stat().st_size < 8 * 1024 * 1024
        begun = time.perf_counter()
        with memory_below(32):
            assert reason in reason_of(tmp_path / name)
        assert time.perf_counter() - begun < 1


def test_blocks_too_large_to_decode_at_once_are_refused(tmp_path: Path) -> None:
    bands = np.random.default_rng(2).integers(1, 3, (3, 3200, 3200), dtype=np.uint16)
    path = write_scene(tmp_path / "strip", bands, compress="deflate", zlevel=1, blockysize=3200)
    del bands
    with memory_below(8):
        assert "a row of blocks" in reason_of(path)


def test_a_whole_tile_is_read_in_little_memory(tmp_path: Path) -> None:
    """The pixels alone are 54 MB; what is held at once is a stripe and what is computed from it."""
    bands = even_bands(3000, 3000)
    bands[1, ::2] += np.arange(3000, dtype=np.uint16)  # packs less well than one number
    bands[0, ::2] += np.arange(3000, dtype=np.uint16) // 3
    path = write_scene(tmp_path / "tile", bands, tiled=True, blockxsize=512, blockysize=512)
    del bands
    with memory_below(80):
        assert facts_of(path)["ndvi_mean"] == "0.5000"


def test_other_files_and_other_scenes_are_refused(tmp_path: Path) -> None:
    bands = even_bands()
    odd_mask = bands.copy()
    odd_mask[2, 3, 3] = 7
    Image.new("RGB", (20, 20)).save(tmp_path / "jpeg", "JPEG")
    Image.new("RGB", (20, 20)).save(tmp_path / "photo", "TIFF")
    (tmp_path / "vrt").write_text("<VRTDataset rasterXSize='1' rasterYSize='1'></VRTDataset>")
    (tmp_path / "empty").write_bytes(b"")
    turned = CORNER @ Affine.rotation(20)
    cases = {
        "empty": "the file is empty",
        "jpeg": "not a TIFF",
        "vrt": "not a TIFF",
        "photo": "expected red",
        write_scene(tmp_path / "bands", bands[:2]).name: "实际 2 个",
        write_scene(tmp_path / "bytes", bands.astype(np.uint8)).name: "uint8",
        write_scene(tmp_path / "mask", odd_mask).name: "no cloud mask",
        write_scene(tmp_path / "mercator", bands, crs="EPSG:3857").name: "EPSG:3857",
        write_scene(tmp_path / "beijing", bands, crs="EPSG:4214").name: "EPSG:4214",
        write_scene(tmp_path / "nowhere", bands, crs=None).name: "实际 未知",
        write_scene(tmp_path / "turned", bands, transform=turned).name: "north up",
        write_scene(tmp_path / "flipped", bands, transform=from_origin(0, 0, 10, -10)).name: "north up",
        write_scene(
            tmp_path / "off", bands, crs="EPSG:4326", transform=from_origin(500, 33, 0.1, 0.1)
        ).name: "nowhere on the earth",
    }  # fmt: skip
    for name, reason in cases.items():
        assert reason in reason_of(tmp_path / name), name


def test_no_other_file_is_looked_at(tmp_path: Path) -> None:
    """A statement about the scene in a side file, as GDAL would read it by itself, counts for nothing."""
    write_scene(tmp_path / "scene", even_bands(), tags={})
    (tmp_path / "scene.aux.xml").write_text(
        "<PAMDataset><Metadata><MDI key='SCENE_ID'>planted</MDI></Metadata></PAMDataset>"
    )
    with rasterio.open(tmp_path / "scene") as careless:
        assert careless.tags()["SCENE_ID"] == "planted"
    assert facts_of(tmp_path / "scene")["scene_id"] is None
