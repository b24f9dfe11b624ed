"""The chain's head, kept where nobody can change it: an object under lock for each anchoring.

Whoever owns the database could write the whole chain anew, every hash of it right. An anchor names an entry
and its hash in a bucket whose objects nobody, not even its owner, can change or remove before their time is
over. A chain that was written anew does not have the anchored hash at the anchored place.
"""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import psycopg


@dataclass(frozen=True)
class Anchor:
    """An entry's number and hash (hex), and when they were anchored (ISO 8601, with its offset)."""

    entry_id: int
    hash: str
    anchored_at: str

    @property
    def key(self) -> str:
        """The object's key: anchors list in the chain's order."""
        return f"{self.entry_id:012d}-{self.hash[:16]}.json"

    def content(self) -> bytes:
        return json.dumps(asdict(self), sort_keys=True).encode()

    @classmethod
    def read(cls, content: bytes) -> "Anchor":
        """Raises ValueError for content that is no anchor."""
        try:
            told = json.loads(content)
            return cls(int(told["entry_id"]), str(told["hash"]), str(told["anchored_at"]))
        except (KeyError, TypeError) as error:
            raise ValueError("not an anchor") from error


def head(connection: psycopg.Connection[Any], now: datetime) -> Anchor | None:
    """What an anchor would say now (`now` aware); None for an empty chain."""
    row = connection.execute(
        "SELECT entry_id, encode(hash, 'hex') FROM ledger.entry ORDER BY entry_id DESC LIMIT 1"
    ).fetchone()
    return Anchor(int(row[0]), str(row[1]), now.isoformat()) if row else None


def lost_anchors(connection: psycopg.Connection[Any], anchors: Iterable[Anchor]) -> list[Anchor]:
    """The anchors whose entry is gone from the chain, or stands there with another hash."""
    known = list(anchors)
    found = dict(
        connection.execute(
            "SELECT entry_id, encode(hash, 'hex') FROM ledger.entry WHERE entry_id = ANY(%s)",
            ([one.entry_id for one in known],),
        ).fetchall()
    )
    return [one for one in known if found.get(one.entry_id) != one.hash]
