"""Repeats: what devices see again of cases that are open already, attached set by set.

Most signals are repeats, and a repeat changes only counts and times of its case. So they are taken in
hundreds a transaction, with one entry of the ledger for all of them; what may move a case is left to
`intake`.
"""

from collections import defaultdict

from django.db import connection
from pydantic import ValidationError

from citybrain.events.attaching import Picture, keep_pictures, pictures_of, record
from citybrain.events.models import ENDED, Case, Signal, State
from citybrain.events.scope import as_system

_A_TRANSACTION = 500
# A repeat is a sighting by a case's own device, later than all others, that says nothing of the case which
# nobody had said: else it would describe the case anew. A case that still waits to be confirmed may be
# confirmed by it. All of that is for `intake`.
# Thousands may wait while the planner knows of a few, and cases by the hundred are new to it: the scenario is
# compared in a way that no index serves, or one by scenario alone would be walked for each that waits.
_FIND = """
SELECT s.id, c.id
FROM ops.signal s JOIN ops.event_case c ON c.source_id = s.source_id AND c.zone = s.zone
    AND c.scenario IS NOT DISTINCT FROM s.scenario AND c.class_code IN (s.class_code, 'all')
WHERE s.state = 'pending' AND s.kind = 'detected' AND s.source_id <> '' AND s.reporter_id IS NULL
    AND c.source_id <> '' AND c.state <> ALL(%s) AND s.observed_at >= c.last_seen_at AND s.id > %s
    AND (c.lon IS NOT NULL OR s.lon IS NULL) AND (c.place_id <> '' OR s.place_id = '')
    AND (c.place_name <> '' OR s.place_name = '') AND (c.area_code <> '' OR s.area_code = '')
ORDER BY s.id LIMIT %s
FOR UPDATE OF s SKIP LOCKED
"""
# Something is there again when it was seen later than it was last seen gone.
_COUNT = """
UPDATE ops.event_case c SET
    sightings = c.sightings + told.times,
    last_seen_at = greatest(c.last_seen_at, told.newest),
    cleared_at = CASE WHEN c.cleared_at >= told.newest THEN c.cleared_at END,
    source_kinds = c.source_kinds || CASE WHEN c.source_kinds @> told.kinds THEN '[]' ELSE told.kinds END
FROM (
    SELECT case_id, count(*) AS times, max(observed_at) AS newest,
        jsonb_agg(DISTINCT source_kind) AS kinds
    FROM ops.signal WHERE id = ANY(%s) GROUP BY case_id
) AS told
WHERE c.id = told.case_id
"""


def attach_repeats(most: int) -> int:
    """Attach repeats that wait, at most so many; how many there were. Safe for several workers."""
    done, after = 0, 0
    while done < most:
        found, after, attached = _attach_some(min(_A_TRANSACTION, most - done), after)
        done += attached
        if not found:
            break
    return done


def _attach_some(most: int, after: int) -> tuple[int, int, int]:
    """One transaction: how many were found, the last one's id, and how many of them were attached."""
    with as_system():
        with connection.cursor() as cursor:
            cursor.execute(_FIND, [[*ENDED, State.DETECTED], after, most])
            found: dict[int, int] = dict(cursor.fetchall())
        if not found:
            return 0, after, 0
        # In the order of their ids, as every worker does; one that ended meanwhile takes no more.
        wanted = sorted(set(found.values()))
        held = Case.objects.select_for_update(of=("self",)).filter(pk__in=wanted).order_by("pk")
        cases = {case.pk: case for case in held if case.state not in (*ENDED, State.DETECTED)}
        signals = Signal.objects.filter(pk__in=[pk for pk, case in found.items() if case in cases])
        joined: dict[str, list[Signal]] = defaultdict(list)
        carried: list[tuple[Signal, Case, list[Picture]]] = []
        for signal in signals.order_by("id"):
            try:
                pictures = pictures_of(signal)
            except ValidationError:  # `intake` drops it and says why
                continue
            case = cases[found[signal.pk]]
            joined[case.number].append(signal)
            carried.append((signal, case, pictures))
        taken = [signal.pk for signal, _, _ in carried]
        _write(taken, [case.pk for _, case, _ in carried])
        keep_pictures(carried)
        record(joined)
    return len(found), max(found), len(taken)


def _write(signals: list[int], cases: list[int]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE ops.signal s SET state = 'attached', case_id = pair.case_id"
            " FROM unnest(%s::bigint[], %s::bigint[]) AS pair (id, case_id) WHERE s.id = pair.id",
            [signals, cases],
        )
        cursor.execute(_COUNT, [signals])
