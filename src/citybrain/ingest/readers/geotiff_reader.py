"""GeoTIFF: one row a satellite scene, measured from its pixels. The pixels themselves stay in the lake.

A scene has three bands of 16-bit unsigned whole numbers: reflectance times 10,000 of red and of near
infrared (the scale of Sentinel-2's level 2A), and the mask (0 no data, 1 clear, 2 cloud). A pixel without
data has the file's nodata value (0 when it names none) in red or near infrared, or 0 in the mask. Which scene
it is stands in the file's own metadata (TIFF tag 42112): SCENE_ID, ACQUIRED_AT with its time zone, and
PLATFORM; what lacks there is NULL.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.errors import RasterioError
from rasterio.warp import transform_bounds
from rasterio.windows import Window

from citybrain.catalogue import Dataset
from citybrain.ingest.readers.header import match_header
from citybrain.ingest.readers.records import Cell, DeliveryRejectedError, Reading, RecordBatch
from citybrain.ingest.readers.tiff_extent import refuse_cut_off

MAX_PIXELS = 12_500 * 12_500  # a whole Sentinel-2 tile has 10,980 on a side
MAX_STRIPE_MB = 48  # of one row of blocks, which is decoded at a time
STRIPE_MB = 8  # where blocks are smaller, as many rows of them as that
MAX_TIMES = 200  # as many bytes unpacked as packed; a scene with clouds and noise packs to a half or a third
SMALL_MB = 16  # below it nobody asks how well a scene was packed
BANDS = 3
NO_DATA, CLEAR, CLOUD = 0, 1, 2
METRES_A_DEGREE = 111_195  # of latitude, on a sphere of 6,371.0088 km
WGS84 = 4326
UTM = (range(32601, 32661), range(32701, 32761))
MAGIC = (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")
FACTS = (
    "scene_id",
    "acquired_at",
    "platform",
    "crs",
    "west",
    "south",
    "east",
    "north",
    "width",
    "height",
    "bands",
    "resolution_m",
    "cloud_share",
    "nodata_share",
    "ndvi_mean",
)
# Nothing but the file itself is opened: no side files, no list of the folder. The cache holds one stripe.
GDAL = {
    "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",
    "GDAL_PAM_ENABLED": "NO",
    "GDAL_CACHEMAX": 64,
    "GDAL_NUM_THREADS": 1,
}


def read_geotiff(dataset: Dataset, path: Path) -> Reading:
    """The facts FACTS of the scene at `path`, under the headers of the same names.

    Shares are of 1: clouds among the pixels with data, pixels without data among all. NDVI is the mean over
    clear pixels, NULL without any. Bounds are WGS84 degrees; a resolution in degrees becomes that of
    latitude. Raises DeliveryRejectedError for a file that is no such scene, is cut off, or would take too
    much to decode.
    """
    _refuse_other_bytes(path)
    matched = match_header(dataset, FACTS)
    facts = _facts(path)
    kept = [place for place, column in enumerate(matched) if column is not None]
    columns = [matched[place] or "" for place in kept]
    return Reading(columns, iter([RecordBatch([1], [[facts[FACTS[place]] for place in kept]])]))


def _refuse_other_bytes(path: Path) -> None:
    with path.open("rb") as file:
        head = file.read(4)
    if not head:
        raise DeliveryRejectedError("空文件 (the file is empty)")
    if head not in MAGIC:
        raise DeliveryRejectedError("不是 TIFF 影像 (not a TIFF)")


def _facts(path: Path) -> dict[str, Cell]:
    with rasterio.Env(**GDAL):
        try:
            refuse_cut_off(path)
            with rasterio.open(path, driver="GTiff") as scene:
                _refuse_other_shapes(scene)
                _refuse_bombs(scene, path.stat().st_size)
                west, south, east, north = _bounds(scene)
                pixels = _Pixels.of(scene)
                tags = scene.tags()
                return {
                    "scene_id": tags.get("SCENE_ID"),
                    "acquired_at": tags.get("ACQUIRED_AT"),
                    "platform": tags.get("PLATFORM"),
                    "crs": f"EPSG:{scene.crs.to_epsg()}",
                    "west": f"{west:.6f}",
                    "south": f"{south:.6f}",
                    "east": f"{east:.6f}",
                    "north": f"{north:.6f}",
                    "width": str(scene.width),
                    "height": str(scene.height),
                    "bands": str(scene.count),
                    "resolution_m": f"{_resolution_m(scene):.2f}",
                    "cloud_share": _ratio(pixels.cloudy, pixels.clear + pixels.cloudy),
                    "nodata_share": _ratio(pixels.missing, scene.width * scene.height),
                    "ndvi_mean": _ratio(pixels.ndvi_sum, pixels.clear),
                }
        except (RasterioError, OSError, ValueError) as error:
            brief = " ".join(str(error.__cause__ or error).split())[:200]
            raise DeliveryRejectedError(
                f"影像无法读取，或文件不完整 (not a readable GeoTIFF, or cut off: {brief})"
            ) from error


def _refuse_bombs(scene: Any, packed: int) -> None:
    """Judge by the header alone, before a pixel is decoded."""
    if scene.width * scene.height > MAX_PIXELS:
        raise DeliveryRejectedError(
            f"影像过大：{scene.width} × {scene.height} 像元 (more than {MAX_PIXELS} pixels)"
        )
    unpacked = scene.width * scene.height * BANDS * 2
    if unpacked > max(SMALL_MB * 1024 * 1024, packed * MAX_TIMES):
        raise DeliveryRejectedError(
            f"解压后为文件的 {unpacked // packed} 倍 (unpacks to more than {MAX_TIMES} times the file)"
        )
    stripe = scene.width * scene.block_shapes[0][0] * BANDS * 2
    if stripe > MAX_STRIPE_MB * 1024 * 1024:
        raise DeliveryRejectedError(
            f"影像分块过大 (a row of blocks takes more than {MAX_STRIPE_MB} MiB: write tiles of 512)"
        )


def _refuse_other_shapes(scene: Any) -> None:
    if scene.count != BANDS or set(scene.dtypes) != {"uint16"}:
        kinds = "、".join(sorted(set(scene.dtypes)))
        raise DeliveryRejectedError(
            f"须为红、近红外、云掩膜三个 16 位波段，实际 {scene.count} 个 {kinds} "
            "(expected red, near infrared and cloud mask of 16-bit unsigned)"
        )
    code = scene.crs.to_epsg() if scene.crs else None
    if code != WGS84 and not any(code in zones for zones in UTM):
        raise DeliveryRejectedError(
            f"坐标系须为 EPSG:4326 或 WGS84 UTM，实际 {f'EPSG:{code}' if code else '未知'} "
            "(expected EPSG:4326 or a WGS84 UTM zone)"
        )
    if scene.transform.b or scene.transform.d or scene.transform.a <= 0 or scene.transform.e >= 0:
        raise DeliveryRejectedError("影像须北向上 (expected north up, west to the left)")


def _bounds(scene: Any) -> tuple[float, float, float, float]:
    bounds: tuple[float, float, float, float] = transform_bounds(scene.crs, f"EPSG:{WGS84}", *scene.bounds)
    west, south, east, north = bounds
    if not all(map(math.isfinite, bounds)) or not (-180 <= west < east <= 180 and -90 <= south < north <= 90):
        raise DeliveryRejectedError("影像范围不在地球上 (the bounds are nowhere on the earth)")
    return bounds


def _resolution_m(scene: Any) -> float:
    height = -float(scene.transform.e)
    return height if scene.crs.is_projected else height * METRES_A_DEGREE


def _ratio(part: float, whole: int) -> Cell:
    return f"{part / whole:.4f}" if whole else None


@dataclass
class _Pixels:
    """Counts over a scene, and the sum of NDVI over its clear pixels."""

    missing: int = 0
    clear: int = 0
    cloudy: int = 0
    ndvi_sum: float = 0.0

    @classmethod
    def of(cls, scene: Any) -> "_Pixels":
        found = cls()
        nodata = scene.nodata if scene.nodata is not None else NO_DATA
        for window in _stripes(scene):
            red, near, mask = scene.read(window=window)
            found._add(red, near, mask, nodata)
        return found

    def _add(
        self, red: NDArray[np.uint16], near: NDArray[np.uint16], mask: NDArray[np.uint16], nodata: float
    ) -> None:
        if mask.max() > CLOUD:
            raise DeliveryRejectedError(
                "第三波段不是云掩膜 (band 3 is no cloud mask: 0 no data, 1 clear, 2 cloud)"
            )
        has_data = (red != nodata) & (near != nodata) & (mask != NO_DATA)
        clear = has_data & (mask == CLEAR)
        self.missing += int(has_data.size - np.count_nonzero(has_data))
        self.clear += int(np.count_nonzero(clear))
        self.cloudy += int(np.count_nonzero(has_data & (mask == CLOUD)))
        # 16 bits fit into 32-bit numbers exactly, and their sum of 17 too
        visible, invisible = red[clear].astype(np.float32), near[clear].astype(np.float32)
        ndvi = (invisible - visible) / np.maximum(invisible + visible, 1)
        self.ndvi_sum += float(ndvi.sum(dtype=np.float64))


def _stripes(scene: Any) -> Iterator[Window]:
    """Windows of whole rows of blocks, from top to bottom."""
    block = scene.block_shapes[0][0]
    rows_allowed = STRIPE_MB * 1024 * 1024 // (scene.width * BANDS * 2)
    rows = max(block, rows_allowed // block * block)
    for top in range(0, scene.height, rows):
        yield Window(0, top, scene.width, min(rows, scene.height - top))
