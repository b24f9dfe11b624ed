"""Amount formulas: the only expressions of an item file, read by sqlglot and held to a short list of nodes.

What is not on the list is refused, whatever it is. A formula needs every fact it names: `least`, `greatest`
and `case` would otherwise pass over a missing one. A division by zero has no result either: nothing is paid.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, localcontext

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

NUMBER_NODES = (
    exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Neg, exp.Paren, exp.Least, exp.Greatest, exp.Case, exp.Literal,
    exp.Column,
)  # fmt: skip
TEST_NODES = (exp.GT, exp.GTE, exp.LT, exp.LTE, exp.EQ, exp.NEQ, exp.And, exp.Or, exp.Not, exp.Paren)
DIVIDEND_DIGITS = 20  # digits kept after the point while dividing …
QUOTIENT_DIGITS = 12  # … and of the result, the same in PostgreSQL and in Python
MOST_NODES = 80


class FormulaError(ValueError):
    """A formula that says more than arithmetic; the message names the part."""


@dataclass(frozen=True)
class Arithmetic:
    """A formula that passed. `names`: facts and parameters in order of appearance."""

    text: str
    root: exp.Expr
    names: tuple[str, ...]


def parse_formula(text: str) -> Arithmetic:
    """Raises FormulaError."""
    try:
        parsed = sqlglot.parse(text, dialect="postgres")
    except (SqlglotError, RecursionError) as error:
        raise FormulaError(f"cannot be read: {str(error).splitlines()[0]}") from error
    if len(parsed) != 1 or parsed[0] is None:
        raise FormulaError("a formula is one expression")
    root = parsed[0]
    if sum(1 for _ in root.walk()) > MOST_NODES * 2:
        raise FormulaError("a formula has at most eighty parts")
    names: dict[str, None] = {}
    _check_number(root, names)
    return Arithmetic(text, root, tuple(names))


def _refuse(node: exp.Expr) -> None:
    raise FormulaError(f"{node.sql(dialect='postgres')[:60]!r} is not allowed in a formula")


def _check_number(node: exp.Expr, names: dict[str, None]) -> None:
    if type(node) not in NUMBER_NODES:
        _refuse(node)
    if isinstance(node, exp.Column):
        if not isinstance(node.this, exp.Identifier) or node.this.args.get("quoted") or len(node.parts) != 1:
            _refuse(node)
        names[node.name] = None
    elif isinstance(node, exp.Literal):
        if node.is_string:
            _refuse(node)
        number = Decimal(node.this)
        if not number.is_finite() or abs(number) >= Decimal(10) ** 15:
            _refuse(node)
    elif isinstance(node, exp.Case):
        if node.this is not None or node.args.get("default") is None:
            raise FormulaError("case is written `case when … then … else … end`")
        for branch in node.args["ifs"]:
            if type(branch) is not exp.If or branch.args.get("false") is not None:
                _refuse(branch)
            _check_test(branch.this, names)
            _check_number(branch.args["true"], names)
        _check_number(node.args["default"], names)
    elif isinstance(node, exp.Least | exp.Greatest):
        for argument in (node.this, *node.expressions):
            _check_number(argument, names)
    else:
        for part in _operands(node):
            _check_number(part, names)


def _check_test(node: exp.Expr, names: dict[str, None]) -> None:
    if type(node) not in TEST_NODES:
        _refuse(node)
    tests = isinstance(node, exp.And | exp.Or | exp.Not | exp.Paren)
    for part in _operands(node):
        (_check_test if tests else _check_number)(part, names)


def _operands(node: exp.Expr) -> list[exp.Expr]:
    """The one or two parts of an operator. Raises FormulaError when it carries anything else."""
    operands = [node.args[name] for name in ("this", "expression") if node.args.get(name) is not None]
    known = {"this", "expression", "typed", "safe"}  # the last two are marks that sqlglot puts on a division
    if any(value for name, value in node.args.items() if name not in known):
        _refuse(node)
    return operands


# To SQL: every node is made anew, so that nothing a file wrote (comments, marks) comes along


def formula_sql(formula: Arithmetic, number: Callable[[str], exp.Expr]) -> exp.Expr:
    """The formula over `number(name)`, an expression of type numeric that is not NULL here."""
    return _number_sql(formula.root, number)


def literal(value: Decimal) -> exp.Expr:
    """A number, as numeric."""
    return exp.cast(exp.Literal.string(format(value, "f")), "decimal")


def _number_sql(node: exp.Expr, number: Callable[[str], exp.Expr]) -> exp.Expr:
    def part(of: exp.Expr) -> exp.Expr:
        return exp.Paren(this=_number_sql(of, number))

    match node:
        case exp.Column():
            return number(node.name)
        case exp.Literal():
            return literal(Decimal(node.this))
        case exp.Paren():
            return part(node.this)
        case exp.Neg():
            return exp.Neg(this=part(node.this))
        case exp.Div():
            dividend = exp.Round(this=part(node.this), decimals=exp.Literal.number(DIVIDEND_DIGITS))
            divisor = exp.Nullif(this=part(node.expression), expression=exp.Literal.number(0))
            return exp.Round(
                this=exp.Div(this=dividend, expression=divisor, typed=True),
                decimals=exp.Literal.number(QUOTIENT_DIGITS),
            )
        case exp.Add() | exp.Sub() | exp.Mul():
            return type(node)(this=part(node.this), expression=part(node.expression))
        case exp.Least() | exp.Greatest():
            arguments = [_number_sql(each, number) for each in (node.this, *node.expressions)]
            # PostgreSQL's least() passes over a NULL, which a division may still give.
            return _unless_null(arguments, type(node)(this=arguments[0], expressions=arguments[1:]))
        case exp.Case():
            whens = [
                exp.If(this=_test_sql(branch.this, number), true=_number_sql(branch.args["true"], number))
                for branch in node.args["ifs"]
            ]
            # A test is NULL only after a division by zero: the case then has no result.
            return exp.Case(
                ifs=[
                    exp.If(
                        this=exp.or_(*(_is_null(when.this) for when in whens)),
                        true=exp.null(),
                    ),
                    *whens,
                ],
                default=_number_sql(node.args["default"], number),
            )
    raise AssertionError(f"{type(node).__name__} passed the check of formulas")


def _is_null(node: exp.Expr) -> exp.Expr:
    return exp.Is(this=exp.Paren(this=node.copy()), expression=exp.null())


def _unless_null(parts: list[exp.Expr], result: exp.Expr) -> exp.Expr:
    missing = exp.or_(*(_is_null(part) for part in parts))
    return exp.Case(ifs=[exp.If(this=missing, true=exp.null())], default=result)


def _test_sql(node: exp.Expr, number: Callable[[str], exp.Expr]) -> exp.Expr:
    match node:
        case exp.Paren():
            return exp.Paren(this=_test_sql(node.this, number))
        case exp.Not():
            return exp.Not(this=exp.Paren(this=_test_sql(node.this, number)))
        case exp.And() | exp.Or():
            left, right = (exp.Paren(this=_test_sql(of, number)) for of in (node.this, node.expression))
            return type(node)(this=left, expression=right)
    left, right = (exp.Paren(this=_number_sql(of, number)) for of in (node.this, node.expression))
    return type(node)(this=left, expression=right)


# To a number: what the SQL must come to, worked out in Python


def formula_value(formula: Arithmetic, numbers: Mapping[str, Decimal]) -> Decimal | None:
    """The formula's result with every name known; None after a division by zero."""
    with localcontext() as context:
        context.prec = 120
        return _number_value(formula.root, numbers)


def _number_value(node: exp.Expr, numbers: Mapping[str, Decimal]) -> Decimal | None:
    match node:
        case exp.Column():
            return numbers[node.name]
        case exp.Literal():
            return Decimal(node.this)
        case exp.Paren():
            return _number_value(node.this, numbers)
        case exp.Neg():
            inner = _number_value(node.this, numbers)
            return None if inner is None else -inner
        case exp.Case():
            return _case_value(node, numbers)
        case exp.Least() | exp.Greatest():
            values = [_number_value(each, numbers) for each in (node.this, *node.expressions)]
            known = [value for value in values if value is not None]
            if len(known) < len(values):
                return None
            return min(known) if isinstance(node, exp.Least) else max(known)
    left, right = _number_value(node.this, numbers), _number_value(node.expression, numbers)
    if left is None or right is None:
        return None
    match node:
        case exp.Add():
            return left + right
        case exp.Sub():
            return left - right
        case exp.Mul():
            return left * right
        case exp.Div():
            if right == 0:
                return None
            dividend = rounded(left, DIVIDEND_DIGITS)
            return rounded(dividend / right, QUOTIENT_DIGITS)
    raise AssertionError(f"{type(node).__name__} passed the check of formulas")


def _case_value(node: exp.Expr, numbers: Mapping[str, Decimal]) -> Decimal | None:
    tests = [_test_value(branch.this, numbers) for branch in node.args["ifs"]]
    if None in tests:
        return None
    for branch, met in zip(node.args["ifs"], tests, strict=True):
        if met:
            return _number_value(branch.args["true"], numbers)
    return _number_value(node.args["default"], numbers)


def _test_value(node: exp.Expr, numbers: Mapping[str, Decimal]) -> bool | None:
    match node:
        case exp.Paren():
            return _test_value(node.this, numbers)
        case exp.Not():
            inner = _test_value(node.this, numbers)
            return None if inner is None else not inner
        case exp.And() | exp.Or():
            parts = (_test_value(node.this, numbers), _test_value(node.expression, numbers))
            deciding = isinstance(node, exp.Or)  # one True decides an or, one False an and
            if deciding in parts:
                return deciding
            return None if None in parts else not deciding
    left, right = _number_value(node.this, numbers), _number_value(node.expression, numbers)
    if left is None or right is None:
        return None
    compare: dict[type[exp.Expr], bool] = {
        exp.GT: left > right,
        exp.GTE: left >= right,
        exp.LT: left < right,
        exp.LTE: left <= right,
        exp.EQ: left == right,
        exp.NEQ: left != right,
    }
    return compare[type(node)]


def rounded(value: Decimal, places: int) -> Decimal:
    """Half away from zero, as PostgreSQL rounds numeric."""
    return value.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)
