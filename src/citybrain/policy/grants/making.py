"""Grant lists from a match run: what it proposes to pay and nobody has decided on yet."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.apps import apps
from django.db import connection
from django.db.models import Max

from citybrain.policy.grants.acts import decide, move, record, scope
from citybrain.policy.grants.models import Decision, GrantList, LineState, ListState, Step

_NEWEST = "SELECT max(run_id) FROM policy.match_run"

_ITEMS = """
SELECT v.item_version_id, i.item_id, i.title, i.department, i.department_zh, i.channel, i.origin,
    coalesce(v.exclusion_group, ''), v.review, r.facts_sha256, r.as_of
FROM policy.match_run r
JOIN policy.match_run_item m USING (run_id)
JOIN policy.item_version v USING (item_version_id)
JOIN policy.item i USING (item_id)
WHERE r.run_id = %s AND v.payable AND v.withdrawn_at IS NULL AND i.channel IN ('auto', 'confirm')
ORDER BY i.item_id, v.item_version_id
"""

# What the run pays, less the enterprises that stand in another list of the item this year, or in a reviewed
# list of another item of its exclusion group; where groups are topped up, what was in a payment file before
# the run is counted by the run. What only the open draft holds is wanted again.
_WANTED = """
SELECT p.item_version_id, p.uscc, p.amount
FROM policy.proposal p
JOIN policy.match_run r USING (run_id)
JOIN policy.item_version v USING (item_version_id)
LEFT JOIN ops.grant_list d
    ON d.item_id = v.item_id AND d.period_year = %(period_year)s AND d.state = 'draft'
WHERE p.run_id = %(run_id)s AND p.item_version_id = ANY (%(versions)s) AND p.outcome = 'pay'
    AND NOT EXISTS (
        SELECT FROM ops.grant_line l
        WHERE l.item_id = v.item_id AND l.period_year = %(period_year)s AND l.uscc = p.uscc
            AND l.state <> 'released'
            AND NOT (l.state = 'proposed' AND l.list_id IS NOT DISTINCT FROM d.id))
    AND NOT EXISTS (
        SELECT FROM ops.grant_line l JOIN ops.grant_list g ON g.id = l.list_id
        WHERE g.exclusion_group <> '' AND g.exclusion_group = v.exclusion_group
            AND g.item_id <> v.item_id AND g.period_year = %(period_year)s AND g.state <> 'draft'
            AND l.uscc = p.uscc AND l.state IN ('proposed', 'objected', 'held', 'paid')
            AND NOT (l.state = 'paid' AND v.exclusion_rule = 'top_up' AND EXISTS (
                SELECT FROM ops.payment_file f
                WHERE f.id = l.payment_file_id AND f.created_at < r.started_at)))
"""
_ADD_LINES = """
INSERT INTO ops.grant_line (list_id, organisation_id, item_id, period_year, uscc, enterprise_name,
    county_code, rank, amount, facts, state, reason, confirmed_how)
SELECT %(list_id)s, %(organisation_id)s, %(item_id)s, %(period_year)s, uscc, coalesce(r.enterprise_name, ''),
    coalesce(r.county_code, ''), p.rank, p.amount, r.facts, 'proposed', '', ''
FROM policy.proposal p
JOIN policy.match_result r USING (run_id, item_version_id, uscc)
WHERE p.run_id = %(run_id)s AND p.item_version_id = %(item_version_id)s AND p.uscc = ANY (%(uscc)s)
"""

Wanted = dict[int, dict[str, Decimal]]  # by item version: credit code and yuan


@dataclass(frozen=True)
class Item:
    """An item version of a run that may be granted without an application."""

    item_version_id: int
    item_id: str
    title: str
    department: str
    department_name: str
    channel: str
    origin: str
    exclusion_group: str
    review: Mapping[str, Any]
    facts_sha256: str
    as_of: date


@dataclass(frozen=True)
class Made:
    """What became of a run: lists made, drafts it replaced, drafts that stood as they were."""

    run_id: int | None
    made: list[str]
    replaced: list[str]
    kept: list[str]
    lines: int
    total: Decimal


def make_lists(run_id: int | None = None) -> Made:
    """Make draft lists from a run (default: the newest). Safe to run again: the same run gives nothing new.

    A draft that nobody has reviewed is replaced when the run proposes something else; a list that somebody
    has decided on never changes. What is found besides it becomes a supplement. Raises ValueError when
    `run_id` is not the newest run.
    """
    with scope():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext('citybrain grant lists'))")
            cursor.execute(_NEWEST)
            (newest,) = cursor.fetchone()
        if run_id is not None and run_id != newest:
            raise ValueError(f"run {run_id} is not the newest match run ({newest})")
        if newest is None:
            return Made(None, [], [], [], 0, Decimal(0))
        items = _items(newest)
        replaced: list[str] = []
        kept: list[str] = []
        # Every outdated draft goes before any list is made: an enterprise may move from one item to another.
        wanted = _wanted(items, newest)
        for draft in GrantList.objects.filter(state=ListState.DRAFT).order_by("item_id"):
            same = any(_proposes(item, wanted, draft) for item in items if item.item_id == draft.item_id)
            (kept if same else replaced).append(draft.code)
            if not same:
                _replace(draft, newest)
        if replaced:
            wanted = _wanted(items, newest)
        drafts = set(GrantList.objects.filter(state=ListState.DRAFT).values_list("item_id", "period_year"))
        made = [
            _make(item, newest, wanted[item.item_version_id])
            for item in items
            if item.item_version_id in wanted and (item.item_id, item.as_of.year) not in drafts
        ]
    return Made(
        newest,
        [grant_list.code for grant_list in made],
        replaced,
        kept,
        sum(grant_list.line_count for grant_list in made),
        sum((grant_list.total for grant_list in made), Decimal(0)),
    )


def _items(run_id: int) -> list[Item]:
    with connection.cursor() as cursor:
        cursor.execute(_ITEMS, [run_id])
        rows = cursor.fetchall()
    return [Item(*(*row[:8], json.loads(row[8]), *row[9:])) for row in rows]


def _wanted(items: Sequence[Item], run_id: int) -> Wanted:
    """What lists made now would hold, of each item version; one that would hold nobody is left out."""
    if not items:
        return {}
    wanted: Wanted = {}
    with connection.cursor() as cursor:
        cursor.execute(
            _WANTED,
            {
                "run_id": run_id,
                "period_year": items[0].as_of.year,
                "versions": [item.item_version_id for item in items],
            },
        )
        for version, uscc, amount in cursor.fetchall():
            wanted.setdefault(version, {})[uscc] = amount
    return wanted


def _proposes(item: Item, wanted: Wanted, draft: GrantList) -> bool:
    """Whether the run wants of the item exactly what the draft holds."""
    held = dict(draft.lines.filter(state=LineState.PROPOSED).values_list("uscc", "amount"))
    same_rule = draft.item_version_id == item.item_version_id and draft.period_year == item.as_of.year
    return same_rule and held == wanted.get(item.item_version_id, {})


def _replace(draft: GrantList, run_id: int) -> None:
    made = decide(draft, Step.MATCHING, Decision.WITHDRAW, None, f"第 {run_id} 次匹配结果不同，由新名单代替")
    move(draft, ListState.WITHDRAWN)
    draft.lines.filter(state=LineState.PROPOSED).update(state=LineState.RELEASED)
    record("grant_list", draft, made, run_id=run_id)


def _make(item: Item, run_id: int, wanted: Mapping[str, Decimal]) -> GrantList:
    organisations = apps.get_model("accounts", "Organisation").objects
    organisation_id = organisations.filter(code=item.department).values_list("pk", flat=True).first()
    period_year = item.as_of.year
    earlier = GrantList.objects.filter(item_id=item.item_id, period_year=period_year)
    grant_list = GrantList.objects.create(
        item_id=item.item_id,
        item_version_id=item.item_version_id,
        title=item.title,
        department=item.department,
        department_name=item.department_name,
        organisation_id=organisation_id,
        channel=item.channel,
        origin=item.origin,
        exclusion_group=item.exclusion_group,
        run_id=run_id,
        facts_sha256=item.facts_sha256,
        as_of=item.as_of,
        period_year=period_year,
        number=(earlier.aggregate(last=Max("number"))["last"] or 0) + 1,
        reviewers_needed=reviewers_needed(item.review, max(wanted.values())),
        notice_days=int(item.review.get("notice_days", 5)),
        confirm_by_enterprise=bool(item.review.get("confirm_by_enterprise", item.channel == "confirm")),
    )
    lines: dict[str, Any] = {
        "run_id": run_id,
        "item_version_id": item.item_version_id,
        "item_id": item.item_id,
        "period_year": period_year,
        "list_id": grant_list.pk,
        "organisation_id": organisation_id,
        "uscc": list(wanted),
    }
    with connection.cursor() as cursor:
        cursor.execute(_ADD_LINES, lines)
    grant_list.refresh_from_db()
    made = decide(grant_list, Step.MATCHING, Decision.MADE, None)
    record("grant_list", grant_list, made, run_id=run_id, facts_sha256=item.facts_sha256)
    return grant_list


def reviewers_needed(review: Mapping[str, Any], largest: Decimal) -> int:
    """How many people review a list: never fewer than two, more when its largest line exceeds a threshold."""
    levels = [2, int(review.get("level", 2))]
    for escalation in review.get("escalate", []):
        over = escalation["if_amount_over"]
        if largest > Decimal(str(over["number"] if isinstance(over, dict) else over)):
            levels.append(int(escalation["level"]))
    return max(levels)
