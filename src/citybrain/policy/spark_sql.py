"""The statement of a rule for Spark SQL: the nodes made for PostgreSQL, written for another engine's numbers.

Spark's decimals have at most 38 digits and a scale of their own, its `trunc` is one of days, and a fence
(`OFFSET 0`) has no use there. Everything else is what `citybrain.policy.compiler` made, so that a rule has
one meaning. A statement finds what the one of PostgreSQL finds, but for the facts used, which stay there.
"""

from datetime import date
from decimal import Decimal

from sqlglot import exp

from citybrain.policy.compiler import FACTS_TABLE, IDENTITY, compile_rule
from citybrain.policy.facts import Facts
from citybrain.policy.rule import Rule

DIALECT = "spark"
COLUMNS = (*IDENTITY, "status", "unmet_mask", "unknown_mask", "distance", "amount")
# Of facts: wide enough for a city's money, narrow enough that a product of two keeps its digits.
COLUMN_TYPE = {
    "int": "BIGINT",
    "decimal": "DECIMAL(18, 9)",
    "money": "DECIMAL(20, 4)",
    "date": "DATE",
    "bool": "BOOLEAN",
    "enum": "STRING",
    "code": "STRING",
}
NUMBER_TYPE = {"int": "DECIMAL(18, 0)", "decimal": "DECIMAL(18, 9)", "money": "DECIMAL(20, 4)"}
MOST_SCALE = 12  # digits after the point that Spark can keep of a quotient


def spark_statement(rule: Rule, as_of: date) -> str:
    """One SELECT for the columns of COLUMNS, over the view that `facts_view` describes."""
    query = compile_rule(rule, as_of).query.copy()
    for node in reversed(list(query.bfs())):  # what a node holds is written before the node
        written = _for_spark(node, rule.facts)
        if written is not node:
            node.replace(written)
    query = query.select(*(exp.column(name, quoted=True) for name in COLUMNS), append=False)
    return query.sql(dialect=DIALECT)


def facts_view(facts: Facts, source: str) -> str:
    """A SELECT that gives a published `mart_enterprise_facts` (view or table `source`) the types of facts."""
    table = exp.to_table(source, dialect=DIALECT)
    columns = {
        fact.column: exp.DataType.build(COLUMN_TYPE[fact.type], dialect=DIALECT) for fact in facts.values()
    }
    loads = dict.fromkeys(fact.as_of for fact in facts.values())
    return (
        exp.select(
            *(exp.column(name, quoted=True) for name in (*IDENTITY, *loads) if name not in columns),
            *(
                exp.alias_(exp.cast(exp.column(name, quoted=True), kind), name, quoted=True)
                for name, kind in columns.items()
            ),
        )
        .from_(table)
        .sql(dialect=DIALECT)
    )


def _for_spark(node: exp.Expr, facts: Facts) -> exp.Expr:
    match node:
        case exp.Select():
            node.set("offset", None)
            return node
        case exp.Cast() if node.to.is_type("decimal") and not node.to.expressions:
            return _decimal(node, facts)
        case exp.Round():
            node.set("decimals", _places(node.args["decimals"]))
            return node
        case exp.Anonymous() if node.name == "starts_with":
            return exp.Anonymous(this="startswith", expressions=node.expressions)
        case exp.Anonymous() if node.name == "trunc":
            value, places = node.expressions
            return _towards_zero(value, _places(places))
        case exp.Anonymous() if node.name == "jsonb_build_object":
            return exp.null()
    return node


def _decimal(cast: exp.Cast, facts: Facts) -> exp.Expr:
    """A number without digits of its own gets those of the fact, or of the literal."""
    inner = cast.this
    if isinstance(inner, exp.Column):
        kind = NUMBER_TYPE[facts[inner.name].type]
    elif isinstance(inner, exp.Literal):
        _, digits, exponent = Decimal(inner.this).as_tuple()
        scale = max(0, -int(exponent))
        kind = f"DECIMAL({max(len(digits) + max(0, int(exponent)), scale, 1)}, {scale})"
        inner = exp.Literal.string(inner.this)
    else:
        kind = "DECIMAL(38, 12)"
    return exp.cast(inner, exp.DataType.build(kind, dialect=DIALECT))


def _places(node: exp.Expr) -> exp.Expr:
    """Places after the point as a bare number, which Spark wants, and no more than it can keep."""
    if isinstance(node, exp.Cast):
        number: exp.Expr = node.this
        return number.copy()
    return exp.Literal.number(min(int(node.this), MOST_SCALE))


def _towards_zero(value: exp.Expr, places: exp.Expr) -> exp.Expr:
    """trunc(value, places) of PostgreSQL."""

    def cut(name: str) -> exp.Expr:
        return exp.Anonymous(this=name, expressions=[value.copy(), places.copy()])

    negative = exp.LT(this=exp.Paren(this=value.copy()), expression=exp.Literal.number(0))
    return exp.Case(ifs=[exp.If(this=negative, true=cut("ceil"))], default=cut("floor"))


__all__ = ["COLUMNS", "FACTS_TABLE", "facts_view", "spark_statement"]
