"""Published policies as the public pages show them; nothing here is about enterprises."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import connection

from citybrain.policy.publishing import stored_rule
from citybrain.policy.wording import CHANNEL_ZH, amount_words, condition_lines, exclusion_words
from citybrain.policy.words import question

SHOWN_ITEMS = 5  # of a document in a list

_COUNTS = """
SELECT count(DISTINCT i.document_id), count(DISTINCT i.item_id),
    count(DISTINCT i.item_id)
        FILTER (WHERE v.valid_from <= %(day)s AND coalesce(v.valid_to, %(day)s) >= %(day)s)
FROM policy.item i JOIN policy.item_version v USING (item_id) WHERE v.withdrawn_at IS NULL
"""
_DEPARTMENTS = """
SELECT DISTINCT i.department, i.department_zh FROM policy.item i JOIN policy.item_version v USING (item_id)
WHERE v.withdrawn_at IS NULL ORDER BY 2
"""
# The rank of a document is that of its best item; without a question the newest come first.
_DOCUMENTS = """
WITH standing AS (
    SELECT i.document_id, i.item_id, i.title, i.channel, i.department, i.department_zh,
        min(v.valid_from) AS valid_from, max(coalesce(v.valid_to, 'infinity')) AS valid_to,
        bool_or(v.valid_from <= %(day)s AND coalesce(v.valid_to, %(day)s) >= %(day)s) AS in_force,
        max(ts_rank(coalesce(w.words, ''), %(question)s::tsquery)) AS rank
    FROM policy.item i
    JOIN policy.item_version v USING (item_id)
    LEFT JOIN policy.item_words w USING (item_id)
    WHERE v.withdrawn_at IS NULL
        AND (%(department)s = '' OR i.department = %(department)s)
        AND (%(channel)s = '' OR i.channel = %(channel)s)
        AND (%(question)s = '' OR w.words @@ %(question)s::tsquery)
    GROUP BY i.item_id
)
SELECT d.document_id, d.title, d.number, d.origin, min(s.department_zh), count(*),
    count(*) FILTER (WHERE s.in_force), min(s.valid_from), nullif(max(s.valid_to), 'infinity'),
    array_agg(s.title ORDER BY s.rank DESC, s.item_id)
FROM standing s JOIN policy.document d USING (document_id)
WHERE NOT %(now)s OR s.in_force
GROUP BY d.document_id
ORDER BY max(s.rank) DESC, count(*) FILTER (WHERE s.in_force) > 0 DESC, min(s.valid_from) DESC, d.document_id
"""
_DOCUMENT = """
SELECT document_id, title, number, issuer, published_on, uri, origin
FROM policy.document WHERE document_id = %s
"""
_ITEMS = """
SELECT i.item_id, i.title, i.channel, i.department_zh, v.valid_from, v.valid_to, v.clause, v.source_url,
    v.definition
FROM policy.item i JOIN policy.item_version v USING (item_id)
WHERE i.document_id = %s AND v.withdrawn_at IS NULL
ORDER BY i.item_id, v.valid_from DESC
"""


@dataclass(frozen=True)
class Counts:
    documents: int
    items: int
    in_force: int


@dataclass(frozen=True)
class ListedDocument:
    """`items` that answer the question, `in_force` of them today; `titles` the best of them."""

    id: str
    title: str
    number: str | None
    origin: str
    department: str
    items: int
    in_force: int
    valid_from: date
    valid_to: date | None
    titles: list[str]

    @property
    def best(self) -> list[str]:
        return self.titles[:SHOWN_ITEMS]

    @property
    def more(self) -> int:
        return max(0, len(self.titles) - SHOWN_ITEMS)


@dataclass(frozen=True)
class ShownVersion:
    """A version in plain Chinese. `state`: now, over, to_come."""

    valid_from: date
    valid_to: date | None
    state: str
    clause: str
    source: str
    amount: str
    exclusion: str
    conditions: list[tuple[int, str]]  # depth of indentation, words
    unconfirmed: tuple[str, ...]


@dataclass(frozen=True)
class ShownItem:
    id: str
    title: str
    channel: str
    channel_zh: str
    department: str
    versions: list[ShownVersion]


def counts(day: date) -> Counts:
    with connection.cursor() as cursor:
        cursor.execute(_COUNTS, {"day": day})
        return Counts(*cursor.fetchone())


def departments() -> list[tuple[str, str]]:
    """Id and name of every department that has an item."""
    with connection.cursor() as cursor:
        cursor.execute(_DEPARTMENTS)
        return [(row[0], row[1]) for row in cursor.fetchall()]


def search(
    asked: str, department: str, channel: str, now: bool, day: date
) -> tuple[list[ListedDocument], bool]:
    """Documents that answer, best first, and whether every word of the question had to be there.

    When no item has all the words, those that have any are shown.
    """
    whole = question(asked)
    if asked.strip() and not whole:
        return [], True
    given = {"department": department, "channel": channel, "now": now, "day": day}
    found = _documents(given | {"question": whole})
    if found or not whole:
        return found, True
    return _documents(given | {"question": question(asked, any_word=True)}), False


def _documents(given: dict[str, Any]) -> list[ListedDocument]:
    with connection.cursor() as cursor:
        cursor.execute(_DOCUMENTS, given)
        return [ListedDocument(*row) for row in cursor.fetchall()]


def document(document_id: str) -> dict[str, Any] | None:
    """Title, number, issuer, day, address and origin; None when there is no such document."""
    with connection.cursor() as cursor:
        cursor.execute(_DOCUMENT, [document_id])
        row = cursor.fetchone()
    names = ("id", "title", "number", "issuer", "published_on", "uri", "origin")
    return dict(zip(names, row, strict=True)) if row else None


def items_of(document_id: str, day: date) -> list[ShownItem]:
    """The items of a document with the versions that stand, the newest first."""
    with connection.cursor() as cursor:
        cursor.execute(_ITEMS, [document_id])
        rows = cursor.fetchall()
    shown: dict[str, ShownItem] = {}
    for item_id, title, channel, department, begins, ends, clause, source, definition in rows:
        item = shown.setdefault(
            item_id, ShownItem(item_id, title, channel, CHANNEL_ZH[channel], department, [])
        )
        item.versions.append(_version(begins, ends, clause, source, definition, day))
    return list(shown.values())


def _version(
    valid_from: date, valid_to: date | None, clause: str, source: str, definition: str, day: date
) -> ShownVersion:
    rule = stored_rule(json.loads(definition))
    state = "to_come" if valid_from > day else "over" if valid_to is not None and valid_to < day else "now"
    return ShownVersion(
        valid_from,
        valid_to,
        state,
        clause,
        source,
        amount_words(rule),
        exclusion_words(rule.version.exclusion),
        list(_indented(condition_lines(rule))),
        rule.unconfirmed,
    )


def _indented(lines: list[str]) -> Iterator[tuple[int, str]]:
    for line in lines:
        words = line.lstrip("　")
        yield len(line) - len(words), words
