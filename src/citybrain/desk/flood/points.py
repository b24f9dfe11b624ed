"""The places that flood with their newest reading, level and trend, out of the warehouse."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Literal

from django.db import connection
from django.utils import timezone

from citybrain.desk.marts import there_are

Trend = Literal["rising", "falling", "steady", "unknown"]
MOVES = Decimal(2)  # in the gauge's unit an hour: less is the water's own swing
OLD = timedelta(minutes=60)  # after which the rules call a gauge silent
_TRENDS: dict[Trend, str] = {"rising": "上涨", "falling": "下降", "steady": "平稳", "unknown": ""}

# The newest reading of each gauge, and the one an hour before it: two steps along an index for each.
_POINTS = """
SELECT p.point_id, p.point_name, d.area_code, p.county_code, d.lon, d.lat, p.device_id, p.wardens,
    d.unit, d.level_1, d.level_2, d.level_3, newest.value, newest.observed_at, earlier.value
FROM (
    SELECT point_id, min(point_name) AS point_name, min(county_code) AS county_code,
        min(device_id) AS device_id, array_agg(warden_id ORDER BY warden_id) AS wardens
    FROM marts.dim_flood_warden GROUP BY point_id
) AS p
INNER JOIN marts.dim_device AS d ON d.device_id = p.device_id
LEFT JOIN LATERAL (
    SELECT r.value, r.observed_at FROM marts.fct_sensor_reading AS r
    WHERE r.device_id = p.device_id AND r.metric = d.metric AND r.quality = 'good'
    ORDER BY r.observed_at DESC LIMIT 1
) AS newest ON true
LEFT JOIN LATERAL (
    SELECT r.value FROM marts.fct_sensor_reading AS r
    WHERE r.device_id = p.device_id AND r.metric = d.metric AND r.quality = 'good'
        AND r.observed_at <= newest.observed_at - interval '1 hour'
        AND r.observed_at > newest.observed_at - interval '2 hours'
    ORDER BY r.observed_at DESC LIMIT 1
) AS earlier ON true
WHERE (%(county)s = '' OR p.county_code = %(county)s)
    AND (%(narrow)s IS FALSE OR p.wardens && %(wardens)s::text[] OR d.area_code = %(area)s)
ORDER BY p.point_id
"""
_NEEDED = ("dim_flood_warden", "dim_device", "fct_sensor_reading")


@dataclass(frozen=True)
class FloodPoint:
    """One place. Degrees in WGS84, depths in the gauge's unit (cm), aware times; level 1 is the gravest.

    `hour_before` is the depth an hour before the newest reading.
    """

    point_id: str
    name: str
    area_code: str
    county_code: str
    lon: float | None
    lat: float | None
    device_id: str
    wardens: tuple[str, ...]
    unit: str
    levels: tuple[Decimal | None, Decimal | None, Decimal | None]
    value: Decimal | None
    observed_at: datetime | None
    hour_before: Decimal | None

    @property
    def level(self) -> int | None:
        """The gravest level that the water has reached; None below all of them."""
        if self.value is None:
            return None
        reached = (n for n, limit in enumerate(self.levels, 1) if limit is not None and self.value >= limit)
        return next(reached, None)

    @property
    def trend(self) -> Trend:
        if self.value is None or self.hour_before is None:
            return "unknown"
        risen = self.value - self.hour_before
        return "rising" if risen >= MOVES else "falling" if risen <= -MOVES else "steady"

    @property
    def is_old(self) -> bool:
        """Whether nothing was read for so long that the depth says little."""
        return self.observed_at is None or timezone.now() - self.observed_at > OLD

    @property
    def depth_said(self) -> str:
        """`23 cm`, or that there is no reading."""
        return "没有读数" if self.value is None else f"{self.value.normalize():f} {self.unit}"

    @property
    def trend_said(self) -> str:
        """`1 小时上涨 6 cm`; empty where the hour before was not read."""
        if self.value is None or self.hour_before is None:
            return ""
        if self.trend == "steady":
            return "1 小时内平稳"
        return f"1 小时{_TRENDS[self.trend]} {abs(self.value - self.hour_before).normalize():f} {self.unit}"

    @property
    def urgency(self) -> str:
        """The level as a colour of the desk."""
        return {1: "alarm", 2: "late", 3: "watch"}.get(self.level or 0, "good")


def all_points(county_code: str = "") -> list[FloodPoint]:
    """Every place of the city, or of one county; none while the warehouse has no register of them."""
    return _read({"county": county_code, "narrow": False, "wardens": [], "area": ""})


def points_of(warden_code: str, area_code: str) -> list[FloodPoint]:
    """The places of a warden, and those of a community (12 digits); either may be empty."""
    wardens = [warden_code] if warden_code else []
    return _read({"county": "", "narrow": True, "wardens": wardens, "area": area_code or None})


def _read(asked: dict[str, Any]) -> list[FloodPoint]:
    if not there_are(*_NEEDED):
        return []
    with connection.cursor() as cursor:
        cursor.execute(_POINTS, asked)
        return [_point(row) for row in cursor.fetchall()]


def _point(row: Sequence[Any]) -> FloodPoint:
    (point_id, name, area, county, lon, lat, device, wardens, unit, *levels, value, at, before) = row
    return FloodPoint(
        point_id=str(point_id),
        name=str(name or point_id),
        area_code=str(area),
        county_code=str(county),
        lon=None if lon is None else float(lon),
        lat=None if lat is None else float(lat),
        device_id=str(device),
        wardens=tuple(wardens),
        unit=str(unit or ""),
        levels=(levels[0], levels[1], levels[2]),
        value=value,
        observed_at=at,
        hour_before=before,
    )


def gravest_first(points: Sequence[FloodPoint]) -> list[FloodPoint]:
    """By level, then by depth; what has no reading stands last."""
    return sorted(
        points, key=lambda one: (one.level or 9, one.value is None, -(one.value or 0), one.point_id)
    )
