"""The machine's second look: a handler's after-photo goes to the detector that found the case.

The request is a row of `vision.recheck`; a vision worker claims it and writes its verdict there. What follows
from a verdict stands in `verdicts`.
"""

import json
from dataclasses import dataclass
from typing import Any

from django.db import connection

from citybrain.events.editions import filing_of_case
from citybrain.events.guards import photo_of_this_round
from citybrain.events.models import Case

_ASK = """
INSERT INTO vision.recheck (key, scenario, camera_id, zone, bucket, object_key, sha256)
VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT (key) DO NOTHING
"""
_VERDICTS = """
SELECT key, CASE state WHEN 'failed' THEN 'failed' ELSE verdict END, detail
FROM vision.recheck WHERE key = ANY(%s) AND state IN ('done', 'failed')
"""


@dataclass(frozen=True)
class Verdict:
    """`word`: clear, occupied, unreadable, doubtful, or failed for a check that gave none."""

    key: str
    word: str
    detail: dict[str, Any]


def ask(case: Case) -> str:
    """Ask for a look at the newest after-photo. The request's key; "" where a person has to check."""
    photo = photo_of_this_round(case)
    if filing_of_case(case).rule.check != "machine" or not case.source_id or photo is None:
        return ""
    key = f"{case.number}:{photo.sha256}"
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('vision.recheck') IS NOT NULL")
        if not cursor.fetchone()[0]:  # a city without the vision room
            return ""
        cursor.execute(
            _ASK,
            [key, case.scenario, case.source_id, case.zone, photo.bucket, photo.object_key, photo.sha256],
        )
    return key


def verdicts(keys: list[str]) -> dict[str, Verdict]:
    """What the detectors have said so far, by key of request."""
    if not keys:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_VERDICTS, [keys])
        # Django's raw cursors hand jsonb over as text
        return {key: Verdict(key, word, json.loads(told or "{}")) for key, word, told in cursor.fetchall()}
