"""Whose missing column holds up how much money: the newest run's `needs_data` rows by fact and department."""

from dataclasses import dataclass
from decimal import Decimal

from citybrain.policy.run_report import newest_run
from citybrain.policy.sessions import matcher_beside
from citybrain.settings import Settings

GAPS = """
WITH typical AS (
    SELECT item_version_id, percentile_disc(0.5) WITHIN GROUP (ORDER BY amount) AS amount
    FROM policy.match_row WHERE until_run IS NULL AND status = 'eligible' GROUP BY item_version_id
), blocked AS (
    SELECT r.item_version_id, r.uscc, r.amount, r.unknown_mask, t.amount AS typical
    FROM policy.match_row r JOIN policy.item_version v USING (item_version_id)
    LEFT JOIN typical t USING (item_version_id)
    WHERE r.until_run IS NULL AND r.status = 'needs_data' AND v.payable
), missing AS (
    SELECT b.*, coalesce(c.fact, o.fact, 'amount') AS fact,
        coalesce(c.fact_label, o.label, '测算金额所需数据') AS label,
        coalesce(c.source_department, o.department, '') AS department
    FROM blocked b
    JOIN policy.criterion c ON c.item_version_id = b.item_version_id AND (b.unknown_mask >> c.bit) & 1 = 1
    JOIN (
        SELECT v.item_version_id, v.definition #>> '{version,amount,of}' AS fact,
            v.definition #>> ARRAY['facts', v.definition #>> '{version,amount,of}', 'label'] AS label,
            (SELECT max(source_department) FROM policy.criterion s
             WHERE s.fact = v.definition #>> '{version,amount,of}') AS department
        FROM policy.item_version v
    ) o ON o.item_version_id = b.item_version_id
), lines AS (
    SELECT item_version_id, uscc, fact, min(label) AS label, max(department) AS department,
        min(amount) AS amount, min(typical) AS typical,
        count(*) OVER (PARTITION BY item_version_id, uscc) AS facts_missing
    FROM missing GROUP BY item_version_id, uscc, fact
)
SELECT fact, min(label), max(department), count(DISTINCT uscc), count(*),
    count(*) FILTER (WHERE facts_missing = 1),
    coalesce(sum(amount) FILTER (WHERE facts_missing = 1), 0),
    coalesce(sum(typical) FILTER (WHERE facts_missing = 1 AND amount IS NULL), 0),
    coalesce(sum(coalesce(amount, typical)), 0)
FROM lines GROUP BY fact ORDER BY 7 DESC, 8 DESC, 9 DESC, fact
"""


@dataclass(frozen=True)
class Gap:
    """One fact. `pairs`: enterprise and item; `alone`: of them, those that lack this fact only.

    `yuan_alone`: worked out for those; `yuan_alone_estimated`: where the amount itself needs the fact, the
    item's median amount; `yuan_at_most`: of all pairs, other facts missing as well.
    """

    fact: str
    label: str
    department: str
    enterprises: int
    pairs: int
    alone: int
    yuan_alone: Decimal
    yuan_alone_estimated: Decimal
    yuan_at_most: Decimal


def data_gaps(settings: Settings) -> list[Gap]:
    """The facts whose delivery would free most money first. Raises MatchError before the first run."""
    with matcher_beside(settings) as connection:
        newest_run(connection)
        return [Gap(*row) for row in connection.execute(GAPS).fetchall()]
