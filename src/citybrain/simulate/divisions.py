"""The real divisions and outlines, sent once as the departments that keep them would."""

from collections.abc import Iterator
from datetime import datetime
from functools import partial

from citybrain.simulate.delivery import Delivery, dropped
from citybrain.simulate.dirt import Planted
from citybrain.simulate.ledger import Ledger
from citybrain.simulate.places import DATA, DIVISIONS, EDITION


def shipped_delivery(file: str) -> tuple[bytes, int, list[Planted]]:
    """A shipped file as it is, its rows, and no planted defect: real data is not spoilt."""
    content = (DATA / file).read_bytes()
    record, headers = (b'"type":"Feature",', 0) if file.endswith(".geojson") else (b"\n", 1)
    return content, content.count(record) - headers, []


def division_deliveries(_ledger: Ledger, local: datetime) -> Iterator[Delivery]:
    """Each list once: the divisions of one edition do not change."""
    for name in DIVISIONS:
        yield dropped(name, f"{name}_{EDITION}.csv", local, 2, partial(shipped_delivery, f"{name}.csv"))
    file = "county_boundary.geojson"
    yield dropped("county_boundary", file, local, 1, partial(shipped_delivery, file))
