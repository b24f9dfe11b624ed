"""Rows of the small city's streets: grids, components, fleets, traffic, and what is kept for emergencies."""

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

from dbt_city import GUOYANG, LIXIN, MENGCHENG, QIAOCHENG, load, village_of

from citybrain.settings import Settings

COUNTIES = (QIAOCHENG, GUOYANG, MENGCHENG, LIXIN)
TODAY = date.today()  # noqa: DTZ011 - windows of the marts end on the day of the build
LAST_HOUR = datetime(2026, 11, 20, 1, 0, tzinfo=UTC)  # 09:00 in Beijing
CENTRES = {
    QIAOCHENG: (115.78, 33.85),
    GUOYANG: (116.21, 33.50),
    MENGCHENG: (116.56, 33.27),
    LIXIN: (116.20, 33.14),
}
TRUCK_DAY = date(2026, 11, 20)


def point(longitude: float, latitude: float) -> str:
    return json.dumps({"type": "Point", "coordinates": [longitude, latitude]})


def grid_code(county: str) -> str:
    return f"{village_of(county)}001"


def grid_rows() -> list[dict[str, Any]]:
    return [
        {
            "grid_code": grid_code(county),
            "grid_name": "一网格",
            "village_code": village_of(county),
            "grid_kind": "居住区",
            "area_m2": 250_000,
            "centre_lon": CENTRES[county][0],
            "centre_lat": CENTRES[county][1],
            "worker_team": "网格1组",
            "since": "2024-01-01",
            "geometry": point(*CENTRES[county]),
        }
        for county in COUNTIES
    ]


def component_rows() -> list[dict[str, Any]]:
    """Ten lids in each county; in Guoyang two are lost and one is broken, in Lixin a sensor is dark."""
    rows = []
    for county in COUNTIES:
        for number in range(10):
            state = {0: "丢失", 1: "丢失", 2: "破损"}.get(number, "完好") if county == GUOYANG else "完好"
            sensor = None if number >= 4 else "离线" if county == LIXIN and number == 0 else "在线"
            rows.append(
                {
                    "component_code": f"{county}0102{number:06}",
                    "big_class": "01",
                    "small_class": "02",
                    "class_name": "污水井盖",
                    "state": state,
                    "state_since": (TODAY - timedelta(days=70)).isoformat(),
                    "grid_code": grid_code(county),
                    "longitude": CENTRES[county][0],
                    "latitude": CENTRES[county][1],
                    "owner_unit": "排水管理单位",
                    "installed_on": "2018-01-01",
                    "sensor_state": sensor,
                }
            )
    return rows


def inspection_rows() -> list[dict[str, Any]]:
    return [
        {
            "month": month,
            "county_code": county,
            "big_class": "01",
            "small_class": small,
            "inspected": 50,
            "damaged": damaged,
            "lost": 0,
            "found": 1,
            "repaired": 1,
        }
        for county in COUNTIES
        for month, damaged in (("2025-10-01", 4), ("2026-10-01", 2))
        for small in ("02", "18")
    ]


def emergency_rows(settings: Settings) -> None:
    """A team in Qiaocheng alone; a store in each county, Mengcheng's short of pumps."""
    place = {"village_code": village_of(QIAOCHENG), "longitude": 115.78, "latitude": 33.85}
    team = {"team_code": "341602T001", "team_name": "一队", "team_kind": "综合救援", "county_code": QIAOCHENG}
    load(settings, "emergency_team", [{**team, **place, "members": 20, "vehicles": 2, "on_call": "否"}])
    load(
        settings,
        "emergency_store",
        [
            {
                "store_code": f"{county}S001",
                "store_name": "库",
                "county_code": county,
                "village_code": village_of(county),
                "longitude": CENTRES[county][0],
                "latitude": CENTRES[county][1],
                "item": item,
                "unit": "台",
                "quantity": 2 if county == MENGCHENG and item == "排水泵" else 12,
                "needed": 10,
                "checked_on": "2026-11-01",
            }
            for county in COUNTIES
            for item in ("排水泵", "发电机")
        ],
    )
    shelter = {"shelter_code": "341602B001", "shelter_name": "广场", "shelter_kind": "室外", "area_m2": 3000}
    load(
        settings,
        "emergency_shelter",
        [
            {
                **shelter,
                "county_code": QIAOCHENG,
                "village_code": village_of(QIAOCHENG),
                "capacity": 1500,
                "geometry": point(115.78, 33.85),
            }
        ],
    )
    drill = {"plan_name": "防汛抗旱应急预案", "department": "water_affairs"}
    load(
        settings,
        "emergency_drill",
        [
            {
                **drill,
                "drill_id": "held",
                "county_code": QIAOCHENG,
                "planned_on": back(90),
                "held_on": back(80),
                "participants": 40,
            },
            {**drill, "drill_id": "overdue", "county_code": QIAOCHENG, "planned_on": back(60)},
            {**drill, "drill_id": "to come", "county_code": QIAOCHENG, "planned_on": back(-20)},
            {
                **drill,
                "drill_id": "city",
                "county_code": None,
                "planned_on": back(10),
                "held_on": back(9),
                "participants": 90,
            },
        ],
    )
    load(settings, "duty_roster", duty_rows())


def back(days: int) -> str:
    return (TODAY - timedelta(days=days)).isoformat()


def duty_rows() -> list[dict[str, Any]]:
    """Yesterday and today of the city's desk and Lixin's; nobody is on Lixin's night yesterday."""
    return [
        {
            "duty_on": back(days),
            "department": "emergency_management",
            "county_code": county,
            "shift": shift,
            "role": "值班员",
            "duty_phone": None if county == LIXIN and shift == "夜班" and days == 1 else "0558-0123456",
            "signed_in_at": f"{back(days)} 07:50" if county == "341600" and days == 1 else None,
        }
        for days in (1, 0)
        for county in ("341600", LIXIN)
        for shift in ("白班", "夜班")
    ]


def track_rows(hours: tuple[int, ...] = (9, 10, 11)) -> list[dict[str, Any]]:
    """A truck that reports on the hour: an hour without a word between two points is silence."""
    return [
        {
            "vehicle_code": "MUCK_TRUCK00001",
            "observed_at": datetime(2026, 11, 20, hour - 8, 0, tzinfo=UTC),
            "longitude": 115.78,
            "latitude": 33.85,
            "speed_kmh": 30,
            "engine_on": True,
        }
        for hour in hours
    ]


def fleet_rows(settings: Settings) -> None:
    load(
        settings,
        "fleet_vehicle",
        [
            {
                "vehicle_code": "MUCK_TRUCK00001",
                "plate": "皖SO0123",
                "fleet": "渣土车",
                "company": "渣土车甲公司",
                "county_code": QIAOCHENG,
                "corridor_code": "341602L01",
                "speed_limit": 60,
                "licensed_until": back(-100),
            }
        ],
    )
    load(
        settings,
        "fleet_corridor",
        [
            {
                "corridor_code": "341602L01",
                "corridor_kind": "corridor",
                "corridor_name": "01号核准线路",
                "county_code": QIAOCHENG,
                "permitted_from": "09:00",
                "permitted_until": "23:00",
                "length_km": 6,
                "geometry": json.dumps(
                    {"type": "LineString", "coordinates": [[115.78, 33.85], [115.8, 33.9]]}
                ),
            }
        ],
    )
    load(settings, "vehicle_track", track_rows())


def section_row(hours_back: int, index: float) -> dict[str, Any]:
    return {
        "section_code": "341602R001",
        "section_name": "人民路1段",
        "county_code": QIAOCHENG,
        "length_km": 1.5,
        "hour_start": LAST_HOUR - timedelta(hours=hours_back),
        "congestion_index": index,
        "mean_speed_kmh": 40 / index,
    }


def traffic_rows(settings: Settings) -> None:
    """The hours of the last week are slower than the same hours before; two accidents; one late line."""
    load(
        settings, "road_section_index", [section_row(back, 1.2 if back > 168 else 2.0) for back in range(240)]
    )
    accident = {
        "county_code": QIAOCHENG,
        "village_code": village_of(QIAOCHENG),
        "longitude": 115.78,
        "latitude": 33.85,
    }
    load(
        settings,
        "traffic_accident",
        [
            {
                **accident,
                "accident_code": f"A{number}",
                "occurred_at": f"2026-11-{day} 08:30",
                "accident_kind": "追尾",
                "road_kind": "城市道路",
                "injured": number,
                "dead": 0,
                "loss_yuan": 1000,
            }
            for number, day in enumerate(("18", "19"))
        ],
    )
    lot = {
        "lot_code": "341602P001",
        "lot_name": "医院停车场",
        "lot_kind": "医院停车场",
        "berths": 100,
        "charging_berths": 10,
    }
    load(settings, "parking_lot", [{**accident, **lot}])
    load(
        settings,
        "parking_lot_hour",
        [
            {
                "lot_code": "341602P001",
                "hour_start": LAST_HOUR - timedelta(hours=back),
                "berths": 100,
                "free_berths": 5,
                "entries": 20,
            }
            for back in range(48)
        ],
    )
    load(
        settings,
        "bus_trip_day",
        [
            {
                "service_day": (date(2026, 11, 19) - timedelta(days=back)).isoformat(),
                "line_code": f"{county}G01",
                "line_name": "1路",
                "county_code": county,
                "trips_planned": 100,
                "trips_run": 100,
                "trips_on_time": 60 if county == LIXIN and back < 30 else 90,
                "passengers": 2000,
            }
            for county in COUNTIES
            for back in range(60)
        ],
    )


def load_street(settings: Settings) -> None:
    """All of it."""
    load(settings, "unit_grid", grid_rows())
    load(settings, "municipal_component", component_rows())
    load(settings, "component_inspection_month", inspection_rows())
    emergency_rows(settings)
    fleet_rows(settings)
    traffic_rows(settings)
