"""After matching: which eligible lines are proposed for payment, and why the others are not.

Exclusion comes first: of a group an enterprise gets the largest amount, and nothing it was awarded before
(`highest_wins`: ever; `once_per_year`: in this calendar year; an item without a group: this year). Then the
funds: what was awarded from a fund this year is gone; the rest is spent in the order of the fund (`rank`),
from the front until a line does not fit, or every line is cut by the same share (`pro_rata`), to the cent.
"""

from datetime import date
from typing import Any

import psycopg

PROPOSE = """
INSERT INTO policy.proposal (run_id, item_version_id, uscc, outcome, amount, rank, reason, excluded_by)
WITH lines AS (
    SELECT r.item_version_id, r.uscc, r.amount, v.item_id, i.title, v.exclusion_group, v.exclusion_rule,
        coalesce(v.exclusion_group, v.item_id) AS pool,
        v.fund_id, v.fund_amount,
        v.definition #>> '{version,caps,budget,when_short}' AS when_short,
        v.definition #>> '{version,caps,budget,rank_by}' AS rank_by
    FROM policy.match_result r
    JOIN policy.item_version v USING (item_version_id)
    JOIN policy.item i USING (item_id)
    WHERE r.run_id = %(run)s AND r.status = 'eligible'
), earlier AS (
    SELECT DISTINCT ON (l.item_version_id, l.uscc) l.item_version_id, l.uscc,
        a.item_version_id AS award_version, a.period_year, a.amount, ai.title
    FROM lines l
    JOIN policy.award a ON a.uscc = l.uscc AND (
        (a.item_id = l.item_id AND a.period_year = %(year)s)
        OR (a.exclusion_group = l.exclusion_group
            AND (l.exclusion_rule = 'highest_wins' OR a.period_year = %(year)s))
    )
    JOIN policy.item ai ON ai.item_id = a.item_id
    ORDER BY l.item_version_id, l.uscc, a.award_id DESC
), judged AS (
    SELECT l.*, e.award_version, e.title AS award_title, e.amount AS award_amount, e.period_year,
        row_number() OVER best AS place,
        first_value(l.item_version_id) OVER best AS winner,
        first_value(l.title) OVER best AS winner_title,
        first_value(l.amount) OVER best AS winner_amount
    FROM lines l LEFT JOIN earlier e USING (item_version_id, uscc)
    WINDOW best AS (PARTITION BY l.uscc, l.pool ORDER BY l.amount DESC, l.item_id)
), open AS (
    SELECT *,
        sum(amount) OVER (PARTITION BY fund_id ORDER BY
            CASE WHEN rank_by = 'amount desc' THEN -amount ELSE amount END, uscc, item_id) AS spent,
        sum(amount) OVER (PARTITION BY fund_id) AS wanted
    FROM judged WHERE award_version IS NULL AND place = 1
), funds AS (
    SELECT DISTINCT l.fund_id, l.fund_amount - coalesce((
        SELECT sum(a.amount) FROM policy.award a JOIN policy.item_version av USING (item_version_id)
        WHERE av.fund_id = l.fund_id AND a.period_year = %(year)s), 0) AS remaining
    FROM lines l WHERE l.fund_id IS NOT NULL
), funded AS (
    SELECT o.item_version_id, o.uscc, f.remaining, CASE
        WHEN o.fund_id IS NULL OR o.wanted <= f.remaining THEN o.amount
        WHEN o.when_short = 'pro_rata' THEN trunc(o.amount * greatest(f.remaining, 0) / o.wanted, 2)
        WHEN o.spent <= f.remaining THEN o.amount
        ELSE 0 END AS paid
    FROM open o LEFT JOIN funds f USING (fund_id)
), decided AS (
    SELECT j.*, f.remaining, f.paid, CASE
        WHEN j.award_version IS NOT NULL OR j.place > 1 THEN 'excluded'
        WHEN f.paid > 0 THEN 'pay'
        ELSE 'unfunded' END AS outcome
    FROM judged j LEFT JOIN funded f USING (item_version_id, uscc)
)
SELECT %(run)s, item_version_id, uscc, outcome,
    CASE WHEN outcome = 'pay' THEN paid ELSE amount END,
    row_number() OVER (PARTITION BY item_version_id ORDER BY outcome = 'pay' DESC,
        CASE WHEN rank_by = 'amount asc' THEN amount ELSE -amount END, uscc),
    CASE
        WHEN award_version IS NOT NULL
            THEN format('%%s 年已享受“%%s” %%s 元，不重复享受', period_year, award_title, award_amount)
        WHEN place > 1
            THEN format('就高不重复：本次享受“%%s” %%s 元', winner_title, winner_amount)
        WHEN outcome = 'unfunded' AND when_short = 'pro_rata'
            THEN format('资金不足：%%s 余额 %%s 元，按比例分配后不足 1 分', fund_id, greatest(remaining, 0))
        WHEN outcome = 'unfunded'
            THEN format('资金不足：%%s 余额 %%s 元，按顺序已分配完', fund_id, greatest(remaining, 0))
    END,
    CASE WHEN award_version IS NOT NULL THEN award_version WHEN place > 1 THEN winner END
FROM decided
"""


def settle(connection: psycopg.Connection[Any], run_id: int, day: date) -> int:
    """Write the proposal lines of a run, one for each eligible row. Returns their number."""
    return connection.execute(PROPOSE, {"run": run_id, "year": day.year}).rowcount
