"""Whom the items would reach today: conditions alone, no reasons, no amounts, nothing written.

Two sessions look at half of the enterprises each. What an item asks is combined bit by bit over all of them,
so that a thousand items cost little more than one.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date

import numpy as np

from citybrain.policy.answers import ask
from citybrain.policy.facts import Facts, load_facts
from citybrain.policy.facts_table import NOW, make_facts_part
from citybrain.policy.passes import Criteria, PlannedItem, distinct_criteria
from citybrain.policy.sessions import items_in_force, matcher_beside
from citybrain.policy.verdicts import meeting
from citybrain.settings import Settings

SESSIONS = 2


@dataclass(frozen=True)
class Reach:
    """`enterprises` meet the conditions of the item; what they would get, nobody has worked out."""

    item_version_id: int
    item_id: str
    title: str
    enterprises: int


def survey(settings: Settings, day: date) -> list[Reach]:
    """Every published item in force, in order of its id. Raises psycopg.Error before the first build."""
    with matcher_beside(settings) as connection:
        items = sorted(items_in_force(connection, day), key=lambda item: item.item_id)
    facts, criteria = load_facts(settings), distinct_criteria(items)
    with ThreadPoolExecutor(SESSIONS, thread_name_prefix="policy-survey") as pool:
        parts = list(
            pool.map(lambda part: _part(settings, facts, items, criteria, day, part), range(SESSIONS))
        )
    return [
        Reach(item.item_version_id, item.item_id, item.title, sum(counts))
        for item, counts in zip(items, zip(*parts, strict=True), strict=True)
    ]


def _part(
    settings: Settings, facts: Facts, items: Sequence[PlannedItem], criteria: Criteria, day: date, part: int
) -> list[int]:
    """Enterprises of one part that meet each item."""
    asked = {one.fact: facts[one.fact] for one in criteria.asks if one is not None}
    if None in criteria.asks:  # a plan that does not say which facts it looks at
        asked = facts
    with matcher_beside(settings) as connection:
        enterprises = make_facts_part(connection, asked, day, part, SESSIONS)
        answers = ask(connection, NOW, list(criteria.numbers), criteria.asks, enterprises)
        connection.rollback()
    return [
        int(
            np.count_nonzero(
                np.unpackbits(meeting(item.plan, criteria.of(item.plan), answers), count=enterprises)
            )
        )
        for item in items
    ]
