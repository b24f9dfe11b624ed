"""Which deliveries the city owes at a moment, given what it has sent."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import cache, partial
from zoneinfo import ZoneInfo

from citybrain.simulate.air import air_delivery
from citybrain.simulate.compounds import camera_delivery, compound_delivery
from citybrain.simulate.dirt import Planted
from citybrain.simulate.dishonest import dishonest_delivery
from citybrain.simulate.divisions import shipped_delivery
from citybrain.simulate.firms import Firms, firms_until
from citybrain.simulate.insurance import insurance_delivery
from citybrain.simulate.labour import labour_delivery
from citybrain.simulate.ledger import Ledger
from citybrain.simulate.places import DIVISIONS, EDITION
from citybrain.simulate.register import register_delivery
from citybrain.simulate.tax import tax_delivery
from citybrain.simulate.titles import title_delivery
from citybrain.simulate.upgrades import upgrade_delivery
from citybrain.simulate.water import STEP, water_delivery
from citybrain.simulate.yearly import year_of

SHANGHAI = ZoneInfo("Asia/Shanghai")
HISTORY = timedelta(days=30)
OVERLAP = timedelta(hours=24)
LONGEST_OBJECT = timedelta(days=10)
FACT_YEARS = 3

Content = tuple[bytes, int, list[Planted]]

# Lists of enterprises that departments export once a month
MONTHLY_LISTS: dict[str, Callable[[int, Firms, date], Content]] = {
    "enterprise_title": title_delivery,
    "dishonest_enterprise": dishonest_delivery,
    "tech_upgrade_project": upgrade_delivery,
}


class Place(StrEnum):
    """Where a source puts what it sends."""

    DROP = "drop"  # a file below the drop folder
    FEED = "feed"  # a document the feeds service serves; the newest one stands
    INBOX = "inbox"  # an object of the inbox bucket


@dataclass(frozen=True)
class Delivery:
    """One thing to send: `name` is unique within the dataset, `path` is where it goes below its place.

    first_line: the line number of the first record as its format counts, see the readers of `ingest`.
    make: gives the bytes, the number of records, and the truth about the spoilt ones.
    """

    dataset: str
    name: str
    place: Place
    path: str
    moment: datetime
    first_line: int
    make: Callable[[], Content]


def owed(ledger: Ledger, moment: datetime) -> list[Delivery]:
    """The deliveries up to `moment` (aware) that the ledger has not, in the order they are sent."""
    local = moment.astimezone(SHANGHAI)
    everything = [
        *_divisions(local),
        *_compounds(local),
        *_enterprises(ledger, local),
        *_air(ledger, local),
        *_water(ledger, local),
    ]
    return [delivery for delivery in everything if not ledger.has(delivery.dataset, delivery.name)]


def _dropped(
    dataset: str, file: str, moment: datetime, first_line: int, make: Callable[[], Content]
) -> Delivery:
    return Delivery(dataset, file, Place.DROP, f"{dataset}/{file}", moment, first_line, make)


def _divisions(local: datetime) -> Iterator[Delivery]:
    for name in DIVISIONS:
        yield _dropped(name, f"{name}_{EDITION}.csv", local, 2, partial(shipped_delivery, f"{name}.csv"))
    file = "county_boundary.geojson"
    yield _dropped("county_boundary", file, local, 1, partial(shipped_delivery, file))


def _compounds(local: datetime) -> Iterator[Delivery]:
    for name, make in (("compound_register", compound_delivery), ("camera_register", camera_delivery)):
        yield _dropped(name, f"{name}_{local:%Y%m}.csv", local, 2, make)


def _enterprises(ledger: Ledger, local: datetime) -> Iterator[Delivery]:
    seed, today = ledger.seed, local.date()
    first_day = ledger.started.astimezone(SHANGHAI).date()

    @cache
    def firms() -> Firms:
        return firms_until(seed, ledger.enterprises, first_day, today)

    yield _dropped(
        "enterprise_register",
        f"enterprise_register_{today:%Y%m%d}.csv",
        local,
        2,
        lambda: register_delivery(seed, firms(), today),
    )
    for year in range(first_day.year - FACT_YEARS, today.year):
        yield _dropped(
            "enterprise_tax_year",
            f"enterprise_tax_{year}.xlsx",
            local,
            2,
            partial(_tax, seed, firms, year, first_day, local),
        )
        yield _dropped(
            "enterprise_labour_year",
            f"enterprise_labour_{year}.jsonl",
            local,
            1,
            partial(_labour, seed, firms, year, first_day),
        )
        yield _dropped(
            "unemployment_insurance_year",
            f"unemployment_insurance_{year}.jsonl",
            local,
            1,
            partial(_insurance, seed, firms, year, first_day),
        )
    for dataset, delivery in MONTHLY_LISTS.items():
        yield _dropped(
            dataset,
            f"{dataset}_{today:%Y%m}.csv",
            local,
            2,
            partial(_list, delivery, seed, firms, today),
        )


def _tax(seed: int, firms: Callable[[], Firms], year: int, first_day: date, moment: datetime) -> Content:
    return tax_delivery(seed, year_of(seed, firms(), year, first_day), moment)


def _labour(seed: int, firms: Callable[[], Firms], year: int, first_day: date) -> Content:
    return labour_delivery(seed, year_of(seed, firms(), year, first_day))


def _insurance(seed: int, firms: Callable[[], Firms], year: int, first_day: date) -> Content:
    return insurance_delivery(seed, year_of(seed, firms(), year, first_day))


def _list(
    delivery: Callable[[int, Firms, date], Content], seed: int, firms: Callable[[], Firms], day: date
) -> Content:
    return delivery(seed, firms(), day)


def _air(ledger: Ledger, local: datetime) -> Iterator[Delivery]:
    """The newest hours: all of the history at first, then the last day and whatever was not published yet."""
    started = ledger.started.astimezone(SHANGHAI).replace(tzinfo=None)
    until = local.replace(tzinfo=None, minute=0, second=0, microsecond=0)
    if ledger.reached is None:
        since = until - HISTORY
    else:
        reached = ledger.reached.astimezone(SHANGHAI).replace(tzinfo=None)
        since = max(until - HISTORY, min(until - OVERLAP, reached))
    yield Delivery(
        "air_quality_hour",
        f"latest_{until:%Y%m%dT%H}.geojson",
        Place.FEED,
        "air/latest.geojson",
        local,
        1,
        partial(air_delivery, ledger.seed, since, until, started),
    )


def _water(ledger: Ledger, local: datetime) -> Iterator[Delivery]:
    """The readings since the last object; the history at first comes in objects of ten days."""
    until = _whole_steps(local)
    since = until - HISTORY
    if ledger.reached is not None:
        since = max(since, _whole_steps(ledger.reached.astimezone(SHANGHAI)))
    while since < until:
        end = min(since + LONGEST_OBJECT, until)
        name = f"water_stage_{since:%Y%m%dT%H%M}_{end:%Y%m%dT%H%M}.parquet"
        make = partial(water_delivery, ledger.seed, since, end, ledger.started)
        yield Delivery("water_stage", name, Place.INBOX, f"water_stage/{name}", local, 1, make)
        since = end


def _whole_steps(local: datetime) -> datetime:
    minutes = int(STEP.total_seconds()) // 60
    return local.replace(minute=local.minute - local.minute % minutes, second=0, microsecond=0)
