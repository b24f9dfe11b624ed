"""Rows of the satellite family: two scenes of which one was stated twice, fires of works and of a field."""

import json
from datetime import date, timedelta
from typing import Any

from dbt_city import LOADED_AT, load

from citybrain.settings import Settings

WORKS = (33.2619, 116.4099)  # in Mengcheng
FIELD = (33.0551, 116.3351)  # in Lixin


def scene(
    scene_id: str, acquired_at: str, west: float, ndvi: float | None, cloud: float | None
) -> dict[str, Any]:
    return {
        "scene_id": scene_id, "acquired_at": acquired_at, "platform": "Sentinel-2A", "crs": "EPSG:32650",
        "west": west, "south": 33.848, "east": west + 0.028, "north": 33.872,
        "width": 256, "height": 256, "bands": 3, "resolution_m": 10,
        "cloud_share": cloud, "nodata_share": 0.2 if cloud is not None else 1, "ndvi_mean": ndvi,
    }  # fmt: skip


def hotspot(place: tuple[float, float], day: date, time: str = "0548", **changed: Any) -> dict[str, Any]:
    return {
        "latitude": place[0], "longitude": place[1], "bright_ti4": 336.2, "scan": 0.4, "track": 0.4,
        "acq_date": day, "acq_time": time, "satellite": "N20", "instrument": "VIIRS", "confidence": "nominal",
        "version": "2.0NRT", "bright_ti5": 300.1, "frp": 5.25, "daynight": "D",
    } | changed  # fmt: skip


def hotspot_rows() -> list[dict[str, Any]]:
    works = [hotspot(WORKS, date(2026, month, 3), frp=9) for month in range(1, 7)]
    # the last hours of a UTC day belong to the next day here
    works.append(hotspot(WORKS, date(2026, 6, 30), "1754", daynight="N"))
    field = [hotspot((FIELD[0] + step / 1000, FIELD[1]), date(2026, 6, 11)) for step in range(5)]
    return [*works, *field, hotspot((34.5, 115.0), date(2026, 6, 11), confidence="low")]


def line(section_id: str) -> dict[str, Any]:
    ring = [[115.79, 33.85], [115.80, 33.85], [115.80, 33.86], [115.79, 33.85]]
    return {
        "section_id": section_id, "section_name": f"{section_id}段", "river_name": "涡河",
        "confirmed_on": "2022-12-30", "geometry": json.dumps({"type": "Polygon", "coordinates": [ring]}),
    }  # fmt: skip


def picture(number: int, section_id: str) -> dict[str, Any]:
    return {
        "picture_id": f"P{number}", "section_id": section_id, "taken_at": "2026-11-05T09:30:00+08:00",
        "longitude": 115.795, "latitude": 33.855, "height_m": 120,
        "object_name": f"drone_picture/P{number}.jpg",
        "sha256": f"{number:064x}", "width": 320, "height": 240,
    }  # fmt: skip


def load_views_from_above(settings: Settings) -> None:
    scenes = [
        scene("T1_20260812", "2026-08-12T02:55:00+00:00", 115.786, 0.61, 0.25),
        scene("T2_20261112", "2026-11-12T02:55:00+00:00", 110.0, None, None),
    ]
    load(settings, "satellite_scene", scenes)
    again = [scene("T1_20260812", "2026-08-12T02:55:00+00:00", 115.786, 0.64, 0.5)]
    later = {"source_version": "2026-11-25T00:00:00+00:00", "loaded_at": LOADED_AT + timedelta(days=4)}
    load(settings, "satellite_scene", again, **later)  # type: ignore[arg-type]
    load(settings, "satellite_hotspot", hotspot_rows())
    load(settings, "management_line", [line("341602H01"), line("341621H02")])
    load(settings, "drone_picture", [picture(1, "341602H01"), picture(2, "341602H99")])
