"""What the ecology and water offices send about rivers."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from functools import partial

from citybrain.simulate.delivery import SHANGHAI, Delivery, dropped
from citybrain.simulate.ledger import Ledger
from citybrain.simulate.rivers.gauges import gauge_delivery
from citybrain.simulate.rivers.outlets import outlet_delivery
from citybrain.simulate.rivers.sections import (
    SPILLING,
    load_sections,
    months_between,
    section_delivery,
    spill_month,
)

HISTORY_DAYS = 730


def river_deliveries(ledger: Ledger, local: datetime) -> Iterator[Delivery]:
    """Two years of months in one file, then a file for each month that is over; the lists once a month."""
    started = ledger.started.astimezone(SHANGHAI).date()
    before = _month_before(started)
    months = months_between(started - timedelta(days=HISTORY_DAYS), before)
    yield _sections(ledger, f"{months[0]:%Y%m}_{before:%Y%m}", months, local)
    for month in months_between(started, _month_before(local.date())):
        yield _sections(ledger, f"{month:%Y%m}", [month], local)
    outlets = partial(outlet_delivery, ledger.seed, started, local.date())
    yield dropped("river_outlet", f"river_outlet_{local:%Y%m}.csv", local, 2, outlets)
    yield dropped("gauge_register", f"gauge_register_{local:%Y%m}.csv", local, 2, gauge_delivery)


def _sections(ledger: Ledger, span: str, months: list[date], local: datetime) -> Delivery:
    make = partial(section_delivery, ledger.seed, months, ledger.started.astimezone(SHANGHAI).date())
    return dropped("water_section_month", f"water_section_{span}.csv", local, 2, make)


def river_stories(ledger: Ledger) -> list[dict[str, str]]:
    """The works that fails, for people and tests."""
    begun = ledger.started.astimezone(SHANGHAI).date()
    return [
        {
            "story": "works_fails",
            "dataset": "water_section_month",
            "key": load_sections()[SPILLING].code,
            "from": spill_month(begun).isoformat(),
            "to": begun.isoformat(),
            "what": "ammonia below a treatment works rises to several times the limit",
        }
    ]


def _month_before(day: date) -> date:
    return (day.replace(day=1) - timedelta(days=1)).replace(day=1)
