"""What a firm does in a year: staff, revenue, assets, tax, insurance. Two stories run through all of it."""

from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from citybrain.simulate.firms import FAILING, TROUBLED, Firms
from citybrain.simulate.industries import load_industries
from citybrain.simulate.noise import normal, uniform

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

# The share of firms of a form that report at all
REPORTING = {"company": 0.94, "stock": 1.0, "sole": 0.85, "shop": 0.4, "farm": 0.6, "collective": 0.7}
INSURED_SHARE = {"company": 0.82, "stock": 0.95, "sole": 0.6, "shop": 0.35, "farm": 0.3, "collective": 0.25}
CLOSED_BY = (5, 31)  # a firm closed by then in the next year reports no more

# The firms that go, or may go, under, by years before the first day: staff, share of their usual revenue,
# insured share, lay-offs, months unpaid
STORIES = {
    FAILING: {
        3: (430, 1.00, 0.97, 0, 0),
        2: (262, 0.55, 0.71, 168, 4),
        1: (58, 0.11, 0.0, 204, 11),
    },
    TROUBLED: {
        3: (180, 1.00, 0.96, 0, 0),
        2: (151, 0.82, 0.80, 29, 2),
        1: (96, 0.41, 0.46, 55, 9),
    },
}


@dataclass(frozen=True)
class Year:
    """One entry for each firm that reports the year. Money is in 10,000 yuan."""

    year: int
    firms: Firms
    staff: Integers
    insured: Integers
    layoffs: Integers
    arrears_months: Integers
    revenue: Floats
    assets: Floats
    tax: Floats
    research: Floats
    research_declared: NDArray[np.bool_]


def _chances(seed: int, stream: str, numbers: Integers, year: int) -> Floats:
    return uniform(seed, stream, numbers * 4096 + year)


def _cents(money: Floats) -> Floats:
    rounded: Floats = np.round(money, 2)
    return rounded


def _levels(seed: int, firms: Firms, year: int, first_year: int) -> Floats:
    """The firm's size in `year` against its usual one: a random walk about its trade's growth."""
    logarithm = 0.1 * normal(seed, "level", firms.numbers)
    trend = load_industries().growth[firms.industries]
    for step in range(first_year + 1, year + 1):
        logarithm = logarithm + trend + 0.11 * normal(seed, "growth", firms.numbers * 4096 + step)
    return np.exp(logarithm)


def year_of(seed: int, firms: Firms, year: int, first_day: date) -> Year:
    """The year's facts of the firms that report it. `first_day`: the day the demo city began."""
    last = np.datetime64(date(year, 12, 31))
    still_there = np.datetime64(date(year + 1, *CLOSED_BY))
    reporting = np.array([REPORTING[form] for form in firms.forms])
    reports = (
        (firms.established <= last - np.timedelta64(60, "D"))
        & (np.isnat(firms.closed) | (firms.closed > still_there))
        & (uniform(seed, "reports", firms.numbers) < reporting)
    )
    reports |= np.isin(firms.numbers, list(STORIES))
    chosen = firms[reports]
    trades, kinds = load_industries(), chosen.industries
    first_year = min(first_day.year - 3, year)
    level = _levels(seed, chosen, year, first_year)
    before = _levels(seed, chosen, year - 1, first_year) if year > first_year else level
    staff = np.maximum(1, np.rint(chosen.staff * level)).astype(np.int64)
    lost = np.maximum(0, np.rint(chosen.staff * before).astype(np.int64) - staff)
    layoffs = np.floor(lost * _chances(seed, "layoffs", chosen.numbers, year)).astype(np.int64)

    part_of_year = np.clip((last - chosen.established).astype(np.int64) / 365.0, 0.15, 1.0)
    swing = np.exp(0.12 * normal(seed, "revenue", chosen.numbers * 4096 + year))
    revenue = staff * trades.revenue_per_head[kinds] * chosen.productivity * swing * part_of_year
    assets = np.maximum(
        revenue * trades.assets_to_revenue[kinds] * np.exp(0.4 * normal(seed, "assets", chosen.numbers)),
        0.3 * chosen.capital,
    )
    burden = np.exp(0.3 * normal(seed, "tax", chosen.numbers * 4096 + year))
    pays = _chances(seed, "loss", chosen.numbers, year) > 0.08
    tax = np.where(pays, revenue * trades.tax_share[kinds] * burden, 0.0)
    researches = uniform(seed, "researches", chosen.numbers) < np.minimum(
        0.9, 12 * trades.research_share[kinds] + 0.03
    )
    effort = np.exp(0.5 * normal(seed, "research", chosen.numbers * 4096 + year))
    research = np.where(researches, revenue * trades.research_share[kinds] * 1.6 * effort, 0.0)

    insured_share = np.array([INSURED_SHARE[form] for form in chosen.forms])
    insured_share = np.clip(insured_share + 0.18 * normal(seed, "insured", chosen.numbers), 0.05, 1.0)
    insured = np.floor(staff * insured_share).astype(np.int64)
    in_arrears = _chances(seed, "arrears", chosen.numbers, year) < 0.018
    months = 1 + np.floor(6 * _chances(seed, "months", chosen.numbers, year)).astype(np.int64)
    arrears = np.where(in_arrears & (insured > 0), months, 0)

    for number, story in STORIES.items():
        if first_day.year - year not in story:
            continue
        people, share, insured_part, laid_off, unpaid = story[first_day.year - year]
        firm = np.flatnonzero(chosen.numbers == number)[0]
        usual = chosen.staff[firm] * trades.revenue_per_head[kinds[firm]]
        staff[firm], layoffs[firm], arrears[firm] = people, laid_off, unpaid
        insured[firm] = int(people * insured_part)
        revenue[firm], assets[firm] = usual * share, usual * 1.4
        tax[firm] = revenue[firm] * trades.tax_share[kinds[firm]] * share
        research[firm] = revenue[firm] * trades.research_share[kinds[firm]] * share
    revenue, assets, tax, research = (_cents(money) for money in (revenue, assets, tax, research))
    return Year(
        year=year,
        firms=chosen,
        staff=staff,
        insured=insured,
        layoffs=layoffs,
        arrears_months=arrears,
        revenue=revenue,
        assets=assets,
        tax=tax,
        research=research,
        research_declared=_chances(seed, "declared", chosen.numbers, year) > 0.03,
    )
