"""One ticket after another: its place, its subject, its masked summary; then which belong together."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from citybrain.reading.demands import DEMANDS_FILE, Demands, Kind, load_demands
from citybrain.reading.duplicates import Call, groups
from citybrain.reading.gazetteer import WORDS_FILE, Gazetteer, NamedPlace, Village
from citybrain.reading.masking import mask, summary
from citybrain.reading.matters import SubjectModel
from citybrain.reading.places import Place, find_place

AT_ONCE = 4000  # texts that the model looks at together


@dataclass(frozen=True)
class Ticket:
    """A ticket as it came in; `given_county` is the county's name of its form, None when it has none."""

    ticket_no: str
    received_at: datetime
    text: str
    given_county: str | None = None


@dataclass(frozen=True)
class Reading:
    """What was read. `village` is None when the place is undecided; `group` is the first of its group."""

    ticket_no: str
    kind: Kind
    chance: float
    village: Village | None
    named_place: str
    place_how: str
    place_score: float
    summary: str
    group: str


class Reader:
    """Reads tickets against one state of the division lists and registers of named places."""

    def __init__(
        self, villages: list[Village], places: list[NamedPlace], demands: Demands | None = None
    ) -> None:
        self._demands = demands or load_demands()
        self._villages = villages
        self._places = places

    @property
    def has_villages(self) -> bool:
        return bool(self._villages)

    @cached_property
    def version(self) -> str:
        """The first twelve digits of a hash over this room's files and the names it reads against."""
        digest = hashlib.sha256()
        for path in sorted([*Path(__file__).parent.glob("*.py"), DEMANDS_FILE, WORDS_FILE]):
            digest.update(path.name.encode() + b"\0" + path.read_bytes())
        for record in (*self._villages, *self._places):
            digest.update(repr(record).encode())
        return digest.hexdigest()[:12]

    @cached_property
    def gazetteer(self) -> Gazetteer:
        return Gazetteer(self._villages, self._places)

    @cached_property
    def model(self) -> SubjectModel:
        return SubjectModel(self._demands)

    def calls(self, tickets: list[Ticket]) -> tuple[list[Call], list[Reading]]:
        """Each ticket read by itself: what grouping compares, and the reading with itself as its group."""
        calls: list[Call] = []
        readings: list[Reading] = []
        for start in range(0, len(tickets), AT_ONCE):
            part = tickets[start : start + AT_ONCE]
            found = [find_place(self.gazetteer, one.text, one.given_county) for one in part]
            texts = [_about(one.text, place) for one, place in zip(part, found, strict=True)]
            chances = self.model.chances(texts)
            for row, (ticket, place, subject) in enumerate(
                zip(part, found, self.model.subjects(chances), strict=True)
            ):
                reading = self._reading(ticket, place, subject.kind, subject.chance)
                readings.append(reading)
                calls.append(_call(ticket, reading, chances[row]))
        return calls, readings

    def read(self, tickets: list[Ticket]) -> list[Reading]:
        """All of them, grouped among themselves."""
        calls, readings = self.calls(tickets)
        of = groups(calls)
        return [Reading(**{**vars(reading), "group": of[reading.ticket_no]}) for reading in readings]

    def _reading(self, ticket: Ticket, place: Place, kind: Kind, chance: float) -> Reading:
        return Reading(
            ticket_no=ticket.ticket_no,
            kind=kind,
            chance=chance,
            village=None if place.village is None else self.gazetteer.villages[place.village],
            named_place=place.named_place,
            place_how=place.how,
            place_score=place.score,
            summary=summary(ticket.text),
            group=ticket.ticket_no,
        )


def _call(ticket: Ticket, reading: Reading, chances: NDArray[np.float64]) -> Call:
    return Call(
        ticket_no=ticket.ticket_no,
        received_at=ticket.received_at,
        village=None if reading.village is None else reading.village.code,
        named_place=reading.named_place,
        class_id=reading.kind.class_id,
        chances=chances,
    )


def _about(text: str, place: Place) -> str:
    """The text without the names of places and of people: they say nothing about the matter."""
    kept = list(text)
    for start, end in place.spans:
        kept[start:end] = ["，"] * (end - start)
    return mask("".join(kept))
