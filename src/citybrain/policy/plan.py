"""A rule as it is matched: the SQL of each criterion and of the amount, and how the answers are combined.

A plan is made once for a published version and kept as JSON; a run reads plans and compiles nothing. Its SQL
is over the columns of `facts_now`, which are called as the facts are. Two items that ask the same have the
same text, so that a run asks it once.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlglot import exp

from citybrain.policy.compiler import amount_node, criterion_node, raw_amount_node, value_node
from citybrain.policy.item_file import All, AnyOf, Flat, Leaf, Node, children
from citybrain.policy.rule import AGO, Criterion, Rule
from citybrain.policy.span import Span
from citybrain.policy.worth import Worth, worth_of

UNIT = {"Y": "YEAR", "M": "MONTH", "D": "DAY"}

KIND = {
    "int": "order", "decimal": "order", "money": "order", "date": "order",
    "bool": "truth", "enum": "value", "code": "value",
}  # fmt: skip

Tree = int | dict[str, Any]  # a bit, or {"all": […]}, {"any": […]}, {"at_least": n, "of": […]}


@dataclass(frozen=True)
class Ask:
    """What a criterion compares: one fact. `limits` (kind `order`): SQL of everything it is compared with.

    order: numbers and days, which limits cut into stretches; truth: a yes or no; value: texts.
    """

    fact: str
    kind: str
    limits: tuple[str, ...] = ()


@dataclass(frozen=True)
class Plan:
    """`amount` is over `raw_amount`; both are None for a version that is not payable yet. `asks`: of each
    criterion; a plan from before it was kept has none.

    `constant`: the amount is the same for every enterprise. `worth`: the amount as it can be bounded.
    """

    criteria: tuple[str, ...]
    gates: tuple[bool, ...]
    tree: Tree
    within: int
    keep: int
    raw_amount: str | None
    amount: str | None
    constant: bool
    used: tuple[str, ...]
    by_time: tuple[int, ...]
    asks: tuple[Ask, ...] = ()
    worth: Worth | None = None

    @property
    def amount_bit(self) -> int:
        return len(self.criteria)

    @property
    def top_gates(self) -> list[int]:
        """Gates that every way to the grant goes through."""
        nodes = self.tree["all"] if isinstance(self.tree, dict) and "all" in self.tree else [self.tree]
        return [node for node in nodes if isinstance(node, int) and self.gates[node]]

    def as_json(self) -> dict[str, Any]:
        return {
            "criteria": list(self.criteria),
            "gates": list(self.gates),
            "tree": self.tree,
            "within": self.within,
            "keep": self.keep,
            "raw_amount": self.raw_amount,
            "amount": self.amount,
            "constant": self.constant,
            "used": list(self.used),
            "by_time": list(self.by_time),
            "asks": [[ask.fact, ask.kind, *ask.limits] for ask in self.asks],
            "worth": None if self.worth is None else self.worth.as_json(),
        }

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> "Plan":
        lists: Any = {name: tuple(part) if isinstance(part, list) else part for name, part in stored.items()}
        lists["asks"] = tuple(Ask(fact, kind, tuple(limits)) for fact, kind, *limits in lists.get("asks", ()))
        if lists.get("worth") is not None:
            lists["worth"] = Worth.from_json(stored["worth"])
        return cls(**lists)

    @property
    def sha256(self) -> str:
        text = json.dumps(self.as_json(), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


def plan_of(rule: Rule) -> Plan:
    criteria = [criterion_node(criterion, _ago).sql(dialect="postgres") for criterion in rule.criteria]
    amount = rule.version.amount
    return Plan(
        criteria=tuple(criteria),
        gates=tuple(criterion.leaf.gate for criterion in rule.criteria),
        tree=_tree(rule.version.require, rule),
        within=rule.version.near.within,
        keep=rule.version.near.keep,
        raw_amount=raw_amount_node(rule).sql(dialect="postgres") if rule.payable else None,
        amount=amount_node(rule).sql(dialect="postgres") if rule.payable else None,
        constant=isinstance(amount, Flat) and (amount.value or Decimal(0)) > 0,
        used=rule.used,
        by_time=tuple(criterion.bit for criterion in rule.criteria if criterion.by_time),
        asks=tuple(_asked(criterion) for criterion in rule.criteria),
        worth=worth_of(rule),
    )


def _asked(criterion: Criterion) -> Ask:
    kind = KIND[criterion.fact.type]
    if kind != "order" or not criterion.known:
        return Ask(criterion.leaf.fact, kind)
    if criterion.leaf.op in AGO:
        return Ask(criterion.leaf.fact, kind, (_ago(Span.read(criterion.values[0])).sql(dialect="postgres"),))
    limits = (value_node(value, criterion.fact).sql(dialect="postgres") for value in criterion.values)
    return Ask(criterion.leaf.fact, kind, tuple(limits))


def _ago(span: Span) -> exp.Expr:
    """The day this long before the day of the run, which is a column of facts_now."""
    interval = exp.Interval(this=exp.Literal.string(str(span.number)), unit=exp.var(UNIT[span.unit]))
    return exp.cast(exp.Sub(this=exp.column("as_of", quoted=True), expression=interval), "date")


def _tree(node: Node, rule: Rule) -> Tree:
    if isinstance(node, Leaf):
        return rule.criterion(node).bit
    parts = [_tree(child, rule) for child in children(node)]
    if isinstance(node, All):
        return {"all": parts}
    if isinstance(node, AnyOf):
        return {"any": parts}
    return {"at_least": node.at_least, "of": parts}


def bits(tree: Tree) -> Iterator[int]:
    """The bits of a tree, from the left."""
    if isinstance(tree, int):
        yield tree
        return
    for part in tree.get("all") or tree.get("any") or tree["of"]:
        yield from bits(part)
