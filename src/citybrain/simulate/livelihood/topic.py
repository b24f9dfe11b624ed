"""What hospitals, schools and the social-security offices send, and when."""

from collections.abc import Iterator
from datetime import datetime
from functools import partial

from citybrain.simulate.delivery import Delivery, dropped
from citybrain.simulate.ledger import Ledger
from citybrain.simulate.livelihood.drugs import HISTORY_DAYS, counting_days, drug_delivery, drug_stories
from citybrain.simulate.livelihood.hospitals import (
    hospital_day_delivery,
    hospital_delivery,
    hospital_stories,
)
from citybrain.simulate.livelihood.schools import (
    child_delivery,
    school_delivery,
    school_stories,
    school_year_delivery,
    years_to_tell,
)
from citybrain.simulate.livelihood.work import employment_delivery, insurance_delivery, work_stories
from citybrain.simulate.months import first_day
from citybrain.simulate.spans import new_days, new_months


def livelihood_deliveries(ledger: Ledger, local: datetime) -> Iterator[Delivery]:
    """The registers of the year, then whatever days, weeks, months and school years have ended."""
    yield from _health(ledger, local)
    yield from _education(ledger, local)
    months = new_months(ledger, local)
    if months is None:
        return
    span = "_".join(f"{first_day(month):%Y%m}" for month in months)
    for dataset, kind, first_line, make in (
        ("social_insurance_month", "jsonl", 1, insurance_delivery),
        ("employment_month", "csv", 2, employment_delivery),
    ):
        yield dropped(dataset, f"{dataset}_{span}.{kind}", local, first_line, partial(make, ledger, *months))


def _health(ledger: Ledger, local: datetime) -> Iterator[Delivery]:
    make = partial(hospital_delivery, ledger.seed)
    yield dropped("hospital", f"hospital_{local.year}.csv", local, 2, make)
    days = new_days(ledger, local)
    if days is not None:
        name = f"hospital_day_{days[0]:%Y%m%d}_{days[1]:%Y%m%d}.parquet"
        yield dropped("hospital_day", name, local, 1, partial(hospital_day_delivery, ledger, *days))
    weeks = new_days(ledger, local, HISTORY_DAYS)
    counted = counting_days(*weeks) if weeks is not None else []
    if counted:
        name = f"drug_stock_{counted[0]:%Y%m%d}_{counted[-1]:%Y%m%d}.jsonl"
        yield dropped("drug_stock", name, local, 1, partial(drug_delivery, ledger, counted))


def _education(ledger: Ledger, local: datetime) -> Iterator[Delivery]:
    make = partial(school_delivery, ledger.seed)
    yield dropped("school", f"school_{local.year}.csv", local, 2, make)
    first, last = years_to_tell(ledger, local)
    for dataset, make_years in (
        ("school_year", school_year_delivery),
        ("school_age_population", child_delivery),
    ):
        name = f"{dataset}_{first}_{last}.csv"
        yield dropped(dataset, name, local, 2, partial(make_years, ledger.seed, first, last))


def livelihood_stories(ledger: Ledger) -> list[dict[str, str]]:
    """Fever, a drug that runs out, seats that are short, contributions left unpaid."""
    started = ledger.local_start
    return [
        *hospital_stories(started),
        *drug_stories(started),
        *school_stories(started),
        *work_stories(started),
    ]
