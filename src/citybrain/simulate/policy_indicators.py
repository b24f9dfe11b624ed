"""What departments state about enterprises for policies: one row per enterprise and indicator.

Which indicators there are and how each is drawn stands in `data/policy_indicators.yml`. An indicator may lie
within another one (exports of the year before only for those that export), and then follows it.
"""

from datetime import date
from functools import cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from citybrain.catalogue import ContentModel, load_content
from citybrain.simulate.csv_file import csv_bytes
from citybrain.simulate.dirt import Defect, Planted, Row, changing, one_of, plant, wrong_check_character
from citybrain.simulate.firms import Firms
from citybrain.simulate.industries import load_industries
from citybrain.simulate.noise import normal, uniform
from citybrain.simulate.places import DATA

HEADERS = {
    "uscc": "统一社会信用代码",
    "indicator": "指标代码",
    "year": "统计年度",
    "number": "数值",
    "level": "等级",
    "department": "提供部门",
}
UNTOLD = 0.03  # of the numbers: on the list, and not settled yet
COMPANIES = ("company", "stock")
DEFECTS = [
    Defect("uscc_check_character", 0.0030, "uscc", changing("uscc", wrong_check_character)),
    Defect("number_not_a_number", 0.0020, "number", one_of("number", ["待核", "约30"])),
    Defect("indicator_unknown", 0.0020, "indicator", changing("indicator", lambda code: f"{code}_old")),
    Defect("sent_twice", 0.0015, "uscc", None),
]

Floats = NDArray[np.float64]
Places = NDArray[np.int64]


class Indicator(ContentModel):
    """One indicator and whom it concerns. `of`: revenue (yuan), staff, one, or another indicator."""

    code: str
    zh: str
    department: str
    kind: Literal["flag", "level", "year", "whole", "money", "amount"]
    trades: list[str] = Field(default_factory=list, description="beginnings of the industry code; empty: all")
    within: str | None = None
    least_staff: float = 0
    least_revenue_wan: float = 0
    share: float = Field(default=1, gt=0, le=1)
    of: str = "one"
    factor: float = Field(default=1, gt=0)
    spread: float = Field(default=0, ge=0)
    levels: dict[str, float] = Field(default_factory=dict, description="level -> its share")
    years: int = Field(default=0, description="year only: how many years back it may lie")

    @model_validator(mode="after")
    def _complete(self) -> "Indicator":
        if (self.kind == "level") != bool(self.levels):
            raise ValueError("a level lists its levels, and nothing else does")
        if (self.kind == "year") != (self.years > 0):
            raise ValueError("a year says how far back it may lie, and nothing else does")
        return self


class IndicatorsFile(ContentModel):
    indicators: list[Indicator]

    @model_validator(mode="after")
    def _in_order(self) -> "IndicatorsFile":
        known = {"one", "staff", "revenue"}
        for indicator in self.indicators:
            for name in (indicator.within, indicator.of):
                if name is not None and name not in known:
                    raise ValueError(f"{indicator.code} follows {name}, which stands below it or nowhere")
            known.add(indicator.code)
        return self


@cache
def load_indicators() -> tuple[Indicator, ...]:
    """In the order of the file. Raises ContentError."""
    return tuple(load_content(DATA / "policy_indicators.yml", IndicatorsFile).indicators)


def indicator_rows(seed: int, firms: Firms, day: date) -> tuple[list[Row], list[int]]:
    """Every statement as of `day`, and a number for each row that stays the same."""
    trades = load_industries()
    codes = trades.codes[firms.industries]
    revenue = firms.staff * trades.revenue_per_head[firms.industries] * firms.productivity * 10_000
    standing = np.isnat(firms.closed) | (firms.closed > np.datetime64(day))
    concerned = standing & (np.isin(firms.forms, COMPANIES) | np.strings.startswith(codes, "A"))
    listed: dict[str, Places] = {}
    numbers: dict[str, Floats] = {"one": np.ones(len(firms)), "staff": firms.staff, "revenue": revenue}
    rows: list[Row] = []
    keys: list[int] = []
    for place, indicator in enumerate(load_indicators()):
        members = _members(seed, indicator, firms, codes, revenue, concerned, listed)
        listed[indicator.code] = members
        drawn = _numbers(seed, indicator, firms, members, numbers, day.year)
        numbers[indicator.code] = np.zeros(len(firms))
        numbers[indicator.code][members] = drawn
        levels = _levels(seed, indicator, firms.numbers[members])
        untold = uniform(seed, f"{indicator.code}/untold", firms.numbers[members]) < UNTOLD
        for firm, number, level, unknown in zip(members, drawn, levels, untold, strict=True):
            rows.append(
                {
                    "uscc": str(firms.codes[firm]),
                    "indicator": indicator.code,
                    "year": day.year - 1,
                    "number": "" if level or unknown else _written(indicator, number),
                    "level": level,
                    "department": indicator.department,
                }
            )
        keys += (firms.numbers[members] * 1024 + place).tolist()
    return rows, keys


def _members(
    seed: int,
    indicator: Indicator,
    firms: Firms,
    codes: NDArray[np.str_],
    revenue: Floats,
    concerned: NDArray[np.bool_],
    listed: dict[str, Places],
) -> Places:
    """Places of the enterprises that are on the indicator's list."""
    chosen = concerned & (firms.staff >= indicator.least_staff)
    chosen &= revenue >= indicator.least_revenue_wan * 10_000
    if indicator.trades:
        chosen &= np.logical_or.reduce([np.strings.startswith(codes, trade) for trade in indicator.trades])
    if indicator.within is not None:
        chosen &= np.isin(np.arange(len(firms)), listed[indicator.within])
    return np.flatnonzero(chosen & (uniform(seed, indicator.code, firms.numbers) < indicator.share))


def _numbers(
    seed: int, indicator: Indicator, firms: Firms, members: Places, numbers: dict[str, Floats], year: int
) -> Floats:
    if indicator.kind == "year":
        luck = uniform(seed, f"{indicator.code}/year", firms.numbers[members])
        return year - 1 - np.floor(luck * indicator.years)
    swing = np.exp(indicator.spread * normal(seed, f"{indicator.code}/size", firms.numbers[members]))
    return numbers[indicator.of][members] * indicator.factor * swing


def _levels(seed: int, indicator: Indicator, members: Places) -> list[str]:
    if indicator.kind == "flag":
        return ["yes"] * len(members)
    if indicator.kind != "level":
        return [""] * len(members)
    names, bounds = list(indicator.levels), np.cumsum(list(indicator.levels.values()))
    drawn = np.searchsorted(bounds, uniform(seed, f"{indicator.code}/level", members) * bounds[-1])
    return [names[place] for place in drawn]


def _written(indicator: Indicator, number: float) -> str:
    if indicator.kind in ("whole", "year"):
        return str(max(1, round(number)))
    return f"{max(1.0, number):.2f}"


def indicator_delivery(seed: int, firms: Firms, day: date) -> tuple[bytes, int, list[Planted]]:
    """The table as it stands on `day`, its rows and the truth about them."""
    rows, keys = indicator_rows(seed, firms, day)
    truth = plant(
        seed,
        "policy_indicator",
        rows,
        np.array(keys),
        lambda row: f"{row['uscc']} {row['indicator']}",
        DEFECTS,
    )
    return csv_bytes(HEADERS, rows), len(rows), truth
