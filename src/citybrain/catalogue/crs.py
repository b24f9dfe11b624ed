"""GCJ-02, the shifted reference system of Chinese map vendors, and WGS84.

The forward formula is the published one of GCJ-02 (Krasovsky 1940 ellipsoid, a polynomial plus sines about
105°E 35°N). It has no closed inverse; `gcj02_to_wgs84` iterates w <- w - (forward(w) - g), which contracts so
fast that the round trip is exact to 1e-9 degrees (0.1 mm). How far the published formula itself is from the
unpublished original is not known here; other measurements put it at a few metres. Points outside the
rectangle in which the shift is applied come back unchanged.
"""

from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# numpy is imported where it is used: whoever reads the catalogue without a coordinate saves 12 MB and 0.2 s.
Coordinates: TypeAlias = "NDArray[np.float64]"

SEMI_MAJOR_AXIS_M = 6378245.0
ECCENTRICITY_SQUARED = 0.00669342162296594323
WEST, EAST, SOUTH, NORTH = 72.004, 137.8347, 0.8293, 55.8271
STEPS = 6


def in_shifted_region(points: Coordinates) -> "NDArray[np.bool_]":
    """Which points (n x 2, longitude and latitude) lie in the rectangle where GCJ-02 differs from WGS84."""
    lon, lat = points[:, 0], points[:, 1]
    inside: NDArray[np.bool_] = (lon >= WEST) & (lon <= EAST) & (lat >= SOUTH) & (lat <= NORTH)
    return inside


def _shift(points: Coordinates) -> Coordinates:
    """What GCJ-02 adds to WGS84 points (n x 2), degrees."""
    import numpy as np

    x, y = points[:, 0] - 105.0, points[:, 1] - 35.0
    root = np.sqrt(np.abs(x))
    ripple = (20.0 * np.sin(6.0 * np.pi * x) + 20.0 * np.sin(2.0 * np.pi * x)) * 2.0 / 3.0
    north = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root + ripple
    north += (20.0 * np.sin(np.pi * y) + 40.0 * np.sin(np.pi * y / 3.0)) * 2.0 / 3.0
    north += (160.0 * np.sin(np.pi * y / 12.0) + 320.0 * np.sin(np.pi * y / 30.0)) * 2.0 / 3.0
    east = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root + ripple
    east += (20.0 * np.sin(np.pi * x) + 40.0 * np.sin(np.pi * x / 3.0)) * 2.0 / 3.0
    east += (150.0 * np.sin(np.pi * x / 12.0) + 300.0 * np.sin(np.pi * x / 30.0)) * 2.0 / 3.0
    latitude = np.radians(points[:, 1])
    flattening = 1.0 - ECCENTRICITY_SQUARED * np.sin(latitude) ** 2
    meridian_radius = SEMI_MAJOR_AXIS_M * (1.0 - ECCENTRICITY_SQUARED) / flattening**1.5
    parallel_radius = SEMI_MAJOR_AXIS_M / np.sqrt(flattening) * np.cos(latitude)
    return np.column_stack([np.degrees(east / parallel_radius), np.degrees(north / meridian_radius)])


def wgs84_to_gcj02(points: Coordinates) -> Coordinates:
    """WGS84 points (n x 2, longitude and latitude in degrees) in GCJ-02."""
    import numpy as np

    return points + np.where(in_shifted_region(points)[:, None], _shift(points), 0.0)


def gcj02_to_wgs84(points: Coordinates) -> Coordinates:
    """GCJ-02 points (n x 2, longitude and latitude in degrees) in WGS84."""
    inside = in_shifted_region(points)
    shifted = points[inside]
    found = shifted.copy()
    for _ in range(STEPS):
        found -= found + _shift(found) - shifted
    result = points.copy()
    result[inside] = found
    return result
