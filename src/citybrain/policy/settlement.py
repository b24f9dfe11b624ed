"""After matching: which eligible lines are proposed for payment, and why the others are not.

Exclusion comes first: of a group an enterprise gets the largest amount, and nothing when it was awarded one
before (`highest_wins`, `once_a_year`: in this calendar year; `once_ever`: ever; `mutual`: another item of the
group, ever; an item without a group: this year). `top_up` pays the largest less what was awarded this year.
Then the funds: what was awarded from a fund this year is gone; the rest is spent in the order of the fund
(`rank`), from the front until a line does not fit, or every line is cut by the same share (`pro_rata`).

A run that changed little settles little: the enterprises with a changed line and every line of the funds they
draw on. A line's `rank` is its place when it was proposed.
"""

from collections.abc import Sequence
from datetime import date
from typing import Any

import psycopg
from psycopg import sql

from citybrain.policy.writing import make_new_rows, merge

ROWS, NEW_ROWS = "policy.proposal_row", "new_proposal"
CONTENT = ("item_version_id", "uscc", "outcome", "amount", "reason", "excluded_by", "first_run")
COLUMNS = (*CONTENT, "rank")

TOUCHED = """
CREATE TEMPORARY TABLE touched_firm ON COMMIT DROP AS
SELECT uscc FROM policy.match_row WHERE first_run = %(run)s AND status = 'eligible'
UNION SELECT uscc FROM policy.match_row WHERE until_run = %(run)s AND status = 'eligible'
UNION SELECT unnest(%(awarded)s::text[])
"""
TOUCHED_FUNDS = """
CREATE TEMPORARY TABLE touched_fund ON COMMIT DROP AS
SELECT DISTINCT v.fund_id FROM policy.match_row r
JOIN policy.item_version v USING (item_version_id) JOIN touched_firm USING (uscc)
WHERE v.fund_id IS NOT NULL AND r.status = 'eligible' AND (r.until_run IS NULL OR r.until_run = %(run)s)
UNION SELECT unnest(%(funds)s::text[])
"""
SCOPE_FIRMS = """
CREATE TEMPORARY TABLE scope_firm ON COMMIT DROP AS
SELECT uscc FROM touched_firm
UNION SELECT r.uscc FROM policy.match_row r JOIN policy.item_version v USING (item_version_id)
JOIN touched_fund USING (fund_id) WHERE r.until_run IS NULL AND r.status = 'eligible'
"""
IN_SCOPE = """
(uscc IN (SELECT uscc FROM touched_firm) OR fund_id IN (SELECT fund_id FROM touched_fund))
"""
SCOPE_ROWS = """
m.uscc IN (SELECT uscc FROM touched_firm) OR m.item_version_id IN (
    SELECT v.item_version_id FROM policy.item_version v JOIN touched_fund USING (fund_id))
"""

# No large set is joined with itself: the tables have just been filled, and the planner knows nothing of them.
PROPOSE = """
INSERT INTO {target} (first_run, item_version_id, uscc, outcome, amount, rank, reason, excluded_by)
WITH versions AS MATERIALIZED (
    SELECT v.item_version_id, v.item_id, i.title, coalesce(v.exclusion_group, v.item_id) AS pool,
        v.exclusion_group, v.exclusion_rule, v.fund_id, v.fund_amount,
        v.definition #>> '{{version,caps,budget,when_short}}' AS when_short,
        v.definition #>> '{{version,caps,budget,rank_by}}' AS rank_by
    FROM policy.item_version v JOIN policy.item i USING (item_id)
), awarded AS MATERIALIZED (
    SELECT DISTINCT uscc FROM policy.award
), lines AS MATERIALIZED (
    SELECT r.item_version_id, r.uscc, r.amount, v.item_id, v.title, v.pool, v.fund_id, v.fund_amount,
        v.when_short, v.rank_by,
        e.item_version_id AS award_version, e.title AS award_title, e.amount AS award_amount, e.period_year,
        v.exclusion_rule, coalesce(t.topped, 0) AS topped
    FROM policy.match_row r
    JOIN versions v USING (item_version_id)
    LEFT JOIN awarded w USING (uscc)
    LEFT JOIN LATERAL (
        SELECT a.item_version_id, ai.title, a.amount, a.period_year
        FROM policy.award a JOIN policy.item ai USING (item_id)
        WHERE w.uscc IS NOT NULL AND a.uscc = r.uscc AND (
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
        WHERE w.uscc IS NOT NULL AND v.exclusion_rule = 'top_up' AND a.uscc = r.uscc
            AND a.exclusion_group = v.exclusion_group AND a.period_year = %(year)s
    ) t ON true
    WHERE r.until_run IS NULL AND r.status = 'eligible' AND {firms}
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
WHERE {written}
"""


def settle(
    connection: psycopg.Connection[Any],
    run_id: int,
    day: date,
    whole: bool = True,
    awarded: Sequence[tuple[str, str | None]] = (),
) -> None:
    """Bring the proposal lines in line with the standing rows, one line for each eligible row.

    `whole`: settle everything. Otherwise what the run changed, and the enterprises and funds of `awarded`.
    """
    values = {"run": run_id, "year": day.year}
    everything = sql.SQL("true")
    if whole:
        row = connection.execute("SELECT EXISTS (SELECT FROM policy.proposal_row WHERE until_run IS NULL)")
        if row.fetchone() == (False,):
            connection.execute(_propose(ROWS, everything, everything), values)
            return
        firms, written, scope = everything, everything, everything
    else:
        usccs, funds = [uscc for uscc, _ in awarded], [fund for _, fund in awarded if fund is not None]
        connection.execute(TOUCHED, {"run": run_id, "awarded": usccs})
        connection.execute(TOUCHED_FUNDS, {"run": run_id, "funds": funds})
        connection.execute(SCOPE_FIRMS)
        connection.execute("ANALYZE scope_firm")
        firms = sql.SQL("r.uscc IN (SELECT uscc FROM scope_firm)")
        written, scope = sql.SQL(IN_SCOPE), sql.SQL(SCOPE_ROWS)
    make_new_rows(connection, ROWS, NEW_ROWS)
    connection.execute(_propose(NEW_ROWS, firms, written), values)
    merge(connection, run_id, scope, ROWS, NEW_ROWS, COLUMNS, CONTENT)


def _propose(target: str, firms: sql.SQL, written: sql.SQL) -> sql.Composed:
    return sql.SQL(PROPOSE).format(target=sql.Identifier(*target.split(".")), firms=firms, written=written)
