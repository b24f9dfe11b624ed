"""A statement in the making: SQL from literals and identifiers, every value bound under a name of its own."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, LiteralString

from psycopg import sql

from citybrain.sensing.rule_parts import Condition

Alias = Mapping[str, sql.Composable]
Relations = Mapping[str, str]


@dataclass
class Statement:
    """Collects parameters while its parts are composed.

    `stand_ins`: names of relations that other tables stand in for, as in the cases of a rule.
    """

    stand_ins: Relations = field(default_factory=dict)
    parameters: dict[str, Any] = field(default_factory=dict)

    def bind(self, value: object) -> sql.Composable:
        name = f"p{len(self.parameters)}"
        self.parameters[name] = value
        return sql.Placeholder(name)

    def relation(self, name: str) -> sql.Composable:
        schema, table = self.stand_ins.get(name, name).split(".")
        return sql.Identifier(schema, table)

    def conditions(self, tests: list[Condition], alias: Alias, clock: sql.Composable) -> sql.Composable:
        """All tests in one expression for a WHERE: bare comparisons, so that an index may serve them."""
        parts = [self._condition(test, alias, clock) for test in tests]
        return sql.SQL(" AND ").join([sql.SQL("true"), *parts])

    def holds(self, tests: list[Condition], alias: Alias, clock: sql.Composable) -> sql.Composable:
        """The same as a value: true or false, never null."""
        return sql.SQL("coalesce({}, false)").format(self.conditions(tests, alias, clock))

    def _condition(self, test: Condition, alias: Alias, clock: sql.Composable) -> sql.Composable:
        column = resolve(test.column, alias)
        if test.empty is not None:
            return _of("({} IS NULL) = {}", column, self.bind(test.empty))
        if test.outside_hours is not None:
            begin, end = (resolve(name, alias) for name in test.outside_hours)
            return _of(
                "(({})::timestamptz AT TIME ZONE 'Asia/Shanghai')::time"
                " NOT BETWEEN ({})::time AND ({})::time",
                column,
                begin,
                end,
            )
        if test.hours_old_at_most is not None:
            hours = self.bind(test.hours_old_at_most)
            return _of("({})::timestamptz >= {} - {} * interval '1 hour'", column, clock, hours)
        if test.hours_old_at_least is not None:
            hours = self.bind(test.hours_old_at_least)
            return _of("({})::timestamptz <= {} - {} * interval '1 hour'", column, clock, hours)
        if test.is_ is not None:
            return _of("{} = {}", _typed(column, test.is_), self.bind(test.is_))
        if test.one_of is not None:
            values = self.bind(test.one_of)
            return _of("{} = ANY({})", _typed(column, test.one_of[0]), values)
        if test.none_of is not None:
            values = self.bind(test.none_of)
            return _of("{} <> ALL({})", _typed(column, test.none_of[0]), values)
        for operator, limit in ((">", test.above), (">=", test.at_least), ("<", test.below)):
            if limit is not None:
                return _compared(column, operator, self.bind(limit))
        return _compared(column, "<=", self.bind(test.at_most))


def resolve(name: str, alias: Alias) -> sql.Composable:
    """A column of the relation it belongs to: `place.` and `reference` have an alias."""
    if name in alias:
        return alias[name]
    if name.startswith("place."):
        return sql.SQL("{}.{}").format(alias["place."], sql.Identifier(name.removeprefix("place.")))
    return sql.SQL("{}.{}").format(alias[""], sql.Identifier(name))


def _compared(column: sql.Composable, operator: LiteralString, limit: sql.Composable) -> sql.Composable:
    return sql.SQL("({})::double precision {} {}").format(column, sql.SQL(operator), limit)


def _typed(column: sql.Composable, value: object) -> sql.Composable:
    if isinstance(value, bool):
        return _of("({})::boolean", column)
    if isinstance(value, float | int):
        return _of("({})::double precision", column)
    return _of("({})::text", column)


def _of(template: LiteralString, *parts: sql.Composable) -> sql.Composable:
    return sql.SQL(template).format(*parts)
