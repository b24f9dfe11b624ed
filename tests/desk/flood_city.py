"""Places that flood, their gauges, teams and pumps, as the warehouse would show them."""

import itertools
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import psycopg
from desk_city import OTHER_VILLAGE, VILLAGE, City

from citybrain.catalogue.working_day import SHANGHAI
from citybrain.settings import DatabaseRole
from standing_in import standing_in

MARTS = {
    "dim_flood_warden": (
        "(point_id text, warden_id text, warden_role text, shift text, point_name text, device_id text,"
        " county_code text)"
    ),
    "dim_device": (
        "(device_id text, metric text, unit text, level_1 numeric, level_2 numeric, level_3 numeric,"
        " area_code text, county_code text, is_in_service boolean, lon numeric, lat numeric)"
    ),
    "fct_sensor_reading": (
        "(device_id text, metric text, observed_at timestamptz, value numeric, quality text)"
    ),
    "dim_emergency_resource": (
        "(resource_code text, resource_kind text, resource_name text, what text, county_code text,"
        " unit text, quantity integer, is_on_call boolean, lon numeric, lat numeric)"
    ),
    "dim_area": (
        "(area_code text, area_level text, name text, geojson text, centroid_longitude float8,"
        " centroid_latitude float8)"
    ),
}
SQUARE = {
    "type": "Polygon",
    "coordinates": [[[115.6, 33.6], [116.0, 33.6], [116.0, 34.0], [115.6, 34.0], [115.6, 33.6]]],
}
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Place:
    """A place that floods with its gauge and its two wardens."""

    point: str
    device: str
    wardens: tuple[str, str]
    area_code: str


@dataclass
class Water:
    """The warehouse's tables of one test, and what stands in them."""

    city: City
    dbt: psycopg.Connection[Any]

    def place(self, depths: Sequence[float], area_code: str = VILLAGE, minutes: int = 30) -> Place:
        """A place whose gauge read `depths` (cm), one every `minutes`, the last one a minute ago."""
        mark = f"{next(_numbers):05}"
        made = Place(
            f"{area_code[:6]}P{mark}", f"{area_code[:6]}W{mark}", (f"FW{mark}A", f"FW{mark}B"), area_code
        )
        for warden in made.wardens:
            self.dbt.execute(
                "INSERT INTO marts.dim_flood_warden VALUES (%s, %s, '值守', '白班', %s, %s, %s)",
                (made.point, warden, f"花戏楼易涝点{mark}", made.device, area_code[:6]),
            )
        self.dbt.execute(
            "INSERT INTO marts.dim_device"
            " VALUES (%s, 'depth_cm', 'cm', 40, 27, 15, %s, %s, true, 115.78, 33.85)",
            (made.device, area_code, area_code[:6]),
        )
        newest = datetime.now(SHANGHAI) - timedelta(minutes=1)
        for back, depth in enumerate(reversed(depths)):
            self.dbt.execute(
                "INSERT INTO marts.fct_sensor_reading VALUES (%s, 'depth_cm', %s, %s, 'good')",
                (made.device, newest - timedelta(minutes=minutes * back), depth),
            )
        return made

    def force(self, kind: str, name: str, quantity: int, lon: float, what: str = "抗洪抢险") -> str:
        """A team, or a store with pumps, at a longitude; its code."""
        code = f"F{next(_numbers):05}"
        unit, item = ("支", what) if kind == "team" else ("台", "排水泵")
        self.dbt.execute(
            "INSERT INTO marts.dim_emergency_resource"
            " VALUES (%s, %s, %s, %s, '341602', %s, %s, true, %s, 33.85)",
            (code, kind, name, item, unit, quantity, lon),
        )
        return code

    def case_at(self, place: Place) -> Any:
        """The case of a flood that the place's gauge tells of, with its wardens woken."""
        from citybrain.events.intake import take_in
        from citybrain.events.models import Case
        from citybrain.events.scope import as_system
        from citybrain.events.targets import sync_wardens

        sync_wardens()
        self.city.signal(
            place.device,
            place.area_code,
            scenario="flood_waterlogging",
            class_code="all",
            source_kind="iot",
            zone="",
            place_id=place.point,
            place_name="花戏楼路口",
            lon=115.78,
            lat=33.85,
        )
        take_in()
        with as_system():
            return Case.objects.get(source_id=place.device)


@contextmanager
def water_in(city: City) -> Iterator[Water]:
    """An empty register of floods in two counties with an outline of the first one."""
    with standing_in(city.settings, MARTS, [DatabaseRole.DESK]) as dbt:
        dbt.execute(
            "INSERT INTO marts.dim_area VALUES ('341602', 'county', '谯城区', %s, 115.8, 33.8)",
            (json.dumps(SQUARE),),
        )
        yield Water(city, dbt)


__all__ = ["OTHER_VILLAGE", "Place", "Water", "water_in"]
