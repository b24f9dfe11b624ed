"""The commerce bureau's investment projects: signed, landed, started, producing, and those that stall."""

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
from citybrain.simulate.dirt import Defect, Row, changing, one_of, plant, setting
from citybrain.simulate.ledger import Ledger
from citybrain.simulate.noise import normal, uniform
from citybrain.simulate.places import DATA

Days = NDArray[np.int64]  # days since 1970

AT_SCALE_1, LEAST = 2000, 240  # signed in the three years before the city begins
BEFORE_DAYS = 3 * 365
NEVER = 2**40
STALLED_STORY = 5  # the project that landed and was never started
SOURCES = ("安徽省内", "江苏省", "浙江省", "上海市", "广东省", "山东省", "北京市", "河南省")
HEADERS = {
    "project_code": "项目编号",
    "project_name": "项目名称",
    "county_code": "落地县区代码",
    "industry_code": "行业代码",
    "source_place": "投资方来源地",
    "agreed_wan": "协议投资额(万元)",
    "invested_wan": "累计到位资金(万元)",
    "signed_on": "签约日期",
    "landed_on": "落地日期",
    "started_on": "开工日期",
    "producing_on": "投产日期",
    "stage": "当前阶段",
    "last_progress_on": "最近进展日期",
}
DEFECTS = [
    Defect("code_missing", 0.003, "project_code", setting("project_code", "")),
    Defect("county_unknown", 0.003, "county_code", setting("county_code", "341699")),
    Defect("agreed_not_a_number", 0.003, "agreed_wan", one_of("agreed_wan", ["约2亿", "待定"])),
    Defect(
        "signed_in_future", 0.003, "signed_on", changing("signed_on", lambda day: f"2{day[1:2]}9{day[3:]}")
    ),
    Defect("stage_unknown", 0.003, "stage", one_of("stage", ["洽谈", "在谈"])),
    Defect("sent_twice", 0.004, "project_code", None),
]


@dataclass(frozen=True)
class Themes:
    codes: list[str]
    names: list[str]
    bounds: NDArray[np.float64]
    medians: NDArray[np.float64]


@cache
def _themes() -> Themes:
    with (DATA / "investment_themes.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    weights = np.array([float(row["weight"]) for row in rows])
    return Themes(
        codes=[row["industry_code"] for row in rows],
        names=[row["theme"] for row in rows],
        bounds=np.cumsum(weights / weights.sum()),
        medians=np.array([float(row["median_wan"]) for row in rows]),
    )


@dataclass(frozen=True)
class Projects:
    """One entry for each project signed up to a day; a day that never comes is NEVER."""

    numbers: NDArray[np.int64]
    counties: NDArray[np.int64]
    themes: NDArray[np.int64]
    agreed: NDArray[np.float64]
    signed: Days
    landed: Days
    started: Days
    producing: Days
    halted: Days  # no progress after this day


def _day_number(day: date) -> int:
    return int(np.datetime64(day).astype(np.int64))


def projects_until(seed: int, count: int, first: date, day: date) -> Projects:
    """The projects signed up to `day`; `count` of them in the three years before `first`."""
    begun, today = _day_number(first), _day_number(day)
    known = int(count * (1 + (today - begun) / BEFORE_DAYS)) + 2
    numbers = np.arange(known)

    def draw(name: str) -> NDArray[np.float64]:
        return uniform(seed, f"investment/{name}", numbers)

    def lag(name: str, least: float, median: float, spread: float) -> Days:
        days = least + median * np.exp(spread * normal(seed, f"investment/{name}", numbers))
        return np.rint(days).astype(np.int64)

    themes = np.minimum(np.searchsorted(_themes().bounds, draw("theme")), len(_themes().codes) - 1)
    residents = np.array([county.residents_thousand or 0 for county in load_areas().counties], dtype=float)
    counties = np.searchsorted(np.cumsum(residents / residents.sum()), draw("county"))
    agreed = np.round(_themes().medians[themes] * np.exp(0.8 * normal(seed, "investment/size", numbers)), -2)
    signed = begun - BEFORE_DAYS + ((numbers + draw("signed")) * BEFORE_DAYS / count).astype(np.int64)
    landed = np.where(draw("lands") < 0.88, signed + lag("landed", 20, 80, 0.6), NEVER)
    started = np.where(draw("starts") < 0.86, landed + lag("started", 30, 105, 0.6), NEVER)
    producing = np.where(draw("produces") < 0.88, started + lag("producing", 150, 260, 0.4), NEVER)
    halted = np.where(producing < NEVER, NEVER, started + 90)
    if known > STALLED_STORY:
        agreed[STALLED_STORY] = 36_000.0
        signed[STALLED_STORY], landed[STALLED_STORY] = begun - 560, begun - 430
        started[STALLED_STORY] = producing[STALLED_STORY] = halted[STALLED_STORY] = NEVER
    reached = np.flatnonzero(signed <= today)
    started = np.where(landed >= NEVER, NEVER, started)
    producing = np.where(started >= NEVER, NEVER, producing)
    return Projects(
        numbers=numbers[reached],
        counties=counties[reached],
        themes=themes[reached],
        agreed=agreed[reached],
        signed=signed[reached],
        landed=landed[reached],
        started=started[reached],
        producing=producing[reached],
        halted=halted[reached],
    )


def investment_rows(seed: int, count: int, first: date, day: date) -> tuple[list[Row], list[int]]:
    """The register as it stands on `day`, and a number for each row that stays the same."""
    projects, today, themes = projects_until(seed, count, first, day), _day_number(day), _themes()
    counties = load_areas().counties
    source = uniform(seed, "investment/source", projects.numbers)
    ended = uniform(seed, "investment/ended", projects.numbers) < 0.3
    rows: list[Row] = []
    for place, number in enumerate(projects.numbers.tolist()):
        signed, landed, started, producing = (
            int(days[place])
            for days in (projects.signed, projects.landed, projects.started, projects.producing)
        )
        agreed, halted = float(projects.agreed[place]), int(projects.halted[place])
        moving = min(today, halted)
        if started <= today:
            span = producing - started if producing < NEVER else 400
            invested = agreed * min(1.0, 0.05 + 0.95 * (moving - started) / span)
            stage, moved = ("投产" if producing <= today else "开工"), moving - moving % 7
        elif landed <= today:
            invested, stage, moved = agreed * 0.03, "落地", landed
        else:
            gone = landed >= NEVER and ended[place] and today - signed > 400
            invested, stage, moved = 0.0, ("终止" if gone else "签约"), signed
        county = counties[int(projects.counties[place])]
        theme = int(projects.themes[place])
        rows.append(
            {
                "project_code": f"ZS{number + 1:06d}",
                "project_name": f"{county.zh}{themes.names[theme]}项目（示范{number + 1:04d}）",
                "county_code": county.code,
                "industry_code": themes.codes[theme],
                "source_place": SOURCES[int(source[place] ** 1.6 * len(SOURCES))],
                "agreed_wan": f"{agreed:.2f}",
                "invested_wan": f"{invested:.2f}",
                "signed_on": _iso(signed, today),
                "landed_on": _iso(landed, today),
                "started_on": _iso(started, today),
                "producing_on": _iso(producing, today),
                "stage": stage,
                "last_progress_on": _iso(max(moved, signed), today),
            }
        )
    return rows, projects.numbers.tolist()


def _iso(day: int, today: int) -> str:
    return str(np.datetime64(day, "D")) if day <= today else ""


def investment_delivery(seed: int, count: int, first: date, day: date) -> Content:
    """The register of `day`, its rows and the truth about them."""
    rows, keys = investment_rows(seed, count, first, day)
    truth = plant(
        seed,
        "investment_project",
        rows,
        np.array(keys),
        lambda row: f"{row['project_code']} {row['signed_on']}",
        DEFECTS,
    )
    return csv_bytes(HEADERS, rows).decode().encode("gb18030"), len(rows), truth


def investment_deliveries(ledger: Ledger, local: datetime) -> Iterator[Delivery]:
    """The register once a month."""
    first, count = ledger.started.astimezone(SHANGHAI).date(), ledger.scaled(AT_SCALE_1, LEAST)
    name = f"investment_project_{local:%Y%m}.csv"
    make = partial(investment_delivery, ledger.seed, count, first, local.date())
    yield dropped("investment_project", name, local, 2, make)


def investment_stories(ledger: Ledger) -> list[dict[str, str]]:
    """The project that landed and was never started."""
    begun = _day_number(ledger.started.astimezone(SHANGHAI).date())
    return [
        {
            "story": "investment_stalled",
            "dataset": "investment_project",
            "key": f"ZS{STALLED_STORY + 1:06d}",
            "from": str(np.datetime64(begun - 430, "D")),
            "to": str(np.datetime64(begun, "D")),
            "what": "a project of 360 million yuan landed and has not been started since",
        }
    ]
