"""The reform commission's major projects: the plan, its milestones, and what was invested each month."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial

import numpy as np
import orjson

from citybrain.catalogue import load_areas
from citybrain.simulate.csv_file import csv_bytes
from citybrain.simulate.delivery import SHANGHAI, Content, Delivery, dropped
from citybrain.simulate.dirt import Defect, Row, changing, one_of, setting
from citybrain.simulate.economy.leftovers import leave_lines
from citybrain.simulate.ledger import Ledger
from citybrain.simulate.months import first_day, last_day, month_number, newest_reported
from citybrain.simulate.noise import normal, uniform

AT_SCALE_1, LEAST = 420, 60
REACH_BACK = 31  # months before the city begins: no project of the plan is older
REPORTED_ON = 8  # day of the month after
LAGGING, SILENT, UNPERMITTED = 3, 7, 11  # the projects of the stories
SILENT_MONTHS = 2
SECTORS = (
    ("产业", ("中药产业园扩建", "智能制造基地", "食品加工园", "装备产业园")),
    ("交通", ("省道改建", "货运枢纽", "城市快速路", "航道整治")),
    ("水利", ("河道治理", "灌区改造", "泵站更新", "引调水配套")),
    ("城建", ("雨污分流改造", "老旧管网更新", "公园绿地", "停车设施")),
    ("民生", ("医院新院区", "学校扩建", "养老服务中心", "文体中心")),
    ("能源", ("风电场", "光伏电站", "储能电站", "燃气管线")),
)
# Milestone -> days before the planned start, or share of the planned time after it
MILESTONES = (
    ("立项批复", -210, None),
    ("用地规划许可", -140, None),
    ("施工许可", -30, None),
    ("开工", 0, None),
    ("主体完工", None, 0.7),
    ("竣工验收", None, 1.0),
)
PROJECT_HEADERS = {
    "project_code": "项目代码",
    "project_name": "项目名称",
    "county_code": "所在县区代码",
    "sector": "领域",
    "owner_unit": "建设单位",
    "total_wan": "总投资(万元)",
    "planned_start_on": "计划开工日期",
    "planned_finish_on": "计划完工日期",
}
MILESTONE_HEADERS = {
    "project_code": "项目代码",
    "milestone": "节点",
    "planned_on": "计划日期",
    "actual_on": "实际日期",
}
PROJECT_DEFECTS = [
    Defect("county_unknown", 0.01, "county_code", setting("county_code", "341699")),
    Defect("total_not_a_number", 0.01, "total_wan", one_of("total_wan", ["3.2亿", "待批"])),
    Defect("sector_unknown", 0.01, "sector", setting("sector", "其他待分")),
    Defect("sent_twice", 0.01, "project_code", None),
]
MILESTONE_DEFECTS = [
    Defect("milestone_unknown", 0.004, "milestone", setting("milestone", "开工仪式")),
    Defect("planned_unreadable", 0.004, "planned_on", one_of("planned_on", ["年底前", "二季度"])),
    Defect("code_missing", 0.004, "project_code", setting("project_code", "")),
    Defect("sent_twice", 0.004, "project_code", None),
]
PROGRESS_DEFECTS = [
    Defect("invested_negative", 0.003, "invested_wan", changing("invested_wan", lambda money: -money - 1)),
    Defect("invested_not_a_number", 0.003, "invested_wan", setting("invested_wan", "见附件")),
    Defect(
        "month_in_future", 0.003, "month", changing("month", lambda month: f"{int(month[:4]) + 30}-01-01")
    ),
    Defect("code_missing", 0.003, "project_code", setting("project_code", None)),
    Defect("sent_twice", 0.003, "project_code", None),
]


@dataclass(frozen=True)
class Major:
    """One planned project. `pace`: how far investment runs ahead of time halfway, as a share of the total."""

    number: int
    code: str
    name: str
    county: str
    sector: str
    total_wan: float
    start: date
    finish: date
    pace: float

    def share_at(self, day: date) -> float:
        """Share of the total invested by the end of `day`."""
        gone = (day - self.start) / (self.finish - self.start)
        if gone <= 0:
            return 0.0
        return float(np.clip(gone + self.pace * np.sin(np.pi * min(gone, 1.0)), 0.0, 1.0))


def majors(seed: int, count: int, first: date) -> list[Major]:
    """The plan of a city that began on `first`: projects start from 30 months before to half a year after."""
    numbers = np.arange(count)
    names = ("county", "sector", "kind", "start", "length", "laggard")
    drawn = {name: uniform(seed, f"major/{name}", numbers) for name in names}
    size, pace = normal(seed, "major/size", numbers), normal(seed, "major/pace", numbers)
    counties = load_areas().counties
    residents = np.array([county.residents_thousand or 0 for county in counties], dtype=float)
    where = np.searchsorted(np.cumsum(residents / residents.sum()), drawn["county"])
    found = []
    for number in numbers.tolist():
        sector, kinds = SECTORS[int(drawn["sector"][number] * len(SECTORS))]
        county = counties[int(where[number])]
        start = first - timedelta(days=int(900 - 1080 * drawn["start"][number]))
        months = 12 + int(25 * drawn["length"][number])
        share = -0.2 if drawn["laggard"][number] < 0.03 else float(np.clip(0.05 * pace[number], -0.1, 0.12))
        if number in (LAGGING, SILENT, UNPERMITTED):
            start, months = first - timedelta(days=400), 24
            share = -0.3 if number == LAGGING else 0.02
        kind = kinds[int(drawn["kind"][number] * len(kinds))]
        found.append(
            Major(
                number=number,
                code=f"ZD{first.year}{number + 1:04d}",
                name=f"{county.zh}{kind}工程（示范{number + 1:03d}）",
                county=county.code,
                sector=sector,
                total_wan=round(28_000 * float(np.exp(0.8 * size[number])), -2),
                start=start,
                finish=start + timedelta(days=round(months * 30.44)),
                pace=share,
            )
        )
    return found


def project_rows(seed: int, plan: list[Major]) -> tuple[list[Row], list[int]]:
    """The list of the plan, and a number for each row that stays the same."""
    rows = [
        {
            "project_code": major.code,
            "project_name": major.name,
            "county_code": major.county,
            "sector": major.sector,
            "owner_unit": f"{major.sector}建设管理单位（示范）",
            "total_wan": f"{major.total_wan:.2f}",
            "planned_start_on": major.start.isoformat(),
            "planned_finish_on": major.finish.isoformat(),
        }
        for major in plan
    ]
    return rows, [major.number for major in plan]


def milestone_rows(seed: int, plan: list[Major], day: date) -> tuple[list[Row], list[int]]:
    """Six milestones of each project as they stand on `day`."""
    rows: list[Row] = []
    keys: list[int] = []
    for major in plan:
        for place, (milestone, before, share) in enumerate(MILESTONES):
            key = major.number * 16 + place
            length = (major.finish - major.start).days
            planned = major.start + timedelta(
                days=before if before is not None else int(length * (share or 0))
            )
            late = int(12 * float(normal(seed, "major/milestone", np.array([key]))[0]))
            if share is not None:
                late += round(-1.5 * major.pace * length)
            actual = planned + timedelta(days=late)
            done = actual <= day and not (milestone == "施工许可" and major.number == UNPERMITTED)
            if share is not None and major.number == SILENT:
                done = False
            rows.append(
                {
                    "project_code": major.code,
                    "milestone": milestone,
                    "planned_on": planned.isoformat(),
                    "actual_on": actual.isoformat() if done else "",
                }
            )
            keys.append(key)
    return rows, keys


def progress_rows(plan: list[Major], months: range, silent_from: int) -> tuple[list[Row], list[int]]:
    """What each running project invested in each month; `silent_from`: the month the silent one stops in."""
    rows: list[Row] = []
    keys: list[int] = []
    for month in months:
        for major in plan:
            if month_number(major.start) > month or major.share_at(last_day(month - 1)) >= 1.0:
                continue
            done = major.share_at(last_day(month)) - major.share_at(last_day(month - 1))
            stopped = major.number == SILENT and month >= silent_from
            invested = 0.0 if stopped else round(major.total_wan * done, 2)
            note = "停工" if stopped else "进度滞后" if major.pace <= -0.15 else "按计划推进"
            rows.append(
                {
                    "project_code": major.code,
                    "month": first_day(month).isoformat(),
                    "invested_wan": invested,
                    "note": note,
                }
            )
            keys.append(major.number * 65536 + month)
    return rows, keys


def project_delivery(seed: int, count: int, first: date) -> Content:
    """The list of the plan, its rows and the truth about them."""
    rows, keys = project_rows(seed, majors(seed, count, first))
    truth = leave_lines(
        seed, "major_project", rows, np.array(keys), lambda row: row["project_code"], PROJECT_DEFECTS
    )
    return csv_bytes(PROJECT_HEADERS, rows), len(rows), truth


def milestone_delivery(seed: int, count: int, first: date, day: date) -> Content:
    """The milestones as they stand on `day`, their rows and the truth about them."""
    rows, keys = milestone_rows(seed, majors(seed, count, first), day)
    truth = leave_lines(
        seed,
        "major_project_milestone",
        rows,
        np.array(keys),
        lambda row: f"{row['project_code']} {row['milestone']}",
        MILESTONE_DEFECTS,
    )
    return csv_bytes(MILESTONE_HEADERS, rows), len(rows), truth


def progress_delivery(seed: int, count: int, first: date, months: range) -> Content:
    """The reports of some months, their rows and the truth about them."""
    silent_from = newest_reported(first, REPORTED_ON) - SILENT_MONTHS + 1
    rows, keys = progress_rows(majors(seed, count, first), months, silent_from)
    truth = leave_lines(
        seed,
        "major_project_progress",
        rows,
        np.array(keys),
        lambda row: f"{row['project_code']} {row['month']}",
        PROGRESS_DEFECTS,
    )
    return b"".join(orjson.dumps(row) + b"\n" for row in rows), len(rows), truth


def major_deliveries(ledger: Ledger, local: datetime) -> Iterator[Delivery]:
    """The plan and its milestones once a month; the reports of 30 months at first, then each month's."""
    seed, count = ledger.seed, ledger.scaled(AT_SCALE_1, LEAST)
    first = ledger.started.astimezone(SHANGHAI).date()
    make = partial(project_delivery, seed, count, first)
    yield dropped("major_project", f"major_project_{local:%Y%m}.csv", local, 2, make)
    make = partial(milestone_delivery, seed, count, first, local.date())
    yield dropped("major_project_milestone", f"major_project_milestone_{local:%Y%m}.csv", local, 2, make)
    newest = newest_reported(first, REPORTED_ON)
    spans = [range(month_number(first) - REACH_BACK, newest + 1)]
    spans += [range(m, m + 1) for m in range(newest + 1, newest_reported(local.date(), REPORTED_ON) + 1)]
    for months in spans:
        name = f"major_project_progress_{first_day(months[0]):%Y%m}_{first_day(months[-1]):%Y%m}.jsonl"
        make = partial(progress_delivery, seed, count, first, months)
        yield dropped("major_project_progress", name, local, 1, make)


def major_stories(ledger: Ledger) -> list[dict[str, str]]:
    """A project that lags, one without progress, one without a permit."""
    first = ledger.started.astimezone(SHANGHAI).date()
    newest = newest_reported(first, REPORTED_ON)
    plan = majors(ledger.seed, ledger.scaled(AT_SCALE_1, LEAST), first)
    told = (
        (
            "major_project_lags",
            LAGGING,
            "share of time gone exceeds the share invested by more than 15 points",
        ),
        ("major_project_silent", SILENT, "a running project reports no investment for two months"),
        ("major_project_unpermitted", UNPERMITTED, "a running project has neither permit"),
    )
    return [
        {
            "story": story,
            "dataset": "major_project_progress",
            "key": plan[number].code,
            "from": first_day(newest - 1).isoformat(),
            "to": last_day(newest).isoformat(),
            "what": what,
        }
        for story, number, what in told
    ]
