"""A pass for the enterprises that changed: the rows of all items in a few statements.

A statement of its own (`passes`) pays for an item and a whole city. For some hundreds of enterprises the
server would spend its time on reading a thousand of them: here each distinct amount is worked out for every
one of the enterprises, many amounts a statement, and one statement writes the rows of every item.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import psycopg
from psycopg import sql

from citybrain.policy.answers import ask
from citybrain.policy.compiler import FARTHEST, GATE_WEIGHT
from citybrain.policy.passes import PlannedItem, distinct_criteria
from citybrain.policy.verdicts import Candidates, combine
from citybrain.policy.writing import COLUMNS, STANDING, Int4s, candidate_vectors

AT_ONCE = 64  # amounts a statement

Connection = psycopg.Connection[Any]
Vector = np.ndarray[Any, np.dtype[Any]]

TABLES = """
CREATE TEMPORARY TABLE some_item (
    place int, item_version_id bigint, amount_place int, amount_bit bigint, used text[]
) ON COMMIT DROP;
CREATE TEMPORARY TABLE some_amount (place int, ord int, amount numeric(18, 2)) ON COMMIT DROP
"""
AMOUNTS = """
INSERT INTO some_amount (place, ord, amount)
SELECT one.place, n.ord, one.amount FROM {table} n CROSS JOIN LATERAL ({each}) AS one (place, amount)
"""
ONE_AMOUNT = "SELECT {place}, {amount} FROM (SELECT {raw} AS raw_amount OFFSET 0) AS raw"
WRITE = """
INSERT INTO {target} ({columns})
WITH firm AS MATERIALIZED (
    SELECT ord, uscc, enterprise_name, county_code, to_jsonb(n) AS facts FROM {table} n
)
SELECT item_version_id, uscc, enterprise_name, county_code, status, unmet_mask,
    unknown_mask | CASE WHEN amount IS NULL THEN amount_bit ELSE 0 END,
    least({farthest}, distance + CASE WHEN amount IS NULL THEN {gate} ELSE 0 END),
    amount,
    CASE WHEN status = 'eligible' THEN (
        SELECT coalesce(jsonb_object_agg(name, facts -> name), '{{}}') FROM unnest(used) AS name
    ) END,
    {run}
FROM (
    SELECT i.item_version_id, i.amount_bit, i.used, f.*, p.unmet_mask, p.unknown_mask, p.distance, a.amount,
        CASE
            WHEN p.distance_known > 0 THEN 'near'
            WHEN p.distance = 0 AND a.amount IS NOT NULL THEN 'eligible'
            ELSE 'needs_data' END AS status
    FROM unnest($1::int[], $2::bigint[], $3::bigint[], $4::int[], $5::int[], $6::int[])
        AS p (ord, unmet_mask, unknown_mask, distance, distance_known, place)
    JOIN some_item i ON i.place = p.place
    JOIN firm f ON f.ord = p.ord
    LEFT JOIN some_amount a ON a.place = i.amount_place AND a.ord = p.ord
    WHERE a.amount IS NULL OR a.amount > 0
) AS named
"""
NEAR_BEFORE = """
SELECT s.item_version_id, n.ord FROM {standing} s JOIN {table} n USING (uscc)
WHERE s.status = 'near' AND s.item_version_id = ANY (%s)
"""


def match_some(
    connection: Connection,
    table: str,
    enterprises: int,
    items: Sequence[PlannedItem],
    cut: Collection[int],
    target: str,
    run_id: int,
    read_standing: Callable[[], None],
) -> None:
    """Write the rows of `items` for every enterprise of the facts table `table` into `target`.

    `read_standing` makes the table of standing rows; PostgreSQL does it while answers are combined here.
    `cut`: versions whose near list was cut at `keep`. It is ranked anew by full runs; until then only who
    stands in it (table of standing rows) stays in it. Other lists take in who is near.
    """
    if not items or not enterprises:
        read_standing()
        return
    criteria = distinct_criteria(items)
    answers = ask(connection, table, list(criteria.numbers), criteria.asks, enterprises)
    with ThreadPoolExecutor(1, thread_name_prefix="policy-some") as pool:
        combined = pool.submit(
            lambda: [combine(item.plan, criteria.of(item.plan), answers) for item in items]
        )
        read_standing()
        amounts = _distinct_amounts(items)
        _list_items(connection, items, amounts)
        _work_out(connection, table, amounts)
        stay = _near_before(connection, table, enterprises, cut)
        places, found = _candidates(items, combined.result(), stay)
    query = sql.SQL(WRITE).format(
        target=sql.Identifier(target),
        columns=sql.SQL(", ").join(map(sql.Identifier, COLUMNS)),
        table=sql.Identifier(table),
        farthest=sql.Literal(FARTHEST),
        gate=sql.Literal(GATE_WEIGHT),
        run=sql.Literal(run_id),
    )
    # Nothing is known of tables that have just been filled: a nested loop may cost minutes.
    connection.execute("SET LOCAL enable_nestloop = off")
    psycopg.RawCursor(connection).execute(query, [*candidate_vectors(found), Int4s(places)])
    connection.execute("SET LOCAL enable_nestloop = on")


def _distinct_amounts(items: Sequence[PlannedItem]) -> dict[tuple[str, str], int]:
    """The place of each amount by its SQL, before and after cap and rounding."""
    payable = ((item.plan.raw_amount, item.plan.amount) for item in items)
    each = dict.fromkeys((raw, amount) for raw, amount in payable if raw is not None and amount is not None)
    return {one: place for place, one in enumerate(each)}


def _list_items(
    connection: Connection, items: Sequence[PlannedItem], amounts: dict[tuple[str, str], int]
) -> None:
    connection.execute(TABLES)
    with connection.cursor().copy("COPY some_item FROM STDIN") as copy:
        for place, item in enumerate(items):
            plan = item.plan
            amount = amounts.get((plan.raw_amount or "", plan.amount or ""))  # none: it is not payable yet
            copy.write_row([place, item.item_version_id, amount, 1 << plan.amount_bit, list(plan.used)])


def _work_out(connection: Connection, table: str, amounts: dict[tuple[str, str], int]) -> None:
    each = [
        sql.SQL(ONE_AMOUNT).format(place=sql.Literal(place), raw=sql.SQL(raw), amount=sql.SQL(amount))
        for (raw, amount), place in amounts.items()
    ]
    for start in range(0, len(each), AT_ONCE):
        some = sql.SQL(" UNION ALL ").join(each[start : start + AT_ONCE])
        connection.execute(sql.SQL(AMOUNTS).format(table=sql.Identifier(table), each=some))


def _candidates(
    items: Sequence[PlannedItem], combined: Sequence[Candidates], stay: Mapping[int, Vector]
) -> tuple[Vector, Candidates]:
    """The candidates of all items, and the place of each one's item. `stay`: by version of a list that was
    cut, whether each enterprise stands in it."""
    each = []
    for item, found in zip(items, combined, strict=True):
        if item.item_version_id in stay:
            found = found.chosen((found.lenient == 0) | stay[item.item_version_id][found.ord])
        each.append(found)
    places = np.repeat(np.arange(len(items), dtype=np.int32), [len(found) for found in each])
    return places, Candidates.joined(each)


def _near_before(
    connection: Connection, table: str, enterprises: int, cut: Collection[int]
) -> dict[int, Vector]:
    """By version, whether each enterprise stands in its near list."""
    if not cut:
        return {}
    query = sql.SQL(NEAR_BEFORE).format(standing=sql.Identifier(STANDING), table=sql.Identifier(table))
    stay = {version: np.zeros(enterprises, dtype=bool) for version in cut}
    for version, ord_ in connection.execute(query, (list(cut),)).fetchall():
        stay[version][ord_] = True
    return stay
