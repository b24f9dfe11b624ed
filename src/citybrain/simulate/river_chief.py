"""What the river chiefs' office keeps: patrols of each river section by month, and findings along the rivers.

Both are exported once a month for the last 24 months. A finding is drawn in the month it was found in, so
every export tells the same of it, and more of it than the one before.
"""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from functools import partial

import numpy as np

from citybrain.catalogue import load_areas
from citybrain.simulate.csv_file import csv_bytes
from citybrain.simulate.delivery import Delivery, dropped
from citybrain.simulate.dirt import Defect, Planted, Row, plant, setting
from citybrain.simulate.ledger import Ledger
from citybrain.simulate.months import first_day, month_number

MONTHS = 24
SECTIONS_OF_COUNTY = 30
FINDINGS_A_MONTH = 365  # at scale 1
RIVERS = {
    "341602": ("涡河", "洺河", "油河"),
    "341621": ("涡河", "武家河", "北淝河"),
    "341622": ("涡河", "北淝河", "茨淮新河"),
    "341623": ("西淝河", "阜蒙新河", "茨淮新河"),
}
# Level of the chief -> patrols a month; its share of the sections
LEVELS = (("县级", 1, 0.1), ("乡级", 4, 0.35), ("村级", 12, 0.55))
# How it was found: the first and the last month's share; machines find more and more.
FOUND_BY = {
    "卫星遥感": (0.16, 0.30),
    "视频监控": (0.12, 0.26),
    "人工巡查": (0.56, 0.32),
    "群众举报": (0.16, 0.12),
}
CONFIRMED = {"卫星遥感": 0.62, "视频监控": 0.74, "人工巡查": 0.93, "群众举报": 0.70}
DISORDERS = {"乱占": 0.28, "乱采": 0.06, "乱堆": 0.42, "乱建": 0.24}
DILIGENCE = {"341602": 0.97, "341621": 0.92, "341622": 0.95, "341623": 0.84}
LEFT = {"disorder": "乱建", "found_by": "人工巡查", "area_m2": "860.0", "confirmed": "属实", "cleared_on": ""}
PATROL_HEADERS = {
    "section_code": "河段编码",
    "river": "河流",
    "county_code": "区县代码",
    "chief_level": "河长级别",
    "month": "月份",
    "patrols_planned": "应巡次数",
    "patrols_done": "实巡次数",
}
FINDING_HEADERS = {
    "finding_code": "问题编号",
    "county_code": "区县代码",
    "river": "河流",
    "disorder": "问题类型",
    "found_by": "发现方式",
    "area_m2": "面积（平方米）",
    "found_on": "发现日期",
    "confirmed": "核实结论",
    "confirmed_on": "核实日期",
    "cleared_on": "销号日期",
}
PATROL_DEFECTS = [
    Defect("done_negative", 0.004, "patrols_done", setting("patrols_done", -3)),
    Defect("level_unknown", 0.003, "chief_level", setting("chief_level", "组级")),
    Defect("sent_twice", 0.003, "section_code", None),
]
FINDING_DEFECTS = [
    Defect("area_negative", 0.006, "area_m2", setting("area_m2", "-45.0")),
    Defect("kind_unknown", 0.004, "disorder", setting("disorder", "其他")),
    Defect("sent_twice", 0.004, "finding_code", None),
]


def months_before(day: date, count: int) -> list[date]:
    """The first days of the last `count` months, the month of `day` last."""
    newest = month_number(day)
    return [first_day(month) for month in range(newest - count + 1, newest + 1)]


def patrol_rows(seed: int, day: date) -> list[Row]:
    """Every section in every month; of the month that runs as many patrols as its days allow so far."""
    rows: list[Row] = []
    for county in load_areas().counties:
        fixed = np.random.default_rng([seed, int(county.code), 11])
        levels = fixed.choice(len(LEVELS), SECTIONS_OF_COUNTY, p=[share for _, _, share in LEVELS])
        rivers = fixed.integers(0, len(RIVERS[county.code]), SECTIONS_OF_COUNTY)
        for month in months_before(day, MONTHS):
            random = np.random.default_rng([seed, int(county.code), month.toordinal()])
            planned = np.array([LEVELS[level][1] for level in levels])
            done = random.binomial(planned, DILIGENCE[county.code]) + random.binomial(1, 0.08, len(planned))
            if (month.year, month.month) == (day.year, day.month):
                done = done * day.day // 31
            rows += [
                {
                    "section_code": f"{county.code}R{number + 1:03}",
                    "river": RIVERS[county.code][river],
                    "county_code": county.code,
                    "chief_level": LEVELS[level][0],
                    "month": month.isoformat(),
                    "patrols_planned": int(planned[number]),
                    "patrols_done": int(done[number]),
                }
                for number, (level, river) in enumerate(zip(levels.tolist(), rivers.tolist(), strict=True))
            ]
    return rows


def left_finding(begun: date) -> date:
    """The month whose first finding nobody clears: the oldest of the register on the day the city began."""
    return months_before(begun, MONTHS)[0]


def finding_rows(seed: int, a_month: int, day: date, begun: date) -> list[Row]:
    """The findings of the last 24 months, each as it was known on `day`. `begun`: when the city began."""
    rows: list[Row] = []
    for month in months_before(day, MONTHS):
        found = _found_in(seed, a_month, month, day)
        if month == left_finding(begun):
            for row in found[:1]:
                row |= LEFT | {"found_on": month.isoformat(), "confirmed_on": f"{month:%Y-%m}-03"}
        rows += [row for row in found if row["found_on"] <= day.isoformat()]
    return rows


def _found_in(seed: int, a_month: int, month: date, day: date) -> list[Row]:
    random = np.random.default_rng([seed, month.toordinal(), 12])
    counties = [county.code for county in load_areas().counties]
    grown = min(1.0, max(0.0, (month.year * 12 + month.month - 2024 * 12) / 48))
    ways = np.array([first + (last - first) * grown for first, last in FOUND_BY.values()])
    count = int(random.poisson(a_month * (1.3 if month.month in (4, 5, 9, 10) else 0.9)))
    luck = random.random((count, 6))
    way_of = random.choice(len(FOUND_BY), count, p=ways / ways.sum())
    kind_of = random.choice(len(DISORDERS), count, p=list(DISORDERS.values()))
    county_of = random.choice(len(counties), count, p=[0.31, 0.23, 0.22, 0.24])
    rows: list[Row] = []
    for number in range(count):
        found = month + timedelta(days=int(luck[number, 0] * 28))
        confirmed = found + timedelta(days=1 + int(luck[number, 1] * 6))
        way, county = list(FOUND_BY)[way_of[number]], counties[county_of[number]]
        is_true = luck[number, 2] < CONFIRMED[way]
        days = 3 + int(40 * luck[number, 3] ** 2 / DILIGENCE[county] ** 4)
        cleared = confirmed + timedelta(days=days) if is_true and luck[number, 5] < 0.97 else None
        known = confirmed <= day
        rows.append(
            {
                "finding_code": f"SL{month:%Y%m}-{number + 1:04}",
                "county_code": county,
                "river": RIVERS[county][int(luck[number, 4] * 3)],
                "disorder": list(DISORDERS)[kind_of[number]],
                "found_by": way,
                "area_m2": f"{20 + 900 * luck[number, 4] ** 3 + 200 * luck[number, 3]:.1f}",
                "found_on": found.isoformat(),
                "confirmed": ("属实" if is_true else "不属实") if known else "待核实",
                "confirmed_on": confirmed.isoformat() if known else "",
                "cleared_on": cleared.isoformat() if cleared and cleared <= day else "",
            }
        )
    return rows


def patrol_delivery(seed: int, day: date) -> tuple[bytes, int, list[Planted]]:
    """The report of patrols on `day`, its rows and the truth about them."""
    rows = patrol_rows(seed, day)
    keys = np.array(
        [int(row["section_code"].replace("R", "")) * 4096 + _months(row["month"]) for row in rows]
    )
    truth = plant(
        seed, "river_patrol", rows, keys, lambda row: f"{row['section_code']} {row['month']}", PATROL_DEFECTS
    )
    return csv_bytes(PATROL_HEADERS, rows), len(rows), truth


def finding_delivery(seed: int, a_month: int, begun: date, day: date) -> tuple[bytes, int, list[Planted]]:
    """The register of findings on `day`, its rows and the truth about them."""
    rows = finding_rows(seed, a_month, day, begun)
    keys = np.array([int(row["finding_code"][2:].replace("-", "")) for row in rows], dtype=np.int64)
    truth = plant(
        seed, "four_disorder_finding", rows, keys, lambda row: str(row["finding_code"]), FINDING_DEFECTS
    )
    return csv_bytes(FINDING_HEADERS, rows), len(rows), truth


def _begun(ledger: Ledger) -> date:
    return ledger.local_start.date()


def river_chief_stories(ledger: Ledger) -> list[dict[str, str]]:
    """The finding that nobody clears, for people and tests."""
    begun = _begun(ledger)
    return [
        {
            "story": "finding_left",
            "dataset": "four_disorder_finding",
            "key": f"SL{left_finding(begun):%Y%m}-0001",
            "from": left_finding(begun).isoformat(),
            "to": begun.isoformat(),
            "what": "a building within the management range, confirmed two years ago, still stands",
        }
    ]


def _months(month: str) -> int:
    return int(month[:4]) % 100 * 12 + int(month[5:7])


def river_chief_deliveries(ledger: Ledger, local: datetime) -> Iterator[Delivery]:
    """Both exports, once a month."""
    day = local.date()
    a_month = ledger.scaled(FINDINGS_A_MONTH, 8)
    exports = {
        "river_patrol": partial(patrol_delivery, ledger.seed, day),
        "four_disorder_finding": partial(finding_delivery, ledger.seed, a_month, _begun(ledger), day),
    }
    for name, make in exports.items():
        yield dropped(name, f"{name}_{local:%Y%m}.csv", local, 2, make)
