"""Appending to the chain, and proving that nobody changed it since.

The chain itself lives in PostgreSQL (`ledger.append`, migration 0005): the database hashes, so no caller can
write an entry that does not follow from the one before it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

# An entry is wrong when its own fields give another hash, when it does not carry the hash of the entry before
# it, or when a number is missing before it. The first entry follows 32 zero bytes.
_BREAKS = """
SELECT entry_id, kind, subject, hash_is_wrong, link_is_wrong, number_is_wrong
FROM (
    SELECT entry_id, kind, subject,
        hash <> ledger.entry_hash(entry_id, recorded_at, kind, subject, payload, previous_hash)
            AS hash_is_wrong,
        previous_hash <> lag(hash, 1, decode(repeat('00', 32), 'hex')) OVER chain AS link_is_wrong,
        entry_id <> lag(entry_id, 1, 0::bigint) OVER chain + 1 AS number_is_wrong
    FROM ledger.entry
    WINDOW chain AS (ORDER BY entry_id)
) AS checked
WHERE hash_is_wrong OR link_is_wrong OR number_is_wrong
ORDER BY entry_id
LIMIT %s
"""


@dataclass(frozen=True)
class Break:
    """An entry at which the chain does not hold, and what is wrong there, in English."""

    entry_id: int
    kind: str
    subject: str
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class Verification:
    """The whole chain, checked: its length, the hash of its last entry (hex; "" for none), its breaks."""

    entries: int
    head: str
    breaks: tuple[Break, ...]

    @property
    def holds(self) -> bool:
        return not self.breaks


def append(
    connection: psycopg.Connection[Any], kind: str, subject: str, payload: Mapping[str, object]
) -> int:
    """Add an entry in the caller's transaction and return its number.

    `kind` is a word of lower-case letters and underscores, `subject` names what it is about, e.g. `case:17`.
    The chain is held until the transaction ends: make this its last statement. Raises
    psycopg.errors.CheckViolation.
    """
    row = connection.execute("SELECT ledger.append(%s, %s, %s)", (kind, subject, Jsonb(payload))).fetchone()
    return int(row[0]) if row else 0


def verify(connection: psycopg.Connection[Any], most_breaks: int = 20) -> Verification:
    """Recompute every hash of the chain in one statement; at most `most_breaks` breaks are told."""
    last = connection.execute(
        "SELECT entry_id, encode(hash, 'hex') FROM ledger.entry ORDER BY entry_id DESC LIMIT 1"
    ).fetchone()
    counted = connection.execute("SELECT count(*) FROM ledger.entry").fetchone()
    breaks = tuple(
        Break(
            entry_id,
            kind,
            subject,
            tuple(
                reason
                for wrong, reason in (
                    (hash_is_wrong, "its fields were changed after it was recorded"),
                    (link_is_wrong, "it does not follow from the entry before it"),
                    (number_is_wrong, "an entry before it is missing"),
                )
                if wrong
            ),
        )
        for entry_id, kind, subject, hash_is_wrong, link_is_wrong, number_is_wrong in connection.execute(
            _BREAKS, (most_breaks,)
        )
    )
    return Verification(int(counted[0]) if counted else 0, str(last[1]) if last else "", breaks)
