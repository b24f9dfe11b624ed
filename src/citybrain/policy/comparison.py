"""Two runs beside each other: who came in, who fell out, whose amount changed, and by how much."""

from dataclasses import dataclass
from decimal import Decimal

from citybrain.policy.run_report import MatchError, newest_run
from citybrain.policy.sessions import matcher
from citybrain.settings import Settings

CHANGES = """
WITH before AS (
    SELECT v.item_id, p.uscc, p.amount
    FROM policy.proposal p JOIN policy.item_version v USING (item_version_id)
    WHERE p.run_id = %(before)s AND p.outcome = 'pay'
), after AS (
    SELECT v.item_id, p.uscc, p.amount
    FROM policy.proposal p JOIN policy.item_version v USING (item_version_id)
    WHERE p.run_id = %(after)s AND p.outcome = 'pay'
)
SELECT item_id,
    count(*) FILTER (WHERE b.uscc IS NULL), count(*) FILTER (WHERE a.uscc IS NULL),
    count(*) FILTER (WHERE a.amount <> b.amount),
    sum(coalesce(a.amount, 0) - coalesce(b.amount, 0))
FROM before b FULL JOIN after a USING (item_id, uscc)
GROUP BY item_id
HAVING count(*) FILTER (WHERE a.amount IS DISTINCT FROM b.amount) > 0
ORDER BY item_id
"""


@dataclass(frozen=True)
class ItemChange:
    """Counts are enterprises that are proposed for payment; `yuan` is the change of the sum."""

    item_id: str
    gained: int
    lost: int
    changed: int
    yuan: Decimal


def compare_runs(settings: Settings, before: int | None = None, after: int | None = None) -> list[ItemChange]:
    """Items whose proposals differ; default the newest run and the one before it. Raises MatchError."""
    with matcher(settings) as connection:
        newer = newest_run(connection) if after is None else after
        if before is None:
            row = connection.execute(
                "SELECT max(run_id) FROM policy.match_run WHERE run_id < %s", (newer,)
            ).fetchone()
            before = row[0] if row else None
        known = {
            row[0]
            for row in connection.execute(
                "SELECT run_id FROM policy.match_run WHERE run_id IN (%s, %s)", (before, newer)
            )
        }
        if before is None or before not in known or newer not in known:
            raise MatchError("a comparison needs two runs")
        rows = connection.execute(CHANGES, {"before": before, "after": newer}).fetchall()
    return [ItemChange(*row) for row in rows]
