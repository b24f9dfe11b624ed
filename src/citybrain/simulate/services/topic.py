"""What the counters and the shared platform send, and when."""

from collections.abc import Callable, Iterator
from datetime import date, datetime
from functools import partial

from citybrain.simulate.delivery import Content, Delivery, dropped
from citybrain.simulate.ledger import Ledger
from citybrain.simulate.services.calls import call_delivery, call_stories
from citybrain.simulate.services.items import item_delivery
from citybrain.simulate.services.records import record_delivery, record_stories
from citybrain.simulate.services.systems import saving_delivery, system_delivery
from citybrain.simulate.spans import new_days, parts

DAILY: dict[str, Callable[[Ledger, date, date], Content]] = {
    "gov_service_record": record_delivery,
    "capability_call_day": call_delivery,
}


def service_deliveries(ledger: Ledger, local: datetime) -> Iterator[Delivery]:
    """The lists of the month, then what happened on the days that ended since the last call."""
    month = f"{local:%Y%m}"
    yield dropped(
        "gov_service_item", f"gov_service_item_{month}.csv", local, 2, partial(item_delivery, ledger.seed)
    )
    # Money and systems are told once a year
    for dataset, make in (("reusing_system", system_delivery), ("capability_saving", saving_delivery)):
        yield dropped(dataset, f"{dataset}_{local.year}.csv", local, 2, partial(make, ledger))
    days = new_days(ledger, local)
    if days is None:
        return
    for dataset, make_days in DAILY.items():
        for first, last in parts(*days):
            name = f"{dataset}_{first:%Y%m%d}_{last:%Y%m%d}.parquet"
            yield dropped(dataset, name, local, 1, partial(make_days, ledger, first, last))


def service_stories(ledger: Ledger) -> list[dict[str, str]]:
    """The department whose files pile up and the system that falls silent."""
    return record_stories(ledger.local_start) + call_stories(ledger.local_start)
