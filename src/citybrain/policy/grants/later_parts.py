"""The later stages of lines that were paid in part: which are due, and what the others wait for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby

import psycopg
from django.utils import timezone

from citybrain.policy.evaluation import holds
from citybrain.policy.firm_facts import FirmFacts, firm_facts
from citybrain.policy.grants.models import GrantLine, GrantList, LineState, Recovery
from citybrain.policy.grants.terms import Terms
from citybrain.policy.item_file import Stage
from citybrain.policy.parts import Part
from citybrain.policy.sessions import matcher_beside
from citybrain.policy.span import Span
from citybrain.settings import Settings


@dataclass(frozen=True)
class Later:
    """The next stage of a line. `waits_for` is Chinese, and empty when the stage is due."""

    line: GrantLine
    stage: Stage
    parts: tuple[Part, ...]
    waits_for: str


def later_parts(settings: Settings, grant_list: GrantList, terms: Terms) -> list[Later]:
    """The next stage of every line of the list that is not paid whole, in order of rank and credit code."""
    if len(terms.stages) < 2:
        return []
    lines = (
        grant_list.lines.filter(state=LineState.PAID)
        .select_related("payment_file")
        .prefetch_related("parts__receipts", "recoveries")
        .order_by("rank", "uscc")
    )
    following = [(line, *stage) for line in lines if (stage := _next_stage(line, terms))]
    today = timezone.localdate()
    known = _facts(settings, terms, [line.uscc for line, _, _ in following], today)
    return [
        Later(line, stage, parts, _waits_for(line, stage, terms, known, today))
        for line, stage, parts in following
    ]


def _next_stage(line: GrantLine, terms: Terms) -> tuple[Stage, tuple[Part, ...]] | None:
    done = {part.stage_number for part in line.parts.all()}
    for number, parts in groupby(terms.parts(line.amount), key=lambda part: part.number):
        if number not in done:
            return terms.stages[number - 1], tuple(parts)
    return None


def _facts(
    settings: Settings, terms: Terms, codes: Sequence[str], today: date
) -> Mapping[str, FirmFacts] | None:
    """None while the warehouse has not been built."""
    if not codes or all(stage.when is None for stage in terms.stages):
        return {}
    with matcher_beside(settings) as connection:
        try:
            return firm_facts(connection, terms.rule, codes, today)
        except psycopg.errors.UndefinedTable:
            connection.rollback()
            return None


def _waits_for(
    line: GrantLine, stage: Stage, terms: Terms, known: Mapping[str, FirmFacts] | None, today: date
) -> str:
    if any(not any(receipt.paid for receipt in part.receipts.all()) for part in line.parts.all()):
        return "前一期尚未全部入账"
    if any(claim.state != Recovery.State.DROPPED for claim in line.recoveries.all()):
        return "这一户有追回，后续各期不再拨付"
    assert line.payment_file is not None  # noqa: S101 - a paid line has one
    began = timezone.localdate(line.payment_file.created_at)
    if stage.after is not None and began > Span.read(stage.after).before(today):
        return f"首期（{began:%Y-%m-%d}）未满 {Span.read(stage.after).zh}"
    if stage.when is None:
        return ""
    if known is None:
        return "企业数据还没有建好"
    found = known.get(line.uscc)
    if found is None or not holds(stage.when, terms.rule.later[stage.id], found.facts, today):
        return "条件尚未满足，或缺少数据"
    return ""
