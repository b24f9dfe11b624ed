"""Monthly output of the county's makers of decoction pieces (C2730) and Chinese patent medicine (C2740)."""

from collections.abc import Iterator
from datetime import datetime
from functools import partial

import numpy as np
import orjson

from citybrain.catalogue import load_areas
from citybrain.simulate.delivery import SHANGHAI, Content, Delivery, dropped
from citybrain.simulate.dirt import Defect, Row, changing, one_of, setting
from citybrain.simulate.economy.leftovers import leave_lines
from citybrain.simulate.ledger import Ledger
from citybrain.simulate.months import first_day, newest_reported
from citybrain.simulate.noise import normal

MONTHS = 36
REPORTED_ON = 18  # day of the month after
LEVEL_MONTH = 2023 * 12
# Class -> output in 10,000 yuan a month, growth a year, yuan per kilogram, makers that report
CLASSES = {"C2730": (182_000.0, 0.085, 46.0, 118.0), "C2740": (94_000.0, 0.062, 210.0, 31.0)}
SHARES = {"341602": 0.74, "341621": 0.09, "341622": 0.07, "341623": 0.10}
DEFECTS = [
    Defect("output_not_a_number", 0.01, "output_wan", one_of("output_wan", ["待报", "约12000"])),
    Defect("output_negative", 0.01, "output_wan", changing("output_wan", lambda money: -money - 1)),
    Defect("class_unknown", 0.01, "industry_code", setting("industry_code", "C2799")),
    Defect("month_in_future", 0.01, "month", changing("month", lambda month: f"{int(month[:4]) + 30}-01-01")),
    Defect("sent_twice", 0.01, "county_code", None),
]


def output_rows(seed: int, months: range) -> tuple[list[Row], list[int]]:
    """One row for each county, class and month, and a number for each that stays the same."""
    rows: list[Row] = []
    keys: list[int] = []
    for month in months:
        season = 1 + 0.12 * np.sin(2 * np.pi * (month % 12 - 6) / 12) - (0.18 if month % 12 == 1 else 0)
        for place, county in enumerate(load_areas().counties):
            for number, (code, (level, growth, price, makers)) in enumerate(CLASSES.items()):
                key = (month * 16 + place) * 4 + number
                noise = normal(seed, "tcm_output", np.array([key, key + 2**30]))
                years = (month - LEVEL_MONTH) / 12
                share = SHARES[county.code]
                output = level * share * (1 + growth) ** years * season * float(np.exp(0.04 * noise[0]))
                rows.append(
                    {
                        "county_code": county.code,
                        "industry_code": code,
                        "month": first_day(month).isoformat(),
                        "output_wan": round(float(output), 2),
                        "output_tonnes": round(float(output * 10 / price * np.exp(0.03 * noise[1])), 1),
                        "reporting_enterprises": max(1, round(makers * share * (1 + 0.02 * years))),
                    }
                )
                keys.append(key)
    return rows, keys


def output_delivery(seed: int, months: range) -> Content:
    """The months, their rows and the truth about them."""
    rows, keys = output_rows(seed, months)
    truth = leave_lines(
        seed,
        "tcm_output_month",
        rows,
        np.array(keys),
        lambda row: f"{row['county_code']} {row['industry_code']} {row['month']}",
        DEFECTS,
    )
    return b"".join(orjson.dumps(row) + b"\n" for row in rows), len(rows), truth


def output_deliveries(ledger: Ledger, local: datetime) -> Iterator[Delivery]:
    """Three years when the city begins, then each month."""
    first = newest_reported(ledger.started.astimezone(SHANGHAI).date(), REPORTED_ON)
    spans = [range(first - MONTHS + 1, first + 1)]
    spans += [range(m, m + 1) for m in range(first + 1, newest_reported(local.date(), REPORTED_ON) + 1)]
    for months in spans:
        name = f"tcm_output_{first_day(months[0]):%Y%m}_{first_day(months[-1]):%Y%m}.jsonl"
        make = partial(output_delivery, ledger.seed, months)
        yield dropped("tcm_output_month", name, local, 1, make)
