"""The hospitals, and what each did day by day."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from citybrain.catalogue import load_areas
from citybrain.catalogue.working_day import is_working_day
from citybrain.simulate.csv_file import csv_bytes
from citybrain.simulate.delivery import Content
from citybrain.simulate.dirt import Defect, Row, changing, plant_columns, setting
from citybrain.simulate.ledger import Ledger
from citybrain.simulate.livelihood.content import HospitalLevel, load_livelihood
from citybrain.simulate.noise import normal, smooth, uniform
from citybrain.simulate.parquet_file import parquet_bytes

HEADERS = {
    "hospital_code": "机构编码",
    "hospital_name": "机构名称",
    "county_code": "所在县区",
    "level": "等级",
    "ownership": "办医性质",
    "beds": "开放床位",
    "doctors": "执业医师",
    "nurses": "注册护士",
}
DAY_NUMBERS = 256  # more than there are hospitals
SURGE_COUNTY = "341622"
SURGE_BEFORE_START, SURGE_DAYS = 16, 12


def _more_pay_later_than_came(row: Row, luck: float) -> None:
    row["pay_later_uses"] = int(row["outpatients"]) + 1 + int(luck * 40)


DEFECTS = [
    Defect("outpatients_negative", 0.0012, "outpatients", setting("outpatients", -5)),
    Defect("pay_later_above_outpatients", 0.0012, "pay_later_uses", _more_pay_later_than_came),
    Defect("hospital_unknown", 0.0010, "hospital_code", setting("hospital_code", "341602H99")),
    Defect("inpatients_impossible", 0.0008, "inpatients", setting("inpatients", 99_999)),
    Defect(
        "day_in_future",
        0.0006,
        "service_day",
        changing("service_day", lambda day: (day + np.timedelta64(2500, "D")).item()),
    ),
    Defect("sent_twice", 0.0008, "hospital_code", None),
]


@dataclass(frozen=True)
class Hospital:
    """A made-up hospital: its county's code, then H and a number."""

    code: str
    name: str
    county: int  # place in the catalogue's counties
    level: HospitalLevel
    ownership: str
    beds: int
    doctors: int
    nurses: int


@cache
def hospitals(seed: int) -> tuple[Hospital, ...]:
    """The city's hospitals, county by county from the highest level down; the same for every scale."""
    content, found = load_livelihood(), []
    for place, county in enumerate(load_areas().counties):
        levels = [level for level in content.hospitals for _ in range(level.counties[place])]
        for number, level in enumerate(levels, 1):
            size, doctors, nurses, owner = uniform(seed, "hospital", (place * 64 + number) * 4 + np.arange(4))
            beds = round(level.beds[0] + (level.beds[1] - level.beds[0]) * float(size))
            found.append(
                Hospital(
                    code=f"{county.code}H{number:02d}",
                    name=f"{county.zh[:2]}{content.hospital_names[number - 1]}医院",
                    county=place,
                    level=level,
                    ownership="公立" if level.level == "三级" or owner < 0.75 else "民营",
                    beds=beds,
                    doctors=round(beds * level.doctors * (0.9 + 0.2 * float(doctors))),
                    nurses=round(beds * level.nurses * (0.9 + 0.2 * float(nurses))),
                )
            )
    return tuple(found)


def hospital_delivery(seed: int) -> Content:
    """The register of hospitals, GB18030. Forty rows that a person keeps: no defects."""
    counties = load_areas().counties
    rows: list[Row] = [
        {
            "hospital_code": hospital.code,
            "hospital_name": hospital.name,
            "county_code": counties[hospital.county].code,
            "level": hospital.level.level,
            "ownership": hospital.ownership,
            "beds": hospital.beds,
            "doctors": hospital.doctors,
            "nurses": hospital.nurses,
        }
        for hospital in hospitals(seed)
    ]
    return csv_bytes(HEADERS, rows).decode().encode("gb18030"), len(rows), []


def _demand(ledger: Ledger, days: NDArray[np.datetime64]) -> NDArray[np.float64]:
    """How busy hospitals are on each day: winters, days off, a slow drift."""
    numbers = days.astype(np.int64)
    works = np.array([is_working_day(day)[0] for day in days.tolist()])
    winter = 1 + 0.14 * np.cos(2 * np.pi * (numbers % 365.25 - 15) / 365.25)
    drift = np.exp(0.06 * smooth(ledger.seed, "hospital/demand", numbers, 9))
    demand: NDArray[np.float64] = winter * np.where(works, 1.0, 0.55) * drift
    return demand


def _surge(ledger: Ledger, days: NDArray[np.datetime64]) -> NDArray[np.float64]:
    """A wave of fever in one county: up to 1.9 times the usual outpatients."""
    begin = np.datetime64(ledger.local_start, "D") - np.timedelta64(SURGE_BEFORE_START, "D")
    share = (days - begin).astype(np.float64) / SURGE_DAYS
    return 1 + 0.9 * np.sin(np.pi * np.clip(share, 0, 1)) ** 2


def hospital_day_delivery(ledger: Ledger, first: date, last: date) -> Content:
    """Outpatients, inpatients and pay-later uses of these days, hospital by hospital. As Parquet."""
    seed, shares = ledger.seed, load_livelihood().pay_later.counties
    surge_county = [county.code for county in load_areas().counties].index(SURGE_COUNTY)
    days = np.arange(np.datetime64(first, "D"), np.datetime64(last, "D") + 1)
    numbers = days.astype(np.int64)
    demand, surge = _demand(ledger, days), _surge(ledger, days)
    years = (days - np.datetime64(ledger.local_start, "D")).astype(np.float64) / 365.25
    parts: list[dict[str, NDArray[Any]]] = []
    keys = []
    for place, hospital in enumerate(hospitals(seed)):
        key = numbers * DAY_NUMBERS + place
        came = hospital.beds * hospital.level.outpatients * demand
        came = came * np.exp(0.07 * normal(seed, "outpatients", key))
        came = came * (surge if hospital.county == surge_county else 1.0)
        usual = 0.72 + 0.10 * float(uniform(seed, "hospital/stay", np.array([place]))[0])
        stay = usual + 0.08 * (demand - 0.85)
        in_bed = hospital.beds * np.clip(stay + 0.02 * normal(seed, "inpatients", key), 0.2, 1.08)
        later = shares[hospital.county] + 0.06 * years + 0.02 * normal(seed, "pay_later", key)
        outpatients = np.rint(came).astype(np.int64)
        parts.append(
            {
                "hospital_code": np.full(len(days), hospital.code, dtype=object),
                "service_day": days,
                "outpatients": outpatients,
                "inpatients": np.rint(in_bed).astype(np.int64),
                "pay_later_uses": np.floor(outpatients * np.clip(later, 0.02, 0.9)).astype(np.int64),
            }
        )
        keys.append(key)
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    grown, truth = plant_columns(
        seed,
        "hospital_day",
        columns,
        np.concatenate(keys),
        lambda row: f"{row['hospital_code']} {row['service_day']}",
        DEFECTS,
    )
    return parquet_bytes(grown), len(grown["outpatients"]), truth


def hospital_stories(started: datetime) -> list[dict[str, str]]:
    """The wave of fever."""
    begin = (started - timedelta(days=SURGE_BEFORE_START)).date()
    return [
        {
            "story": "outpatient_surge",
            "dataset": "hospital_day",
            "key": SURGE_COUNTY,
            "from": begin.isoformat(),
            "to": (begin + timedelta(days=SURGE_DAYS)).isoformat(),
            "what": "a wave of fever nearly doubles the outpatients of one county",
        }
    ]
