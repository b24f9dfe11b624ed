"""What the warehouse knows of some enterprises today, as a rule sees it: stale facts are missing."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import psycopg
from psycopg import sql

from citybrain.policy.compiler import FACTS_TABLE, oldest_load
from citybrain.policy.facts import Fact, FactValue
from citybrain.policy.rule import Rule


@dataclass(frozen=True)
class FirmFacts:
    """`facts` are those the rule names; one that is missing or stale is None."""

    name: str | None
    facts: dict[str, FactValue]


def firm_facts(
    connection: psycopg.Connection[Any], rule: Rule, codes: Sequence[str], as_of: date
) -> dict[str, FirmFacts]:
    """By credit code; a code nobody knows is left out. The session is one of role `matcher`."""
    named = {name: rule.facts[name] for name in rule.used}
    columns = [column for fact in named.values() for column in (fact.column, fact.as_of)]
    query = sql.SQL("SELECT {} FROM {} WHERE uscc = ANY (%s)").format(
        sql.SQL(", ").join(map(sql.Identifier, ("uscc", "enterprise_name", *columns))),
        sql.Identifier(FACTS_TABLE),
    )
    found = {}
    for uscc, name, *values in connection.execute(query, (list(codes),)):
        pairs = zip(named.items(), values[::2], values[1::2], strict=True)
        found[uscc] = FirmFacts(
            name,
            {key: value if _fresh(loaded, as_of, fact) else None for (key, fact), value, loaded in pairs},
        )
    return found


def _fresh(loaded: datetime | None, as_of: date, fact: Fact) -> bool:
    return loaded is not None and loaded >= oldest_load(as_of, fact.fresh_within)
