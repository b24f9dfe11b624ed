"""What the device platforms and the registers' owners send, and the stories planted among it."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from functools import partial

from citybrain.simulate.delivery import HISTORY, SHANGHAI, Content, Delivery, Place, dropped
from citybrain.simulate.ledger import Ledger
from citybrain.simulate.sensors.days import day_delivery, history_spans
from citybrain.simulate.sensors.fleet import Fleet, load_fleets
from citybrain.simulate.sensors.readings import reading_delivery
from citybrain.simulate.sensors.register import device_delivery, flood_point_delivery, site_delivery
from citybrain.simulate.sensors.signal import sensor_stories

STEP_MINUTES = 15
LONGEST_OBJECT = timedelta(days=10)
OVERLAP = timedelta(hours=2)  # the platforms send the newest hours again, for what came late to them
DAYS_IN_BOTH = 2  # days the history and the raw readings both cover


def _fleets(ledger: Ledger) -> tuple[Fleet, ...]:
    return load_fleets(ledger.seed, ledger.enterprises)


def sensor_deliveries(ledger: Ledger, local: datetime) -> Iterator[Delivery]:
    """The registers once a month, the history once, and the readings since the last object."""
    for dataset, make in (
        ("device_register", lambda: device_delivery(ledger.seed, _fleets(ledger))),
        ("flood_point", lambda: flood_point_delivery(_fleets(ledger))),
        ("monitored_site", lambda: site_delivery(ledger.seed, _fleets(ledger))),
    ):
        yield dropped(dataset, f"{dataset}_{local:%Y%m}.csv", local, 2, make)
    yield from _history(ledger, local)
    yield from _readings(ledger, local)


def _history(ledger: Ledger, local: datetime) -> Iterator[Delivery]:
    started = ledger.started.astimezone(SHANGHAI)
    last = (started - HISTORY).date() + timedelta(days=DAYS_IN_BOTH)
    for first, until in history_spans(last):
        name = f"sensor_days_{first:%Y%m%d}_{until:%Y%m%d}.parquet"
        make = partial(_day_content, ledger, first, until)
        yield Delivery("sensor_reading_day", name, Place.INBOX, f"sensor_reading_day/{name}", local, 1, make)


def _readings(ledger: Ledger, local: datetime) -> Iterator[Delivery]:
    until = _whole_steps(local)
    since = until - HISTORY
    if ledger.reached is not None:
        reached = _whole_steps(ledger.reached.astimezone(SHANGHAI))
        if reached >= until:
            return
        since = max(since, reached - OVERLAP)
    while since < until:
        end = min(since + LONGEST_OBJECT, until)
        name = f"sensor_reading_{since:%Y%m%dT%H%M}_{end:%Y%m%dT%H%M}.parquet"
        make = partial(_reading_content, ledger, since, end)
        yield Delivery("sensor_reading", name, Place.INBOX, f"sensor_reading/{name}", local, 1, make)
        since = end


def _day_content(ledger: Ledger, first: date, until: date) -> Content:
    return day_delivery(ledger.seed, _fleets(ledger), first, until, ledger.started)


def _reading_content(ledger: Ledger, since: datetime, until: datetime) -> Content:
    return reading_delivery(ledger.seed, _fleets(ledger), since, until, ledger.started)


def _whole_steps(local: datetime) -> datetime:
    return local.replace(minute=local.minute - local.minute % STEP_MINUTES, second=0, microsecond=0)


def stories_of_sensors(ledger: Ledger) -> list[dict[str, str]]:
    """What happens in the first thirty days, for people and tests."""
    return sensor_stories(_fleets(ledger), ledger.started)
