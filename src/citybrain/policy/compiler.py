"""Rules to SQL: one SELECT for each item version, three-valued, over the facts of every enterprise.

The statement is built as sqlglot nodes and written out once; columns come from the facts catalogue only,
values are literal nodes cast to the fact's type, and nothing is concatenated. It nests, from the inside:

  facts      the columns the rule names; a fact older than its `fresh_within` is NULL
  raw        the amount before cap and rounding; an OFFSET keeps it from being worked out twice
  judged     each criterion as a column c0 … cn (true, false or NULL), and the amount
  measured   masks of unmet and unknown bits; the distance with unknown counted as unmet and as met
  named      the status, and the place among the near ones

TRUE AND NULL is NULL in SQL, so a missing fact can only ever end in `needs_data`; the amount's own bit makes
that hold for the money, too.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import combinations
from zoneinfo import ZoneInfo

from sqlglot import exp

from citybrain.policy.facts import Fact, FactValue
from citybrain.policy.formula import formula_sql, literal
from citybrain.policy.item_file import (
    All,
    AnyOf,
    Flat,
    FlatBy,
    Formula,
    Leaf,
    Match,
    Node,
    PerUnit,
    RateBy,
    RateOf,
    Tiers,
    children,
)
from citybrain.policy.rule import AGO, Criterion, Rule
from citybrain.policy.span import Span

FACTS_TABLE = "mart_enterprise_facts"  # without a schema: the session's search path says which one
IDENTITY = ("uscc", "enterprise_name", "county_code")
RAW = "raw_amount"
GATE_WEIGHT = 1000  # further than any number of criteria that can be worked on
FARTHEST = 9999
LARGEST_AMOUNT = Decimal(10) ** 15  # above it something is wrong: no amount, rather than an error
CITY_ZONE = ZoneInfo("Asia/Shanghai")
SQL_TYPE = {
    "int": "bigint",
    "decimal": "decimal",
    "money": "decimal",
    "date": "date",
    "bool": "boolean",
    "enum": "text",
    "code": "text",
}


RESULT = (*IDENTITY, "status", "unmet_mask", "unknown_mask", "distance", "amount", "facts")


@dataclass(frozen=True)
class Statement:
    """A query for the columns of RESULT, and its text, which holds no placeholder."""

    query: exp.Select
    sql: str

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.sql.encode()).hexdigest()


def compile_rule(rule: Rule, as_of: date, near_only_best: bool = True) -> Statement:
    """The statement of a rule for one day. `near_only_best`: keep only the best near ones."""
    named = _named(rule, as_of)
    query = exp.select(*(_column(name) for name in RESULT)).from_(named.subquery("named", copy=False))
    query = query.where(exp.NEQ(this=_column("status"), expression=_text("ineligible")))
    if near_only_best:
        best = exp.LTE(this=_column("place"), expression=_number(rule.version.near.keep))
        query = query.where(exp.or_(exp.NEQ(this=_column("status"), expression=_text("near")), best))
    return Statement(query, query.sql(dialect="postgres"))


def compile_eligible(rule: Rule, as_of: date) -> str:
    """The enterprises that get the item, uscc, county_code and amount: nothing of the others."""
    query = exp.select(*(_column(name) for name in ("uscc", "county_code", "amount"))).from_(
        _measured(rule, as_of).subquery("measured", copy=False)
    )
    eligible = exp.EQ(this=_column("distance"), expression=_number(0))
    return query.where(eligible).sql(dialect="postgres")


# The nested selects


def _named(rule: Rule, as_of: date) -> exp.Select:
    near = exp.and_(
        exp.LTE(this=_column("distance_known"), expression=_number(rule.version.near.within)),
    )
    status = _case(
        [
            (exp.EQ(this=_column("distance"), expression=_number(0)), _text("eligible")),
            (exp.EQ(this=_column("distance_known"), expression=_number(0)), _text("needs_data")),
            (near, _text("near")),
        ],
        _text("ineligible"),
    )
    ranked = exp.Window(
        this=exp.RowNumber(),
        partition_by=[exp.EQ(this=_column("distance"), expression=_number(0)),
                      exp.EQ(this=_column("distance_known"), expression=_number(0))],
        order=exp.Order(
            expressions=[
                exp.Ordered(this=_column("distance_known")),
                exp.Ordered(this=_column("distance")),
                exp.Ordered(this=_column("amount"), desc=True, nulls_first=False),
                exp.Ordered(this=_column("uscc")),
            ]
        ),
    )  # fmt: skip
    used = [part for name in rule.used for part in (_text(name), _column(name))]
    facts = exp.Anonymous(this="jsonb_build_object", expressions=used)
    eligible = exp.EQ(this=_column("distance"), expression=_number(0))
    return exp.select(
        *(_column(name) for name in (*IDENTITY, "unmet_mask", "unknown_mask", "distance", "amount")),
        exp.alias_(status, "status", quoted=True),
        exp.alias_(_case([(eligible, facts)], exp.null()), "facts", quoted=True),
        exp.alias_(ranked, "place", quoted=True),
    ).from_(_measured(rule, as_of).subquery("measured", copy=False))


def _measured(rule: Rule, as_of: date) -> exp.Select:
    bits = [_column(f"c{bit}") for bit in range(rule.amount_bit + 1)]
    unmet = [
        _case([(exp.Is(this=bit.copy(), expression=exp.false()), _number(1 << place))], _number(0))
        for place, bit in enumerate(bits)
    ]
    unknown = [
        _case([(exp.Is(this=bit.copy(), expression=exp.null()), _number(1 << place))], _number(0))
        for place, bit in enumerate(bits)
    ]
    amount_gate = bits[rule.amount_bit]

    def distance(unknown_is_met: bool) -> exp.Expr:
        tree = _distance(rule.version.require, rule, unknown_is_met)
        return exp.Least(
            this=_sum([tree, _cost(amount_gate, GATE_WEIGHT, unknown_is_met)]),
            expressions=[_number(FARTHEST)],
        )

    query = exp.select(
        *(_column(name) for name in (*IDENTITY, *rule.used, "amount")),
        exp.alias_(exp.cast(_sum(unmet), "bigint"), "unmet_mask", quoted=True),
        exp.alias_(exp.cast(_sum(unknown), "bigint"), "unknown_mask", quoted=True),
        exp.alias_(distance(False), "distance", quoted=True),
        exp.alias_(distance(True), "distance_known", quoted=True),
    ).from_(_judged(rule, as_of).subquery("judged", copy=False))
    for gate in rule.top_gates:  # who fails one is ineligible: leave early
        column = _column(f"c{gate.bit}")
        query = query.where(exp.not_(exp.Is(this=column, expression=exp.false())))
    return query


def _judged(rule: Rule, as_of: date) -> exp.Select:

    def ago(span: Span) -> exp.Expr:
        return exp.cast(_text(span.before(as_of).isoformat()), "date")

    raw = exp.select(
        *(_column(name) for name in (*IDENTITY, *rule.used)),
        exp.alias_(raw_amount_node(rule), RAW, quoted=True),
    ).from_(_facts(rule, as_of).subquery("facts", copy=False))
    priced = exp.select(
        *(_column(name) for name in (*IDENTITY, *rule.used)),
        exp.alias_(amount_node(rule), "amount", quoted=True),
    ).from_(raw.offset(0).subquery("raw", copy=False))  # the fence: worked out once for each enterprise
    return exp.select(
        *(_column(name) for name in (*IDENTITY, *rule.used, "amount")),
        *(
            exp.alias_(criterion_node(criterion, ago), f"c{criterion.bit}", quoted=True)
            for criterion in rule.criteria
        ),
        exp.alias_(exp.GT(this=_column("amount"), expression=_number(0)), f"c{rule.amount_bit}", quoted=True),
    ).from_(priced.subquery("priced", copy=False))


def _facts(rule: Rule, as_of: date) -> exp.Select:
    return exp.select(
        *(_column(name) for name in IDENTITY),
        *(exp.alias_(_fresh(rule.facts[name], as_of), name, quoted=True) for name in rule.used),
    ).from_(exp.to_table(FACTS_TABLE))


def _fresh(fact: Fact, as_of: date) -> exp.Expr:
    """The fact's column while it is fresh enough, else NULL."""
    oldest = exp.cast(_text(oldest_load(as_of, fact.fresh_within).isoformat()), "timestamptz")
    return _case([(exp.GTE(this=_column(fact.as_of), expression=oldest), _column(fact.column))], exp.null())


def oldest_load(as_of: date, fresh_within: timedelta) -> datetime:
    """A fact loaded before this moment counts as missing on `as_of`."""
    return datetime.combine(as_of, time(), CITY_ZONE) - fresh_within


# Criteria


def criterion_node(criterion: Criterion, ago: Callable[[Span], exp.Expr]) -> exp.Expr:
    """true, false, or NULL when the fact is missing or nobody has confirmed what it is compared with.

    `ago`: the day a span before the day of the run.
    """
    fact, column = criterion.fact, _column(criterion.leaf.fact)
    if not criterion.known:  # nobody has confirmed the number: it cannot be judged
        return exp.cast(exp.null(), "boolean")
    if criterion.leaf.op in AGO:
        then = ago(Span.read(criterion.values[0]))
        compare = exp.LTE if criterion.leaf.op == "at_least_ago" else exp.GTE
        return compare(this=column, expression=then)
    values = [value_node(value, fact) for value in criterion.values]
    match criterion.leaf.op:
        case "is" | "==":
            return exp.EQ(this=column, expression=values[0])
        case "!=":
            return exp.NEQ(this=column, expression=values[0])
        case ">":
            return exp.GT(this=column, expression=values[0])
        case ">=":
            return exp.GTE(this=column, expression=values[0])
        case "<":
            return exp.LT(this=column, expression=values[0])
        case "<=":
            return exp.LTE(this=column, expression=values[0])
        case "in":
            return exp.In(this=column, expressions=values)
        case "not_in":
            return exp.not_(exp.In(this=column, expressions=values))
        case "between":
            return exp.Between(this=column, low=values[0], high=values[1])
        case "under":
            return exp.or_(
                *(exp.Anonymous(this="starts_with", expressions=[column.copy(), value]) for value in values)
            )
    raise AssertionError(f"{criterion.leaf.op} has no SQL")


def value_node(value: FactValue, fact: Fact) -> exp.Expr:
    """A typed literal. Texts stay texts, whatever they look like."""
    if isinstance(value, bool):
        return exp.true() if value else exp.false()
    if isinstance(value, date):
        return exp.cast(_text(value.isoformat()), "date")
    if isinstance(value, Decimal):
        return literal(value)
    return exp.cast(_text(str(value)), SQL_TYPE[fact.type])


# Distance: how many criteria an enterprise would have to change


def _distance(node: Node, rule: Rule, unknown_is_met: bool) -> exp.Expr:
    if isinstance(node, Leaf):
        weight = GATE_WEIGHT if node.gate else 1
        return _cost(_column(f"c{rule.criterion(node).bit}"), weight, unknown_is_met)
    parts = [_distance(child, rule, unknown_is_met) for child in children(node)]
    if isinstance(node, All):
        return _sum(parts)
    if isinstance(node, AnyOf):
        return _least(parts)
    chosen = [_sum([part.copy() for part in some]) for some in combinations(parts, node.at_least)]
    return _least(chosen)


def _cost(column: exp.Expr, weight: int, unknown_is_met: bool) -> exp.Expr:
    if unknown_is_met:
        return _case([(exp.Is(this=column.copy(), expression=exp.false()), _number(weight))], _number(0))
    return _case([(exp.Is(this=column.copy(), expression=exp.true()), _number(0))], _number(weight))


# Amounts


def raw_amount_node(rule: Rule) -> exp.Expr:
    """Before cap and rounding; NULL when a fact it needs is missing or a number of it is unconfirmed."""
    if not rule.payable:
        return exp.cast(exp.null(), "decimal")
    present = [exp.not_(exp.Is(this=_column(name), expression=exp.null())) for name in rule.amount_names]
    raw = _raw_amount(rule)
    return _case([(exp.and_(*present), raw)], exp.null()) if present else raw


def amount_node(rule: Rule) -> exp.Expr:
    """numeric(18, 2) from the column `raw_amount`, which is worked out once; NULL when absurdly large."""
    raw: exp.Expr = _column(RAW)
    cap = rule.version.caps.per_enterprise
    if cap is not None:
        raw = _case([(exp.GT(this=raw.copy(), expression=literal(cap)), literal(cap))], raw)
    plausible = exp.LT(this=exp.Abs(this=raw.copy()), expression=literal(LARGEST_AMOUNT))
    return exp.cast(_case([(plausible, _rounded(raw, rule))], exp.null()), "decimal(18, 2)")


def _raw_amount(rule: Rule) -> exp.Expr:
    amount = rule.version.amount
    match amount:
        case Flat():
            return _money(amount.value)
        case FlatBy():
            return _by_value(amount.by, amount.values)
        case RateOf():
            return exp.Mul(this=_numeric(amount.of), expression=_money(amount.rate))
        case RateBy():
            return exp.Mul(
                this=_numeric(amount.of), expression=exp.Paren(this=_by_value(amount.by, amount.rates))
            )
        case PerUnit():
            return exp.Mul(this=_numeric(amount.of), expression=_money(amount.value))
        case Match():
            return exp.Mul(this=_numeric(amount.of), expression=_money(amount.ratio))
        case Tiers():
            return _tiers(amount)
        case Formula():
            assert rule.arithmetic is not None  # noqa: S101 - a rule with a formula has read it

            def number(name: str) -> exp.Expr:
                known = rule.parameters.get(name)
                return literal(known) if known is not None else _numeric(name)

            return formula_sql(rule.arithmetic, number)


def _tiers(amount: Tiers) -> exp.Expr:
    base = _numeric(amount.of)
    if amount.mode == "whole":
        reached = []
        for tier in reversed(amount.tiers):
            worth = (
                _money(tier.value)
                if tier.value is not None
                else exp.Mul(this=base.copy(), expression=_money(tier.rate))
            )
            reached.append((exp.GTE(this=base.copy(), expression=literal(tier.start)), worth))
        return _case(reached, literal(Decimal(0)))
    bands = []
    for tier, following in zip(amount.tiers, [*amount.tiers[1:], None], strict=True):
        top = base.copy() if following is None else exp.Least(
            this=base.copy(), expressions=[literal(following.start)]
        )  # fmt: skip
        part = exp.Sub(this=top, expression=literal(tier.start))
        within = exp.Greatest(this=part, expressions=[literal(Decimal(0))])
        bands.append(exp.Mul(this=within, expression=_money(tier.rate)))
    return _sum(bands)


def _by_value(name: str, numbers: dict[str, Decimal | None]) -> exp.Expr:
    known = [
        (exp.EQ(this=_column(name), expression=_text(value)), _money(number))
        for value, number in numbers.items()
    ]
    return _case(known, literal(Decimal(0)))


def _rounded(raw: exp.Expr, rule: Rule) -> exp.Expr:
    rounding = rule.version.amount.round
    places = exp.cast(_number(rounding.places), "int")
    if rounding.mode == "half_up":
        return exp.Round(this=raw, decimals=places)
    cut = exp.Anonymous(this="trunc", expressions=[raw, places])
    if rounding.mode == "down":
        return cut
    step = literal(Decimal(rounding.to))
    above = exp.GT(this=exp.Paren(this=raw.copy()), expression=cut)
    return _case([(above, exp.Add(this=cut.copy(), expression=step))], cut.copy())


# Small nodes


def _column(name: str) -> exp.Column:
    return exp.column(name, quoted=True)


def _numeric(name: str) -> exp.Expr:
    """A number of the facts as numeric: integers would overflow in products."""
    return exp.cast(_column(name), "decimal")


def _money(value: Decimal | None) -> exp.Expr:
    assert value is not None  # noqa: S101 - an amount with an unconfirmed number is never worked out
    return literal(value)


def _text(value: str) -> exp.Literal:
    return exp.Literal.string(value)


def _number(value: int) -> exp.Expr:
    number = exp.Literal.number(abs(value))
    return exp.Neg(this=number) if value < 0 else number


def _case(whens: Sequence[tuple[exp.Expr, exp.Expr]], default: exp.Expr) -> exp.Case:
    return exp.Case(ifs=[exp.If(this=test, true=result) for test, result in whens], default=default)


def _sum(parts: Sequence[exp.Expr]) -> exp.Expr:
    total = parts[0]
    for part in parts[1:]:
        total = exp.Add(this=total, expression=part)
    return exp.Paren(this=total)


def _least(parts: Sequence[exp.Expr]) -> exp.Expr:
    return parts[0] if len(parts) == 1 else exp.Least(this=parts[0], expressions=list(parts[1:]))
