"""The vision workers' work: looks that are due and photos to judge, claimed one at a time.

A claim ends by itself: what a dead worker had taken is free again after its lease. Looks at one camera are
done in the order they were due, since what stands there is followed from look to look.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import psycopg
from psycopg.rows import class_row

LEASE = timedelta(minutes=2)
ATTEMPTS = 3
_PAUSE = timedelta(seconds=3)  # before another attempt, times the attempts made

_ASK = """
INSERT INTO vision.look_request (detector, camera_id, due_at)
SELECT %s, camera_id, %s FROM unnest(%s::text[]) AS camera_id
ON CONFLICT (detector, camera_id, due_at) DO NOTHING
"""
_GIVE_UP_LOOKS = """
UPDATE vision.look_request SET state = 'failed', done_at = now(),
    error = coalesce(nullif(error, ''), 'every worker that took it died')
WHERE state IN ('pending', 'claimed') AND attempts >= %s
    AND (claim_expires_at IS NULL OR claim_expires_at < now())
"""
_SKIP_LATE = """
UPDATE vision.look_request SET state = 'skipped', done_at = now(),
    error = 'waited longer than the budget of a round'
WHERE state = 'pending' AND attempts = 0 AND detector = %s AND requested_at < now() - %s
"""
_CLAIM_LOOK = """
UPDATE vision.look_request SET state = 'claimed', claimed_by = %(worker)s, attempts = attempts + 1,
    claim_expires_at = now() + %(lease)s
WHERE look_request_id = (
    SELECT look_request_id FROM vision.look_request AS this
    WHERE state IN ('pending', 'claimed') AND (claim_expires_at IS NULL OR claim_expires_at < now())
        AND attempts < %(attempts)s AND detector = ANY(%(detectors)s)
        AND NOT EXISTS (
            SELECT FROM vision.look_request AS earlier
            WHERE earlier.detector = this.detector AND earlier.camera_id = this.camera_id
                AND earlier.state IN ('pending', 'claimed') AND earlier.due_at < this.due_at)
    ORDER BY due_at, look_request_id LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING look_request_id, detector, camera_id, due_at, claimed_by
"""
_RETURN_LOOK = """
UPDATE vision.look_request SET state = 'pending', claimed_by = NULL, error = %s,
    claim_expires_at = now() + attempts * %s
WHERE look_request_id = %s AND state = 'claimed' AND claimed_by = %s
"""
_GIVE_UP_RECHECKS = """
UPDATE vision.recheck SET state = 'failed', done_at = now(),
    detail = jsonb_build_object('error', 'every attempt broke down') || detail
WHERE state = 'pending' AND attempts >= %s AND (claim_expires_at IS NULL OR claim_expires_at < now())
"""
_CLAIM_RECHECK = """
UPDATE vision.recheck SET claimed_by = %(worker)s, attempts = attempts + 1,
    claim_expires_at = now() + %(lease)s
WHERE id = (
    SELECT id FROM vision.recheck
    WHERE state = 'pending' AND (claim_expires_at IS NULL OR claim_expires_at < now())
        AND attempts < %(attempts)s AND scenario = ANY(%(scenarios)s)
    ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING id, key, scenario, camera_id, zone, bucket, object_key, sha256, requested_at, claimed_by
"""
_RETURN_RECHECK = """
UPDATE vision.recheck SET claimed_by = NULL, claim_expires_at = now() + attempts * %s,
    detail = jsonb_build_object('error', %s::text)
WHERE id = %s AND state = 'pending' AND claimed_by = %s
"""


@dataclass(frozen=True)
class LookClaim:
    look_request_id: int
    detector: str
    camera_id: str
    due_at: datetime
    claimed_by: str


@dataclass(frozen=True)
class RecheckClaim:
    """A handler's photo, `bucket`, `object_key` and `sha256` in the lake, to be judged for a zone."""

    id: int
    key: str
    scenario: str
    camera_id: str
    zone: str
    bucket: str
    object_key: str
    sha256: str
    requested_at: datetime
    claimed_by: str


def ask_for_looks(
    connection: psycopg.Connection, detector: str, camera_ids: Sequence[str], due_at: datetime
) -> int:
    """Ask for one look at each camera; how many of them nobody had asked for yet."""
    return connection.execute(_ASK, (detector, due_at, list(camera_ids))).rowcount


def skip_late(connection: psycopg.Connection, budgets: Mapping[str, timedelta]) -> int:
    """End the looks that nobody took within the budget of their detector: a patrol that falls behind looks at
    what is there now, and the round says what it left out. How many there were.
    """
    return sum(
        connection.execute(_SKIP_LATE, (detector, budget)).rowcount for detector, budget in budgets.items()
    )


def claim_look(connection: psycopg.Connection, worker: str, detectors: Collection[str]) -> LookClaim | None:
    """Take the look that was due first; one that broke every attempt is given up."""
    connection.execute(_GIVE_UP_LOOKS, (ATTEMPTS,))
    with connection.cursor(row_factory=class_row(LookClaim)) as cursor:
        terms = {"worker": worker, "lease": LEASE, "attempts": ATTEMPTS, "detectors": list(detectors)}
        return cursor.execute(_CLAIM_LOOK, terms).fetchone()


def return_look(connection: psycopg.Connection, claim: LookClaim, error: str) -> None:
    """Give a look back that broke down, for another attempt."""
    connection.execute(_RETURN_LOOK, (error[:500], _PAUSE, claim.look_request_id, claim.claimed_by))


def claim_recheck(
    connection: psycopg.Connection, worker: str, scenarios: Collection[str]
) -> RecheckClaim | None:
    """Take the photo that has waited longest; one that broke every attempt has failed."""
    connection.execute(_GIVE_UP_RECHECKS, (ATTEMPTS,))
    with connection.cursor(row_factory=class_row(RecheckClaim)) as cursor:
        terms = {"worker": worker, "lease": LEASE, "attempts": ATTEMPTS, "scenarios": list(scenarios)}
        return cursor.execute(_CLAIM_RECHECK, terms).fetchone()


def return_recheck(connection: psycopg.Connection, claim: RecheckClaim, error: str) -> None:
    """Give a photo back that broke down, for another attempt."""
    connection.execute(_RETURN_RECHECK, (_PAUSE, error[:500], claim.id, claim.claimed_by))
