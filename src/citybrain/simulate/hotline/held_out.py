"""Tickets that only score the reader: other callers, other words, and pairs that are easily taken for one.

Beside copies of a matter in other words there are neighbours that must stay apart: another matter of the same
class in the village on the same day, the same one two weeks later, the same one at another named place.
"""

from datetime import datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np

from citybrain.reading import NamedPlace, Ticket, Truth, Village, load_demands
from citybrain.simulate.hotline.mentions import Given, Spot, atlas, draw_given, draw_spot
from citybrain.simulate.hotline.streets import load_streets
from citybrain.simulate.hotline.telling import tell
from citybrain.simulate.hotline.wording import Wording, load_wording
from citybrain.simulate.places import load_villages

FIRST = datetime(2026, 1, 5, 8, tzinfo=ZoneInfo("Asia/Shanghai"))
DAYS = 90
OF_EACH_MATTER = 12
COPIES, OTHER_MATTER, LATER, ELSEWHERE = 0.35, 0.25, 0.15, 0.10


def held_out_registers() -> tuple[list[Village], list[NamedPlace]]:
    """The divisions and places that the tickets speak of, as the reader takes them."""
    known = load_villages()
    villages = [
        Village(
            str(code),
            str(name),
            str(township),
            str(known.county_codes[county]),
            str(known.county_names[county]),
        )
        for code, name, township, county in zip(
            known.codes, known.names, known.township_names, known.counties, strict=True
        )
    ]
    places = [
        NamedPlace(spot.name, villages[spot.village].code, spot.from_number, spot.to_number)
        for spot in load_streets()
    ]
    return villages, places


class HeldOut(NamedTuple):
    tickets: list[Ticket]
    truths: list[Truth]


def held_out_tickets(seed: int, wording: str = "held_out") -> HeldOut:
    """About a thousand tickets and what each means; the same for the same seed."""
    random = np.random.default_rng([seed, 651])
    writing = _Writing(random, load_wording(wording))
    matters = [kind.matter_id for kind in load_demands().kinds]
    weights = load_villages().weights[""]
    for matter in matters:
        for _ in range(OF_EACH_MATTER):
            village = int(random.choice(len(weights), p=weights))
            _episode(random, writing, matters, matter, draw_spot(random, village))
    return HeldOut(writing.tickets, writing.truths)


class _Writing:
    def __init__(self, random: np.random.Generator, wording: Wording) -> None:
        self.tickets: list[Ticket] = []
        self.truths: list[Truth] = []
        self._random, self._wording = random, wording

    def add(self, matter: str, spot: Spot, moment: datetime, same: str | None) -> str:
        """One ticket; `same` is the number of the first about its matter. Returns its own number."""
        number = f"HO{len(self.tickets) + 1:05}"
        given: Given = draw_given(self._random, spot.village)
        told = tell(self._random, self._wording, matter, spot, given)
        self.tickets.append(Ticket(number, moment, told.text, given.county))
        code = None if told.village is None else str(load_villages().codes[told.village])
        self.truths.append(Truth(number, matter, code, same or number))
        return number


def _episode(
    random: np.random.Generator, writing: _Writing, matters: list[str], matter: str, spot: Spot
) -> None:
    moment = FIRST + timedelta(minutes=int(random.integers(0, DAYS * 24 * 60)))
    first = writing.add(matter, spot, moment, None)
    if random.random() < COPIES:
        for _ in range(int(random.integers(1, 4))):
            writing.add(matter, spot, moment + timedelta(minutes=int(random.integers(5, 36 * 60))), first)
    if random.random() < OTHER_MATTER:
        others = [
            other for other in matters if other.split(".")[0] == matter.split(".")[0] and other != matter
        ]
        other = others[int(random.random() * len(others))]
        writing.add(other, spot, moment + timedelta(minutes=int(random.integers(5, 24 * 60))), None)
    if random.random() < LATER:
        writing.add(matter, spot, moment + timedelta(days=14), None)
    named = [place for place in atlas().of_village.get(spot.village, []) if place != spot.place]
    if spot.place is not None and named and random.random() < ELSEWHERE:
        place = named[int(random.random() * len(named))]
        later = moment + timedelta(minutes=int(random.integers(5, 24 * 60)))
        writing.add(matter, Spot(spot.village, place), later, None)
