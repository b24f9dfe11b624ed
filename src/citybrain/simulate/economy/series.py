"""The statistics bureau's economic series: sums since January, first released and later verified.

As published: monthly figures begin with January and February together, all figures are sums since the
beginning of the year, growth is against the same months of the year before. Every September the year before
is verified and its figures are stated again.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache, partial

import numpy as np
from numpy.typing import NDArray

from citybrain.catalogue import load_areas
from citybrain.simulate.csv_file import csv_bytes
from citybrain.simulate.delivery import SHANGHAI, Content, Delivery, dropped
from citybrain.simulate.dirt import Defect, Row, changing, one_of, setting
from citybrain.simulate.economy.leftovers import leave_lines
from citybrain.simulate.ledger import Ledger
from citybrain.simulate.months import first_day, month_number, newest_reported
from citybrain.simulate.noise import normal
from citybrain.simulate.places import DATA

Floats = NDArray[np.float64]

LEVEL_YEAR = 2023
YEARS, DETAILED_YEARS, VERIFIED_YEARS = 10, 4, 3
RELEASED_ON = 20  # day of the month after
VERIFIED = (9, 15)  # month and day of the year after
QUARTER_ENDS = (3, 6, 9, 12)
HEADERS = {
    "area_code": "区划代码",
    "area_name": "地区",
    "indicator": "指标代码",
    "indicator_name": "指标名称",
    "unit": "计量单位",
    "period_kind": "频度",
    "period": "统计期",
    "value": "本期累计",
    "growth_pct": "累计同比(%)",
    "release": "发布口径",
    "released_on": "发布日期",
}
DEFECTS = [
    Defect("growth_with_sign", 0.003, "growth_pct", setting("growth_pct", "6.5%")),
    Defect("value_negative", 0.003, "value", changing("value", lambda value: f"-{value}")),
    Defect("indicator_unknown", 0.003, "indicator", setting("indicator", "gdp_total_x")),
    Defect("area_missing", 0.003, "area_code", setting("area_code", "")),
    Defect("period_unreadable", 0.003, "period", one_of("period", ["上半年", "2025年1-9月"])),
    Defect("sent_twice", 0.003, "area_code", None),
]
# In the year that runs when the city begins, one county invests a seventh less than it would have.
SLUMP_INDICATOR, SLUMP_COUNTY, SLUMP = "fixed_investment", "341623", 0.86
SUMS = {"gdp": ("gdp_primary", "gdp_secondary", "gdp_tertiary")}


@dataclass(frozen=True)
class Indicator:
    """Levels of LEVEL_YEAR by county, in the unit; growth is a share a year, season a share of the mean."""

    code: str
    name: str
    unit: str
    monthly: bool
    per_head: bool
    growth: float
    season: float
    levels: Floats


@cache
def indicators() -> tuple[Indicator, ...]:
    codes = [county.code for county in load_areas().counties]
    with (DATA / "economy_levels.csv").open(encoding="utf-8", newline="") as file:
        return tuple(
            Indicator(
                code=row["indicator"],
                name=row["name"],
                unit=row["unit"],
                monthly=row["rhythm"] == "month",
                per_head=row["per_head"] == "1",
                growth=float(row["growth"]),
                season=float(row["season"]),
                levels=np.array([float(row[code]) for code in codes]),
            )
            for row in csv.DictReader(file)
        )


def cumulative(seed: int, indicator: Indicator, year: int, verified: bool, slump: int) -> Floats:
    """(counties + 1) x 12: sums since January to each month's end, the city last; rounded as published.

    `slump`: the year of the story.
    """
    counties = len(indicator.levels)
    keys = year * 16 + np.arange(counties)
    drift = 0.012 * normal(seed, f"{indicator.code}/year", keys)
    total = indicator.levels * (1 + indicator.growth) ** (year - LEVEL_YEAR) * np.exp(drift)
    if not verified:
        total = total * (1 + 0.006 * normal(seed, f"{indicator.code}/first", keys))
    if (indicator.code, year) == (SLUMP_INDICATOR, slump):
        total[[county.code for county in load_areas().counties].index(SLUMP_COUNTY)] *= SLUMP
    months = np.arange(12)
    season = 1 + indicator.season * np.sin(2 * np.pi * (months - 5) / 12)
    noise = normal(seed, f"{indicator.code}/month", keys[:, None] * 16 + months)
    weights = season * (1 + 0.02 * noise)
    shares = np.cumsum(weights, axis=1) / weights.sum(axis=1, keepdims=True)
    decimals = 0 if indicator.per_head else 2
    values = np.round(total[:, None] * shares, decimals)
    residents = np.array([county.residents_thousand for county in load_areas().counties], dtype=np.float64)
    city = np.average(values, axis=0, weights=residents) if indicator.per_head else values.sum(axis=0)
    return np.round(np.vstack([values, city]), decimals)


def _year_of(seed: int, code: str, year: int, verified: bool, slump: int) -> Floats:
    if code in SUMS:
        known = (part for part in indicators() if part.code in SUMS[code])
        parts = [cumulative(seed, part, year, verified, slump) for part in known]
        return np.round(sum(parts, np.zeros_like(parts[0])), 2)
    (indicator,) = (known for known in indicators() if known.code == code)
    return cumulative(seed, indicator, year, verified, slump)


def _published() -> list[tuple[str, str, str, bool]]:
    """Code, name, unit and whether it comes every month, of everything that is released."""
    return [
        ("gdp", "地区生产总值", "亿元", False),
        *((known.code, known.name, known.unit, known.monthly) for known in indicators()),
    ]


def series_rows(seed: int, year: int, months: range, verified: bool, detailed: bool, slump: int) -> list[Row]:
    """The rows of one year whose periods end in `months` (0 to 11), of every indicator and area."""
    areas = [*((county.code, county.zh) for county in load_areas().counties)]
    areas.append((load_areas().city.code, load_areas().city.zh))
    rows: list[Row] = []
    for code, name, unit, monthly in _published():
        now, before = _year_of(seed, code, year, verified, slump), _year_of(seed, code, year - 1, True, slump)
        for month in months:
            kinds = [("年度", f"{year}")] if month == 11 else []
            if detailed and monthly and month > 0:
                kinds.append(("月度", f"{year}-{month + 1:02}"))
            if detailed and not monthly and month + 1 in QUARTER_ENDS:
                kinds.append(("季度", f"{year}Q{(month + 1) // 3}"))
            released = date(year + 1, *VERIFIED) if verified else _release_day(year * 12 + month)
            for kind, period in kinds:
                for place, (area_code, area_name) in enumerate(areas):
                    value, last = float(now[place, month]), float(before[place, month])
                    rows.append(
                        {
                            "area_code": area_code,
                            "area_name": area_name,
                            "indicator": code,
                            "indicator_name": name,
                            "unit": unit,
                            "period_kind": kind,
                            "period": period,
                            "value": f"{value:.0f}" if unit == "元" else f"{value:.2f}",
                            "growth_pct": f"{100 * (value / last - 1):.1f}",
                            "release": "最终核实" if verified else "初步核算",
                            "released_on": released.isoformat(),
                        }
                    )
    return rows


def _release_day(month: int) -> date:
    return first_day(month + 1).replace(day=RELEASED_ON)


def _content(seed: int, rows: list[Row]) -> Content:
    """Keys are places in the file: a file is sent once."""
    truth = leave_lines(
        seed,
        "economy_series",
        rows,
        np.arange(len(rows)) + 1_000_003 * len(rows),
        lambda row: f"{row['area_code']} {row['indicator']} {row['period']}",
        DEFECTS,
    )
    return csv_bytes(HEADERS, rows).decode().encode("gb18030"), len(rows), truth


def history_delivery(seed: int, newest: int) -> Content:
    """Ten years up to the month `newest`, the last four in months and quarters: first releases."""
    rows: list[Row] = []
    for year in range(newest // 12 - YEARS + 1, newest // 12 + 1):
        months = range(12) if year < newest // 12 else range(newest % 12 + 1)
        rows += series_rows(seed, year, months, False, year > newest // 12 - DETAILED_YEARS, newest // 12)
    return _content(seed, rows)


def release_delivery(seed: int, slump: int, month: int) -> Content:
    """What is released about one month."""
    number = month % 12
    return _content(seed, series_rows(seed, month // 12, range(number, number + 1), False, True, slump))


def verification_delivery(seed: int, slump: int, years: range) -> Content:
    """The verified figures of whole years."""
    rows: list[Row] = []
    for year in years:
        rows += series_rows(seed, year, range(12), True, True, slump)
    return _content(seed, rows)


def newest_verified(day: date) -> int:
    return day.year - (1 if (day.month, day.day) >= VERIFIED else 2)


def series_deliveries(ledger: Ledger, local: datetime) -> Iterator[Delivery]:
    """All that was released when the city began, the verified years, then a file for each release."""
    begun, seed = ledger.started.astimezone(SHANGHAI).date(), ledger.seed
    first = newest_reported(begun, RELEASED_ON)
    slump = first // 12
    yield _file(f"economy_series_to_{_label(first)}.csv", local, partial(history_delivery, seed, first))
    verified = newest_verified(begun)
    years = range(verified - VERIFIED_YEARS + 1, verified + 1)
    yield _file(
        f"economy_verified_to_{verified}.csv", local, partial(verification_delivery, seed, slump, years)
    )
    for month in range(first + 1, newest_reported(local.date(), RELEASED_ON) + 1):
        if month % 12 > 0:  # January is released with February
            make = partial(release_delivery, seed, slump, month)
            yield _file(f"economy_series_{_label(month)}.csv", local, make)
    for year in range(verified + 1, newest_verified(local.date()) + 1):
        make = partial(verification_delivery, seed, slump, range(year, year + 1))
        yield _file(f"economy_verified_{year}.csv", local, make)


def _file(name: str, local: datetime, make: partial[Content]) -> Delivery:
    return dropped("economy_series", name, local, 2, make)


def _label(month: int) -> str:
    return f"{first_day(month):%Y%m}"


def series_stories(ledger: Ledger) -> list[dict[str, str]]:
    """The last year that was verified when the city began, and the slump of the year that ran."""
    begun = ledger.started.astimezone(SHANGHAI).date()
    year = newest_verified(begun)
    city = load_areas().city.code
    newest = newest_reported(begun, RELEASED_ON)
    slump = newest // 12
    first, verified = (_year_of(ledger.seed, "gdp", year, known, slump)[-1, -1] for known in (False, True))
    return [
        {
            "story": "economy_verified",
            "dataset": "economy_series",
            "key": f"{city} gdp {year}",
            "from": date(year + 1, *VERIFIED).isoformat(),
            "to": f"{first_day(month_number(begun)):%Y-%m-%d}",
            "what": f"the city's product of {year}, first released as {first:.2f}, is stated again"
            f" as {verified:.2f}",
        },
        {
            "story": "investment_slump",
            "dataset": "economy_series",
            "key": f"{SLUMP_COUNTY} {SLUMP_INDICATOR}",
            "from": f"{slump}-01-01",
            "to": f"{first_day(newest + 1):%Y-%m-%d}",
            "what": "one county invests less than the year before, month after month",
        },
    ]
