"""What is sent about the city on the street, and when: registers by the month, figures as they come in."""

from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from functools import partial

from citybrain.simulate.delivery import HISTORY, SHANGHAI, Content, Delivery, Place, dropped
from citybrain.simulate.ledger import Ledger
from citybrain.simulate.months import month_number
from citybrain.simulate.urban.buses import bus_delivery, late_line_story
from citybrain.simulate.urban.components import (
    component_delivery,
    inspection_delivery,
    theft_story,
)
from citybrain.simulate.urban.drills import (
    ROSTER_AHEAD,
    ROSTER_BEFORE,
    drill_delivery,
    duty_delivery,
    duty_story,
)
from citybrain.simulate.urban.emergency import shelter_delivery, stock_delivery, team_delivery
from citybrain.simulate.urban.fleets import corridor_delivery, vehicle_delivery
from citybrain.simulate.urban.grids import grid_delivery
from citybrain.simulate.urban.parking import lot_delivery, parking_hour_delivery
from citybrain.simulate.urban.spans import DAYS_OF_HISTORY, hours_owed, whole_days_owed
from citybrain.simulate.urban.tracks import TRACK_HISTORY, cheat_stories, track_delivery
from citybrain.simulate.urban.traffic import accident_delivery, section_delivery

MONTHS_OF_HISTORY = 24


def urban_deliveries(ledger: Ledger, local: datetime) -> Iterator[Delivery]:
    """Everything of the topic that is owed at `local`."""
    yield from _registers(ledger, local)
    yield from _inspections(ledger, local)
    yield from _roster(ledger, local)
    yield from _days(ledger, local)
    yield from _hours(ledger, local)
    yield from _tracks(ledger, local)


def _registers(ledger: Ledger, local: datetime) -> Iterator[Delivery]:
    """Lists that are sent whole once a month; drills, which change more often, once a week."""
    seed, today = ledger.seed, local.date()
    monthly: tuple[tuple[str, str, int, Callable[[], Content]], ...] = (
        ("unit_grid", "geojson", 1, partial(grid_delivery, ledger)),
        ("municipal_component", "csv", 2, partial(component_delivery, ledger, today)),
        ("emergency_team", "csv", 2, partial(team_delivery, seed)),
        ("emergency_store", "csv", 2, partial(stock_delivery, seed, f"{today:%Y-%m}-01")),
        ("emergency_shelter", "geojson", 1, partial(shelter_delivery, seed)),
        ("fleet_corridor", "geojson", 1, partial(corridor_delivery, seed)),
        ("fleet_vehicle", "csv", 2, partial(vehicle_delivery, ledger)),
        ("parking_lot", "csv", 2, partial(lot_delivery, ledger)),
    )
    for dataset, suffix, first_line, make in monthly:
        yield dropped(dataset, f"{dataset}_{today:%Y%m}.{suffix}", local, first_line, make)
    yield dropped(
        "emergency_drill",
        f"emergency_drill_{today:%GW%V}.jsonl",
        local,
        1,
        partial(drill_delivery, seed, today),
    )


def _inspections(ledger: Ledger, local: datetime) -> Iterator[Delivery]:
    """Figures of the months that are over."""
    last = month_number(local.date()) - 1
    first = last - MONTHS_OF_HISTORY + 1
    if ledger.reached is not None:
        first = month_number(ledger.reached.astimezone(SHANGHAI).date())
    if first <= last:
        name = f"component_inspection_{_month(first)}_{_month(last)}.csv"
        make = partial(inspection_delivery, ledger, first, last)
        yield dropped("component_inspection_month", name, local, 2, make)


def _month(number: int) -> str:
    return f"{number // 12}{number % 12 + 1:02}"


def _roster(ledger: Ledger, local: datetime) -> Iterator[Delivery]:
    """Two weeks ahead, and again the days of which it was not known yet who signed in."""
    today = local.date()
    first = today - ROSTER_BEFORE
    if ledger.reached is not None:
        first = max(first, ledger.reached.astimezone(SHANGHAI).date() - timedelta(days=1))
    make = partial(duty_delivery, ledger.seed, first, today + ROSTER_AHEAD, local, ledger.local_start)
    yield dropped("duty_roster", f"duty_roster_{today:%Y%m%d}.csv", local, 2, make)


def _days(ledger: Ledger, local: datetime) -> Iterator[Delivery]:
    """Figures of the days that are over."""
    owed = whole_days_owed(ledger, local, DAYS_OF_HISTORY)
    if owed is None:
        return
    makers: dict[str, Callable[[Ledger, date, date], Content]] = {
        "traffic_accident": accident_delivery,
        "bus_trip_day": bus_delivery,
    }
    for dataset, make in makers.items():
        name = f"{dataset}_{owed[0]:%Y%m%d}_{owed[1]:%Y%m%d}.csv"
        yield dropped(dataset, name, local, 2, partial(make, ledger, *owed))


def _hours(ledger: Ledger, local: datetime) -> Iterator[Delivery]:
    """Figures of the hours that are over, as objects of the inbox."""
    owed = hours_owed(ledger, local, HISTORY)
    if owed is None:
        return
    makers: dict[str, Callable[[Ledger, datetime, datetime], Content]] = {
        "road_section_index": section_delivery,
        "parking_lot_hour": parking_hour_delivery,
    }
    for dataset, make in makers.items():
        name = f"{dataset}_{owed[0]:%Y%m%dT%H}_{owed[1]:%Y%m%dT%H}.parquet"
        make_it = partial(make, ledger, *owed)
        yield Delivery(dataset, name, Place.INBOX, f"{dataset}/{name}", local, 1, make_it)


def _tracks(ledger: Ledger, local: datetime) -> Iterator[Delivery]:
    until = local.replace(second=0, microsecond=0)
    since = until - TRACK_HISTORY
    if ledger.reached is not None:
        since = max(since, ledger.reached.astimezone(SHANGHAI).replace(second=0, microsecond=0))
    if since < until:
        name = f"vehicle_track_{since:%Y%m%dT%H%M}_{until:%Y%m%dT%H%M}.parquet"
        make = partial(track_delivery, ledger, since, until)
        yield Delivery("vehicle_track", name, Place.INBOX, f"vehicle_track/{name}", local, 1, make)


def urban_stories(ledger: Ledger) -> list[dict[str, str]]:
    """What is planted in this topic."""
    return [
        theft_story(ledger),
        duty_story(ledger.local_start),
        late_line_story(ledger),
        *cheat_stories(ledger),
    ]
