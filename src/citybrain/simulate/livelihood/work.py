"""Social insurance and work by county and month."""

from datetime import datetime, timedelta

import numpy as np
import orjson

from citybrain.catalogue import load_areas
from citybrain.simulate.csv_file import csv_bytes
from citybrain.simulate.delivery import Content
from citybrain.simulate.dirt import Defect, Row, changing, one_of, plant, setting
from citybrain.simulate.ledger import Ledger
from citybrain.simulate.livelihood.content import load_livelihood
from citybrain.simulate.months import first_day, month_number
from citybrain.simulate.noise import normal

EMPLOYMENT_HEADERS = {
    "month": "月份",
    "county_code": "县区代码",
    "new_jobs": "城镇新增就业",
    "registered_unemployed": "登记失业人数",
    "labour_force": "城镇劳动力人数",
    "graduates": "登记高校毕业生",
    "graduates_employed": "已就业毕业生",
}
WITH_ARREARS = "企业职工养老"
LEVEL_OF_COUNTY = np.array([1.02, 1.0, 1.005, 0.965])
# The firm that goes under has its seat there and leaves so many people unpaid for: month by month until it
# closes, and then until its estate is settled. Months before the start.
FAILING_COUNTY, FAILING_PEOPLE = "341602", 262
UNPAID_FROM, CLOSED, SETTLED = 14, 2, -10
A_MONTH = 1050  # yuan of pension contributions for one person

INSURANCE_DEFECTS = [
    Defect("insured_negative", 0.004, "insured", changing("insured", lambda people: -people)),
    Defect("county_unknown", 0.004, "county_code", setting("county_code", "341699")),
    Defect("kind_unknown", 0.004, "kind", one_of("kind", ["养老", "医保"])),
    Defect("arrears_not_a_number", 0.004, "arrears_yuan", one_of("arrears_yuan", ["待核", "无"])),
]
EMPLOYMENT_DEFECTS = [
    Defect("new_jobs_not_a_number", 0.012, "new_jobs", one_of("new_jobs", ["约900", "未报"])),
    Defect("county_unknown", 0.010, "county_code", setting("county_code", "341699")),
]


def insurance_delivery(ledger: Ledger, first: int, last: int) -> Content:
    """The insured of each kind, and pension contributions left unpaid, as JSON lines."""
    seed, kinds, counties = ledger.seed, load_livelihood().insurances, load_areas().counties
    start = month_number(ledger.local_start.date())
    rows: list[Row] = []
    keys: list[int] = []
    for month in range(first, last + 1):
        for place, county in enumerate(counties):
            for number, kind in enumerate(kinds):
                key = (month * 16 + place) * 16 + number
                wave = float(normal(seed, "insured", np.array([key]))[0])
                years = (month - start + 24) / 12
                base = round(county.residents_thousand * kind.base * (1 + 0.004 * years))
                share = (kind.insured + kind.change * years) * LEVEL_OF_COUNTY[place] + 0.003 * wave
                people, yuan = _arrears(seed, month, place, start) if kind.zh == WITH_ARREARS else (0, 0)
                rows.append(
                    {
                        "month": first_day(month).isoformat(),
                        "county_code": county.code,
                        "kind": kind.zh,
                        "insured": round(base * min(0.995, share)),
                        "base_population": base,
                        "arrears_persons": people,
                        "arrears_yuan": yuan,
                    }
                )
                keys.append(key)
    truth = plant(
        seed,
        "social_insurance_month",
        rows,
        np.array(keys),
        lambda row: f"{row['month']} {row['county_code']} {row['kind']}",
        INSURANCE_DEFECTS,
    )
    return b"".join(orjson.dumps(row) + b"\n" for row in rows), len(rows), truth


def _arrears(seed: int, month: int, county: int, start: int) -> tuple[int, int]:
    """People whose pension contributions stood unpaid at the end of the month, and the yuan owed for them."""
    counties = load_areas().counties
    luck = float(normal(seed, "arrears", np.array([month * 16 + county]))[0])
    people = round(counties[county].residents_thousand * (0.16 + 0.03 * county) * np.exp(0.12 * luck))
    yuan = people * A_MONTH * 3
    if counties[county].code == FAILING_COUNTY and start - UNPAID_FROM <= month < start - SETTLED:
        people += FAILING_PEOPLE
        yuan += FAILING_PEOPLE * A_MONTH * (min(month, start - CLOSED) - start + UNPAID_FROM + 1)
    return people, yuan


def employment_delivery(ledger: Ledger, first: int, last: int) -> Content:
    """New jobs, people out of work and graduates of these months."""
    seed, counties = ledger.seed, load_areas().counties
    start = month_number(ledger.local_start.date())
    rows: list[Row] = []
    keys: list[int] = []
    for month in range(first, last + 1):
        of_year, years = month % 12, (month - start) / 12
        for place, county in enumerate(counties):
            key = month * 16 + place
            luck = normal(seed, "work", key * 4 + np.arange(3))
            force = round(county.residents_thousand * 285 * 1.006**years)
            season = 1 + 0.35 * (of_year in (1, 2, 6, 7)) - 0.2 * (of_year == 11)
            jobs = county.residents_thousand * 0.82 * season
            out = force * (0.031 + 0.002 * place + 0.0012 * years + 0.0006 * float(luck[1]))
            graduates = round(county.residents_thousand * 5.6 * 1.03**years)
            # Graduates register in July and find work until the next June
            found = 0.45 + 0.48 * ((of_year - 6) % 12) / 11 - 0.02 * place + 0.01 * float(luck[2])
            rows.append(
                {
                    "month": first_day(month).isoformat(),
                    "county_code": county.code,
                    "new_jobs": round(jobs * float(np.exp(0.08 * luck[0]))),
                    "registered_unemployed": round(out),
                    "labour_force": force,
                    "graduates": graduates,
                    "graduates_employed": round(graduates * min(0.97, found)),
                }
            )
            keys.append(key)
    truth = plant(
        seed,
        "employment_month",
        rows,
        np.array(keys),
        lambda row: f"{row['month']} {row['county_code']}",
        EMPLOYMENT_DEFECTS,
    )
    return csv_bytes(EMPLOYMENT_HEADERS, rows), len(rows), truth


def work_stories(started: datetime) -> list[dict[str, str]]:
    """The contributions that the failing firm leaves unpaid."""
    start = month_number(started.date())
    begin, end = first_day(start - UNPAID_FROM), first_day(start - SETTLED)
    return [
        {
            "story": "pension_arrears",
            "dataset": "social_insurance_month",
            "key": FAILING_COUNTY,
            "from": begin.isoformat(),
            "to": (end - timedelta(days=1)).isoformat(),
            "what": "the firm that goes under leaves ever more pension contributions unpaid",
        }
    ]
