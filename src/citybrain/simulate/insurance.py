"""Unemployment insurance by year: what each employer paid, for how many months, and graduates it took on."""

import numpy as np
import orjson

from citybrain.simulate.dirt import Defect, Planted, Row, changing, plant, setting, wrong_check_character
from citybrain.simulate.noise import normal, uniform
from citybrain.simulate.yearly import Year

PAID_A_MONTH = 43.5  # yuan for one insured person: 1 % of a base near the city's lowest
UNTOLD = 0.04  # of the employers: the agency has not matched their payments yet
DEFECTS = [
    Defect("uscc_check_character", 0.0030, "uscc", changing("uscc", wrong_check_character)),
    Defect("paid_negative", 0.0030, "ui_paid_yuan", changing("ui_paid_yuan", lambda paid: -(paid or 0) - 1)),
    Defect("months_above_twelve", 0.0025, "insured_months", setting("insured_months", 13)),
    Defect("sent_twice", 0.0015, "uscc", None),
]


def insurance_rows(seed: int, year: Year) -> tuple[list[Row], list[int]]:
    """The employers that insured anybody, and a number for each row that stays the same."""
    chosen = np.flatnonzero(year.insured > 0)
    numbers = year.firms.numbers[chosen]
    keys = numbers * 4096 + year.year
    wage = np.exp(0.25 * normal(seed, "ui/wage", numbers))
    untold = uniform(seed, "ui/untold", keys) < UNTOLD
    graduates = uniform(seed, "ui/graduates", keys)
    stayed = uniform(seed, "ui/stayed", keys)
    began = np.datetime64(f"{year.year}-01-01")
    rows: list[Row] = []
    for place, factor, unknown, hires, share in zip(chosen, wage, untold, graduates, stayed, strict=True):
        since = year.firms.established[place]
        full_year = 12 if since <= began else 12 - int(str(since)[5:7])
        months = max(0, full_year - int(year.arrears_months[place]))
        people = int(year.insured[place])
        paid = round(PAID_A_MONTH * float(factor) * people * months, 2)
        hired = int(people * 0.12 * hires * hires + (0.15 if people < 8 else 0.6) * hires)
        rows.append(
            {
                "uscc": str(year.firms.codes[place]),
                "year": year.year,
                "insured_months": months,
                "ui_paid_yuan": None if unknown else paid,
                "graduates_3_months": hired,
                "graduates_6_months": int(hired * (0.5 + share / 2)),
            }
        )
    return rows, keys.tolist()


def insurance_delivery(seed: int, year: Year) -> tuple[bytes, int, list[Planted]]:
    """The file of one year, its rows and the truth about them."""
    rows, keys = insurance_rows(seed, year)
    truth = plant(
        seed,
        "unemployment_insurance_year",
        rows,
        np.array(keys),
        lambda row: f"{row['uscc']} {row['year']}",
        DEFECTS,
    )
    return b"".join(orjson.dumps(row) + b"\n" for row in rows), len(rows), truth
