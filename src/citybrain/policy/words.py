"""Chinese text as words PostgreSQL can search: cut by jieba's dictionary, written as tsvector and tsquery.

The database's own parser does not know where a Chinese word ends; here it is given the words. A text is cut
finely (新能源货车 gives 能源, 新能源, 货车), a question coarsely, so that its longest words must be there.
"""

from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rjieba import Jieba

MOST_POSITIONS = 16_383  # of a tsvector
MOST_OF_A_WORD = 255  # positions of one word
LONGEST = 64  # characters of one word; longer runs are no words


@cache
def _dictionary() -> "Jieba":
    from rjieba import Jieba

    return Jieba()


def _kept(words: Iterable[str]) -> list[str]:
    """Without marks and spaces, in lower case."""
    lower = (word.strip().lower() for word in words)
    return [word for word in lower if any(letter.isalnum() for letter in word) and len(word) <= LONGEST]


def words_of(text: str) -> list[str]:
    """Every word of a text, the shorter ones inside longer ones included."""
    return _kept(_dictionary().cut_for_search(text))


def vector(parts: Iterable[tuple[str, str]]) -> str:
    """A tsvector in words: of texts with their weights, `A` the heaviest to `D`."""
    places: dict[str, list[str]] = {}
    place = 0
    for text, weight in parts:
        for word in words_of(text):
            place += 1
            if place <= MOST_POSITIONS:
                places.setdefault(word, []).append(f"{place}{weight}")
    return " ".join(
        f"{_quoted(word)}:{','.join(where[:MOST_OF_A_WORD])}" for word, where in sorted(places.items())
    )


def question(text: str, any_word: bool = False) -> str:
    """A tsquery that asks for all words of `text`, or for any; empty when there is none."""
    asked = dict.fromkeys(_kept(_dictionary().cut(text)))
    return (" | " if any_word else " & ").join(_quoted(word) for word in asked)


def _quoted(word: str) -> str:
    return "'" + word.replace("\\", "\\\\").replace("'", "''") + "'"
