"""Reads the free text of hotline tickets: what each is about, where it is, and which tell of one matter."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from citybrain.reading.demands import Demands, load_demands
    from citybrain.reading.gazetteer import NamedPlace, Village
    from citybrain.reading.reader import Reader, Reading, Ticket
    from citybrain.reading.scoring import Bars, Truth, score
    from citybrain.reading.tickets import ReadReport, known_readings, read_tickets

__all__ = [
    "Bars",
    "Demands",
    "NamedPlace",
    "ReadReport",
    "Reader",
    "Reading",
    "Ticket",
    "Truth",
    "Village",
    "known_readings",
    "load_demands",
    "read_tickets",
    "score",
]

# Found when asked for: who only wants the list of demands does not wait for the learning library.
_HOMES = {
    "Demands": "demands",
    "load_demands": "demands",
    "NamedPlace": "gazetteer",
    "Village": "gazetteer",
    "Reader": "reader",
    "Reading": "reader",
    "Ticket": "reader",
    "Bars": "scoring",
    "Truth": "scoring",
    "score": "scoring",
    "ReadReport": "tickets",
    "known_readings": "tickets",
    "read_tickets": "tickets",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
