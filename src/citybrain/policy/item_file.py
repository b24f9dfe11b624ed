"""One policy document and its items: `policies/<department>/<document>.yml`, schema citybrain/policy-item@1.

A condition is a tree: leaves compare one fact with a value, nodes are `all`, `any` and `at_least`. There is
no `not` but the operators `!=` and `not_in`, so that "how far is this enterprise away" has an answer. A
number that nobody has confirmed is null; an item that needs it is not payable until it is filled in.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, field_validator, model_validator

from citybrain.catalogue import ContentModel
from citybrain.policy.facts import Name
from citybrain.policy.span import Span
from citybrain.policy.values import Rate, Ratio, Scalar, Yuan

ITEM_SCHEMA = "citybrain/policy-item@1"
MOST_CRITERIA = 60  # bits of a mask; two are kept for the amount

Operator = Literal[
    "is", "==", "!=", ">", ">=", "<", "<=", "in", "not_in", "between", "under", "at_least_ago", "at_most_ago"
]
ItemId = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9-]{1,47}$")]
Line = Annotated[str, Field(min_length=1, max_length=200)]


# Conditions


class Leaf(ContentModel):
    """One criterion. `gate`: nothing an enterprise could work towards (its county, its industry)."""

    id: Name
    fact: Name
    op: Operator
    value: Scalar | list[Scalar] = Field(description="a value, a list of values, or $name of a parameter")
    gate: bool = False
    label: Line | None = Field(default=None, description="default: a sentence made from fact and value")

    @model_validator(mode="after")
    def _list_where_it_belongs(self) -> "Leaf":
        parameter = isinstance(self.value, str) and self.value.startswith("$")
        if self.op in ("in", "not_in", "between", "under"):
            if not isinstance(self.value, list) and not parameter:
                raise ValueError(f"{self.op} takes a list of values")
            if self.op == "between" and isinstance(self.value, list) and len(self.value) != 2:
                raise ValueError("between takes two values, both included")
            if isinstance(self.value, list) and not self.value:
                raise ValueError(f"{self.op} takes at least one value")
        elif isinstance(self.value, list):
            raise ValueError(f"{self.op} takes one value, not a list")
        elif self.op in ("at_least_ago", "at_most_ago") and not parameter and self.value is not None:
            Span.read(self.value)
        return self


class All(ContentModel):
    all: list["Node"] = Field(min_length=1)


class AnyOf(ContentModel):
    any: list["Node"] = Field(min_length=1)


class AtLeast(ContentModel):
    at_least: int = Field(ge=1)
    of: list["Node"] = Field(min_length=1, max_length=8)

    @model_validator(mode="after")
    def _possible(self) -> "AtLeast":
        if self.at_least > len(self.of):
            raise ValueError(f"at least {self.at_least} of {len(self.of)} can never be met")
        return self


def _kind(value: Any) -> str:
    if isinstance(value, dict):
        return next((kind for kind in ("all", "any", "at_least") if kind in value), "criterion")
    match value:
        case All():
            return "all"
        case AnyOf():
            return "any"
        case AtLeast():
            return "at_least"
        case _:
            return "criterion"


Node = Annotated[
    Annotated[Leaf, Tag("criterion")]
    | Annotated[All, Tag("all")]
    | Annotated[AnyOf, Tag("any")]
    | Annotated[AtLeast, Tag("at_least")],
    Discriminator(_kind),
]


def children(node: Node) -> list[Node]:
    match node:
        case All():
            return node.all
        case AnyOf():
            return node.any
        case AtLeast():
            return node.of
        case _:
            return []


def leaves(node: Node) -> Iterator[Leaf]:
    """The criteria in the order of the file: the order of the bits."""
    if isinstance(node, Leaf):
        yield node
    for child in children(node):
        yield from leaves(child)


# Amounts, in yuan


class Rounding(ContentModel):
    to: Literal["0.01", "0.1", "1", "10", "100", "1000"] = "0.01"
    mode: Literal["half_up", "down", "up"] = "half_up"

    @field_validator("to", mode="before")
    @classmethod
    def _text(cls, value: Any) -> Any:
        return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value

    @property
    def places(self) -> int:
        """Digits after the point; negative before it."""
        return {"0.01": 2, "0.1": 1, "1": 0, "10": -1, "100": -2, "1000": -3}[self.to]


class _Amount(ContentModel):
    round: Rounding = Rounding()


class Flat(_Amount):
    """The same for everybody."""

    kind: Literal["flat"]
    value: Yuan | None


class FlatBy(_Amount):
    """One amount for each value of an enum fact; a value that is not named gets nothing."""

    kind: Literal["flat_by"]
    by: Name
    values: dict[str, Yuan | None] = Field(min_length=1)


class RateOf(_Amount):
    """A share of a fact."""

    kind: Literal["rate_of"]
    of: Name
    rate: Rate | None


class RateBy(_Amount):
    """A share of a fact; the share depends on an enum fact, and a value that is not named gets nothing."""

    kind: Literal["rate_by"]
    of: Name
    by: Name
    rates: dict[str, Rate | None] = Field(min_length=1)


class Tier(ContentModel):
    """`from` is included. A `rate` is a share of the fact, a `value` an amount."""

    start: Yuan = Field(alias="from")
    rate: Rate | None = None
    value: Yuan | None = None
    unconfirmed: bool = Field(default=False, description="true: its number is known to nobody yet")

    @model_validator(mode="after")
    def _one_number(self) -> "Tier":
        given = [number for number in (self.rate, self.value) if number is not None]
        if len(given) != (0 if self.unconfirmed else 1):
            raise ValueError("a tier has a rate or a value, or says `unconfirmed: true`")
        return self


class Tiers(_Amount):
    """marginal: each band of the fact at its own rate. whole: the highest tier reached counts for all."""

    kind: Literal["tiers"]
    of: Name
    mode: Literal["marginal", "whole"]
    tiers: list[Tier] = Field(min_length=1)

    @model_validator(mode="after")
    def _in_order(self) -> "Tiers":
        starts = [tier.start for tier in self.tiers]
        if sorted(set(starts)) != starts:
            raise ValueError("tiers stand in rising order of `from`, each once")
        if self.mode == "marginal" and any(tier.value is not None for tier in self.tiers):
            raise ValueError("marginal tiers have rates, not values")
        return self


class PerUnit(_Amount):
    """So much for each person, square metre, month."""

    kind: Literal["per_unit"]
    of: Name
    value: Yuan | None


class Match(_Amount):
    """So much for each yuan that a higher level granted, e.g. 1:1."""

    kind: Literal["match"]
    of: Name = Field(description="a money fact: what the higher level granted")
    ratio: Ratio | None


class Formula(_Amount):
    """Arithmetic over facts and parameters: + - * /, least, greatest, case, comparisons, and/or/not."""

    kind: Literal["formula"]
    expr: Annotated[str, Field(min_length=1, max_length=400)]


Amount = Annotated[
    Flat | FlatBy | RateOf | RateBy | Tiers | PerUnit | Match | Formula, Field(discriminator="kind")
]


# Money limits, exclusion, review


class Budget(ContentModel):
    """A fund shared by every item that names its id. Spent in order until it is used up, or cut pro rata."""

    id: ItemId
    amount: Yuan
    when_short: Literal["rank", "pro_rata"] = "rank"
    rank_by: Literal["amount asc", "amount desc"] = "amount asc"


class Caps(ContentModel):
    per_enterprise: Annotated[Yuan, Field(gt=0)] | None = None
    budget: Budget | None = None


class Stage(ContentModel):
    """One payment of a grant. The first goes out with the grant; a later one waits until the bank has booked
    the one before, until `after` has gone by since the first, and for `when` to hold."""

    id: Name
    share: Annotated[Rate, Field(gt=0)]
    label: Line
    after: str | None = Field(default=None, description="P1Y, P6M, P30D: at the earliest after the first")
    when: Node | None = None

    @field_validator("after")
    @classmethod
    def _span(cls, value: str | None) -> str | None:
        return None if value is None else str(Span.read(value))


Payer = Literal["nation", "province", "city", "county"]
Shares = dict[Payer, Rate]


class Exclusion(ContentModel):
    """What an enterprise gets of the items of a group, whichever year the rule looks at.

    highest_wins  in a calendar year the largest, and nothing besides
    top_up        in a calendar year the largest, less what was awarded of the group already
    once_a_year   one of the group in a calendar year; of several found at once the largest
    once_ever     one of the group in its life; of several found at once the largest
    mutual        who was ever awarded one item of the group gets no other one of it
    """

    group: ItemId
    rule: Literal["highest_wins", "top_up", "once_a_year", "once_ever", "mutual"]


class Escalation(ContentModel):
    if_amount_over: Yuan
    level: int = Field(ge=1, le=5)


class Review(ContentModel):
    """Who decides. `notice_days`: working days of public notice."""

    level: int = Field(default=2, ge=1, le=5)
    roles: list[Line] = Field(min_length=1)
    notice_days: int = Field(ge=0, le=60)
    confirm_by_enterprise: bool
    escalate: list[Escalation] = Field(default_factory=list)


class Near(ContentModel):
    """Enterprises that lack at most `within` criteria; the `keep` closest and largest are kept."""

    within: int = Field(default=1, ge=1, le=3)
    keep: int = Field(default=200, ge=0, le=5000)


class Validity(ContentModel):
    """Both days are included; no end: until it is withdrawn."""

    start: date = Field(alias="from")
    end: date | None = Field(default=None, alias="to")
    basis: Line | None = Field(default=None, description="how the days were found, where the text has none")
    gap: Line | None = Field(
        default=None, description="why nothing held between the version before and this one"
    )

    @model_validator(mode="after")
    def _forward(self) -> "Validity":
        if self.end is not None and self.end < self.start:
            raise ValueError("`to` is before `from`")
        return self

    def holds_on(self, day: date) -> bool:
        return self.start <= day and (self.end is None or day <= self.end)


class Version(ContentModel):
    """What holds between two days."""

    valid: Validity
    clause: Line = Field(description="the condition of the clause in one's own words")
    source: Line = Field(description="address of the page or document it was taken from")
    params: dict[Name, Scalar | list[Scalar]] = Field(default_factory=dict)
    require: Node
    amount: Amount
    pay: list[Stage] = Field(default_factory=list, max_length=6, description="parts; default: paid at once")
    share: Shares = Field(default_factory=dict, description="which level bears which share; default the city")
    caps: Caps = Caps()
    exclusion: Exclusion | None = None
    review: Review
    near: Near = Near()
    recheck_before_pay: list[Name] = Field(
        default_factory=list, description="facts that are read again before the money leaves"
    )
    on_missing: Literal["needs_data"] = "needs_data"
    unconfirmed: list[Line] = Field(
        default_factory=list, description="what nobody has confirmed yet: nothing is paid until it is"
    )

    @model_validator(mode="after")
    def _parts_make_a_whole(self) -> "Version":
        if self.pay:
            if sum(stage.share for stage in self.pay) != 1:
                raise ValueError("the shares of `pay` do not add up to 1")
            if self.pay[0].when is not None or self.pay[0].after is not None:
                raise ValueError(
                    "the first part of `pay` is paid with the grant: it has no `when`, no `after`"
                )
            names = [stage.id for stage in self.pay]
            if len(set(names)) < len(names):
                raise ValueError("two parts of `pay` have one id")
        if self.share and sum(self.share.values()) != 1:
            raise ValueError("the shares of `share` do not add up to 1")
        return self

    @property
    def criteria(self) -> list[Leaf]:
        return list(leaves(self.require))


class Expectation(ContentModel):
    status: Literal["eligible", "needs_data", "near", "ineligible"]
    amount: Decimal | None = None
    unmet: list[str] | None = None
    unknown: list[str] | None = None

    @field_validator("amount", mode="before")
    @classmethod
    def _exact(cls, value: Any) -> Any:
        return Decimal(repr(float(value))) if isinstance(value, float) else value


class Case(ContentModel):
    """A test: facts of one enterprise (`given` of the item first, a fact in neither is missing) and what must
    come out. `on` picks the version; default the first one."""

    name: Line
    on: date | None = None
    facts: dict[Name, Scalar] = Field(default_factory=dict)
    expect: Expectation


class Item(ContentModel):
    """One thing that may be granted."""

    id: ItemId
    title: Line
    channel: Literal["auto", "confirm", "apply"]
    subject: Literal["enterprise"] = "enterprise"
    versions: list[Version] = Field(min_length=1)
    given: dict[Name, Scalar] = Field(default_factory=dict, description="facts every case starts from")
    cases: list[Case] = Field(min_length=1)

    @model_validator(mode="after")
    def _consistent(self) -> "Item":
        ordered = sorted(self.versions, key=lambda version: version.valid.start)
        for before, after in pairwise(ordered):
            if before.valid.end is None or after.valid.start <= before.valid.end:
                raise ValueError(f"versions overlap on {after.valid.start}")
            gap = after.valid.start > before.valid.end + timedelta(days=1)
            if gap and after.valid.gap is None:
                raise ValueError(
                    f"nothing holds between {before.valid.end} and {after.valid.start}:"
                    " say why in `gap`, or mend the days"
                )
        for version in self.versions:
            if self.channel == "auto" and version.review.confirm_by_enterprise:
                raise ValueError("channel auto asks no enterprise to confirm")
        return self

    def version_on(self, day: date) -> Version | None:
        return next((version for version in self.versions if version.valid.holds_on(day)), None)


class Document(ContentModel):
    """Where the items come from. What nobody has confirmed (number, issuer, day) is null."""

    id: ItemId
    title: Line
    number: Line | None = None
    issuer: Line | None = None
    department: str = Field(description="department id of the catalogue")
    published: date | None = None
    uri: Line = Field(description="address of the page, or s3://policy-docs/… of the stored document")
    origin: Literal["real", "synthetic"] = Field(
        description="real: facts restated from a public page; synthetic: made for the demo city"
    )
    note: str | None = None


class PolicyFile(ContentModel):
    """One file of `policies/<department>/`."""

    format: Literal["citybrain/policy-item@1"] = Field(alias="schema")
    document: Document
    items: list[Item] = Field(min_length=1)

    @model_validator(mode="after")
    def _items_once(self) -> "PolicyFile":
        names = [item.id for item in self.items]
        doubled = sorted({name for name in names if names.count(name) > 1})
        if doubled:
            raise ValueError(f"items named twice: {', '.join(doubled)}")
        for item in self.items:
            if self.document.origin == "real" and item.channel == "auto":
                raise ValueError(
                    f"{item.id}: a clause restated from a page is never granted unasked (channel auto)"
                )
        return self
