"""The answer of every enterprise to every distinct criterion, asked by the cells of its facts.

A criterion compares one fact. The limits that all criteria of a fact name cut its values into cells within
which every answer is the same: at a limit, or between two. So PostgreSQL is asked twice, and little: in
which cell each enterprise lies (one search among a fact's limits in place of a comparison with each), and
what the criteria say of one enterprise of each cell. It judges, three-valued, exact and by its own rules of
comparison; here answers are looked up.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import psycopg
from psycopg import sql

from citybrain.policy.plan import Ask

FALSE, TRUE, UNKNOWN = 0, 1, 2
A_WORD = 31  # answers in a bigint, two bits each, the sign left alone
COPY_HEADER = 19  # bytes before the rows of the binary COPY format

Connection = psycopg.Connection[Any]
Vector = np.ndarray[Any, np.dtype[Any]]
EVERYBODY = slice(None)


@dataclass
class Answers:
    """`cells`: by fact, the cell of each enterprise (by `ord`). `tables`: by criterion, its fact and what
    holds of each cell of it: FALSE, TRUE or UNKNOWN."""

    enterprises: int
    cells: dict[str, Vector]
    tables: list[tuple[str, Vector]]
    _packed: dict[tuple[int, bool], Vector] = field(default_factory=dict)
    _below: dict[tuple[str, int], Vector] = field(default_factory=dict)

    def of(self, criterion: int, which: Vector | slice = EVERYBODY) -> Vector:
        """The answers of some enterprises, by their `ord`."""
        fact, table = self.tables[criterion]
        found: Vector = table[self.cells[fact][which]]
        return found

    def holds(self, criterion: int, certainly: bool) -> Vector:
        """A bit for each enterprise (`numpy.packbits`): the answer is TRUE, or at least not FALSE."""
        known = self._packed.get((criterion, certainly))
        if known is None:
            fact, table = self.tables[criterion]
            # Neighbouring cells mostly agree: what holds is the difference of a few "up to this cell".
            holding = table == TRUE if certainly else table != FALSE
            edges = np.flatnonzero(
                holding != np.append(holding[1:], False)
            ).tolist()  # nobody is above the last
            known = np.bitwise_xor.reduce([self._up_to(fact, edge) for edge in edges or (-1,)])
            self._packed[criterion, certainly] = known
        return known

    def _up_to(self, fact: str, cell: int) -> Vector:
        """A bit for each enterprise: its cell of the fact is not above this one."""
        known = self._below.get((fact, cell))
        if known is None:
            known = self._below[fact, cell] = np.packbits(self.cells[fact] <= cell)
        return known


@dataclass(frozen=True)
class Fact:
    """What the criteria of a run ask of one fact: their numbers, and how its values fall into cells."""

    name: str
    kind: str
    limits: tuple[str, ...]
    criteria: tuple[int, ...]


def facts_asked(asks: Sequence[Ask | None]) -> list[Fact]:
    """The facts of the distinct criteria. None is a criterion of an old plan that does not name its fact: it
    is a fact of its own."""
    named: dict[str, tuple[str, dict[str, None], list[int]]] = {}
    for number, one in enumerate(asks):
        name, kind, limits = ("", "answer", ()) if one is None else (one.fact, one.kind, one.limits)
        found = named.setdefault(name or f"#{number}", (kind, {}, []))
        found[1].update(dict.fromkeys(limits))
        found[2].append(number)
    return [
        Fact(name, kind, tuple(limits), tuple(numbers)) for name, (kind, limits, numbers) in named.items()
    ]


def ask(
    connection: Connection,
    table: str,
    criteria: Sequence[str],
    asks: Sequence[Ask | None],
    enterprises: int,
) -> Answers:
    """The answers of a table's enterprises. `criteria` are conditions made by this room."""
    facts = facts_asked(asks)
    cells = cells_of(connection, table, facts, criteria, (0, enterprises))
    return Answers(enterprises, cells, judge(connection, table, facts, criteria, cells))


def cells_of(
    connection: Connection,
    table: str,
    facts: Sequence[Fact],
    criteria: Sequence[str],
    between: tuple[int, int],
) -> dict[str, Vector]:
    """By fact, the cells of the enterprises whose `ord` lies in the half-open range. Cell 0: it is missing.

    Two ranges of one table have the same cells.
    """
    first, last = between
    if first >= last or not facts:
        return {fact.name: np.empty(0, dtype=np.int32) for fact in facts}
    limits = _limits(connection, table, facts)
    valued = [fact for fact in facts if fact.kind == "value"]
    inner: list[sql.Composable] = [sql.SQL("ord")]
    outer: list[sql.Composable] = []
    for place, fact in enumerate(facts):
        name = sql.Identifier(fact.name)
        column = sql.Identifier(f"b{place}")
        if fact.kind == "order" and not limits[fact.name]:  # nobody has confirmed what it is compared with
            inner.append(name)
            outer.append(sql.SQL("({} IS NOT NULL)::int").format(name))
        elif fact.kind == "order":
            known = sql.Literal(limits[fact.name])
            inner += [name, sql.SQL("width_bucket({}, {}) AS {}").format(name, known, column)]
            cell = sql.SQL("coalesce(2 * {b} + 1 - ({f} = ({limits})[{b}])::int, 2 * {b} + 1)").format(
                b=column, f=name, limits=known
            )
            outer.append(sql.SQL("(CASE WHEN {} IS NULL THEN 0 ELSE {} END)").format(name, cell))
        elif fact.kind == "truth":
            inner.append(name)
            outer.append(sql.SQL("(CASE WHEN {f} THEN 2 WHEN NOT {f} THEN 1 ELSE 0 END)").format(f=name))
        elif fact.kind == "value":
            inner.append(name)
            outer.append(sql.SQL("coalesce({}.cell, 0)").format(sql.Identifier(f"v{valued.index(fact)}")))
        else:
            condition = sql.SQL(criteria[fact.criteria[0]])
            inner.append(sql.SQL("coalesce(({})::int, 2) AS {}").format(condition, column))
            outer.append(column)
    values = [
        sql.SQL(
            "{} AS MATERIALIZED (SELECT value, (row_number() OVER (ORDER BY value))::int AS cell"
            " FROM (SELECT DISTINCT {} AS value FROM {}) AS d WHERE value IS NOT NULL)"
        ).format(sql.Identifier(f"v{place}"), sql.Identifier(fact.name), sql.Identifier(table))
        for place, fact in enumerate(valued)
    ]
    joins = [
        sql.SQL(" LEFT JOIN {v} ON {v}.value = n.{f}").format(
            v=sql.Identifier(f"v{place}"), f=sql.Identifier(fact.name)
        )
        for place, fact in enumerate(valued)
    ]
    query = sql.SQL(
        "COPY ({}SELECT ord, {} FROM (SELECT {} FROM {} WHERE ord >= {} AND ord < {} OFFSET 0) AS n{})"
        " TO STDOUT (FORMAT binary)"
    ).format(
        sql.SQL("WITH {} ").format(sql.SQL(", ").join(values)) if values else sql.SQL(""),
        sql.SQL(", ").join(outer),
        sql.SQL(", ").join(inner),
        sql.Identifier(table),
        sql.Literal(first),
        sql.Literal(last),
        sql.SQL("").join(joins),
    )
    rows = received(connection, query, len(facts), ">i4", last - first)
    place_of = rows["ord"].astype(np.intp) - first
    cells = {}
    for number, fact in enumerate(facts):
        found = np.empty(last - first, dtype=np.int32)
        found[place_of] = rows[f"value{number}"]
        cells[fact.name] = found
    return cells


def judge(
    connection: Connection,
    table: str,
    facts: Sequence[Fact],
    criteria: Sequence[str],
    cells: dict[str, Vector],
) -> list[tuple[str, Vector]]:
    """The table of each criterion: what PostgreSQL says of one enterprise of every cell."""
    fact_of = {number: fact.name for fact in facts for number in fact.criteria}
    nobody = np.empty(0, dtype=np.uint8)
    tables = [(fact_of[number], nobody) for number in range(len(criteria))]
    for fact in facts:
        if not len(cells[fact.name]):
            continue
        if fact.kind == "answer":
            tables[fact.criteria[0]] = (fact.name, np.arange(3, dtype=np.uint8))
            continue
        cell_of = cells[fact.name]
        example = np.full(int(cell_of.max()) + 1, -1, dtype=np.int64)
        example[cell_of] = np.arange(len(cell_of))
        there = np.flatnonzero(example >= 0)
        answers = _answers_of(connection, table, [criteria[one] for one in fact.criteria], example[there])
        for number, answer in zip(fact.criteria, answers, strict=True):
            of_cell = np.full(len(example), UNKNOWN, dtype=np.uint8)
            of_cell[there] = answer
            tables[number] = (fact.name, of_cell)
    return tables


def _limits(connection: Connection, table: str, facts: Sequence[Fact]) -> dict[str, list[Any]]:
    """The limits of facts with an order, each once and rising; spans of time as days before the run."""
    ordered = [fact for fact in facts if fact.kind == "order"]
    if not ordered:
        return {}
    columns = [
        sql.SQL("ARRAY(SELECT DISTINCT l FROM unnest(ARRAY[{}]) AS l WHERE l IS NOT NULL ORDER BY l)").format(
            sql.SQL(", ").join(map(sql.SQL, fact.limits))
        )
        if fact.limits
        else sql.SQL("ARRAY[]::int[]")
        for fact in ordered
    ]
    query = sql.SQL("SELECT {} FROM {} LIMIT 1").format(sql.SQL(", ").join(columns), sql.Identifier(table))
    row = connection.execute(query).fetchone()
    assert row is not None  # noqa: S101 - a table without rows is not asked
    return {fact.name: list(limits) for fact, limits in zip(ordered, row, strict=True)}


def _answers_of(connection: Connection, table: str, criteria: Sequence[str], ords: Vector) -> list[Vector]:
    """The answers of the enterprises `ords` to each criterion, two bits each on the way."""
    words = [criteria[start : start + A_WORD] for start in range(0, len(criteria), A_WORD)]
    query = sql.SQL("COPY (SELECT ord, {} FROM {} WHERE ord = ANY ({})) TO STDOUT (FORMAT binary)").format(
        sql.SQL(", ").join(_word(word) for word in words),
        sql.Identifier(table),
        sql.Literal([int(one) for one in ords]),
    )
    rows = received(connection, query, len(words), ">i8", len(ords))
    place = np.searchsorted(np.sort(ords), rows["ord"])
    order = np.argsort(ords, kind="stable")
    answers = []
    for number, word in enumerate(words):
        packed = np.empty(len(ords), dtype=np.int64)
        packed[order[place]] = rows[f"value{number}"]
        answers += [((packed >> (2 * bit)) & 3).astype(np.uint8) for bit in range(len(word))]
    return answers


def _word(criteria: Sequence[str]) -> sql.Composable:
    return sql.SQL(" + ").join(
        sql.SQL("coalesce(({})::int, 2)::bigint * {}").format(sql.SQL(condition), sql.Literal(4**bit))
        for bit, condition in enumerate(criteria)
    )


def received(connection: Connection, query: sql.Composed, values: int, kind: str, rows: int) -> Vector:
    """Rows of the binary COPY format: `ord` (int4) and some numbers of one kind, none of them NULL."""
    width = np.dtype(kind).itemsize
    fields: list[tuple[str, str]] = [("fields", ">i2"), ("length_ord", ">i4"), ("ord", ">i4")]
    for number in range(values):
        fields += [(f"length{number}", ">i4"), (f"value{number}", kind)]
    with connection.cursor().copy(query) as copy:
        received = b"".join(copy)
    found: Vector = np.frombuffer(received, dtype=np.dtype(fields), offset=COPY_HEADER, count=rows)
    assert bool((found[f"length{values - 1}"] == width).all())  # noqa: S101 - the rows are read as they came
    return found
