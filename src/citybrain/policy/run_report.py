"""What a match run found, as its manifest tells it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

import psycopg

from citybrain.policy.passes import ItemCount

Connection = psycopg.Connection[Any]


class MatchError(RuntimeError):
    """The run cannot be made; the message says what to do."""


class NoFactsError(MatchError):
    """The warehouse has not been built yet."""


@dataclass(frozen=True)
class MatchReport:
    """`run_id` is that of the newest run when nothing had changed (`made` false), None in a rehearsal.

    `rows_closed`, `rows_added`: result rows that differ from those of the run before. `phases`: seconds of
    reading facts, matching, settling and keeping, and after a full run tidying, of a run made by this call.
    """

    run_id: int | None
    made: bool
    as_of: date
    enterprises: int
    items: list[ItemCount]
    firms_found: int
    yuan_proposed: Decimal
    seconds: float
    kind: str = "full"
    changed_enterprises: int = 0
    changed_items: int = 0
    rows_closed: int = 0
    rows_added: int = 0
    phases: Mapping[str, float] = field(default_factory=dict)


def stored_report(connection: Connection, run_id: int, made: bool) -> MatchReport:
    """The report of a run that stands. Raises MatchError when there is none of that number."""
    row = connection.execute(
        "SELECT as_of, enterprises, firms_found, yuan_proposed,"
        " extract(epoch FROM finished_at - started_at)::float, kind, coalesce(changed_enterprises, 0),"
        " coalesce(changed_items, 0), coalesce(rows_closed, 0), coalesce(rows_added, 0)"
        " FROM policy.match_run WHERE run_id = %s",
        (run_id,),
    ).fetchone()
    if row is None:
        raise MatchError(f"there is no run {run_id}: `citybrain policy match` makes one")
    items = connection.execute(
        "SELECT v.item_version_id, v.item_id, i.title, v.payable, r.eligible, r.needs_data, r.near, r.seconds"
        " FROM policy.match_run_item r JOIN policy.item_version v USING (item_version_id)"
        " JOIN policy.item i USING (item_id) WHERE r.run_id = %s ORDER BY v.item_id",
        (run_id,),
    ).fetchall()
    as_of, enterprises, firms, proposed, seconds, *rest = row
    counts = [ItemCount(*item) for item in items]
    return MatchReport(run_id, made, as_of, enterprises, counts, firms, proposed, round(seconds, 3), *rest)


def newest_run(connection: Connection) -> int:
    """Raises MatchError when there is none."""
    row = connection.execute("SELECT max(run_id) FROM policy.match_run").fetchone()
    if row is None or row[0] is None:
        raise MatchError("nothing has been matched yet: run `citybrain policy match`")
    return int(row[0])
