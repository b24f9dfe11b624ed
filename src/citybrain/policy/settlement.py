"""After matching: which eligible lines are proposed for payment, and why the others are not.

Exclusion comes first: of a group an enterprise gets the largest amount, and nothing when it was awarded one
before (`highest_wins`, `once_a_year`: in this calendar year; `once_ever`: ever; `mutual`: another item of the
group, ever; an item without a group: this year). `top_up` pays the largest less what was awarded this year.
Then the funds: what was awarded from a fund this year is gone; the rest is spent in the order of the fund
(`rank`), from the front until a line does not fit, or every line is cut by the same share (`pro_rata`).
"""

from datetime import date
from typing import Any

import psycopg

# No large set is joined with itself: the tables have just been filled, and the planner knows nothing of them.
PROPOSE = """
INSERT INTO policy.proposal (run_id, item_version_id, uscc, outcome, amount, rank, reason, excluded_by)
WITH lines AS MATERIALIZED (
    SELECT r.item_version_id, r.uscc, r.amount, v.item_id, i.title,
        coalesce(v.exclusion_group, v.item_id) AS pool, v.fund_id, v.fund_amount,
        v.definition #>> '{version,caps,budget,when_short}' AS when_short,
        v.definition #>> '{version,caps,budget,rank_by}' AS rank_by,
        e.item_version_id AS award_version, e.title AS award_title, e.amount AS award_amount, e.period_year,
        v.exclusion_rule, coalesce(t.topped, 0) AS topped
    FROM policy.match_result r
    JOIN policy.item_version v USING (item_version_id)
    JOIN policy.item i USING (item_id)
    LEFT JOIN LATERAL (
        SELECT a.item_version_id, ai.title, a.amount, a.period_year
        FROM policy.award a JOIN policy.item ai USING (item_id)
        WHERE a.uscc = r.uscc AND (
            (a.item_id = v.item_id AND a.period_year = %(year)s)
            OR (a.exclusion_group = v.exclusion_group AND CASE v.exclusion_rule
                WHEN 'once_ever' THEN true
                WHEN 'mutual' THEN a.item_id <> v.item_id
                WHEN 'top_up' THEN false
                ELSE a.period_year = %(year)s END)
        )
        ORDER BY a.award_id DESC LIMIT 1
    ) e ON true
    LEFT JOIN LATERAL (
        SELECT sum(a.amount) AS topped FROM policy.award a
        WHERE v.exclusion_rule = 'top_up' AND a.uscc = r.uscc AND a.exclusion_group = v.exclusion_group
            AND a.period_year = %(year)s
    ) t ON true
    WHERE r.run_id = %(run)s AND r.status = 'eligible'
), judged AS (
    SELECT *,
        row_number() OVER best AS place,
        first_value(item_version_id) OVER best AS winner,
        first_value(title) OVER best AS winner_title,
        first_value(amount) OVER best AS winner_amount,
        CASE WHEN award_version IS NULL AND row_number() OVER best = 1
            THEN greatest(amount - topped, 0) ELSE 0 END AS wanted
    FROM lines
    WINDOW best AS (PARTITION BY uscc, pool ORDER BY amount DESC, item_id)
), queued AS (
    SELECT *,
        sum(wanted) OVER (PARTITION BY fund_id ORDER BY
            CASE WHEN rank_by = 'amount desc' THEN -wanted ELSE wanted END, uscc, item_id) AS spent,
        sum(wanted) OVER (PARTITION BY fund_id) AS wanted_in_all
    FROM judged
), funds AS MATERIALIZED (
    SELECT fund_id, greatest(0, min(fund_amount) - coalesce((
        SELECT sum(a.amount) FROM policy.award a JOIN policy.item_version av USING (item_version_id)
        WHERE av.fund_id = lines.fund_id AND a.period_year = %(year)s), 0)) AS remaining
    FROM lines WHERE fund_id IS NOT NULL GROUP BY fund_id
), funded AS (
    SELECT queued.*, funds.remaining, CASE
        WHEN fund_id IS NULL OR wanted_in_all <= remaining THEN wanted
        WHEN when_short = 'pro_rata' THEN trunc(wanted * remaining / wanted_in_all, 2)
        WHEN spent <= remaining THEN wanted
        ELSE 0 END AS paid
    FROM queued LEFT JOIN funds USING (fund_id)
), decided AS (
    SELECT *, CASE
        WHEN wanted = 0 THEN 'excluded'
        WHEN paid > 0 THEN 'pay'
        ELSE 'unfunded' END AS outcome
    FROM funded
)
SELECT %(run)s, item_version_id, uscc, outcome,
    CASE WHEN outcome = 'pay' THEN paid ELSE amount END,
    row_number() OVER (PARTITION BY item_version_id ORDER BY outcome = 'pay' DESC,
        CASE WHEN rank_by = 'amount asc' THEN amount ELSE -amount END, uscc),
    CASE
        WHEN award_version IS NOT NULL
            THEN format('%%s 年已享受“%%s” %%s 元，不重复享受', period_year, award_title, award_amount)
        WHEN place > 1 AND exclusion_rule IN ('highest_wins', 'top_up')
            THEN format('就高不重复：本次享受“%%s” %%s 元', winner_title, winner_amount)
        WHEN place > 1
            THEN format('同组只享受一项：本次享受“%%s” %%s 元', winner_title, winner_amount)
        WHEN wanted = 0
            THEN format('就高补差：本年度同组已享受 %%s 元，没有差额', topped)
        WHEN outcome = 'unfunded' AND when_short = 'pro_rata'
            THEN format('资金不足：%%s 余额 %%s 元，按比例分配后不足 1 分', fund_id, remaining)
        WHEN outcome = 'unfunded'
            THEN format('资金不足：%%s 余额 %%s 元，按顺序已分配完', fund_id, remaining)
    END,
    CASE WHEN award_version IS NOT NULL THEN award_version WHEN place > 1 THEN winner END
FROM decided
"""


def settle(connection: psycopg.Connection[Any], run_id: int, day: date) -> int:
    """Write the proposal lines of a run, one for each eligible row. Returns their number."""
    return connection.execute(PROPOSE, {"run": run_id, "year": day.year}).rowcount
