"""What the rooms of policy say about a line, an enterprise, an item: for people to read."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from django.db import connection

from citybrain.policy.grants.models import GrantLine, GrantList

Outcome = Literal["met", "unmet", "unknown"]
_FIRST = ("eligible", "unfunded", "excluded", "near", "needs_data")  # in this order an enterprise reads them

_CRITERIA = """
SELECT c.item_version_id, c.bit, c.label, c.sentence, c.fact, c.fact_label, c.source_department, c.gate,
    v.definition -> 'facts' -> c.fact
FROM policy.criterion c JOIN policy.item_version v USING (item_version_id)
WHERE c.item_version_id = ANY (%s) ORDER BY c.item_version_id, c.bit
"""
_CLAUSE = """
SELECT v.clause, v.source_url, v.amount_words, v.valid_from, v.valid_to, d.title, d.number, d.issuer, d.uri
FROM policy.item_version v JOIN policy.item i USING (item_id) JOIN policy.document d USING (document_id)
WHERE v.item_version_id = %s
"""
_RESULTS = """
SELECT uscc, unmet_mask, unknown_mask FROM policy.match_result
WHERE run_id = %s AND item_version_id = %s AND uscc = ANY (%s)
"""
_OPEN_ENDS = """
SELECT uscc, coalesce(enterprise_name, ''), coalesce(county_code, ''), unmet_mask, unknown_mask, amount
FROM policy.match_result
WHERE run_id = %s AND item_version_id = %s AND status = %s
ORDER BY distance, amount DESC NULLS LAST, uscc LIMIT %s
"""
_OPEN_END_COUNTS = """
SELECT status, count(*), coalesce(sum(amount), 0) FROM policy.match_result
WHERE run_id = %s AND item_version_id = %s AND status IN ('near', 'needs_data') GROUP BY status
"""
_FIRM = """
SELECT i.item_id, i.title, i.department_zh, i.origin, v.item_version_id, v.payable, v.amount_words, r.status,
    r.unmet_mask, r.unknown_mask, r.amount, r.facts, p.outcome, p.amount, p.reason
FROM policy.match_result r
JOIN policy.item_version v USING (item_version_id)
JOIN policy.item i USING (item_id)
LEFT JOIN policy.proposal p USING (run_id, item_version_id, uscc)
WHERE r.run_id = (SELECT max(run_id) FROM policy.match_run) AND r.uscc = %(uscc)s
ORDER BY i.department_zh, i.item_id
"""
_OTHERS = """
SELECT i.item_id, i.title, i.department_zh
FROM policy.match_run_item m
JOIN policy.item_version v USING (item_version_id)
JOIN policy.item i USING (item_id)
WHERE m.run_id = (SELECT max(run_id) FROM policy.match_run) AND NOT (i.item_id = ANY (%s))
ORDER BY i.department_zh, i.item_id
"""

_FIRM_NAME = """
(SELECT enterprise_name FROM policy.match_result
 WHERE uscc = %s AND enterprise_name IS NOT NULL ORDER BY run_id DESC LIMIT 1)
UNION ALL
(SELECT enterprise_name FROM ops.grant_line WHERE uscc = %s ORDER BY id DESC LIMIT 1)
LIMIT 1
"""


@dataclass(frozen=True)
class Criterion:
    """One condition of an item and how it stands for one enterprise; `shown` is the fact's value."""

    sentence: str
    outcome: Outcome
    fact_label: str
    shown: str
    source_department: str
    gate: bool


@dataclass(frozen=True)
class OpenEnd:
    """An enterprise that nearly gets an item, or about which a fact is missing."""

    uscc: str
    enterprise_name: str
    county_code: str
    amount: Decimal | None
    criteria: list[Criterion]


@dataclass(frozen=True)
class FirmItem:
    """What one item of the newest run means for one enterprise."""

    item_id: str
    title: str
    department_name: str
    origin: str
    status: str
    amount: Decimal | None
    amount_words: str
    why_not: str
    criteria: list[Criterion]

    @property
    def missing(self) -> list[Criterion]:
        """What is not met, or cannot be judged."""
        return [one for one in self.criteria if one.outcome != "met"]


def clause(item_version_id: int) -> dict[str, Any]:
    """The clause an item version stands on: its words, source, dates and document."""
    with connection.cursor() as cursor:
        cursor.execute(_CLAUSE, [item_version_id])
        row = cursor.fetchone()
    names = ("clause", "source_url", "amount_words", "valid_from", "valid_to")
    return (
        dict(zip((*names, "document", "document_number", "issuer", "uri"), row, strict=True)) if row else {}
    )


def criteria_of_lines(grant_list: GrantList, lines: Iterable[GrantLine]) -> dict[int, list[Criterion]]:
    """By line: every condition of the item with the facts that decided it."""
    lines = list(lines)
    rule = _rule(grant_list.item_version_id)
    with connection.cursor() as cursor:
        cursor.execute(
            _RESULTS, [grant_list.run_id, grant_list.item_version_id, [line.uscc for line in lines]]
        )
        masks = {uscc: (unmet, unknown) for uscc, unmet, unknown in cursor.fetchall()}
    return {line.pk: _criteria(rule, *masks.get(line.uscc, (0, 0)), line.facts) for line in lines}


def open_ends(run_id: int, item_version_id: int, status: str, limit: int = 50) -> list[OpenEnd]:
    """The enterprises that are `near` or lack data, closest and largest first, with what stands between."""
    rule = _rule(item_version_id)
    with connection.cursor() as cursor:
        cursor.execute(_OPEN_ENDS, [run_id, item_version_id, status, limit])
        rows = cursor.fetchall()
    return [
        OpenEnd(
            uscc,
            name,
            county_code,
            amount,
            [one for one in _criteria(rule, unmet, unknown, {}) if one.outcome != "met"],
        )
        for uscc, name, county_code, unmet, unknown, amount in rows
    ]


def open_end_counts(run_id: int, item_version_id: int) -> dict[str, tuple[int, Decimal]]:
    """Enterprises and yuan by status (`near`, `needs_data`) of an item in a run."""
    with connection.cursor() as cursor:
        cursor.execute(_OPEN_END_COUNTS, [run_id, item_version_id])
        return {status: (int(count), amount) for status, count, amount in cursor.fetchall()}


def firm_items(uscc: str) -> list[FirmItem]:
    """The items of the newest run that an enterprise gets, nearly gets, or about which a fact is missing."""
    with connection.cursor() as cursor:
        cursor.execute(_FIRM, {"uscc": uscc})
        rows = cursor.fetchall()
    rules = _rules([row[4] for row in rows])
    found = []
    for row in rows:
        item_id, title, department, origin, version_id, payable, words = row[:7]
        status, unmet, unknown, amount, facts, outcome, proposed, reason = row[7:]
        found.append(
            FirmItem(
                item_id,
                title,
                department,
                origin,
                {"pay": "eligible"}.get(outcome, outcome) or status,
                proposed if outcome else amount,
                words,
                reason or ("" if payable else "条款中有数字尚未核实，暂不发放"),
                _criteria(rules[version_id], unmet, unknown, json.loads(facts or "{}")),
            )
        )
    return sorted(found, key=lambda item: _FIRST.index(item.status))


def firm_others(items: Iterable[FirmItem]) -> list[tuple[str, str, str]]:
    """Id, title and department of the newest run's other items: the enterprise is far from them."""
    with connection.cursor() as cursor:
        cursor.execute(_OTHERS, [[item.item_id for item in items]])
        return list(cursor.fetchall())


def _rule(item_version_id: int) -> list[tuple[Any, ...]]:
    return _rules([item_version_id])[item_version_id]


def _rules(versions: list[int]) -> dict[int, list[tuple[Any, ...]]]:
    """The criteria of each version, in the order of their bits."""
    rules: dict[int, list[tuple[Any, ...]]] = {version: [] for version in versions}
    with connection.cursor() as cursor:
        cursor.execute(_CRITERIA, [versions])
        for version, *criterion in cursor.fetchall():
            rules[version].append(tuple(criterion))
    return rules


def _criteria(
    rule: list[tuple[Any, ...]], unmet: int, unknown: int, facts: Mapping[str, Any]
) -> list[Criterion]:
    judged = []
    for bit, label, sentence, fact, fact_label, source, gate, definition in rule:
        outcome: Outcome = "unknown" if unknown >> bit & 1 else "unmet" if unmet >> bit & 1 else "met"
        judged.append(
            Criterion(
                sentence or label,
                outcome,
                fact_label or "",
                shown(facts.get(fact), json.loads(definition or "{}")) if fact in facts else "",
                source or "",
                gate,
            )
        )
    return judged


def shown(value: Any, fact: Mapping[str, Any]) -> str:
    """A stored fact as an officer reads it; `fact` is its entry in the facts catalogue."""
    if isinstance(value, dict) and len(value) == 1:
        (value,) = value.values()
    if value is None:
        return "缺失"
    if isinstance(value, bool):
        return "是" if value else "否"
    unit = fact.get("unit") or ""
    if fact.get("type") == "enum":
        return str((fact.get("values") or {}).get(value, value))
    if fact.get("type") in ("int", "decimal", "money"):
        number = Decimal(str(value))
        if unit == "比例":
            return f"{(number * 100).normalize():f}%"
        places = ",.2f" if fact["type"] == "money" else ","
        return f"{number:{places}} {unit}".strip()
    return str(value)


def firm_name(uscc: str) -> str:
    """The enterprise's name as matching or a list knew it last; empty when neither does."""
    with connection.cursor() as cursor:
        cursor.execute(_FIRM_NAME, [uscc, uscc])
        row = cursor.fetchone()
    return str(row[0]) if row else ""
