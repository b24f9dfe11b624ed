"""Counting calls and how they went, and the limit of a day."""

from django.db import connection
from django.utils import timezone

from citybrain.desk.systems.models import System

_COUNT = """
INSERT INTO ops.connected_system_use (system_id, day, capability, calls, refused) VALUES (%s, %s, %s, %s, %s)
ON CONFLICT (day, system_id, capability) DO UPDATE
SET calls = connected_system_use.calls + excluded.calls,
    refused = connected_system_use.refused + excluded.refused
"""
_OUTCOME = """
UPDATE ops.connected_system_use SET failed = failed + %s, total_ms = total_ms + %s
WHERE system_id = %s AND day = %s AND capability = %s
"""
_TODAY = "SELECT coalesce(sum(calls), 0) FROM ops.connected_system_use WHERE system_id = %s AND day = %s"


def admit(system: System, capability: str) -> bool:
    """Count a call. False when the system has asked as often as it may today; that is counted too."""
    today = timezone.localdate()
    with connection.cursor() as cursor:
        cursor.execute(_TODAY, [system.pk, today])
        admitted = bool(cursor.fetchone()[0] < system.calls_a_day)
        cursor.execute(_COUNT, [system.pk, today, capability, int(admitted), int(not admitted)])
    return admitted


def note_outcome(system: System, capability: str, failed: bool, seconds: float) -> None:
    """How an admitted call of today went."""
    with connection.cursor() as cursor:
        cursor.execute(
            _OUTCOME, [int(failed), round(seconds * 1000), system.pk, timezone.localdate(), capability]
        )
