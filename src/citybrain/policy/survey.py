"""Whom the items would reach today: conditions alone, no reasons, no amounts, nothing written.

Two sessions look at half of the enterprises each. What an item asks is combined bit by bit over all of them,
so that a thousand items cost little more than one.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date

import numpy as np

from citybrain.policy.answers import Answers, ask
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


@dataclass(frozen=True)
class Situation:
    """The items in force and what every enterprise answers to what they ask, by the part it was read in."""

    items: list[PlannedItem]
    criteria: Criteria
    parts: list[Answers]

    def reach(self) -> list[Reach]:
        """Of every item, in order of its id."""
        found = []
        for item in self.items:
            rows = self.criteria.of(item.plan)
            met = [np.bitwise_count(meeting(item.plan, rows, part)) for part in self.parts]
            enterprises = sum(int(each.sum(dtype=np.int64)) for each in met)
            found.append(Reach(item.item_version_id, item.item_id, item.title, enterprises))
        return found


def survey(settings: Settings, day: date) -> list[Reach]:
    """Every published item in force, in order of its id. Raises psycopg.Error before the first build."""
    return situation(settings, day).reach()


def situation(settings: Settings, day: date) -> Situation:
    """Read whatever `reach` combines. Raises psycopg.Error before the first build."""
    with matcher_beside(settings) as connection:
        items = sorted(items_in_force(connection, day), key=lambda item: item.item_id)
    facts, criteria = load_facts(settings), distinct_criteria(items)
    with ThreadPoolExecutor(SESSIONS, thread_name_prefix="policy-survey") as pool:
        parts = list(pool.map(lambda part: _part(settings, facts, criteria, day, part), range(SESSIONS)))
    return Situation(items, criteria, parts)


def _part(settings: Settings, facts: Facts, criteria: Criteria, day: date, part: int) -> Answers:
    """What one part of the enterprises answers."""
    asked = {one.fact: facts[one.fact] for one in criteria.asks if one is not None}
    if None in criteria.asks:  # a plan that does not say which facts it looks at
        asked = facts
    with matcher_beside(settings) as connection:
        enterprises = make_facts_part(connection, asked, day, part, SESSIONS)
        answers = ask(connection, NOW, list(criteria.numbers), criteria.asks, enterprises)
        connection.rollback()
    return answers
