"""Rows about the small city's economy: few enough to work every figure of the marts out by hand."""

import json
from datetime import date, timedelta
from typing import Any

from dbt_city import GUOYANG, LIXIN, MENGCHENG, QIAOCHENG, load

from citybrain.settings import Settings

CITY = "341600"
HERB_DAYS = 40
NEWEST_HERB_DAY = date(2026, 11, 19)


def population_rows() -> list[dict[str, Any]]:
    """Two years; Guoyang loses residents, Lixin's share of 60 and over reaches a fifth."""
    figures = {
        QIAOCHENG: (1_500_000, 1_510_000, 750_000, 2_000, 270_000),
        GUOYANG: (1_190_000, 1_180_000, 472_000, 2_000, 212_400),
        MENGCHENG: (1_090_000, 1_090_000, 436_000, 2_180, 196_200),
        LIXIN: (1_170_000, 1_170_000, 444_600, 2_000, 234_000),
    }
    return [
        {
            "county_code": county,
            "county_name": "x",
            "year": year,
            "residents": residents,
            "urban_residents": urban,
            "area_km2": area,
            "births": residents // 100,
            "deaths": residents // 200,
            "age_0_14": residents // 4,
            "age_15_59": residents - residents // 4 - old,
            "age_60_plus": old,
            "age_65_plus": old * 3 // 4,
            "households": residents // 3,
        }
        for county, (before, now, urban, area, old) in figures.items()
        for year, residents in ((2024, before), (2025, now))
    ]


def economy_row(
    area: str, indicator: str, kind: str, period: str, value: float, growth: float, **other: Any
) -> dict[str, Any]:
    return {
        "area_code": area,
        "area_name": "x",
        "indicator": indicator,
        "indicator_name": {"gdp": "地区生产总值", "retail_sales": "社会消费品零售总额"}[indicator],
        "unit": "亿元",
        "period_kind": kind,
        "period": period,
        "value": value,
        "growth_pct": growth,
        "release": "初步核算",
        "released_on": "2026-10-20",
    } | other


def economy_rows() -> list[dict[str, Any]]:
    """Retail of two months; GDP of a year by county; Guoyang grows three points more slowly than the city."""
    rows = [
        economy_row(area, "retail_sales", "月度", period, value, growth)
        for area, months in {
            CITY: (("2026-02", 200, 5.0), ("2026-03", 310, 5.5)),
            QIAOCHENG: (("2026-02", 120, 6.0), ("2026-03", 180, 6.2)),
            GUOYANG: (("2026-02", 80, 3.0), ("2026-03", 130, 2.5)),
        }.items()
        for period, value, growth in months
    ]
    for area, value in {CITY: 2000, QIAOCHENG: 755, GUOYANG: 500, MENGCHENG: 445, LIXIN: 300}.items():
        rows.append(economy_row(area, "gdp", "年度", "2025", value, 5.6))
    return rows


def investment_rows() -> list[dict[str, Any]]:
    """One project in each stage; the landed one has waited since January 2025, the started one moves on."""
    names = ("project_code", "county_code", "industry_code", "agreed_wan", "invested_wan", "stage")
    names += ("signed_on", "landed_on", "started_on", "producing_on", "last_progress_on")
    values = [
        ("ZS1", QIAOCHENG, "C2730", 10000, 0, "签约", "2026-10-01", None, None, None, "2026-10-01"),
        ("ZS2", GUOYANG, "C3670", 20000, 600, "落地", "2024-11-01", "2025-01-10", None, None, "2025-01-10"),
        (
            "ZS3",
            QIAOCHENG,
            "C2740",
            30000,
            15000,
            "开工",
            "2025-11-05",
            "2026-01-10",
            "2026-03-01",
            None,
            "2026-11-10",
        ),
        (
            "ZS4",
            LIXIN,
            "I6513",
            4000,
            4000,
            "投产",
            "2025-03-01",
            "2025-04-01",
            "2025-06-01",
            "2026-02-01",
            "2026-02-01",
        ),
    ]
    return [
        dict(zip(names, row, strict=True)) | {"project_name": f"项目{row[0]}", "source_place": "江苏省"}
        for row in values
    ]


def major_rows() -> list[dict[str, Any]]:
    """ZD1 lags and is silent, ZD2 has no permit, ZD3 is well."""
    return [
        {
            "project_code": code,
            "project_name": f"工程{code}",
            "county_code": county,
            "sector": "交通",
            "owner_unit": "某单位",
            "total_wan": 1000,
            "planned_start_on": "2026-01-01",
            "planned_finish_on": "2026-10-31",
        }
        for code, county in (("ZD1", GUOYANG), ("ZD2", QIAOCHENG), ("ZD3", QIAOCHENG))
    ]


def milestone_rows() -> list[dict[str, Any]]:
    names = ("project_code", "milestone", "planned_on", "actual_on")
    values = [
        ("ZD1", "开工", "2026-01-01", "2026-01-05"),
        ("ZD1", "主体完工", "2026-08-01", None),
        ("ZD2", "开工", "2026-01-01", "2026-01-01"),
        ("ZD2", "竣工验收", "2026-12-31", None),
    ]
    return [dict(zip(names, row, strict=True)) for row in values]


def progress_rows() -> list[dict[str, Any]]:
    """Nine months of 100 each, but ZD1 stops after May."""
    return [
        {"project_code": code, "month": date(2026, month, 1), "invested_wan": money, "note": "x"}
        for code in ("ZD1", "ZD2", "ZD3")
        for month in range(1, 10)
        for money in [0 if code == "ZD1" and month > 5 else 100]
    ]


def permit_rows() -> list[dict[str, Any]]:
    ring = [[115.8, 33.8], [115.81, 33.8], [115.81, 33.81], [115.8, 33.8]]
    return [
        {
            "permit_no": number,
            "permit_kind": "建设工程规划许可证",
            "project_code": project,
            "project_name": "x",
            "county_code": county,
            "land_area_m2": 1000,
            "valid_from": "2025-12-01",
            "valid_until": "2027-12-01",
            "geometry": json.dumps({"type": "Polygon", "coordinates": [ring]}),
        }
        for number, project, county in (("P1", "ZD1", GUOYANG), ("P3", "ZD3", QIAOCHENG), ("P9", None, LIXIN))
    ]


def herb_rows() -> list[dict[str, Any]]:
    """Forty days: H001 costs 20 for thirty days, then 26; H002 always 34; the other grade twice as much."""
    first = NEWEST_HERB_DAY - timedelta(days=HERB_DAYS - 1)
    return [
        {
            "herb_code": herb,
            "herb_name": name,
            "grade": grade,
            "price_date": first + timedelta(days=day),
            "price_yuan_kg": (26 if herb == "H001" and day >= 30 else price) * factor,
            "traded_tonnes": 10,
        }
        for herb, name, price in (("H001", "白芍", 20), ("H002", "菊花", 34))
        for grade, factor in (("统货", 1), ("选货", 2))
        for day in range(HERB_DAYS)
    ]


def planting_rows() -> list[dict[str, Any]]:
    township = "341602100"
    names = ("township_code", "herb_code", "herb_name", "year", "planted_mu", "output_tonnes")
    values = [
        (township, "H001", "白芍", 2024, 1000, 300),
        (township, "H001", "白芍", 2025, 1100, 320),
        (township, "H002", "菊花", 2025, 400, 90),
    ]
    return [dict(zip(names, row, strict=True)) for row in values]


def output_rows() -> list[dict[str, Any]]:
    names = ("county_code", "industry_code", "month", "output_wan", "output_tonnes", "reporting_enterprises")
    values = [
        (QIAOCHENG, "C2730", date(2025, 10, 1), 1000, 200, 50),
        (QIAOCHENG, "C2730", date(2026, 10, 1), 1100, 210, 52),
        (QIAOCHENG, "C2740", date(2026, 10, 1), 700, 30, 12),
        (LIXIN, "C2730", date(2026, 10, 1), 90, 20, 5),
    ]
    return [dict(zip(names, row, strict=True)) for row in values]


def load_economy(settings: Settings) -> None:
    """Everything of this file, and a later statement of the city's product."""
    load(settings, "population_county_year", population_rows())
    load(settings, "economy_series", economy_rows())
    verified = {"release": "最终核实", "released_on": "2026-11-15"}
    later = [economy_row(CITY, "gdp", "年度", "2025", 2020, 6.1, **verified)]
    load(settings, "economy_series", later, source_version="2026-11-20T19:00:00+00:00")
    load(settings, "investment_project", investment_rows())
    load(settings, "major_project", major_rows())
    load(settings, "major_project_milestone", milestone_rows())
    load(settings, "major_project_progress", progress_rows())
    load(settings, "building_permit", permit_rows())
    load(settings, "herb_market_price_day", herb_rows())
    load(settings, "herb_planting_year", planting_rows())
    load(settings, "tcm_output_month", output_rows())
