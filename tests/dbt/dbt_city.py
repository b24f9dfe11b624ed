"""Rows of a small city: real divisions, hand-made enterprises, two air stations, one gauge."""

import csv
import hashlib
import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from citybrain.catalogue import load_datasets
from citybrain.settings import SOURCE_TREE, DatabaseRole, Settings
from citybrain.simulate.compounds import load_compounds
from citybrain.warehouse.raw_tables import prepare_raw_table

DIVISIONS = SOURCE_TREE / "src" / "citybrain" / "simulate" / "data"
REGISTER_DAY = date(2026, 11, 20)
NEWEST_HOUR = datetime(2026, 11, 21, 8, 0)  # noqa: DTZ001 - as delivered: Beijing time without a zone
LOADED_AT = datetime(2026, 11, 21, 1, 0, tzinfo=UTC)

# Tables of calls, weather and opinion: test_dbt_tickets.py loads what they are made of.
LOADED_LATER = {
    "fct_rain_forecast",
    "fct_hotline_ticket",
    "fct_weather_day",
    "mart_public_voice",
    "mart_public_voice_opinion",
}
LOADED_LATER |= {"mart_public_voice_place", "mart_public_voice_topic", "mart_rule_score"}

QIAOCHENG, GUOYANG, MENGCHENG, LIXIN = "341602", "341621", "341622", "341623"
STATIONS = {"2311A": ("市监测站", 115.78, 33.85), "2312A": ("蒙城站", 116.55, 33.27)}

# code, kind, industry, status, established, closed, county
FIRMS: list[tuple[str, str, str | None, str, str, str | None, str | None]] = [
    ("91341602MA0000001X", "企业", "C2730", "存续", "2015-03-01", None, QIAOCHENG),
    ("91341602MA0000002X", "企业", "C1512", "存续", "2018-06-12", None, QIAOCHENG),
    ("91341602MA0000003X", "企业", "5162", "注销", "2016-01-05", "2026-02-10", QIAOCHENG),
    ("91341621MA0000004X", "企业", "E4710", "存续", "2019-09-09", None, GUOYANG),
    ("91341622MA0000005X", "企业", "I6513", "存续", "2026-01-15", None, MENGCHENG),
    ("92341622MA0000006X", "个体工商户", "F5211", "存续", "2026-03-02", None, MENGCHENG),
    ("91341623MA0000007X", "企业", "J6620", "存续", "2012-01-01", None, LIXIN),
    ("N2341623MA0000008X", "农民专业合作社", "A0171", "存续", "2020-05-20", None, LIXIN),
    ("91341623MA0000009X", "企业", None, "存续", "2021-05-20", None, None),
]
# code, year, revenue, assets, tax, research
TAX = [
    ("91341602MA0000001X", 2024, 60000, 50000, 900, 1200),
    ("91341602MA0000001X", 2025, 45000, 52000, 950, 1500),
    ("91341602MA0000002X", 2025, 2500, 3000, 80, 0),
    ("91341621MA0000004X", 2025, 8000, 9000, 120, 0),
    ("91341623MA0000007X", 2025, 3000, 90000, 60, 0),
    ("N2341623MA0000008X", 2024, 600, 200, 3, 0),
    ("N2341623MA0000008X", 2025, 300, 200, 2, 0),
]
# code, year, staff, insured, lay-offs, months of arrears
LABOUR = [
    ("91341602MA0000001X", 2025, 1200, 1150, 10, 0),
    ("91341602MA0000002X", 2025, 90, 40, 30, 4),
    ("91341621MA0000004X", 2025, 60, 55, 0, 0),
    ("91341622MA0000005X", 2025, 15, 15, 0, 0),
    ("N2341623MA0000008X", 2025, 8, 8, 0, 0),
]
# code, year, months, paid, graduates for 3 and 6 months
INSURANCE: list[tuple[str, int, int, float | None, int, int]] = [
    ("91341602MA0000001X", 2025, 12, 600000.5, 12, 9),
    ("91341602MA0000002X", 2025, 8, None, 0, 0),
    ("91341621MA0000004X", 2024, 12, 30000, 2, 2),
]
# code, title, year, nth
TITLES = [
    ("91341602MA0000001X", "高新技术企业", 2022, 1),
    ("91341602MA0000001X", "高新技术企业", 2025, 2),
    ("91341602MA0000001X", "省专精特新中小企业", 2024, 1),
    ("91341602MA0000001X", "市专精特新中小企业", 2023, 1),
]
# code, reason, listed, removed
DISHONEST: list[tuple[str, str, str, str | None]] = [
    ("91341602MA0000002X", "拖欠劳动报酬", "2026-03-01", None),
    ("91341621MA0000004X", "拖欠劳动报酬", "2024-03-01", "2025-03-01"),
]
# project, code, year, equipment, guide, picked
UPGRADES: list[tuple[str, str, int, float | None, str, str | None]] = [
    ("JG1", "91341602MA0000001X", 2025, 812.5, "是", "是"),
    ("JG2", "91341602MA0000001X", 2025, None, "是", None),
    ("JG3", "91341602MA0000002X", 2025, 40, "否", None),
]
# code, indicator, year, number, level, department
INDICATORS = [
    ("91341602MA0000001X", "exports", 2025, 4500000.5, None, "commerce"),
    ("91341602MA0000002X", "exports", 2025, None, None, "commerce"),
    ("91341602MA0000001X", "smart_factory_level", 2025, None, "advanced", "industry_information"),
    ("91341602MA0000001X", "is_above_scale", 2025, None, "yes", "industry_information"),
    ("91341602MA0000001X", "above_scale_year", 2025, 2021, None, "industry_information"),
]
# number, code, kind, issued, valid until, status
LICENCES = [
    ("SC001", "91341602MA0000001X", "食品生产许可证", "2024-01-01", "2099-12-31", "有效"),
    ("JY002", "91341602MA0000002X", "食品经营许可证", "2020-01-01", "2024-12-30", "有效"),  # nobody marked it
    ("JY003", "91341602MA0000003X", "食品经营许可证", "2022-01-01", "2027-01-01", "注销"),
    (
        "XK004",
        "91341699MA0000099X",
        "工业产品生产许可证",
        "2024-05-01",
        "2099-05-01",
        "有效",
    ),  # not registered
]


def load(
    settings: Settings,
    dataset_id: str,
    rows: list[dict[str, Any]],
    logical_date: date = REGISTER_DAY,
    source_version: str = "2026-11-20T18:00:00+00:00",
    loaded_at: datetime = LOADED_AT,
    quarantined: int = 0,
) -> int:
    """One loaded batch with these rows, as the loader leaves it. Returns its id."""
    dataset = load_datasets(settings)[dataset_id]
    prepare_raw_table(settings, dataset)
    text = json.dumps([rows, source_version], default=str, ensure_ascii=False, sort_keys=True)
    digest = hashlib.sha256(text.encode()).hexdigest()
    key = f"landing/{dataset_id}/{digest}"
    with psycopg.connect(settings.dsn(DatabaseRole.LOADER)) as connection:
        found = connection.execute(
            "INSERT INTO meta.batch (dataset, object_key, sha256, bytes, source_name,"
            " source_version, logical_date, landed_at,"
            " state, card, rows_in, rows_loaded, rows_quarantined, gated_at, settled_at)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, 'loaded', 'green', %s, %s, %s, %s, %s)"
            " RETURNING batch_id",
            (dataset_id, key, digest, len(text), f"{dataset_id}.file", source_version, logical_date,
             loaded_at, len(rows) + quarantined, len(rows), quarantined, loaded_at, loaded_at),
        ).fetchone()  # fmt: skip
        assert found is not None
        batch_id = int(found[0])
        connection.execute(
            "INSERT INTO meta.delivery (dataset, batch_id, outcome, source_name, source_version,"
            " bytes, delivered_at)"
            " VALUES (%s, %s, 'landed', %s, %s, %s, %s)",
            (dataset_id, batch_id, f"{dataset_id}.file", source_version, len(text), loaded_at),
        )
        connection.execute(
            "INSERT INTO meta.gate_result (batch_id, rule_id, rule_kind, card, unexpected_rows,"
            " evaluated_rows) VALUES (%s, 'key_once', 'built_in', %s, %s, %s)",
            (batch_id, "yellow" if quarantined else None, quarantined, len(rows) + quarantined),
        )
        if quarantined:
            connection.execute(
                "INSERT INTO meta.data_order (dataset, rule_id, rule_kind, card, opened_by_batch,"
                " last_batch, unexpected_rows, evaluated_rows)"
                " VALUES (%s, 'key_once', 'built_in', 'yellow', %s, %s, %s, %s) ON CONFLICT DO NOTHING",
                (dataset_id, batch_id, batch_id, quarantined, len(rows) + quarantined),
            )
        names = [column.name for column in dataset.columns]
        lineage = ["_batch_id", "_line", "_logical_date", "_loaded_at"]
        copy = sql.SQL("COPY {} ({}) FROM STDIN").format(
            sql.Identifier("raw", dataset_id), sql.SQL(", ").join(map(sql.Identifier, names + lineage))
        )
        with connection.cursor().copy(copy) as target:
            for line, row in enumerate(rows, start=1):
                values = [row.get(name) for name in names]
                target.write_row([*values, batch_id, line, logical_date, loaded_at])
    return batch_id


def village_of(county: str) -> str:
    """The first village of a county in the division list."""
    return next(row["code"] for row in division_rows("village") if row["county_code"] == county)


def division_rows(level: str) -> list[dict[str, Any]]:
    """The rows of one division list, under the raw table's names."""
    names = {
        "cityCode": "city_code",
        "provinceCode": "province_code",
        "areaCode": "county_code",
        "streetCode": "township_code",
    }
    with Path(DIVISIONS / f"division_{level}.csv").open(encoding="utf-8-sig", newline="") as file:
        return [{names.get(name, name): value for name, value in row.items()} for row in csv.DictReader(file)]


def firm_rows() -> list[dict[str, Any]]:
    return [
        {
            "uscc": uscc,
            "name": f"企业{uscc[-4:]}",
            "entity_kind": kind,
            "industry_code": industry,
            "status": status,
            "established_on": established,
            "closed_on": closed,
            "registered_capital_wan": 100,
            "village_code": village_of(county) if county else None,
            "address": "某路1号",
        }
        for uscc, kind, industry, status, established, closed, county in FIRMS
    ]


def tax_rows() -> list[dict[str, Any]]:
    names = ("uscc", "tax_year", "revenue_wan", "assets_wan", "tax_paid_wan", "rd_expense_wan")
    return [dict(zip(names, row, strict=True)) for row in TAX]


def labour_rows() -> list[dict[str, Any]]:
    names = ("uscc", "year", "staff_count", "insured_count", "layoff_count", "arrears_months")
    return [dict(zip(names, row, strict=True)) for row in LABOUR]


def list_rows(names: tuple[str, ...], rows: list[Any]) -> list[dict[str, Any]]:
    return [dict(zip(names, row, strict=True)) for row in rows]


def air_row(station: str, observed_at: datetime, **values: float | None) -> dict[str, Any]:
    name, longitude, latitude = STATIONS[station]
    air: dict[str, Any] = {"pm25": 40, "pm10": 80, "so2": 10, "no2": 30, "co": 0.8, "o3": 60} | values
    return {
        "station_code": station,
        "station_name": name,
        "city_name": "亳州市",
        "observed_at": observed_at,
        "aqi": 56,
        "geometry": json.dumps({"type": "Point", "coordinates": [longitude, latitude]}),
        **air,
    }


def air_rows() -> list[dict[str, Any]]:
    """56 hours of both stations; 2312A reports nothing in the last five."""
    hours = [NEWEST_HOUR - timedelta(hours=back) for back in range(55, -1, -1)]
    return [
        air_row(station, hour)
        for station in STATIONS
        for hour in hours
        if station == "2311A" or hour <= NEWEST_HOUR - timedelta(hours=5)
    ]


def water_rows() -> list[dict[str, Any]]:
    start = datetime(2026, 11, 21, 0, 0, tzinfo=UTC)
    return [
        {
            "gauge_code": "341602W01",
            "observed_at": start + timedelta(minutes=5 * step),
            "stage_m": 21.5 + step / 100,
            "discharge_m3s": 30 + step,
            "quality_flag": "good",
        }
        for step in range(12)
    ]


def compound_rows() -> list[dict[str, Any]]:
    return [
        {
            "compound_id": compound.compound_id,
            "compound_name": compound.name,
            "village_code": compound.village_code,
            "community_name": compound.community,
            "property_company_id": "PM01",
            "property_company_name": "某物业",
            "connected": "是" if compound.connected else "否",
            "lon": compound.lon,
            "lat": compound.lat,
        }
        for compound in load_compounds()
    ]


def camera_rows() -> list[dict[str, Any]]:
    """One for each compound; the unconnected one's is listed as enabled, and is not. Three watch streets:
    beside a grid, far from every grid, and nobody knows where."""
    streets = [(f"{GUOYANG}F901", 116.21, 33.5), (f"{LIXIN}F902", 100.0, 20.0), (f"{LIXIN}F903", None, None)]
    return [
        {
            "camera_id": compound.camera_id,
            "camera_name": compound.camera_name,
            "compound_id": compound.compound_id,
            "scenario": "fire_lane_occupancy",
            "lon": compound.lon,
            "lat": compound.lat,
            "snapshot_url": f"folder:stills/{compound.camera_id}",
            "owner_department": "fire_rescue",
            "enabled": "是",
        }
        for compound in load_compounds()
    ] + [
        {
            "camera_id": camera,
            "camera_name": "街面",
            "compound_id": None,
            "scenario": "fire_lane_occupancy",
            "lon": lon,
            "lat": lat,
            "snapshot_url": f"folder:stills/{camera}",
            "owner_department": "fire_rescue",
            "enabled": "是",
        }
        for camera, lon, lat in streets
    ]


def patrol_rows() -> list[dict[str, Any]]:
    """One section of Qiaocheng in two months."""
    return [
        {
            "section_code": f"{QIAOCHENG}R001",
            "river": "涡河",
            "county_code": QIAOCHENG,
            "chief_level": "乡级",
            "month": month,
            "patrols_planned": 4,
            "patrols_done": done,
        }
        for month, done in (("2026-10-01", 4), ("2026-11-01", 3))
    ]


def finding_rows() -> list[dict[str, Any]]:
    """One cleared, one still there, one that was nothing, one that nobody has looked at."""
    names = ("finding_code", "found_by", "area_m2", "found_on", "confirmed", "confirmed_on", "cleared_on")
    told = [
        ("SL202610-0001", "卫星遥感", 120.5, "2026-10-03", "属实", "2026-10-05", "2026-10-20"),
        ("SL202610-0002", "人工巡查", 80, "2026-10-09", "属实", "2026-10-10", None),
        ("SL202610-0003", "视频监控", 60, "2026-10-12", "不属实", "2026-10-13", None),
        ("SL202611-0001", "群众举报", 30, "2026-11-20", "待核实", None, None),
    ]
    same = {"county_code": QIAOCHENG, "river": "涡河", "disorder": "乱堆"}
    return [dict(zip(names, row, strict=True)) | same for row in told]


def load_city(settings: Settings) -> None:
    """Everything but the outlines of counties, which come from the boundaries."""
    for level in ("county", "township", "village"):
        load(settings, f"division_{level}", division_rows(level))
    load_outlines(settings)
    load(settings, "compound_register", compound_rows())
    load(settings, "camera_register", camera_rows())
    load(settings, "enterprise_register", firm_rows(), quarantined=1)
    load(settings, "enterprise_tax_year", tax_rows())
    load(settings, "enterprise_labour_year", labour_rows())
    load_lists(settings)
    load(settings, "air_quality_hour", air_rows(), logical_date=NEWEST_HOUR.date())
    load(settings, "water_stage", water_rows(), logical_date=NEWEST_HOUR.date())
    load(settings, "river_patrol", patrol_rows())
    load(settings, "four_disorder_finding", finding_rows())
    load_satellite(settings)


def load_lists(settings: Settings) -> None:
    """What departments list about enterprises: insurance, titles, dishonesty, upgrade projects."""
    names = ("uscc", "year", "insured_months", "ui_paid_yuan", "graduates_3_months", "graduates_6_months")
    load(settings, "unemployment_insurance_year", list_rows(names, INSURANCE))
    load(settings, "enterprise_title", list_rows(("uscc", "title", "year", "nth"), TITLES))
    names = ("uscc", "reason", "listed_on", "removed_on")
    load(settings, "dishonest_enterprise", list_rows(names, DISHONEST))
    names = ("project_code", "uscc", "year", "equipment_wan", "fits_guide", "selected")
    load(settings, "tech_upgrade_project", list_rows(names, UPGRADES))
    names = ("uscc", "indicator", "year", "number", "level", "department")
    load(settings, "policy_indicator", list_rows(names, INDICATORS))
    names = ("licence_no", "uscc", "licence_kind", "issued_on", "valid_until", "status", "updated_at")
    licences = [(*licence, "2026-11-20 09:00:00+08") for licence in LICENCES]
    load(settings, "enterprise_licence", list_rows(names, licences))


def load_satellite(settings: Settings) -> None:
    """What is seen from above: see `dbt_satellite`, which loads through this module."""
    from dbt_satellite import load_views_from_above

    load_views_from_above(settings)


def load_outlines(settings: Settings) -> None:
    """The real boundaries, through the raw table into meta.area_outline."""
    from citybrain.warehouse.outline import refresh_outlines

    features = json.loads((DIVISIONS / "county_boundary.geojson").read_text(encoding="utf-8"))["features"]
    rows = [
        {
            "name": feature["properties"]["name"],
            "geometry": json.dumps(feature["geometry"], ensure_ascii=False),
        }
        for feature in features
    ]
    load(settings, "county_boundary", rows)
    refresh_outlines(settings)
