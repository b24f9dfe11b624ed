"""Which village or community a ticket speaks of. Where two fit equally well it stays undecided."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from citybrain.reading.gazetteer import (
    BARE,
    BY_SOUND,
    LONGEST,
    ONE_WRONG,
    WORD,
    Form,
    Gazetteer,
    Names,
    load_place_words,
    one_wrong,
    sounds,
)

# What a candidate needs, and by how much the best must lead
ENOUGH, LEAD = 0.75, 0.15
SURE = 1.0
AGREEING_FORM = 0.2  # a second form of the same village elsewhere in the text
IN_TOWNSHIP, NOT_IN_TOWNSHIP = 0.5, -0.3
IN_COUNTY, NOT_IN_COUNTY = 0.3, -0.7
NAME_OF_TOWNSHIP = -0.3  # 古井 alone is the town, not its community of that name
IN_GIVEN_COUNTY, NOT_IN_GIVEN_COUNTY = 0.2, -0.12
MEANT_AS_PLACE = 0.2
_NUMBER = re.compile(r"\s*([0-9]{1,4})号")


@dataclass(frozen=True)
class Place:
    """What was found: `village` is None when nothing or too much fits; `spans` are the names in the text.

    how: exact, sound (written by ear), typo, or undecided. score: that of the best candidate, 0 without one.
    """

    village: int | None
    named_place: str
    how: str
    score: float
    spans: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True)
class _Hit:
    start: int
    end: int
    form: Form
    weight: float


@dataclass(frozen=True)
class _Context:
    """What the text says beside the name: villages of the townships and counties it mentions."""

    townships: tuple[tuple[int, int, frozenset[int]], ...]
    counties: frozenset[int]
    given: frozenset[int]
    spans: tuple[tuple[int, int], ...]


def find_place(gazetteer: Gazetteer, text: str, given_county: str | None) -> Place:
    """Resolve the address in `text`; `given_county` is the county's name as the ticket's form has it.

    A name that stands there as it is written in the lists ends the search; a short one is held against what
    the text sounds like, and only where both say nothing a character is taken for wrong.
    """
    context = _context(gazetteer, text, given_county)
    exact = _decide(text, "exact", _outermost(_exact(gazetteer, text), context), context)
    if exact.score >= SURE:
        return exact  # also when several villages bear the name: a wilder reading would guess
    sound = _decide(text, "sound", _outermost(_by_sound(gazetteer, text), context), context)
    if exact.village is not None or sound.village is not None:
        return max((exact, sound), key=lambda place: (place.village is not None, place.score))
    if exact.score >= ENOUGH:
        return exact
    typo = _decide(text, "typo", _outermost(_one_wrong(gazetteer, text, context), context), context)
    return typo if typo.village is not None else exact


def _context(gazetteer: Gazetteer, text: str, given_county: str | None) -> _Context:
    townships = tuple(_names(text, gazetteer.townships))
    counties = tuple(_names(text, gazetteer.counties))
    return _Context(
        townships=townships,
        counties=frozenset().union(*(places for _, _, places in counties)),
        given=gazetteer.counties.of.get(given_county or "", frozenset()),
        spans=tuple((start, end) for start, end, _ in (*townships, *counties)),
    )


def _names(text: str, names: Names) -> Iterator[tuple[int, int, frozenset[int]]]:
    """The longest names at each place of the text, from left to right, none within another."""
    taken = 0
    for start in range(len(text) - 1):
        longest = names.longest.get(text[start : start + 2])
        if longest is None or start < taken:
            continue
        for length in range(min(longest, len(text) - start), 1, -1):
            if (places := names.of.get(text[start : start + length])) is not None:
                yield start, start + length, places
                taken = start + length
                break


def _exact(gazetteer: Gazetteer, text: str) -> list[_Hit]:
    hits = []
    for start in range(len(text) - 1):
        longest = gazetteer.longest.get(text[start : start + 2])
        if longest is None:
            continue
        for length in range(2, min(longest, len(text) - start) + 1):
            for form in gazetteer.by_text.get(text[start : start + length], ()):
                hits.append(_Hit(start, start + length, form, form.weight))
    return hits


def _by_sound(gazetteer: Gazetteer, text: str) -> list[_Hit]:
    heard = sounds(text)
    hits = []
    for start in range(len(heard) - 2):
        for length in range(3, min(LONGEST, len(heard) - start) + 1):
            for form in gazetteer.by_sound.get(heard[start : start + length], ()):
                hits.append(_Hit(start, start + length, form, form.weight * BY_SOUND))
    return hits


def _one_wrong(gazetteer: Gazetteer, text: str, context: _Context) -> list[_Hit]:
    """Three characters of which one is wrong say too little in the whole city: they need the township."""
    nearby = frozenset().union(*(places for _, _, places in context.townships))
    hits = []
    for start in range(len(text) - 2):
        for length in range(3, min(8, len(text) - start) + 1):
            window = text[start : start + length]
            for key in (*one_wrong(window, length), window):
                for form in gazetteer.one_wrong.get(key, ()):
                    if abs(len(form.text) - length) > 1:
                        continue
                    if len(form.text) >= 4 or form.village in nearby:
                        hits.append(_Hit(start, start + length, form, form.weight * ONE_WRONG))
    return hits


def _outermost(hits: Iterable[_Hit], context: _Context) -> list[_Hit]:
    """Hits that lie within no longer one, nor within the name of a township or county."""
    by_span: dict[tuple[int, int], list[_Hit]] = defaultdict(list)
    for hit in hits:
        by_span[(hit.start, hit.end)].append(hit)
    outer = (*by_span, *context.spans)
    kept = []
    for (start, end), found in by_span.items():
        inside = any(s <= start and end <= e and (s, e) != (start, end) for s, e in outer)
        if not inside:
            kept += found
    return kept


def _decide(text: str, how: str, hits: list[_Hit], context: _Context) -> Place:
    of_village: dict[int, list[_Hit]] = defaultdict(list)
    for hit in hits:
        if _number_fits(text, hit):
            of_village[hit.form.village].append(hit)
    scores = {village: _score(text, village, found, context) for village, found in of_village.items()}
    ranked = sorted(scores, key=lambda village: (-scores[village], village))
    if not ranked:
        return Place(None, "", "undecided", 0.0, context.spans)
    best = ranked[0]
    lead = scores[best] - (scores[ranked[1]] if len(ranked) > 1 else 0.0)
    spans = (*((hit.start, hit.end) for hit in of_village[best]), *context.spans)
    if scores[best] < ENOUGH or lead < LEAD:
        return Place(None, "", "undecided", round(scores[best], 3), spans)
    named = [hit.form.place for hit in of_village[best] if hit.form.place]
    return Place(best, max(named, key=len, default=""), how, round(scores[best], 3), spans)


def _number_fits(text: str, hit: _Hit) -> bool:
    """A house number decides which part of a road is meant."""
    number = _NUMBER.match(text, hit.end)
    if hit.form.numbers is None or number is None:
        return True
    return hit.form.numbers[0] <= int(number[1]) <= hit.form.numbers[1]


def _score(text: str, village: int, hits: list[_Hit], context: _Context) -> float:
    weights = {id(hit): hit.weight + _meant(text, hit, context) for hit in hits}
    strongest = max(hits, key=lambda hit: (weights[id(hit)], hit.end - hit.start))
    score = weights[id(strongest)]
    if any(hit.end <= strongest.start or hit.start >= strongest.end for hit in hits):
        score += AGREEING_FORM
    elsewhere = [
        places
        for start, end, places in context.townships
        if not (strongest.start <= start and end <= strongest.end)
    ]
    if elsewhere:
        score += IN_TOWNSHIP if any(village in places for places in elsewhere) else NOT_IN_TOWNSHIP
    if context.counties:
        score += IN_COUNTY if village in context.counties else NOT_IN_COUNTY
    elif context.given:
        score += IN_GIVEN_COUNTY if village in context.given else NOT_IN_GIVEN_COUNTY
    return score


def _meant(text: str, hit: _Hit, context: _Context) -> float:
    """A short name is more likely one when the words around it speak of a place, less when a town has it."""
    if hit.form.place or hit.form.weight not in (BARE, WORD):
        return 0.0
    if any((hit.start, hit.end) == (start, end) for start, end, _ in context.townships):
        return NAME_OF_TOWNSHIP
    words = load_place_words()
    before, after = text[: hit.start], text[hit.end :]
    if before.endswith(tuple(words.before)) or after.startswith(tuple(words.after)):
        return MEANT_AS_PLACE
    return 0.0
