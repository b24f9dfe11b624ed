"""Titles that departments award to enterprises, as one list: 高新技术企业, 专精特新, 绿色工厂."""

from datetime import date

import numpy as np

from citybrain.simulate.csv_file import csv_bytes
from citybrain.simulate.dirt import Defect, Planted, Row, changing, plant, wrong_check_character
from citybrain.simulate.firms import Firms
from citybrain.simulate.industries import load_industries
from citybrain.simulate.noise import uniform

HEADERS = {"uscc": "统一社会信用代码", "title": "称号", "year": "认定年度", "nth": "第几次认定"}
HIGH_TECH_TERM = 3  # years until 高新技术企业 must be recognised again
# Title -> chance for an enterprise of an average researching trade, and whether only industry gets it
ONCE_ONLY = {
    "市专精特新中小企业": (0.030, False),
    "省专精特新中小企业": (0.012, False),
    "国家专精特新小巨人企业": (0.0025, False),
    "国家绿色工厂": (0.006, True),
}
DEFECTS = [
    Defect("uscc_check_character", 0.005, "uscc", changing("uscc", wrong_check_character)),
    Defect("year_in_future", 0.004, "year", changing("year", lambda year: year + 30)),
    Defect("sent_twice", 0.003, "uscc", None),
]


def title_rows(seed: int, firms: Firms, day: date) -> tuple[list[Row], list[int]]:
    """The titles held on `day`, and a number for each row that stays the same."""
    trades = load_industries()
    research = trades.research_share[firms.industries]
    standing = np.isnat(firms.closed) | (firms.closed > np.datetime64(day))
    company = np.isin(firms.forms, ("company", "stock")) & standing
    manufactures = np.strings.startswith(trades.codes[firms.industries], "C")
    born = firms.established.astype("datetime64[Y]").astype(int) + 1970
    rows: list[Row] = []
    keys: list[int] = []

    def note(place: int, title: str, year: int, nth: int) -> None:
        rows.append({"uscc": str(firms.codes[place]), "title": title, "year": year, "nth": nth})
        keys.append(int(firms.numbers[place]) * 4096 + year)

    chance = np.minimum(0.4, 7.0 * research)
    for place in np.flatnonzero(company & (uniform(seed, "high_tech", firms.numbers) < chance)):
        luck = uniform(seed, "high_tech/year", firms.numbers[place : place + 1])[0]
        first = max(2014, int(born[place]) + 1 + int(luck * 8))
        for nth, year in enumerate(range(first, day.year, HIGH_TECH_TERM), start=1):
            note(int(place), "高新技术企业", year, nth)
    for title, (base, industry_only) in ONCE_ONLY.items():
        chance = np.minimum(0.2, base * (0.3 + 60 * research))
        members = company & (uniform(seed, title, firms.numbers) < chance)
        for place in np.flatnonzero(members & manufactures if industry_only else members):
            luck = uniform(seed, f"{title}/year", firms.numbers[place : place + 1])[0]
            year = day.year - 1 - int(luck * 4)
            if year > born[place]:
                note(int(place), title, year, 1)
    return rows, keys


def title_delivery(seed: int, firms: Firms, day: date) -> tuple[bytes, int, list[Planted]]:
    """The list as it stands on `day`, its rows and the truth about them."""
    rows, keys = title_rows(seed, firms, day)
    truth = plant(
        seed, "enterprise_title", rows, np.array(keys), lambda row: f"{row['uscc']} {row['title']}", DEFECTS
    )
    return csv_bytes(HEADERS, rows), len(rows), truth
