"""GCJ-02 to WGS84 and back."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from citybrain.catalogue import gcj02_to_wgs84, wgs84_to_gcj02
from citybrain.catalogue.crs import in_shifted_region

LONGITUDES = st.floats(73.6, 134.8)
LATITUDES = st.floats(3.5, 53.5)


@given(st.lists(st.tuples(LONGITUDES, LATITUDES), min_size=1, max_size=50))
def test_round_trip_in_china(points: list[tuple[float, float]]) -> None:
    wgs84 = np.array(points)
    assert np.abs(gcj02_to_wgs84(wgs84_to_gcj02(wgs84)) - wgs84).max() < 1e-9
    assert np.abs(wgs84_to_gcj02(gcj02_to_wgs84(wgs84)) - wgs84).max() < 1e-9


@given(st.floats(-180, 180), st.floats(-90, 90))
def test_outside_the_shifted_region_nothing_moves(longitude: float, latitude: float) -> None:
    point = np.array([[longitude, latitude]])
    if not in_shifted_region(point)[0]:
        assert (gcj02_to_wgs84(point) == point).all()
        assert (wgs84_to_gcj02(point) == point).all()


def test_the_shift_in_bozhou_is_about_half_a_kilometre() -> None:
    point = np.array([[116.2, 33.4]])
    east, north = (wgs84_to_gcj02(point) - point)[0]
    metres = np.hypot(east * 111_320 * np.cos(np.radians(33.4)), north * 110_900)
    assert 450 < metres < 600
    assert east > 0 > north


def test_published_check_point() -> None:
    """A point of Beijing as the published implementations of the formula give it."""
    assert np.allclose(
        wgs84_to_gcj02(np.array([[116.404, 39.915]])), [[116.41024449916938, 39.91640428150164]], atol=1e-9
    )
