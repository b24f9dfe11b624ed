"""Made-up facts, rules and enterprises, as hypothesis draws them and as PostgreSQL takes them."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import psycopg
from hypothesis import strategies as st
from psycopg import sql

from citybrain.policy.compiler import FACTS_TABLE, compile_rule
from citybrain.policy.facts import Fact, FactValue
from citybrain.policy.facts_table import mart_columns
from citybrain.policy.item_file import Version
from citybrain.policy.rule import Criterion, Rule, resolve

Enterprise = dict[str, FactValue]
DAY = date(2026, 6, 1)
LOADED = datetime(2026, 5, 31, 12, 0, tzinfo=UTC)


def fact(kind: str, **more: Any) -> Fact:
    return Fact.model_validate(
        {"type": kind, "column": f"f_{kind}", "label": f"事实{kind}", "source": "taxation",
         "as_of": "seen_at", "fresh_within": timedelta(days=30), **more}
    )  # fmt: skip


FACTS: dict[str, Fact] = {
    "people": fact("int", unit="人"),
    "share": fact("decimal", unit="比例"),
    "sales": fact("money", unit="元"),
    "costs": fact("money", unit="元", column="f_costs"),
    "since": fact("date"),
    "good": fact("bool"),
    "size": fact("enum", values={"large": "大型", "small": "小型", "micro": "微型"}),
    "place": fact("code"),
}
POOLS: dict[str, list[FactValue]] = {
    "people": [0, 1, 29, 30, 31, 2_000_000_000],
    "share": [Decimal(text) for text in ("0", "0.054999", "0.055", "0.055001", "0.2", "1")],
    "sales": [Decimal(text) for text in ("0", "0.01", "33.35", "499999.99", "500000", "1234567.89", "9e12")],
    "costs": [Decimal(text) for text in ("0", "3", "33.35", "77777.77", "500000.01")],
    "since": [date(2024, 12, 31), date(2025, 1, 1), date(2025, 1, 2)],
    "good": [True, False],
    "size": ["large", "small", "micro"],
    "place": ["341602", "341622", "C2730", "x'; DROP TABLE t; --", "3416%"],
}
OPERATORS = {
    "people": ["==", "!=", ">", ">=", "<", "<=", "in", "not_in", "between"],
    "share": [">", ">=", "<", "<=", "=="],
    "sales": [">", ">=", "<", "<=", "between"],
    "costs": [">", "<="],
    "since": [">", ">=", "<", "<=", "between", "!="],
    "good": ["is"],
    "size": ["==", "!=", "in", "not_in"],
    "place": ["under", "==", "in", "not_in"],
}

enterprises = st.fixed_dictionaries(
    {name: st.one_of(st.none(), st.sampled_from(pool)) for name, pool in POOLS.items()}
)


@st.composite
def criteria(draw: st.DrawFn, name: str) -> dict[str, Any]:
    known = draw(st.sampled_from(sorted(POOLS)))
    op = draw(st.sampled_from(OPERATORS[known]))
    values = st.sampled_from(POOLS[known])
    value: Any = draw(values)
    if op in ("in", "not_in", "under"):
        value = draw(st.lists(values, min_size=1, max_size=3))
    if op == "between":
        value = sorted([value, draw(values)])
    if draw(st.integers(0, 19)) == 0:
        value = None if not isinstance(value, list) else [*value[:-1], None]
        if op == "between":
            value = [None, None]
    return {"id": name, "fact": known, "op": op, "value": value, "gate": draw(st.booleans())}


@st.composite
def conditions(draw: st.DrawFn) -> dict[str, Any]:
    """A tree of up to three levels; the ids of its leaves are their numbers."""
    numbers: Iterator[int] = iter(range(100))

    def node(depth: int) -> dict[str, Any]:
        kind = draw(st.sampled_from(["leaf", "all", "any", "at_least"])) if depth else "leaf"
        if kind == "leaf":
            return draw(criteria(f"leaf_{next(numbers)}"))  # type: ignore[no-any-return]
        parts = [node(depth - 1) for _ in range(draw(st.integers(1, 3)))]
        if kind == "at_least":
            return {"at_least": draw(st.integers(1, len(parts))), "of": parts}
        return {kind: parts}

    return node(3)


rates = st.sampled_from([Decimal(text) for text in ("0", "0.005", "0.3333", "0.6", "1")])
sums = st.sampled_from([Decimal(text) for text in ("0", "0.05", "1500", "300000")])
numbers = st.sampled_from(["people", "share", "sales", "costs"])
roundings = st.fixed_dictionaries(
    {
        "to": st.sampled_from(["0.01", "0.1", "1", "10", "100", "1000"]),
        "mode": st.sampled_from(["half_up", "down", "up"]),
    }
)


@st.composite
def formulas(draw: st.DrawFn, depth: int = 3) -> str:
    if depth == 0 or draw(st.booleans()):
        return draw(st.sampled_from(["people", "share", "sales", "costs", "share_of", "0.5", "2", "1000.10"]))
    left, right = draw(formulas(depth - 1)), draw(formulas(depth - 1))
    shape = draw(st.sampled_from(["+", "-", "*", "/", "least", "greatest", "case", "neg"]))
    if shape in ("least", "greatest"):
        return f"{shape}({left}, {right})"
    if shape == "case":
        test = draw(st.sampled_from([">", ">=", "<", "<=", "=", "<>"]))
        both = draw(st.sampled_from(["and", "or"]))
        return f"case when {left} {test} {right} {both} not ({right} > 3) then {left} else {right} end"
    return f"-({left})" if shape == "neg" else f"({left} {shape} {right})"


amounts = st.one_of(
    st.builds(lambda value: {"kind": "flat", "value": value}, sums),
    st.builds(
        lambda of, rate, rounding: {"kind": "rate_of", "of": of, "rate": rate, "round": rounding},
        numbers,
        rates,
        roundings,
    ),
    st.builds(
        lambda of, large, small, rounding: {
            "kind": "rate_by", "of": of, "by": "size", "rates": {"large": large, "small": small},
            "round": rounding,
        },
        numbers, rates, rates, roundings,
    ),
    st.builds(
        lambda large: {"kind": "flat_by", "by": "size", "values": {"large": large, "micro": Decimal(5)}}, sums
    ),
    st.builds(lambda value: {"kind": "per_unit", "of": "people", "value": value}, sums),
    st.builds(
        lambda of, mode, rate, rounding: {
            "kind": "tiers", "of": of, "mode": mode, "round": rounding,
            "tiers": [
                {"from": Decimal("0.2"), "rate": rate}, {"from": Decimal(500000), "rate": Decimal("0.04")}
            ],
        },
        numbers, st.sampled_from(["marginal", "whole"]), rates, roundings,
    ),
    st.builds(
        lambda expr, rounding: {"kind": "formula", "expr": expr, "round": rounding},
        formulas().filter(lambda text: len(text) <= 400),
        roundings,
    ),
)  # fmt: skip


def rule_of(require: dict[str, Any], amount: dict[str, Any] | None = None, **more: Any) -> Rule:
    return resolve(
        Version.model_validate(
            {
                "valid": {"from": date(2026, 1, 1)},
                "clause": "条款",
                "source": "citybrain:test",
                "params": {"share_of": Decimal("0.25")},
                "require": require,
                "amount": amount or {"kind": "flat", "value": Decimal(100)},
                "review": {"roles": ["经办"], "notice_days": 5, "confirm_by_enterprise": False},
                **more,
            }
        ),
        FACTS,
    )


@st.composite
def rules(draw: st.DrawFn) -> Rule:
    cap = draw(st.one_of(st.none(), st.sampled_from([Decimal("0.07"), Decimal(250000)])))
    near = {"within": draw(st.integers(1, 3))}
    return rule_of(draw(conditions()), draw(amounts), caps={"per_enterprise": cap}, near=near)


def leaf(fact: str, op: str, value: Any, **more: Any) -> dict[str, Any]:
    return {"id": "asked", "fact": fact, "op": op, "value": value, **more}


def only(rule: Rule) -> Criterion:
    return rule.criteria[0]


# PostgreSQL


def create_facts_table(connection: psycopg.Connection[Any], facts: dict[str, Fact] | None = None) -> None:
    columns = mart_columns(facts or FACTS)
    connection.execute(
        sql.SQL("CREATE TEMPORARY TABLE {} ({})").format(
            sql.Identifier(FACTS_TABLE),
            sql.SQL(", ").join(
                sql.SQL("{} {}").format(sql.Identifier(name), sql.SQL(kind)) for name, kind in columns.items()
            ),
        )
    )


def fill(
    connection: psycopg.Connection[Any],
    rows: Sequence[Enterprise],
    facts: dict[str, Fact] | None = None,
    loaded: datetime = LOADED,
) -> None:
    """Replace the enterprises of the facts table; the n-th one's code is `E<n>`."""
    facts = facts or FACTS
    loads = sorted({fact.as_of for fact in facts.values()})
    columns = ["uscc", "enterprise_name", *(fact.column for fact in facts.values()), *loads]
    connection.execute(sql.SQL("TRUNCATE {}").format(sql.Identifier(FACTS_TABLE)))
    insert = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(FACTS_TABLE), sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    with connection.cursor().copy(insert) as copy:
        for number, row in enumerate(rows):
            values = [row.get(name) for name in facts]
            copy.write_row([f"E{number:04d}", f"企业{number}", *values, *[loaded] * len(loads)])


def found(connection: psycopg.Connection[Any], rule: Rule, day: date = DAY) -> dict[str, dict[str, Any]]:
    """What the compiled statement finds, by code; every near one."""
    cursor = connection.execute(sql.SQL(compile_rule(rule, day, near_only_best=False).sql))
    assert cursor.description is not None
    names = [column.name for column in cursor.description]
    return {row[0]: dict(zip(names, row, strict=True)) for row in cursor.fetchall()}
