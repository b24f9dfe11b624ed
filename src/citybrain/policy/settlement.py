"""After matching: which eligible lines are proposed for payment, and why the others are not.

Exclusion comes first: of a group an enterprise gets the largest amount, and nothing when it was awarded one
before (`highest_wins`, `once_a_year`: in this calendar year; `once_ever`: ever; `mutual`: another item of the
group, ever; an item without a group: this year). `top_up` pays the largest that was not awarded yet, less
what was awarded of the group this year.
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

from citybrain.policy.writing import (
    ADDED,
    CLOSED,
    MANY,
    make_new_rows,
    merge,
    merge_standing,
    of_either,
    take_standing,
)
from citybrain.policy.writing import NEW_ROWS as NEW_MATCHES
from citybrain.policy.writing import ROWS as MATCHES

ROWS, NEW_ROWS = "policy.proposal_row", "new_proposal"
CLOSED_ROWS, ADDED_ROWS = "closed_proposal", "added_proposal"
CONTENT = ("item_version_id", "uscc", "outcome", "amount", "reason", "excluded_by", "first_run")
COLUMNS = (*CONTENT, "rank")

Connection = psycopg.Connection[Any]

TOUCHED = """
CREATE TEMPORARY TABLE touched_firm ON COMMIT DROP AS
SELECT uscc FROM {added} WHERE status = 'eligible'
UNION SELECT uscc FROM {closed} WHERE status = 'eligible'
UNION SELECT unnest(%(awarded)s::text[])
"""
TOUCHED_FUNDS = """
CREATE TEMPORARY TABLE touched_fund ON COMMIT DROP AS
SELECT DISTINCT v.fund_id
FROM (
    SELECT item_version_id, uscc FROM {lines} WHERE status = 'eligible' AND until_run IS NULL
    UNION ALL SELECT item_version_id, uscc FROM {closed} WHERE status = 'eligible'
) AS r
JOIN policy.item_version v USING (item_version_id) JOIN touched_firm USING (uscc)
WHERE v.fund_id IS NOT NULL
UNION SELECT unnest(%(funds)s::text[])
"""
FUNDED_VERSIONS = "SELECT v.item_version_id FROM policy.item_version v JOIN touched_fund USING (fund_id)"
SCOPE_FIRMS = """
CREATE TEMPORARY TABLE scope_firm ON COMMIT DROP AS
SELECT uscc FROM touched_firm
UNION SELECT r.uscc FROM policy.match_row r
WHERE r.until_run IS NULL AND r.status = 'eligible' AND r.item_version_id = ANY (%s)
"""
IN_SCOPE = """
(uscc IN (SELECT uscc FROM touched_firm) OR fund_id IN (SELECT fund_id FROM touched_fund))
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
    FROM {lines} r
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
    WINDOW best AS (PARTITION BY uscc, pool ORDER BY award_version IS NOT NULL, amount DESC, item_id)
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


def settle(connection: Connection, run_id: int, day: date) -> None:
    """Bring the proposal lines in line with the standing rows, one line for each eligible row."""
    standing = connection.execute(
        "SELECT EXISTS (SELECT FROM policy.proposal_row WHERE until_run IS NULL)"
    ).fetchone() == (True,)
    values = {"run": run_id, "year": day.year}
    everything = sql.SQL("true")
    if not standing:
        connection.execute(_propose(ROWS, MATCHES, everything, everything), values)
        return
    make_new_rows(connection, ROWS, NEW_ROWS)
    connection.execute(_propose(NEW_ROWS, MATCHES, everything, everything), values)
    merge(connection, run_id, ROWS, NEW_ROWS, COLUMNS, CONTENT)


def settle_changes(
    connection: Connection,
    run_id: int,
    day: date,
    awarded: Sequence[tuple[str, str | None]] = (),
    firms_alone: bool = False,
) -> None:
    """Settle what the run changed, and the enterprises and funds of `awarded`.

    `firms_alone`: no item was matched whole and nobody was awarded, so that the table of new matches holds
    every standing row of whoever is touched. Leaves the lines that were closed and added in their tables.
    """
    matches = NEW_MATCHES if firms_alone else MATCHES
    usccs, funds = [uscc for uscc, _ in awarded], [fund for _, fund in awarded if fund is not None]
    closed, added = sql.Identifier(CLOSED), sql.Identifier(ADDED)
    connection.execute(sql.SQL(TOUCHED).format(added=added, closed=closed), {"awarded": usccs})
    connection.execute(
        sql.SQL(TOUCHED_FUNDS).format(lines=sql.Identifier(*matches.split(".")), closed=closed),
        {"funds": funds},
    )
    versions = [row[0] for row in connection.execute(FUNDED_VERSIONS).fetchall()]
    touched = [row[0] for row in connection.execute("SELECT uscc FROM touched_firm").fetchall()]
    firms = sql.SQL("r.uscc IN (SELECT uscc FROM touched_firm)")
    if versions:
        matches = MATCHES
        connection.execute(SCOPE_FIRMS, (versions,))
        connection.execute("ANALYZE scope_firm")
        firms = sql.SQL("r.uscc IN (SELECT uscc FROM scope_firm)")
    make_new_rows(connection, ROWS, NEW_ROWS)
    connection.execute(
        _propose(NEW_ROWS, matches, firms, sql.SQL(IN_SCOPE)), {"run": run_id, "year": day.year}
    )
    standing = "standing_proposal"
    take_standing(connection, of_either(versions, touched), ROWS, standing, COLUMNS, len(touched) > MANY)
    merge_standing(connection, run_id, ROWS, NEW_ROWS, (standing, CLOSED_ROWS, ADDED_ROWS), COLUMNS, CONTENT)


def _propose(target: str, matches: str, firms: sql.SQL, written: sql.SQL) -> sql.Composed:
    return sql.SQL(PROPOSE).format(
        target=sql.Identifier(*target.split(".")),
        lines=sql.Identifier(*matches.split(".")),
        firms=firms,
        written=written,
    )
