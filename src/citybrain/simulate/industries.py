"""The trades of the demo city: GB/T 4754-2017 classes with their usual size and money."""

import csv
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from citybrain.simulate.places import DATA

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Industries:
    """One entry for each class: 10,000 yuan, shares of revenue, and growth as a yearly logarithm."""

    codes: NDArray[np.str_]
    trades: NDArray[np.str_]
    forms: NDArray[np.str_]  # company, shop or farm
    weights: Floats
    staff: Floats  # median
    spread: Floats  # standard deviation of its logarithm
    revenue_per_head: Floats
    assets_to_revenue: Floats
    tax_share: Floats
    research_share: Floats
    growth: Floats
    pulls: NDArray[np.str_]


@cache
def load_industries() -> Industries:
    with (DATA / "industries.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))

    def numbers(name: str) -> Floats:
        return np.array([float(row[name]) for row in rows])

    def texts(name: str) -> NDArray[np.str_]:
        return np.array([row[name] for row in rows])

    weights = numbers("weight")
    return Industries(
        codes=texts("code"),
        trades=texts("trade"),
        forms=texts("form"),
        weights=weights / weights.sum(),
        staff=numbers("staff"),
        spread=numbers("spread"),
        revenue_per_head=numbers("revenue_per_head"),
        assets_to_revenue=numbers("assets_to_revenue"),
        tax_share=numbers("tax_share"),
        research_share=numbers("research_share"),
        growth=numbers("growth"),
        pulls=texts("pull"),
    )
