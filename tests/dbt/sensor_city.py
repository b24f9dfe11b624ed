"""Devices, readings and rivers of the small city: figures small enough to work out by hand."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from dbt_city import LIXIN, LOADED_AT, MENGCHENG, NEWEST_HOUR, QIAOCHENG, load, village_of

from citybrain.settings import Settings

NEWEST = datetime(2026, 11, 21, 0, 0, tzinfo=UTC)  # 08:00 in Beijing
GAS, GAS_SILENT, GAS_UNREAD = "341602G00001", "341602G00002", "341602G00003"
BRIDGE, POINT, METER, SITE = "341622B00001", "341623W00001", "341602S00001", "341602T00001"
LEVELS = {"gas": (50, 25, 10, 2), "bridge": (420, 320, 240, 12), "water_level": (40, 27, 15, 2)}
METRIC = {
    "gas": ("methane_lel_percent", "%LEL", 60),
    "bridge": ("strain_microstrain", "µε", 60),
    "water_level": ("depth_cm", "cm", 15),
    "smart_meter": ("water_litre", "L", 360),
    "dust": ("pm10_ug_m3", "µg/m³", 60),
}
DEVICES = [
    (GAS, "gas", "在用"),
    (GAS_SILENT, "gas", "在用"),
    (GAS_UNREAD, "gas", "停用"),
    (BRIDGE, "bridge", "在用"),
    (POINT, "water_level", "在用"),
    (METER, "smart_meter", "在用"),
    (SITE, "dust", "在用"),
]


def device_row(device: str, kind: str, status: str = "在用") -> dict[str, Any]:
    metric, unit, cadence = METRIC[kind]
    level_1, level_2, level_3, hysteresis = LEVELS.get(kind, (None, None, None, None))
    return {
        "device_id": device,
        "device_kind": kind,
        "place_name": f"位置{device[-3:]}",
        "village_code": village_of(device[:6]),
        "lon": None if kind == "smart_meter" else 115.8,
        "lat": None if kind == "smart_meter" else 33.8,
        "owner_department": "urban_management",
        "owner_unit": "某运维单位",
        "installed_on": date(2022, 5, 1),
        "status": status,
        "metric": metric,
        "unit": unit,
        "cadence_minutes": cadence,
        "level_1": level_1,
        "level_2": level_2,
        "level_3": level_3,
        "hysteresis": hysteresis,
    }


def reading(
    device: str, kind: str, observed_at: datetime, value: float, quality: str = "good"
) -> dict[str, Any]:
    return {
        "device_id": device,
        "device_kind": kind,
        "metric": METRIC[kind][0],
        "observed_at": observed_at,
        "value": value,
        "quality": quality,
        "seq": int(observed_at.timestamp()) // 60,
    }


def hours_back(count: int) -> list[datetime]:
    return [NEWEST - timedelta(hours=back) for back in range(count - 1, -1, -1)]


def reading_rows() -> list[dict[str, Any]]:
    """48 hours: a gas device over level 2 for three hours a day ago and over level 3 now, one silent for
    20 hours, a bridge and a point that are calm, a point that was flooded for an hour.
    """
    rows = []
    for back, hour in enumerate(reversed(hours_back(48))):
        gas = 30.0 if 24 <= back < 27 else 12.0 if back < 2 else 1.5
        rows.append(reading(GAS, "gas", hour, gas))
        if back >= 20:
            rows.append(reading(GAS_SILENT, "gas", hour, 1.0))
        rows.append(reading(BRIDGE, "bridge", hour, 130.0))
        rows.append(reading(SITE, "dust", hour, 80.0))
        for quarter in range(4):
            depth = 18.0 if back == 30 else 0.0
            rows.append(reading(POINT, "water_level", hour - timedelta(minutes=15 * quarter), depth))
        if back % 6 == 0:
            rows.append(reading(METER, "smart_meter", hour, 25.0))
    return rows


def day_row(device: str, kind: str, day: date, mean: float, count: int = 24) -> dict[str, Any]:
    return {
        "device_id": device,
        "device_kind": kind,
        "metric": METRIC[kind][0],
        "day": day,
        "value_min": mean - 1,
        "value_mean": mean,
        "value_max": mean + 1,
        "reading_count": count,
    }


def day_rows() -> list[dict[str, Any]]:
    """Ten days handed over, of which the last also has raw readings."""
    last = date(2026, 11, 19)
    return [day_row(GAS, "gas", last - timedelta(days=back), 1.25) for back in range(10)]


def section_row(code: str, month: date, quality: str, **values: float) -> dict[str, Any]:
    clean = {
        "dissolved_oxygen": 8.0,
        "permanganate_index": 3.0,
        "cod": 12.0,
        "bod5": 2.0,
        "ammonia_nitrogen": 0.3,
        "total_phosphorus": 0.08,
        "fluoride": 0.5,
    }
    return {
        "section_code": code,
        "section_name": f"断面{code[-3:]}",
        "river": "涡河",
        "month": month,
        "target_class": "Ⅲ",
        "quality_class": quality,
        **clean,
        **values,
    }


def section_rows() -> list[dict[str, Any]]:
    september, october = date(2026, 9, 1), date(2026, 10, 1)
    return [
        section_row("341602S101", september, "Ⅱ"),
        section_row("341602S101", october, "Ⅳ", cod=24.0, total_phosphorus=0.25, dissolved_oxygen=4.0),
        section_row("341622S301", september, "Ⅳ", ammonia_nitrogen=1.2),
        section_row("341622S301", october, "Ⅱ"),
    ]


def outlet_rows() -> list[dict[str, Any]]:
    names = ("found_on", "surveyed_on", "reviewed_on", "due_on", "put_right_on")
    paths = [
        ("341602K0001", QIAOCHENG, ("2026-01-05", "2026-02-01", "2026-03-01", "2026-06-01", "2026-05-20")),
        ("341602K0002", QIAOCHENG, ("2026-01-05", "2026-02-01", "2026-03-01", "2026-06-01", None)),
        ("341622K0003", MENGCHENG, ("2026-06-05", "2026-07-01", None, "2090-01-01", None)),
        ("341623K0004", LIXIN, ("2026-11-01", None, None, "2090-01-01", None)),
    ]
    return [
        {
            "outlet_code": code,
            "outlet_name": f"排口{code[-2:]}",
            "outlet_kind": "工业排污口",
            "river": "涡河",
            "village_code": village_of(county),
            **dict(zip(names, days, strict=True)),
        }
        for code, county, days in paths
    ]


def gauge_rows() -> list[dict[str, Any]]:
    return [
        {
            "gauge_code": "341602W01",
            "gauge_name": "涡河01站",
            "river": "涡河",
            "warning_stage_m": 21.55,
            "guaranteed_stage_m": 23.0,
            "lon": 115.79,
            "lat": 33.89,
        }
    ]


def load_sensors(settings: Settings) -> None:
    """Everything the marts of lifeline safety and water environment read."""
    load(settings, "device_register", [device_row(*device) for device in DEVICES])
    warden = {"warden_id": "FW001", "point_id": "341623P00001", "point_name": "某易涝点", "device_id": POINT}
    place = {"village_code": village_of(LIXIN), "lon": 116.2, "lat": 33.1}
    load(settings, "flood_point", [{**warden, **place, "warden_role": "点位责任人", "shift": "白班"}])
    site = {"site_id": "341602Y00001", "site_name": "某地块", "device_id": SITE, "builder_unit": "某公司"}
    place = {"village_code": village_of(QIAOCHENG), "lon": 115.8, "lat": 33.8}
    load(settings, "monitored_site", [{**site, **place, "stage": "主体", "started_on": date(2025, 3, 1)}])
    load(settings, "sensor_reading", reading_rows(), logical_date=NEWEST_HOUR.date(), loaded_at=LOADED_AT)
    load(settings, "sensor_reading_day", day_rows())
    load(settings, "water_section_month", section_rows())
    load(settings, "river_outlet", outlet_rows())
    load(settings, "gauge_register", gauge_rows())
