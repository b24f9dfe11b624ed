"""Why an enterprise gets an item or does not: every criterion with its answer, its value and whom to ask."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import psycopg

from citybrain.policy.evaluation import Outcome, evaluate
from citybrain.policy.facts import FactValue
from citybrain.policy.firm_facts import firm_facts
from citybrain.policy.publishing import criterion_rows, stored_rule
from citybrain.policy.rule import Rule
from citybrain.policy.run_report import MatchError, newest_run
from citybrain.policy.sessions import matcher_beside
from citybrain.policy.wording import STATUS_ZH, shown
from citybrain.settings import Settings

Connection = psycopg.Connection[Any]

ANSWER_ZH = {True: "满足", False: "不满足", None: "无法判断"}
STORED = """
SELECT r.status, r.unmet_mask, r.unknown_mask, r.amount, p.outcome, p.amount, p.reason
FROM policy.match_result r LEFT JOIN policy.proposal p USING (run_id, item_version_id, uscc)
WHERE r.run_id = %s AND r.item_version_id = %s AND r.uscc = %s
"""


ITEM = """
SELECT v.item_version_id, v.item_id, i.title, v.definition
FROM policy.match_run_item r JOIN policy.item_version v USING (item_version_id)
JOIN policy.item i USING (item_id)
WHERE r.run_id = %s AND v.item_id = %s
"""
ITEM_IDS = """
SELECT string_agg(v.item_id, ', ' ORDER BY v.item_id)
FROM policy.match_run_item r JOIN policy.item_version v USING (item_version_id) WHERE r.run_id = %s
"""


@dataclass(frozen=True)
class ItemOfRun:
    """The version of an item that a run matched."""

    item_version_id: int
    item_id: str
    title: str
    rule: Rule


@dataclass(frozen=True)
class Answer:
    """One criterion. `met` is None when it cannot be judged; `value` is the enterprise's own."""

    criterion_id: str
    sentence: str
    met: bool | None
    value: str
    source_department: str | None

    @property
    def words(self) -> str:
        """For an officer: the condition, the answer, and what to do about it."""
        line = f"{self.sentence}：{ANSWER_ZH[self.met]}"
        if self.source_department is None:
            return line
        if self.met is None:
            return f"{line}（缺失，请{self.source_department}补充）"
        return f"{line}（{self.value}）"


@dataclass(frozen=True)
class Explanation:
    """`run_id`: the run whose stored row is explained; None when the run kept no row for this enterprise and
    the answer was worked out from today's facts."""

    item_id: str
    title: str
    uscc: str
    enterprise_name: str | None
    run_id: int | None
    status: str
    amount: Decimal | None
    answers: list[Answer]
    proposal: str | None
    unconfirmed: tuple[str, ...]

    @property
    def status_zh(self) -> str:
        return STATUS_ZH[self.status]


def explain(settings: Settings, item_id: str, uscc: str, run_id: int | None = None) -> Explanation:
    """`run_id`: default the newest run. Raises MatchError for an unknown item or enterprise."""
    with matcher_beside(settings) as connection:
        run_id = newest_run(connection) if run_id is None else run_id
        row = connection.execute("SELECT as_of FROM policy.match_run WHERE run_id = %s", (run_id,)).fetchone()
        if row is None:
            raise MatchError(f"there is no run {run_id}")
        as_of = row[0]
        item = _item_of(connection, run_id, item_id)
        known = firm_facts(connection, item.rule, [uscc], as_of).get(uscc)
        if known is None:
            raise MatchError(f"no enterprise has the code {uscc}")
        name, facts = known.name, known.facts
        stored = connection.execute(STORED, (run_id, item.item_version_id, uscc)).fetchone()
    outcome = evaluate(item.rule, facts, as_of)
    if stored is None:
        answers = _answers(item, facts, _masks(item, outcome))
        return Explanation(
            item.item_id, item.title, uscc, name, None, outcome.status, outcome.amount, answers, None,
            item.rule.unconfirmed,
        )  # fmt: skip
    status, unmet, unknown, amount, decision, paid, reason = stored
    answers = _answers(item, facts, (unmet, unknown))
    proposal = f"拟发放 {paid} 元" if decision == "pay" else reason
    return Explanation(
        item.item_id, item.title, uscc, name, run_id, status, amount, answers, proposal, item.rule.unconfirmed
    )


def _item_of(connection: Connection, run_id: int, item_id: str) -> ItemOfRun:
    row = connection.execute(ITEM, (run_id, item_id)).fetchone()
    if row is None:
        known = connection.execute(ITEM_IDS, (run_id,)).fetchone()
        raise MatchError(
            f"no item {item_id} was matched by run {run_id}; there are {known[0] if known else ''}"
        )
    version_id, item_id, title, definition = row
    return ItemOfRun(version_id, item_id, title, stored_rule(definition))


def _masks(item: ItemOfRun, outcome: Outcome) -> tuple[int, int]:
    bits = {row[1]: 1 << row[0] for row in criterion_rows(item.rule)}
    return sum(bits[name] for name in outcome.unmet), sum(bits[name] for name in outcome.unknown)


def _answers(item: ItemOfRun, facts: dict[str, FactValue], masks: tuple[int, int]) -> list[Answer]:
    """Decode the masks: one answer for each bit."""
    unmet, unknown = masks
    answers = []
    for bit, criterion_id, _, words, fact, _, source, _ in criterion_rows(item.rule):
        met = None if unknown >> bit & 1 else not unmet >> bit & 1
        value = "" if fact is None else shown(facts.get(fact), item.rule.facts[fact])
        answers.append(Answer(criterion_id, words, met, value, source))
    return answers
