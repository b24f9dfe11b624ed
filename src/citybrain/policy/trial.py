"""The numbers of a published version, to be tried otherwise: limits of conditions, rates, amounts, caps.

What is tried is a copy of the version's definition; it has to make sense as a file would have to.
"""

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from citybrain.policy.facts import ORDERED, Fact, Facts
from citybrain.policy.item_file import (
    Flat,
    FlatBy,
    Leaf,
    Match,
    PerUnit,
    RateBy,
    RateOf,
    Tiers,
    Version,
)
from citybrain.policy.lints import lint
from citybrain.policy.publishing import stored_rule
from citybrain.policy.rule import AGO, Rule, located_leaves
from citybrain.policy.span import UNIT_ZH, Span
from citybrain.policy.wording import compared, plain, yuan

MOST_LETTERS = 40
Path = tuple[int | str, ...]


class TrialError(ValueError):
    """A number that cannot be tried; the message is for officers."""


@dataclass(frozen=True)
class Limit:
    """One number of a version. `name` says where it stands (`amount.rate`); `shown` is what stands there as
    people type it, `unit` what they read behind it; `unit` of a span of time stays as it is."""

    path: Path
    label: str
    shown: str
    unit: str = ""
    whole: bool = False
    span: str = field(default="", repr=False)

    @property
    def name(self) -> str:
        return ".".join(map(str, self.path))

    @property
    def is_day(self) -> bool:
        return self.unit == "日期"

    def stored(self, typed: str) -> Any:
        """What was typed in, as a definition holds it. Raises TrialError."""
        text = typed.strip().replace(",", "").replace("，", "")
        if len(text) > MOST_LETTERS:
            raise TrialError(f"“{self.label}”太长。")
        if self.is_day:
            try:
                return {"day": date.fromisoformat(text).isoformat()}
            except ValueError as error:
                raise TrialError(f"“{self.label}”须写作 2026-06-30。") from error
        try:
            number = Decimal(text)
        except InvalidOperation as error:
            raise TrialError(f"“{self.label}”须是数字。") from error
        if not number.is_finite() or abs(number) >= 10**18 or int(number.as_tuple().exponent) < -12:
            raise TrialError(f"“{self.label}”须是数字。")
        if self.unit == "%":
            number /= 100
        if self.whole and number != number.to_integral_value():
            raise TrialError(f"“{self.label}”须是整数。")
        if self.span:
            return f"P{int(number)}{self.span}"
        return int(number) if number == number.to_integral_value() else {"number": format(number, "f")}


def limits_of(rule: Rule) -> list[Limit]:
    """Every confirmed number of a version, in the order people read it: conditions, amount, cap, fund."""
    version, conditions = rule.version, list(_of_conditions(rule))
    parameters = _of_parameters(version, conditions)
    return [*conditions, *parameters, *_of_amount(version, rule.facts), *_of_caps(version)]


def tried(definition: Mapping[str, Any], typed: Mapping[str, str]) -> Rule:
    """The rule of a definition with other numbers. `typed`: by name of the limit, as somebody typed it; one
    that says what stands there changes nothing. Raises TrialError."""
    changed: dict[str, Any] = copy.deepcopy(dict(definition))
    for limit in limits_of(stored_rule(changed)):
        if (text := typed.get(limit.name, limit.shown)) != limit.shown:
            _put(changed["version"], limit.path, limit.stored(text))
    try:
        rule = stored_rule(changed)
    except ValueError as error:
        raise TrialError("这样改，条款不成立：有数值超出允许的范围。") from error
    if any(lint(rule)):
        raise TrialError("这样改，条款不成立：条件互相矛盾，没有企业能够满足。")
    return rule


def _put(tree: Any, path: Path, value: Any) -> None:
    *way, last = path
    for step in way:
        tree = tree[step]
    tree[last] = value


def _of_conditions(rule: Rule) -> Iterator[Limit]:
    """Of the criteria that compare with numbers, spans or days; a parameter stands where it is first used."""
    seen: set[Path] = set()
    for path, leaf in located_leaves(rule.version.require, ("require",)):
        fact = rule.facts[leaf.fact]
        if fact.type not in ORDERED:
            continue
        many = isinstance(leaf.value, list)
        for place, value in enumerate(leaf.value if isinstance(leaf.value, list) else [leaf.value]):
            at: Path = (*path, "value", place) if many else (*path, "value")
            while isinstance(value, str) and value.startswith("$"):
                at, value = ("params", value[1:]), _single(rule.version.params[value[1:]])
            if value is not None and at not in seen:
                yield _of_value(at, _told(leaf, fact, place), value, fact, leaf.op)
            seen.add(at)


def _single(value: Any) -> Any:
    return None if isinstance(value, list) else value


def _told(leaf: Leaf, fact: Fact, place: int) -> str:
    if leaf.op == "between":
        return f"{fact.label}{compared(('>=', '<=')[place], fact)}"
    return f"{fact.label}{compared(leaf.op, fact)}"


def _of_value(path: Path, label: str, value: Any, fact: Fact, op: str) -> Limit:
    if op in AGO:
        span = Span.read(value)
        return Limit(path, label, str(span.number), UNIT_ZH[span.unit], whole=True, span=span.unit)
    if isinstance(value, date):
        return Limit(path, label, value.isoformat(), "日期")
    if fact.unit == "比例":
        return _share(path, label, Decimal(value))
    return Limit(path, label, plain(Decimal(value)), fact.unit or "", whole=fact.type == "int")


def _of_parameters(version: Version, of_conditions: list[Limit]) -> Iterator[Limit]:
    """Those that only the amount's formula names; conditions show theirs."""
    shown = {limit.path for limit in of_conditions}
    for name, value in version.params.items():
        if version.amount.kind != "formula" or ("params", name) in shown or isinstance(value, bool):
            continue
        if isinstance(value, int | Decimal):
            yield Limit(("params", name), f"公式参数 {name}", plain(Decimal(value)))


def _of_amount(version: Version, facts: Facts) -> Iterator[Limit]:
    amount, at = version.amount, ("amount",)
    match amount:
        case Flat(value=Decimal() as value):
            yield Limit((*at, "value"), "补助标准", plain(value), "元")
        case PerUnit(value=Decimal() as value):
            yield Limit((*at, "value"), f"每{facts[amount.of].unit or '个'}补助", plain(value), "元")
        case RateOf(rate=Decimal() as value):
            yield _share((*at, "rate"), "补助比例", value)
        case Match(ratio=Decimal() as value):
            yield Limit((*at, "ratio"), "配套比例 1 :", plain(value))
        case FlatBy():
            for name, yuan_of in amount.values.items():
                if yuan_of is not None:
                    label = f"补助标准（{facts[amount.by].values.get(name, name)}）"
                    yield Limit((*at, "values", name), label, plain(yuan_of), "元")
        case RateBy():
            for name, rate_of in amount.rates.items():
                if rate_of is not None:
                    label = f"补助比例（{facts[amount.by].values.get(name, name)}）"
                    yield _share((*at, "rates", name), label, rate_of)
        case Tiers():
            for place, tier in enumerate(amount.tiers):
                label = f"第 {place + 1} 档（{yuan(tier.start)} 起）"
                if tier.rate is not None:
                    yield _share((*at, "tiers", place, "rate"), f"{label}比例", tier.rate)
                if tier.value is not None:
                    yield Limit((*at, "tiers", place, "value"), f"{label}标准", plain(tier.value), "元")


def _of_caps(version: Version) -> Iterator[Limit]:
    if version.caps.per_enterprise is not None:
        yield Limit(("caps", "per_enterprise"), "每户最高", plain(version.caps.per_enterprise), "元")
    if version.caps.budget is not None:
        yield Limit(("caps", "budget", "amount"), "资金总额", plain(version.caps.budget.amount), "元")


def _share(path: Path, label: str, value: Decimal) -> Limit:
    return Limit(path, label, plain(value * 100), "%")
