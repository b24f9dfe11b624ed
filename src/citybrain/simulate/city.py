"""Sends what the demo city owes: files, the feeds' documents, objects of the inbox, rows of the exchange."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import orjson

from citybrain.lake import create_object, ensure_bucket, spool, spool_folder
from citybrain.settings import Settings
from citybrain.simulate.delivery import Delivery, Place
from citybrain.simulate.dirt import Planted
from citybrain.simulate.exchange import write_exchange
from citybrain.simulate.ledger import (
    Ledger,
    Sent,
    ledger_for,
    only_writer,
    save_ledger,
    truth_dir,
    write_whole,
)
from citybrain.simulate.plan import owed
from citybrain.simulate.topics import TOPICS

Progress = Callable[[Delivery, int, int], None]


@dataclass(frozen=True)
class CityReport:
    """What one call sent; empty when the city owed nothing."""

    moment: datetime
    sent: list[Sent]

    @property
    def rows(self) -> int:
        return sum(sent.rows for sent in self.sent)

    @property
    def bytes(self) -> int:
        return sum(sent.bytes for sent in self.sent)

    @property
    def planted(self) -> int:
        return sum(sent.planted for sent in self.sent)


def _silent(_delivery: Delivery, _place: int, _total: int) -> None:
    return


def plan_city(settings: Settings, logical_time: datetime) -> list[Delivery]:
    """What `write_city` would send at `logical_time` (aware). Raises SimulationError."""
    return owed(ledger_for(settings, logical_time), logical_time)


def write_city(settings: Settings, logical_time: datetime, progress: Progress = _silent) -> CityReport:
    """Send everything the demo city owes up to `logical_time` (aware); a second call for it sends nothing.

    `progress` is called before each delivery with its place and the number of all. A call that was killed is
    taken up where it stopped, with the same bytes. Needs S3 and PostgreSQL. Raises SimulationError.
    """
    with only_writer(settings):
        ledger = ledger_for(settings, logical_time)
        deliveries = owed(ledger, logical_time)
        if not ledger.sent:
            save_ledger(
                settings, ledger
            )  # the start stands before the first delivery: a killed call keeps it
            write_whole(truth_dir(settings) / "stories.json", orjson.dumps(stories(ledger)))
        sent = []
        for place, delivery in enumerate(deliveries, 1):
            progress(delivery, place, len(deliveries))
            sent.append(_send(settings, delivery))
            ledger.sent.append(sent[-1])
            save_ledger(settings, ledger)
        ledger.reached = logical_time
        save_ledger(settings, ledger)
        return CityReport(logical_time, sent)


def _send(settings: Settings, delivery: Delivery) -> Sent:
    content, rows, truth = delivery.make()
    _keep_truth(settings, delivery, truth)
    for name, attached in delivery.beside().items():
        _put(settings, name, attached, delivery.dataset)
    if delivery.place is Place.INBOX:
        _put(settings, delivery.path, content, delivery.dataset)
    elif delivery.place is Place.EXCHANGE:
        write_exchange(settings, delivery, content)
    else:
        folder = settings.drops if delivery.place is Place.DROP else settings.feeds_dir
        write_whole(folder / delivery.path, content)
    return Sent(
        dataset=delivery.dataset,
        name=delivery.name,
        sha256=hashlib.sha256(content).hexdigest(),
        bytes=len(content),
        rows=rows,
        planted=sum(not planted.legal for planted in truth),
        moment=delivery.moment,
        first_line=delivery.first_line,
    )


def _put(settings: Settings, key: str, content: bytes, dataset: str) -> None:
    ensure_bucket(settings, Place.INBOX)
    with spool_folder(settings) as folder:
        spooled = spool([content], folder / "object", settings.max_object_mb)
        create_object(settings, Place.INBOX, key, spooled, {"dataset": dataset})


def _keep_truth(settings: Settings, delivery: Delivery, truth: list[Planted]) -> None:
    lines = [
        orjson.dumps(
            planted.record(delivery.dataset, delivery.name, delivery.first_line),
            option=orjson.OPT_APPEND_NEWLINE,
        )
        for planted in truth
    ]
    write_whole(truth_dir(settings) / delivery.dataset / f"{delivery.name}.jsonl", b"".join(lines))


def stories(ledger: Ledger) -> list[dict[str, str]]:
    """The planted stories: where to look, and what is to be seen there."""
    return [story for topic in TOPICS for story in topic.stories(ledger)]
