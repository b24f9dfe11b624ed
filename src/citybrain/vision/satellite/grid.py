"""A polygon's pixels: the grid its scenes are read on, block by block, and which pixels lie inside."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from citybrain.vision.satellite.composite import Composite, Flags, composite_of

MOST_PIXELS = 40_000_000  # a county at ten metres
BLOCK = 512


class ZoneTooLargeError(ValueError):
    """A polygon of more than MOST_PIXELS."""


@dataclass(frozen=True)
class Grid:
    """North up, in the reference system `crs`; `transform` leads from column and row to coordinates."""

    crs: str
    transform: Any
    width: int
    height: int

    def blocks(self) -> Iterator[tuple[slice, slice]]:
        """Row and column ranges that cover the grid."""
        for row in range(0, self.height, BLOCK):
            for column in range(0, self.width, BLOCK):
                yield (
                    slice(row, min(row + BLOCK, self.height)),
                    slice(column, min(column + BLOCK, self.width)),
                )


def grid_of(polygon: dict[str, Any], crs: str, origin: tuple[float, float], pixel: float) -> Grid:
    """The smallest grid that holds a WGS84 polygon and is aligned to `origin`, a corner of a scene's pixel.

    Raises ZoneTooLargeError.
    """
    from rasterio.features import bounds
    from rasterio.transform import from_origin

    west, south, east, north = bounds(to_grid(polygon, crs))
    left = origin[0] + np.floor((west - origin[0]) / pixel) * pixel
    top = origin[1] + np.ceil((north - origin[1]) / pixel) * pixel
    width, height = int(np.ceil((east - left) / pixel)), int(np.ceil((top - south) / pixel))
    if width * height > MOST_PIXELS:
        raise ZoneTooLargeError(f"{width} x {height} pixels of {pixel} are too many for one polygon")
    return Grid(crs, from_origin(left, top, pixel, pixel), max(width, 1), max(height, 1))


def to_grid(polygon: dict[str, Any], crs: str) -> dict[str, Any]:
    from rasterio.warp import transform_geom

    moved: dict[str, Any] = transform_geom("EPSG:4326", crs, polygon)
    return moved


def to_wgs84(polygon: dict[str, Any], crs: str) -> dict[str, Any]:
    from rasterio.warp import transform_geom

    moved: dict[str, Any] = transform_geom(crs, "EPSG:4326", polygon, precision=6)
    return moved


def inside_of(polygon: dict[str, Any], grid: Grid) -> Flags:
    """The pixels whose middle lies in a WGS84 polygon."""
    from rasterio.features import geometry_mask

    shape = (grid.height, grid.width)
    return np.asarray(geometry_mask([to_grid(polygon, grid.crs)], shape, grid.transform, invert=True))


@dataclass(frozen=True)
class OnGrid:
    """Scenes of one quarter, warped onto a grid as they are read."""

    views: Sequence[Any]

    def composite(self, rows: slice, columns: slice) -> Composite:
        return composite_of(self.bands(rows, columns))

    def bands(self, rows: slice, columns: slice) -> list[NDArray[np.uint16]]:
        from rasterio.windows import Window

        window = Window(columns.start, rows.start, columns.stop - columns.start, rows.stop - rows.start)
        return [view.read(window=window) for view in self.views]


@contextmanager
def on_grid(files: Sequence[Path], grid: Grid) -> Iterator[OnGrid]:
    """Open scenes to be read on a grid; a pixel outside a scene has no data. Raises rasterio's errors."""
    import rasterio
    from rasterio.enums import Resampling
    from rasterio.vrt import WarpedVRT

    with ExitStack() as opened:
        views = [
            opened.enter_context(
                WarpedVRT(
                    opened.enter_context(rasterio.open(file)),
                    crs=grid.crs,
                    transform=grid.transform,
                    width=grid.width,
                    height=grid.height,
                    resampling=Resampling.nearest,
                )
            )
            for file in files
        ]
        yield OnGrid(views)
