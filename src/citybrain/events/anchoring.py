"""The ledger's head put under lock once an hour, and evidence held against what the ledger says."""

from dataclasses import dataclass
from datetime import timedelta

from django.db import connection
from django.utils import timezone

from citybrain import ledger
from citybrain.events.scope import as_system
from citybrain.lake import keep_locked, locked_objects
from citybrain.ledger import Anchor
from citybrain.settings import Settings, get_settings

ZONE = "anchors"
LOCKED_FOR = timedelta(days=3650)  # as long as a case may be asked about

# What the ledger says a signal was, beside what the table says it is.
_SIGNALS = """
WITH told AS (
    SELECT payload -> 'data' ->> 'signal' AS key, payload -> 'data' ->> 'signal_sha256' AS sha256
    FROM ledger.entry
    WHERE kind = 'case_transition' AND payload -> 'data' ? 'signal_sha256'
    UNION ALL
    SELECT one.key, one.value #>> '{}'
    FROM ledger.entry, jsonb_each(payload -> 'cases') AS joined, jsonb_each(joined.value) AS one
    WHERE kind = 'case_signals'
)
SELECT told.key, s.id IS NULL
FROM told LEFT JOIN ops.signal s ON s.key = told.key
WHERE s.id IS NULL OR encode(ops.signal_sha256(s), 'hex') <> told.sha256
ORDER BY told.key LIMIT %s
"""
# Every step names the pictures that its case had then: none of them may be gone.
_PICTURES = """
SELECT DISTINCT e.payload ->> 'case', sha256.value
FROM ledger.entry e, jsonb_array_elements_text(e.payload -> 'evidence') AS sha256 (value)
WHERE e.kind = 'case_transition' AND NOT EXISTS (
    SELECT FROM ops.evidence p JOIN ops.event_case c ON c.id = p.case_id
    WHERE c.number = e.payload ->> 'case' AND p.sha256 = sha256.value)
ORDER BY 1, 2 LIMIT %s
"""


@dataclass(frozen=True)
class EvidenceFault:
    """A signal (by key) or a picture (by case and hash) that is not what the ledger says; why, in English."""

    subject: str
    reason: str


def anchor_head(settings: Settings | None = None) -> Anchor | None:
    """Put the chain's head under lock, unless the newest anchor has it already; None for nothing new.

    Raises LakeError, minio's S3Error.
    """
    settings = settings or get_settings()
    connection.ensure_connection()
    found = ledger.head(connection.connection, timezone.now())
    if found is None or any(one.entry_id == found.entry_id for one in anchors(settings)):
        return None
    keep_locked(settings, ZONE, found.key, found.content(), timezone.now() + LOCKED_FOR)
    return found


def anchors(settings: Settings | None = None) -> list[Anchor]:
    """Every anchor, in the chain's order. Raises ValueError for an object that is none."""
    return [Anchor.read(content) for _, content in locked_objects(settings or get_settings(), ZONE)]


def evidence_faults(most: int = 20) -> list[EvidenceFault]:
    """Signals and pictures that are not what the ledger says they were, at most so many of each."""
    with as_system(), connection.cursor() as cursor:
        cursor.execute(_SIGNALS, [most])
        faults = [
            EvidenceFault(f"signal {key}", "it is gone" if gone else "it was changed after it was recorded")
            for key, gone in cursor.fetchall()
        ]
        cursor.execute(_PICTURES, [most])
        faults += [
            EvidenceFault(f"case {case}, picture {sha256}", "it is gone")
            for case, sha256 in cursor.fetchall()
        ]
    return faults
