"""Every way in which a text may name one of the city's villages and communities.

Built from the division lists and the registers of named places; what people drop of an official name is in
place_words.yml. A form is looked up by its characters, by its sound, and with one character wrong or missing.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from pydantic import Field
from pypinyin import Style, pinyin

from citybrain.catalogue import ContentModel, load_content

WORDS_FILE = Path(__file__).with_name("place_words.yml")

FULL, PLACE, BARE, WORD = 1.0, 0.9, 0.6, 0.3  # how much a form says: the name with its kind, …, a mere word
BY_SOUND, ONE_WRONG = 0.85, 0.75  # what is left of it when the writing differs
LONGEST = 14  # characters looked at by sound; official names written out may be longer


class PlaceWords(ContentModel):
    """See place_words.yml."""

    kinds: list[str] = Field(min_length=1)
    spoken_kinds: list[str] = Field(min_length=1)
    township_kinds: list[str] = Field(min_length=1)
    township_spoken: list[str] = Field(min_length=1)
    county_kinds: list[str] = Field(min_length=1)
    township_aliases: dict[str, list[str]]
    place_kinds: list[str]
    words_that_are_names: list[str]
    before: list[str]
    after: list[str]
    sounds: dict[str, str]


@cache
def load_place_words() -> PlaceWords:
    """Raises ContentError when place_words.yml does not fit."""
    return load_content(WORDS_FILE, PlaceWords)


@dataclass(frozen=True)
class Village:
    """One village or community of the division list, with the townships and county around it."""

    code: str
    name: str
    township: str
    county_code: str
    county: str


@dataclass(frozen=True)
class NamedPlace:
    """A compound, road or hamlet; with numbers, the part of a road that lies in the village."""

    name: str
    village_code: str
    from_number: int | None = None
    to_number: int | None = None


@dataclass(frozen=True)
class Form:
    """One way to name one village. `place`: the named place it stands for, empty for the village itself.

    own: how many of its first characters are its own; the rest is the kind, in which a slip says nothing.
    """

    text: str
    village: int
    weight: float
    own: int
    place: str = ""
    numbers: tuple[int, int] | None = None


class Names:
    """Villages by the name of what holds them; `longest` by the first two characters, for a quick look-up."""

    def __init__(self, of: dict[str, frozenset[int]]) -> None:
        self.of = of
        self.longest: dict[str, int] = defaultdict(int)
        for name in of:
            self.longest[name[:2]] = max(self.longest[name[:2]], len(name))


def bare_name(name: str, kinds: Iterable[str]) -> str:
    """The name without its kind, where at least two characters stay."""
    for kind in kinds:
        if name.endswith(kind) and len(name) - len(kind) >= 2:
            return name[: -len(kind)]
    return name


@cache
def sound(character: str) -> str:
    """The toneless syllable of one character as speakers here keep them apart; other signs as they are."""
    syllable = pinyin(character, style=Style.NORMAL, errors="default")[0][0]
    for spoken, kept in load_place_words().sounds.items():
        if len(spoken) == 1 or spoken in ("zh", "ch", "sh"):
            if syllable.startswith(spoken):
                syllable = kept + syllable[len(spoken) :]
        elif syllable.endswith(spoken):
            syllable = syllable[: -len(spoken)] + kept
    return syllable


def sounds(text: str) -> tuple[str, ...]:
    return tuple(map(sound, text))


class Gazetteer:
    """Forms of every village; `townships` and `counties` say which villages a name of theirs holds."""

    def __init__(self, villages: list[Village], places: list[NamedPlace]) -> None:
        self.villages = villages
        self.by_text: dict[str, list[Form]] = defaultdict(list)
        self.longest: dict[str, int] = defaultdict(int)  # of the forms that begin with these two characters
        self.by_sound: dict[tuple[str, ...], list[Form]] = defaultdict(list)
        self.one_wrong: dict[str, list[Form]] = defaultdict(list)
        self.townships = Names(_townships(villages))
        self.counties = Names(_counties(villages))
        self._add_villages()
        self._add_places(places)

    def _add_villages(self) -> None:
        words = load_place_words()
        for place, village in enumerate(self.villages):
            bare = bare_name(village.name, words.kinds)
            stem = bare_name(bare, ("村", "社区"))  # 新建村村民委员会
            forms = {village.name: FULL, **{stem + kind: FULL for kind in words.spoken_kinds}}
            forms |= {bare + kind: FULL for kind in words.spoken_kinds}
            for short in {bare, stem}:
                weight = WORD if short in words.words_that_are_names else BARE
                forms.setdefault(short, weight if len(short) >= 2 else 0.0)
            for text, weight in forms.items():
                if weight > 0:
                    self._add(Form(text, place, weight, _own(text, stem)))
        for name, held in self.townships.of.items():
            if len(held) == 1 and len(name) >= 3:  # a zone is its own only community
                self._add(Form(name, min(held), FULL, len(name)))

    def _add_places(self, places: list[NamedPlace]) -> None:
        number_of = {village.code: place for place, village in enumerate(self.villages)}
        kinds = load_place_words().place_kinds
        for named in places:
            village = number_of.get(named.village_code)
            if village is None:
                continue
            numbers = (
                None
                if named.from_number is None or named.to_number is None
                else (named.from_number, named.to_number)
            )
            self._add(Form(named.name, village, PLACE, len(named.name), named.name, numbers))
            short = bare_name(named.name, kinds)
            if short != named.name and len(short) >= 3:
                self._add(Form(short, village, PLACE, len(short), named.name, numbers))

    def _add(self, form: Form) -> None:
        self.by_text[form.text].append(form)
        self.longest[form.text[:2]] = max(self.longest[form.text[:2]], len(form.text))
        if len(form.text) >= 3:
            self.by_sound[sounds(form.text)].append(form)
            for key in one_wrong(form.text, form.own):
                self.one_wrong[key].append(form)


def _own(text: str, stem: str) -> int:
    return len(stem) if text.startswith(stem) else len(text)


def one_wrong(text: str, own: int) -> set[str]:
    """The keys that a text shares with every text one of whose first `own` characters is another or missing.

    `?` stands for the wrong one.
    """
    keys = {f"{text[:at]}?{text[at + 1 :]}" for at in range(own)}
    if len(text) >= 4:  # with one missing, three stay
        keys |= {text[:at] + text[at + 1 :] for at in range(own)}
    return keys


def _townships(villages: list[Village]) -> dict[str, frozenset[int]]:
    words = load_place_words()
    held: dict[str, set[int]] = defaultdict(set)
    for place, village in enumerate(villages):
        spoken = words.township_aliases.get(village.township)
        if spoken is None:
            bare = bare_name(village.township, words.township_kinds)
            spoken = [village.township, bare, *(bare + kind for kind in words.township_spoken)]
        for name in spoken:
            held[name].add(place)
    return {name: frozenset(places) for name, places in held.items()}


def _counties(villages: list[Village]) -> dict[str, frozenset[int]]:
    held: dict[str, set[int]] = defaultdict(set)
    for place, village in enumerate(villages):
        for name in {village.county, bare_name(village.county, load_place_words().county_kinds)}:
            held[name].add(place)
    return {name: frozenset(places) for name, places in held.items()}
