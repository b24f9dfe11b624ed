"""The look before the money leaves: what drifted since a line was proposed, and what was paid elsewhere."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db import connection

from citybrain.policy.grants.differences import newest_run_of
from citybrain.policy.grants.models import GrantLine, GrantList

_RULE = """
SELECT recheck_before_pay, fund_id, fund_amount, coalesce(exclusion_rule, '')
FROM policy.item_version WHERE item_version_id = %s
"""
_NOW = """
SELECT l.id, r.status, ARRAY(
    SELECT name FROM unnest(%(names)s::text[]) AS name WHERE l.facts -> name IS DISTINCT FROM r.facts -> name)
FROM ops.grant_line l
LEFT JOIN (policy.match_result r JOIN policy.item_version v USING (item_version_id))
    ON r.run_id = %(run_id)s AND v.item_id = l.item_id AND r.uscc = l.uscc
WHERE l.id = ANY (%(lines)s)
"""
_LABELS = """
SELECT fact, max(fact_label) FROM policy.criterion
WHERE item_version_id = %s AND fact IS NOT NULL GROUP BY fact
"""
_AWARDED = """
SELECT uscc, bool_or(item_id = %(item_id)s AND period_year = %(period_year)s) FROM policy.award
WHERE uscc = ANY (%(uscc)s) AND (
    (item_id = %(item_id)s AND period_year = %(period_year)s)
    OR (exclusion_group = nullif(%(exclusion_group)s, '') AND CASE %(rule)s
        WHEN 'once_ever' THEN true WHEN 'mutual' THEN item_id <> %(item_id)s WHEN 'top_up' THEN false
        ELSE period_year = %(period_year)s END))
GROUP BY uscc
"""
_SPENT = """
SELECT coalesce(sum(a.amount), 0) FROM policy.award a JOIN policy.item_version v USING (item_version_id)
WHERE v.fund_id = %s AND a.period_year = %s
"""


@dataclass(frozen=True)
class Checked:
    """The run the lines were compared with, and the Chinese reason of each line (by id) to hold."""

    run_id: int
    held: Mapping[int, str]


def recheck(grant_list: GrantList, lines: Sequence[GrantLine]) -> Checked:
    """Compare the facts that the item names in `recheck_before_pay` with the newest run of the item, and the
    lines with what was paid already from the item, its exclusion group and its fund."""
    with connection.cursor() as cursor:
        cursor.execute(_RULE, [grant_list.item_version_id])
        names, fund_id, fund_amount, rule = cursor.fetchone()
        for purse in filter(None, (grant_list.exclusion_group, fund_id)):
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext('citybrain purse ' || %s))", [purse])
    run_id = newest_run_of(grant_list.item_id) or grant_list.run_id
    held = _paid_elsewhere(grant_list, lines, str(rule))
    if names:
        held = {**_drifted(grant_list, lines, names, run_id), **held}
    if fund_id:
        held = {**_beyond_fund(grant_list, lines, held, fund_id, fund_amount), **held}
    return Checked(run_id, held)


def _drifted(
    grant_list: GrantList, lines: Sequence[GrantLine], names: Sequence[str], run_id: int
) -> dict[int, str]:
    with connection.cursor() as cursor:
        cursor.execute(_LABELS, [grant_list.item_version_id])
        labels: dict[str, str] = dict(cursor.fetchall())
        cursor.execute(_NOW, {"names": list(names), "run_id": run_id, "lines": [line.pk for line in lines]})
        compared = cursor.fetchall()
    held = {}
    for line_id, status, changed in compared:
        if status != "eligible":
            found = "缺少数据" if status == "needs_data" else "不再符合条件"
            held[line_id] = f"第 {run_id} 次匹配时{found}"
        elif changed:
            told = "、".join(labels.get(name) or name for name in changed)
            held[line_id] = f"拨付前复查不一致：{told}"[:500]
    return held


def _paid_elsewhere(grant_list: GrantList, lines: Sequence[GrantLine], rule: str) -> dict[int, str]:
    values: dict[str, Any] = {
        "item_id": grant_list.item_id,
        "period_year": grant_list.period_year,
        "exclusion_group": grant_list.exclusion_group,
        "rule": rule,
        "uscc": [line.uscc for line in lines],
    }
    with connection.cursor() as cursor:
        cursor.execute(_AWARDED, values)
        awarded: dict[str, bool] = dict(cursor.fetchall())
    return {
        line.pk: "本年度已享受本项目" if awarded[line.uscc] else "已享受同类项目，不重复发放"
        for line in lines
        if line.uscc in awarded
    }


def _beyond_fund(
    grant_list: GrantList,
    lines: Sequence[GrantLine],
    held: Mapping[int, str],
    fund_id: str,
    fund_amount: Decimal,
) -> dict[int, str]:
    """The lines, in their order, that what is left of the fund does not cover."""
    with connection.cursor() as cursor:
        cursor.execute(_SPENT, [fund_id, grant_list.period_year])
        left = fund_amount - cursor.fetchone()[0]
    beyond = {}
    for line in lines:
        if line.pk in held:
            continue
        if line.amount > left:
            beyond[line.pk] = f"资金 {fund_id} 余额不足"
        else:
            left -= line.amount
    return beyond
