"""The firms of the demo city: who they are for good, and what changes on which day.

Firms come in blocks: the register as it stood on the first day, then one small block a day. A block is a pure
function of the seed and its number, and a firm's whole life (moves, new capital, closing) is drawn when it is
founded, so the register of any day can be computed on its own.
"""

from dataclasses import dataclass, fields
from datetime import date

import numpy as np
from numpy.typing import NDArray

from citybrain.simulate.credit_code import credit_codes, organisation_codes
from citybrain.simulate.industries import load_industries
from citybrain.simulate.naming import firm_names
from citybrain.simulate.places import load_villages

Days = NDArray[np.datetime64]
Floats = NDArray[np.float64]

OLDEST = np.datetime64("1995-01-01")
CLOSING_A_YEAR = 0.032
RAISING_CAPITAL_A_YEAR = 0.08
MOVING_A_YEAR = 0.04
NEW_A_YEAR = 0.14  # firms founded in a year, as a share of the first register
REVOKED_SHARE = 0.12  # of those closed
BLOCK_NUMBERS = 10_000_000  # organisation numbers kept for one block

# form -> (registrar and kind of the credit code, kind of entity as registered)
ENTITY = {
    "company": ("91", "有限责任公司"),
    "stock": ("91", "股份有限公司"),
    "sole": ("91", "个人独资企业"),
    "shop": ("92", "个体工商户"),
    "farm": ("93", "农民专业合作社"),
    "collective": ("N2", "农村集体经济组织"),
}
# The form of a trade -> the legal forms its firms take, with their shares
FORM_SHARES = {
    "company": {"company": 0.94, "stock": 0.015, "sole": 0.045},
    "shop": {"shop": 0.52, "company": 0.44, "sole": 0.04},
    "farm": {"farm": 0.56, "company": 0.27, "collective": 0.14, "sole": 0.03},
}
CAPITAL_STEPS = np.array([3, 5, 10, 20, 30, 50, 100, 200, 300, 500, 1000, 2000, 3000, 5000, 10000, 20000])
FAILING = 0  # the firm of the first block that goes under
TROUBLED = 1  # one that may yet be saved
UPGRADED = 2  # one that the upgrade of its plant entitles to the largest grant


@dataclass(frozen=True)
class Firms:
    """One entry for each firm. Money is in 10,000 yuan; a day that never comes is NaT."""

    numbers: NDArray[np.int64]  # unique, the key of everything drawn later
    codes: NDArray[np.str_]
    names: NDArray[np.str_]
    forms: NDArray[np.str_]
    industries: NDArray[np.int64]  # index into the industries
    villages: NDArray[np.int64]  # index into the villages
    villages_after: NDArray[np.int64]
    established: Days
    moved: Days
    raised: Days
    closed: Days
    revoked: NDArray[np.bool_]
    capital: Floats
    capital_after: Floats
    staff: Floats  # expected, in the year before the first day
    productivity: Floats  # factor on the trade's revenue per head
    house_numbers: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, chosen: NDArray[np.bool_]) -> "Firms":
        return Firms(**{field.name: getattr(self, field.name)[chosen] for field in fields(self)})


def _joined(blocks: list[Firms]) -> Firms:
    return Firms(
        **{
            field.name: np.concatenate([getattr(block, field.name) for block in blocks])
            for field in fields(Firms)
        }
    )


def _after(days: Days, rng: np.random.Generator, rate_a_year: float) -> Days:
    wait = rng.exponential(365.25 / rate_a_year, len(days)).astype(np.int64) + 1
    later: Days = days + np.minimum(wait, 40_000).astype("timedelta64[D]")
    return later


def _villages_of(rng: np.random.Generator, industries: NDArray[np.int64]) -> NDArray[np.int64]:
    villages, trades = load_villages(), load_industries()
    chosen = np.empty(len(industries), dtype=np.int64)
    pulls = trades.pulls[industries]
    for pull, weights in villages.weights.items():
        members = np.flatnonzero(pulls == pull)
        chosen[members] = rng.choice(len(villages.codes), len(members), p=weights)
    return chosen


def _moves_within_county(rng: np.random.Generator, villages: NDArray[np.int64]) -> NDArray[np.int64]:
    counties = load_villages().counties
    target = villages.copy()
    for county in range(counties.max() + 1):
        inside = np.flatnonzero(counties == county)
        movers = np.flatnonzero(counties[villages] == county)
        target[movers] = rng.choice(inside, len(movers))
    return target


def found(seed: int, block: int, established: Days) -> Firms:
    """The firms of one block, founded on the given days."""
    rng = np.random.default_rng([seed, block])
    count = len(established)
    trades, places = load_industries(), load_villages()
    industries = rng.choice(len(trades.codes), count, p=trades.weights)
    draw = rng.random(count)
    forms: NDArray[np.str_] = np.empty(count, dtype="<U10")
    for trade_form, shares in FORM_SHARES.items():
        members = trades.forms[industries] == trade_form
        bounds = np.cumsum(list(shares.values()))
        kinds = np.array(list(shares))
        forms[members] = kinds[np.minimum(np.searchsorted(bounds, draw[members]), len(kinds) - 1)]
    villages = _villages_of(rng, industries)
    larger = np.where(
        forms == "stock", 3.0, np.where(np.isin(forms, ("shop", "sole", "collective")), 0.5, 1.0)
    )
    size = rng.normal(size=count)
    staff = np.clip(trades.staff[industries] * larger * np.exp(trades.spread[industries] * size), 1, 6000)
    worth = staff * trades.revenue_per_head[industries] * 0.25 * np.exp(0.7 * rng.normal(size=count))
    steps = np.clip(np.searchsorted(CAPITAL_STEPS, worth), 0, len(CAPITAL_STEPS) - 1)
    if block == 0:
        _make_room_for_the_stories(industries, forms, villages, established, staff)
    numbers = block * BLOCK_NUMBERS + np.arange(count)
    counties = places.counties[villages]
    registrars = np.array([ENTITY[form][0] for form in forms])
    return Firms(
        numbers=numbers,
        codes=credit_codes(registrars, places.county_codes[counties], organisation_codes(numbers)),
        names=firm_names(rng, places.county_names[counties], trades.trades[industries], forms),
        forms=forms,
        industries=industries,
        villages=villages,
        villages_after=_moves_within_county(rng, villages),
        established=established,
        moved=_after(established, rng, MOVING_A_YEAR),
        raised=_after(established, rng, RAISING_CAPITAL_A_YEAR),
        closed=_after(established, rng, CLOSING_A_YEAR),
        revoked=rng.random(count) < REVOKED_SHARE,
        capital=CAPITAL_STEPS[steps].astype(np.float64),
        capital_after=CAPITAL_STEPS[np.minimum(steps + 1, len(CAPITAL_STEPS) - 1)].astype(np.float64),
        staff=staff,
        productivity=np.exp(0.45 * rng.normal(size=count) + 0.12 * size),
        house_numbers=rng.integers(1, 400, count),
    )


def _make_room_for_the_stories(
    industries: NDArray[np.int64],
    forms: NDArray[np.str_],
    villages: NDArray[np.int64],
    established: Days,
    staff: Floats,
) -> None:
    """A maker of Chinese medicine in Qiaocheng with 430 people: large enough to be missed. One in Guoyang
    with 180, and one of car parts in Mengcheng with 520.
    """
    for number, trade, area, since, people in (
        (FAILING, "C2740", "341602400", "2009-06-18", 430),
        (TROUBLED, "C2730", "341621", "2013-04-09", 180),
        (UPGRADED, "C3670", "341622", "2011-09-27", 520),
    ):
        industries[number] = np.flatnonzero(load_industries().codes == trade)[0]
        forms[number] = "company"
        villages[number] = np.flatnonzero(np.strings.startswith(load_villages().codes, area))[0]
        established[number] = np.datetime64(since)
        staff[number] = people


def firms_until(seed: int, count: int, first_day: date, day: date) -> Firms:
    """Every firm ever registered up to `day`: `count` on `first_day`, a few more each day after it."""
    start = np.datetime64(first_day)
    rng = np.random.default_rng([seed, 0, 1])
    span = float((start - OLDEST).astype(int))
    # More young firms than old ones: the density doubles every five years.
    rate = np.log(2) / (5 * 365.25)
    age = -np.log(1 - rng.random(count) * (1 - np.exp(-rate * span))) / rate
    first = found(seed, 0, start - np.floor(age).astype(np.int64).astype("timedelta64[D]"))
    closed = first.closed.copy()
    closed[FAILING] = start - np.timedelta64(40, "D")
    closed[TROUBLED] = closed[UPGRADED] = np.datetime64("2099-12-31")
    moved, raised = first.moved.copy(), first.raised.copy()
    for number in (FAILING, TROUBLED, UPGRADED):
        moved[number] = raised[number] = np.datetime64("NaT")
    blocks = [Firms(**{**vars(first), "closed": closed, "moved": moved, "raised": raised})]
    for number in range(1, (day - first_day).days + 1):
        daily = np.random.default_rng([seed, number, 1]).poisson(count * NEW_A_YEAR / 365.25)
        if daily:
            blocks.append(found(seed, number, np.full(daily, start + np.timedelta64(number, "D"))))
    return _joined(blocks)


def firm_stories(seed: int, count: int, first_day: date) -> list[dict[str, str]]:
    """The stories of single firms, for people and tests."""
    firm = firms_until(seed, count, first_day, first_day)
    return [
        {
            "story": "failing_firm",
            "dataset": "enterprise_labour_year",
            "key": str(firm.codes[FAILING]),
            "from": str(first_day.year - 2),
            "to": str(firm.closed[FAILING]),
            "what": "a maker of Chinese medicine loses revenue, lays off staff, pays no insurance, closes",
        },
        {
            "story": "troubled_firm",
            "dataset": "enterprise_labour_year",
            "key": str(firm.codes[TROUBLED]),
            "from": str(first_day.year - 2),
            "to": str(first_day),
            "what": "a maker of herbal slices lost half its revenue and owes nine months of insurance",
        },
        {
            "story": "upgraded_firm",
            "dataset": "tech_upgrade_project",
            "key": str(firm.codes[UPGRADED]),
            "from": str(first_day.year - 1),
            "to": str(first_day),
            "what": "a maker of car parts bought equipment for 68 million yuan: the grant reaches its cap",
        },
    ]
