"""Documents and items drawn from templates. Everything follows from the plan's seed: no clock, no chance."""

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, TypeVar

from citybrain.catalogue import load_departments
from citybrain.policy.examples.template_file import (
    Place,
    Plan,
    Range,
    Raw,
    Template,
    TemplatesFile,
    Term,
    Theme,
)
from citybrain.policy.span import Span
from citybrain.policy.values import exact
from citybrain.policy.wording import plain, yuan

SOURCE = "citybrain:demo"
Drawn = dict[str, int | Decimal | str]
Choice = TypeVar("Choice")
AFTER_UNIT = re.compile(r"(?<=[元%年月天]) (?=[一-鿿])")
REFERENCE = re.compile(r"\{([a-z][a-z0-9_]*)\}")


@dataclass(frozen=True)
class Draw:
    """Choices that are a pure function of the seed and what is asked."""

    seed: int
    about: str

    def below(self, count: int, what: str) -> int:
        digest = hashlib.sha256(f"{self.seed}/{self.about}/{what}".encode()).digest()
        return int.from_bytes(digest[:8], "big") % count

    def one(self, choices: Sequence[Choice], what: str) -> Choice:
        return choices[self.below(len(choices), what)]

    def weighted(self, choices: Sequence[tuple[Choice, int]], what: str) -> Choice:
        return self.one([choice for choice, weight in choices for _ in range(weight)], what)

    def order(self, choices: Sequence[Choice], what: str) -> list[Choice]:
        """All of them, shuffled."""
        return [choices[place] for place in sorted(range(len(choices)), key=lambda n: self._rank(what, n))]

    def _rank(self, what: str, place: int) -> int:
        return self.below(1 << 62, f"{what}/{place}")

    def numbers(self, vary: dict[str, Range], what: str) -> Drawn:
        return {name: self.one(choices.choices, f"{what}/{name}") for name, choices in vary.items()}


@dataclass(frozen=True)
class Outline:
    """A document before its items: whose it is, where and when it holds, how many items it has."""

    file: TemplatesFile
    theme: Theme
    place: Place
    term: Term
    number: int  # among all, from 1
    edition: int  # among those of its theme and place, from 1
    items: int

    @property
    def id(self) -> str:
        theme = self.theme.id.upper().replace("_", "-")
        return f"EX-{self.file.code}-{theme}-{self.place.code}-{self.edition}"

    @property
    def file_name(self) -> str:
        return f"example_{self.theme.id}_{self.place.code.lower()}_{self.edition}.yml"


def outlines(plan: Plan, files: Sequence[TemplatesFile]) -> list[Outline]:
    """Every document: `plan.documents` of them with `plan.items` items in all."""
    themes = [(file, theme) for file in files for theme in file.themes]
    counts = shares(plan.documents, [theme.weight for _, theme in themes])
    drawn: list[Outline] = []
    for (file, theme), count in zip(themes, counts, strict=True):
        for place in range(count):
            where = plan.places[place % len(plan.places)]
            edition = place // len(plan.places) + 1
            draw = Draw(plan.seed, f"{theme.id}/{where.code}/{edition}")
            term = draw.weighted([(term, term.weight) for term in plan.terms], "term")
            drawn.append(Outline(file, theme, where, term, len(drawn) + 1, edition, 0))
    sizes = shares(plan.items, [len(outline.theme.items) for outline in drawn])
    return [Outline(**{**vars(outline), "items": size}) for outline, size in zip(drawn, sizes, strict=True)]


def shares(total: int, weights: Sequence[int]) -> list[int]:
    """`total` in whole parts in proportion to the weights, by largest remainder."""
    exact = [Decimal(total * weight) / sum(weights) for weight in weights]
    parts = [int(part) for part in exact]
    order = sorted(range(len(parts)), key=lambda place: (parts[place] - exact[place], place))
    for place in order[: total - sum(parts)]:
        parts[place] += 1
    return parts


def document_of(outline: Outline, plan: Plan) -> Raw:
    """The document's own part of the file."""
    department = load_departments()[outline.file.department].zh
    draw = Draw(plan.seed, outline.id)
    begins = outline.term.start
    name = outline.theme.names[(outline.edition - 1) % len(outline.theme.names)]
    return {
        "id": outline.id,
        "title": f"【示例】{outline.place.zh}{name}（{begins.year} 年）",
        "number": f"示例〔{begins.year}〕{outline.number} 号",
        "issuer": f"示例：{outline.place.zh}{department}",
        "department": outline.file.department,
        "published": begins - timedelta(days=10 + draw.below(40, "published")),
        "uri": SOURCE,
        "origin": "synthetic",
    }


def items_of(outline: Outline, plan: Plan) -> Iterator[tuple[Raw, Template]]:
    """The items of a document without their cases, and what each was drawn from.

    A document that has more items than its theme has templates takes some twice, for small enterprises
    first: the second one has its own numbers.
    """
    draw = Draw(plan.seed, outline.id)
    templates = draw.order(outline.theme.items, "templates")
    for place in range(outline.items):
        template = templates[place % len(templates)]
        yield _item(outline, plan, template, place + 1, place >= len(templates)), template


def _item(outline: Outline, plan: Plan, template: Template, place: int, again: bool) -> Raw:
    draw = Draw(plan.seed, f"{outline.id}/{place}")
    channel = draw.one(template.channel, "channel")
    title = f"【示例】{outline.place.zh}{template.title}" + ("（另一档）" if again else "")
    versions = [_version(outline, plan, template, draw, channel, outline.term.start, outline.term.end, "now")]
    if draw.below(1000, "earlier") < plan.earlier.share * 1000:
        began = date(outline.term.start.year - plan.earlier.years, 1, 1)
        ended = outline.term.start - timedelta(days=1)
        versions.insert(0, _version(outline, plan, template, draw, channel, began, ended, "before"))
    return {"id": f"{outline.id}-{place:02d}", "title": title, "channel": channel, "versions": versions}


def _version(
    outline: Outline,
    plan: Plan,
    template: Template,
    draw: Draw,
    channel: str,
    begins: date,
    ends: date | None,
    which: str,
) -> Raw:
    numbers = draw.numbers(template.vary, which)
    ranges = dict(template.vary)
    nodes = [_filled(node, {}) for node in plan.always]
    nodes.append(
        {"id": "located", "fact": "region_code", "op": "under", "value": [outline.place.under], "gate": True,
         "label": f"登记地在{outline.place.zh}"}
    )  # fmt: skip
    nodes += [_filled(plan.gates[name], {}) for name in template.gates]
    nodes += [_filled(node, {}) for node in template.require]
    words = [template.clause]
    asked = set(_facts(nodes)) | set(_ids(nodes))
    for further in draw.order(plan.further, f"{which}/further")[:4]:
        facts = set(_facts([further.node])) | set(_ids([further.node]))
        if facts & asked or set(further.vary) & set(ranges) or len(words) > 1 + draw.below(3, "how many"):
            continue
        drawn = draw.numbers(further.vary, f"{which}/further")
        candidate = [*words, further.words]
        if len(_told(candidate, {**numbers, **drawn}, {**ranges, **further.vary})) > 190:
            continue
        asked |= facts
        numbers |= drawn
        ranges |= further.vary
        words = candidate
        nodes.append(_filled(further.node, {}))
    amount = _filled(template.amount, numbers)
    params = {name: value for name, value in numbers.items() if _named(name, nodes, amount)}
    version: Raw = {
        "valid": {"from": begins, **({"to": ends} if ends else {})},
        "clause": _told(words, numbers, ranges),
        "source": SOURCE,
        **({"params": params} if params else {}),
        "require": {"all": nodes},
        "amount": amount,
    }
    if template.pay is not None:
        version["pay"] = [_filled(part, {}) for part in plan.pay[template.pay]]
    if template.share:
        version["share"] = _filled(dict(template.share), {})
    fund = {"id": f"{outline.id}-FUND", "amount": _fund(outline, plan), **_spending(outline, plan)}
    cap = {} if template.cap is None else {"per_enterprise": numbers[template.cap.removeprefix("$")]}
    version["caps"] = {**cap, "budget": fund}
    version["exclusion"] = {
        "group": template.group or f"EX-{template.id.upper().replace('_', '-')}",
        "rule": template.exclusion,
    }
    version["review"] = {
        "level": 2,
        "roles": [str(role) for role in outline.file.roles],
        "notice_days": draw.one(plan.notice_days, "notice"),
        "confirm_by_enterprise": channel == "confirm",
        "escalate": [{"if_amount_over": int(plan.escalate.if_amount_over), "level": plan.escalate.level}],
    }
    version["near"] = {"within": plan.near.within, "keep": plan.near.keep}
    version["recheck_before_pay"] = [str(name) for name in draw.one(plan.recheck, "recheck")]
    return version


def _fund(outline: Outline, plan: Plan) -> int:
    drawn = Draw(plan.seed, outline.id).one(plan.fund.choices, "fund")
    return int(drawn) * outline.place.fund


def _spending(outline: Outline, plan: Plan) -> Raw:
    return {
        key: str(value) for key, value in Draw(plan.seed, outline.id).one(plan.spending, "spending").items()
    }


def _told(words: Sequence[str], numbers: Drawn, ranges: dict[str, Range]) -> str:
    """The clause with its numbers as people read them."""
    text = "；".join(words)
    told = REFERENCE.sub(lambda found: _read(numbers[found[1]], ranges[found[1]]), text)
    return AFTER_UNIT.sub("", told)


def _read(value: int | Decimal | str, choices: Range) -> str:
    if isinstance(value, str):
        return Span.read(value).zh
    if choices.yuan is not None:
        return yuan(Decimal(value))
    if choices.percent is not None or choices.permille is not None:
        return f"{plain(Decimal(value) * 100)}%"
    return plain(Decimal(value))


def _filled(written: Any, numbers: Drawn) -> Any:
    """A plain copy of what was written, with the numbers in place of the references that have one."""
    if isinstance(written, dict):
        return {str(key): _filled(value, numbers) for key, value in written.items()}
    if isinstance(written, list):
        return [_filled(value, numbers) for value in written]
    if isinstance(written, str) and written.startswith("$") and written[1:] in numbers:
        return numbers[written[1:]]
    return exact(written)


def _facts(nodes: Sequence[Raw]) -> Iterator[str]:
    return (str(leaf["fact"]) for leaf in _leaves(nodes))


def _ids(nodes: Sequence[Raw]) -> Iterator[str]:
    return (str(leaf["id"]) for leaf in _leaves(nodes))


def _leaves(nodes: Sequence[Raw]) -> Iterator[Raw]:
    for node in nodes:
        inner = node.get("all") or node.get("any") or node.get("of")
        if inner is None:
            yield node
        else:
            yield from _leaves(inner)


def _named(name: str, nodes: Sequence[Raw], amount: Raw) -> bool:
    """Whether a condition or the formula names the parameter."""
    asked = [leaf["value"] for leaf in _leaves(nodes)]
    listed = [value for values in asked for value in (values if isinstance(values, list) else [values])]
    if f"${name}" in listed:
        return True
    return re.search(rf"\b{name}\b", str(amount.get("expr", ""))) is not None
