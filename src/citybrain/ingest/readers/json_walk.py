"""Ways into a JSON document: one value by its pointer, or the rows that paths along lists lead to.

Numbers keep the digits they were written with.
"""

import json
import re
from collections.abc import Iterator, Sequence
from itertools import repeat
from typing import Any

Step = str
ALONG = "[]"


class Digits(str):
    """A number as it was written."""

    __slots__ = ()


class UnreadableJsonError(ValueError):
    """Not JSON, or an object that names a key twice."""


class UnevenListsError(ValueError):
    """The lists that a record's columns walk along are not equally long, or one of them is no list."""


def _no_doubled_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key comes twice")
    return found


def _no_constants(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


_BLANKS = re.compile(r"[ \t\r\n]*")
_DECODER = json.JSONDecoder(
    parse_float=Digits, parse_int=Digits, parse_constant=_no_constants, object_pairs_hook=_no_doubled_keys
)


def _after_blanks(text: str, place: int) -> int:
    found = _BLANKS.match(text, place)
    return found.end() if found else place


def read_documents(text: str) -> Iterator[Any]:
    """The documents that stand one after the other, usually one; their numbers are Digits.

    Raises UnreadableJsonError.
    """
    place = _after_blanks(text, 0)
    while place < len(text):
        try:
            document, place = _DECODER.raw_decode(text, place)
        except (ValueError, RecursionError) as error:
            raise UnreadableJsonError(str(error)) from error
        yield document
        place = _after_blanks(text, place)


def steps_of(path: str) -> list[Step]:
    """The steps of a dotted path, or of a JSON pointer when it begins with a slash; `[]` is a step of its
    own."""
    if path.startswith("/"):
        parts = [part.replace("~1", "/").replace("~0", "~") for part in path[1:].split("/")]
    else:
        parts = path.split(".") if path else []
    steps: list[Step] = []
    for part in parts:
        name = part.removesuffix(ALONG)
        steps += [name] if name else []
        steps += [ALONG] if part.endswith(ALONG) else []
    return steps


def at(document: Any, steps: Sequence[Step]) -> Any:
    """The value the steps lead to; None when they lead nowhere."""
    for step in steps:
        if isinstance(document, dict):
            document = document.get(step)
        elif isinstance(document, list) and re.fullmatch(r"0|[1-9]\d*", step):
            place = int(step)
            document = document[place] if place < len(document) else None
        else:
            return None
    return document


def at_pointer(document: Any, pointer: str) -> Any:
    """The value at a JSON pointer (RFC 6901); None when it leads nowhere."""
    return at(document, steps_of(pointer))


def records_at(document: Any, pointer: str) -> list[Any] | None:
    """The list of records at `pointer`, or the one object there as a list; None when there is neither."""
    found = at_pointer(document, pointer)
    if isinstance(found, list):
        return found
    return [found] if isinstance(found, dict) else None


def rows_of(record: Any, paths: Sequence[Sequence[Step]]) -> Iterator[list[Any]]:
    """The rows of a record: one value for each path; one row, or one for each place in the lists they walk.

    Raises UnevenListsError.
    """
    columns: list[Any] = []
    lengths: set[int] = set()
    for steps in paths:
        if ALONG not in steps:
            columns.append(repeat(at(record, steps)))
            continue
        place = steps.index(ALONG)
        along = at(record, steps[:place])
        if along is None:  # like a key that lacks: no value in any row
            columns.append(repeat(None))
            continue
        if not isinstance(along, list):
            raise UnevenListsError(f"{'.'.join(steps[:place])} is no list")
        lengths.add(len(along))
        columns.append([at(entry, steps[place + 1 :]) for entry in along])
    if len(lengths) > 1:
        raise UnevenListsError(f"lists of {', '.join(map(str, sorted(lengths)))} entries side by side")
    walks = any(ALONG in steps for steps in paths)
    count = lengths.pop() if lengths else 0 if walks else 1
    for _, *row in zip(range(count), *columns):  # noqa: B905 - repeat() has no end
        yield row


def as_text(value: Any) -> str | None:
    """A value as the raw table takes it: numbers by their digits, nested values as JSON."""
    if value is None:
        return None
    if isinstance(value, str):
        return str(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(_plain(value), ensure_ascii=False)


def _plain(value: Any) -> Any:
    if isinstance(value, Digits):
        return json.loads(value)
    if isinstance(value, dict):
        return {key: _plain(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_plain(part) for part in value]
    return value
