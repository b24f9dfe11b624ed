"""Whether the ledger proves a case's history: each step against the entry that was recorded with it."""

import json
from collections.abc import Sequence
from typing import Any, Literal

from django.db import connection

from citybrain.events.models import Case, CaseMessage, Transition
from citybrain.events.writing import ENTRY, entry_of

Proof = Literal["proved", "batch", "altered", "missing"]

_ENTRIES = """
SELECT payload::text, hash = ledger.entry_hash(entry_id, recorded_at, kind, subject, payload, previous_hash)
FROM ledger.entry WHERE kind = %s AND subject = %s ORDER BY entry_id
"""


def proofs(case: Case, steps: Sequence[Transition]) -> dict[int, Proof]:
    """By version: whether the step is what its entry says, and the entry what its hash says.

    `batch`: a step of the past, which was recorded with its batch of cases and has no entry of its own.
    That no entry was taken out of the whole chain is for `citybrain ledger verify` to say.
    """
    recorded: dict[int, tuple[dict[str, Any], bool]] = {}
    for payload, whole in _entries("case_transition", f"case:{case.number}"):
        recorded[int(payload["version"])] = payload, whole
    batches = {
        key: any(whole for _, whole in _entries("case_history", f"case_history:{key}"))
        for key in {str(step.data["history"]) for step in steps if step.data.get("history")}
    }
    return {
        step.version: "batch"
        if step.version not in recorded and batches.get(str(step.data.get("history")))
        else _proof(step, recorded.get(step.version))
        for step in steps
    }


def message_proofs(case: Case, messages: Sequence[CaseMessage]) -> dict[int, Proof]:
    """The same of messages, by their id: the ledger holds the hash of each text."""
    if not messages:
        return {}
    recorded = {
        int(payload["message"]): (payload, whole) for payload, whole in _entries(ENTRY, f"case:{case.number}")
    }
    found: dict[int, Proof] = {}
    for one in messages:
        payload, whole = recorded.get(one.pk, (None, False))
        same = whole and payload == entry_of(one, one.author.get_username())
        found[one.pk] = "missing" if payload is None else "proved" if same else "altered"
    return found


def _proof(step: Transition, entry: tuple[dict[str, Any], bool] | None) -> Proof:
    if entry is None:
        return "missing"
    payload, whole = entry
    told = {
        "action": step.action,
        "from": step.from_state,
        "to": step.to_state,
        "actor": step.actor.get_username() if step.actor else None,
        "organisation_id": step.organisation_id,
        "reason": step.reason,
        "rules_version": step.rules_version,
        "at": step.at.isoformat(),
        "data": step.data,
    }
    return (
        "proved" if whole and all(payload.get(name) == value for name, value in told.items()) else "altered"
    )


def _entries(kind: str, subject: str) -> list[tuple[dict[str, Any], bool]]:
    """The subject's entries in order, and whether each one's hash is that of its fields."""
    with connection.cursor() as cursor:
        cursor.execute(_ENTRIES, [kind, subject])
        return [(json.loads(payload), bool(whole)) for payload, whole in cursor.fetchall()]
