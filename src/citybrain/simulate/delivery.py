"""One thing a source sends: where it goes, when, and how its bytes are made."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from citybrain.simulate.dirt import Planted

SHANGHAI = ZoneInfo("Asia/Shanghai")
HISTORY = timedelta(days=30)  # raw readings the city sends at first

Content = tuple[bytes, int, list[Planted]]


class Place(StrEnum):
    """Where a source puts what it sends."""

    DROP = "drop"  # a file below the drop folder
    FEED = "feed"  # a document the feeds service serves; the newest one stands
    INBOX = "inbox"  # an object of the inbox bucket
    EXCHANGE = "exchange"  # rows for `schema/table` of the exchange database


@dataclass(frozen=True)
class Delivery:
    """One thing to send: `name` is unique within the dataset, `path` is where it goes below its place.

    first_line: the line number of the first record as its format counts, see the readers of `ingest`.
    make: gives the bytes, the number of records, and the truth about the spoilt ones.
    beside: gives the objects that the delivery speaks of, by name; they are put into the inbox before it.
    """

    dataset: str
    name: str
    place: Place
    path: str
    moment: datetime
    first_line: int
    make: Callable[[], Content]
    beside: Callable[[], dict[str, bytes]] = dict


def dropped(
    dataset: str, file: str, moment: datetime, first_line: int, make: Callable[[], Content]
) -> Delivery:
    """A file of `dataset` below the drop folder."""
    return Delivery(dataset, file, Place.DROP, f"{dataset}/{file}", moment, first_line, make)
