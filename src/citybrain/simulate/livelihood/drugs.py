"""Essential drugs in the hospitals' pharmacies, counted every Monday."""

from datetime import date, datetime, timedelta

import numpy as np
import orjson

from citybrain.simulate.delivery import Content
from citybrain.simulate.dirt import Defect, Row, one_of, plant, setting
from citybrain.simulate.ledger import Ledger
from citybrain.simulate.livelihood.content import load_livelihood
from citybrain.simulate.livelihood.hospitals import hospitals
from citybrain.simulate.noise import normal, uniform

HISTORY_DAYS = 84
SHORT = 21  # place of the drug that runs out
SHORT_BEFORE_START, SHORT_DAYS = 30, 75
SHORT_SHARE = 0.4  # of the hospitals that keep it

DEFECTS = [
    Defect("stock_negative", 0.0015, "stock_units", setting("stock_units", -10)),
    Defect("cover_not_a_number", 0.0015, "days_of_cover", one_of("days_of_cover", ["约7天", "充足", "缺"])),
    Defect("drug_missing", 0.0010, "drug_code", setting("drug_code", None)),
    Defect("hospital_unknown", 0.0010, "hospital_code", setting("hospital_code", "341699H01")),
    Defect("sent_twice", 0.0010, "hospital_code", None),
]


def counting_days(first: date, last: date) -> list[date]:
    """The Mondays among these days."""
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    return [day for day in days if day.weekday() == 0]


def drug_delivery(ledger: Ledger, days: list[date]) -> Content:
    """The stock of these days, as JSON lines: hospital by hospital, drug by drug."""
    seed, drugs = ledger.seed, load_livelihood().drugs
    short_from = ledger.local_start.date() - timedelta(days=SHORT_BEFORE_START)
    rows: list[Row] = []
    keys: list[int] = []
    for day in days:
        for place, hospital in enumerate(hospitals(seed)):
            kept = np.arange(hospital.level.drugs)
            key = (day.toordinal() * 256 + place) * 128 + kept
            cover = np.exp(np.log(26) + 0.38 * normal(seed, "drug/cover", key))
            weekly = np.array([drug.use for drug in drugs[: len(kept)]]) * hospital.beds / 100
            weekly = np.rint(weekly * np.exp(0.15 * normal(seed, "drug/use", key)))
            weekly = np.maximum(1, weekly).astype(np.int64)
            if _runs_out(seed, place) and 0 <= (day - short_from).days < SHORT_DAYS and len(kept) > SHORT:
                cover[SHORT] = max(0.5, 9 - 0.3 * (day - short_from).days)
            stock = np.floor(cover * weekly / 7).astype(np.int64)
            for number, units, use in zip(kept.tolist(), stock.tolist(), weekly.tolist(), strict=True):
                rows.append(
                    {
                        "hospital_code": hospital.code,
                        "stock_day": day.isoformat(),
                        "drug_code": f"YP{number + 1:03d}",
                        "drug_name": drugs[number].zh,
                        "unit": drugs[number].unit,
                        "stock_units": units,
                        "weekly_use": use,
                        "days_of_cover": round(units * 7 / use, 1),
                    }
                )
            keys += key.tolist()
    truth = plant(
        seed,
        "drug_stock",
        rows,
        np.array(keys, dtype=np.int64),
        lambda row: f"{row['hospital_code']} {row['stock_day']} {row['drug_code']}",
        DEFECTS,
    )
    return b"".join(orjson.dumps(row) + b"\n" for row in rows), len(rows), truth


def _runs_out(seed: int, place: int) -> bool:
    return bool(uniform(seed, "drug/short", np.array([place]))[0] < SHORT_SHARE)


def drug_stories(started: datetime) -> list[dict[str, str]]:
    """The drug that runs out."""
    begin = (started - timedelta(days=SHORT_BEFORE_START)).date()
    return [
        {
            "story": "drug_shortage",
            "dataset": "drug_stock",
            "key": f"YP{SHORT + 1:03d}",
            "from": begin.isoformat(),
            "to": (begin + timedelta(days=SHORT_DAYS)).isoformat(),
            "what": "a drug runs out in two hospitals of five: days of cover sink below a week",
        }
    ]
