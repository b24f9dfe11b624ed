"""One pass of matching: plans against the enterprises of one facts table, by two sessions at once.

The reading session asks, combines and ranks, some items ahead; the writing session asks its half of the
criteria and then writes the rows. Both see the same state of the database.
"""

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import psycopg
from psycopg import sql

from citybrain.policy.answers import Answers, cells_of, facts_asked, judge
from citybrain.policy.bounds import Facts, facts_valued, numbers_of
from citybrain.policy.plan import Ask, Plan
from citybrain.policy.verdicts import Candidates, combine
from citybrain.policy.writing import bounded, look_up_rows, write_rows

AHEAD = 12  # items that are combined and not written yet

Connection = psycopg.Connection[Any]


@dataclass(frozen=True)
class PlannedItem:
    """A published version that holds on the day of the run."""

    item_version_id: int
    item_id: str
    title: str
    sha256: str
    payable: bool
    plan_sha256: str
    plan: Plan


@dataclass(frozen=True)
class ItemCount:
    """What one item found. Counts are enterprises."""

    item_version_id: int
    item_id: str
    title: str
    payable: bool
    eligible: int
    needs_data: int
    near: int
    seconds: float


OnItem = Callable[[int, int, ItemCount], None]


@dataclass(frozen=True)
class Criteria:
    """Every condition that some items ask, once: `numbers` by its SQL, `asks` in order of the number."""

    numbers: dict[str, int]
    asks: list[Ask | None]

    def of(self, plan: Plan) -> list[int]:
        """The numbers of a plan's criteria, in the order of their bits."""
        return [self.numbers[condition] for condition in plan.criteria]


def distinct_criteria(items: Sequence[PlannedItem]) -> Criteria:
    numbers: dict[str, int] = {}
    asks: list[Ask | None] = []
    for item in items:
        plan = item.plan
        for condition, one in zip(plan.criteria, plan.asks or [None] * len(plan.criteria), strict=True):
            if numbers.setdefault(condition, len(numbers)) == len(asks):
                asks.append(one)
    return Criteria(numbers, asks)


def run_pass(
    writer: Connection,
    reader: Connection,
    table: str,
    enterprises: int,
    items: Sequence[PlannedItem],
    target: str,
    run_id: int,
    on_item: OnItem | None = None,
) -> list[ItemCount]:
    """Write the rows of `items` for every enterprise of `table` into `target`, each item in one statement.

    Of the near ones of each item the best are kept.
    """
    criteria = distinct_criteria(items)
    counts: list[ItemCount] = []
    with ThreadPoolExecutor(1, thread_name_prefix="policy-reader") as pool:
        answers = _ask_both(writer, reader, pool, table, criteria, enterprises)
        facts = _value_both(writer, reader, pool, table, items, enterprises)
        for session in (writer, reader):
            look_up_rows(session, True)
        for place, (item, found) in enumerate(
            _ahead(pool, reader, table, items, criteria, answers, facts), 1
        ):
            began = time.monotonic()
            eligible, needs_data, near = write_rows(
                writer, table, target, item.plan, found, item.item_version_id, run_id
            )
            counts.append(
                ItemCount(
                    item.item_version_id,
                    item.item_id,
                    item.title,
                    item.payable,
                    eligible,
                    needs_data,
                    near,
                    round(time.monotonic() - began, 4),
                )
            )
            if on_item is not None:
                on_item(place, len(items), counts[-1])
    for session in (writer, reader):
        look_up_rows(session, False)
    return counts


def _ask_both(
    writer: Connection,
    reader: Connection,
    pool: ThreadPoolExecutor,
    table: str,
    criteria: Criteria,
    enterprises: int,
) -> Answers:
    """Each session finds the cells of half of the enterprises."""
    facts, conditions = facts_asked(criteria.asks), list(criteria.numbers)
    middle = enterprises // 2
    other = pool.submit(cells_of, reader, table, facts, conditions, (middle, enterprises))
    own = cells_of(writer, table, facts, conditions, (0, middle))
    rest = other.result()
    cells = {name: np.concatenate([cell, rest[name]]) for name, cell in own.items()}
    return Answers(enterprises, cells, judge(writer, table, facts, conditions, cells))


def _value_both(
    writer: Connection,
    reader: Connection,
    pool: ThreadPoolExecutor,
    table: str,
    items: Sequence[PlannedItem],
    enterprises: int,
) -> Facts:
    """What the items' amounts look at; each session reads half of the enterprises."""
    asked = facts_valued(item.plan.worth for item in items if item.plan.worth is not None)
    middle = enterprises // 2
    other = pool.submit(numbers_of, reader, table, asked, (middle, enterprises))
    own = numbers_of(writer, table, asked, (0, middle))
    rest = other.result()
    return Facts({name: np.concatenate([vector, rest[name]]) for name, vector in own.items()}, asked)


def _ahead(
    pool: ThreadPoolExecutor,
    reader: Connection,
    table: str,
    items: Sequence[PlannedItem],
    criteria: Criteria,
    answers: Answers,
    facts: Facts,
) -> Iterator[tuple[PlannedItem, Candidates]]:
    """The candidates of each item in order, worked out in the reading session's thread."""

    def work(plan: Plan) -> Candidates:
        return bounded(reader, table, plan, combine(plan, criteria.of(plan), answers), facts)

    waiting: deque[tuple[PlannedItem, Future[Candidates]]] = deque()
    for item in items:
        waiting.append((item, pool.submit(work, item.plan)))
        if len(waiting) > AHEAD:
            ready, found = waiting.popleft()
            yield ready, found.result()
    for ready, found in waiting:
        yield ready, found.result()


def flipped_by_time(items: Sequence[PlannedItem]) -> sql.Composable | None:
    """Whether an enterprise's answer to any span-of-time criterion differs between `$before` and `as_of`.

    A condition over facts_now, `before` being a column beside `as_of`; None when no item has such criteria.
    """
    conditions = dict.fromkeys(item.plan.criteria[bit] for item in items for bit in item.plan.by_time)
    if not conditions:
        return None
    return sql.SQL(" OR ").join(
        sql.SQL("({}) IS DISTINCT FROM ({})").format(
            sql.SQL(condition), sql.SQL(condition.replace('"as_of"', '"before"'))
        )
        for condition in conditions
    )
