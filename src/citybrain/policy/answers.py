"""Every distinct criterion asked once of every enterprise; the answers as one byte each.

PostgreSQL judges (three-valued, exact, by its own rules of comparison) and packs thirty-one answers into one
bigint, two bits each; numpy unpacks them. Items share criteria, so a city's thousand items ask a few hundred.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import psycopg
from psycopg import sql

FALSE, TRUE, UNKNOWN = 0, 1, 2
A_WORD = 31  # answers in a bigint, two bits each, the sign left alone
COPY_HEADER, COPY_TRAILER = 19, 2  # bytes of the binary COPY format around its rows

Connection = psycopg.Connection[Any]
Answers = np.ndarray[Any, np.dtype[np.uint8]]  # (criteria, enterprises): FALSE, TRUE or UNKNOWN


def ask(connection: Connection, table: str, criteria: Sequence[str], enterprises: int) -> Answers:
    """The answers of a table's enterprises, by their `ord`. `criteria` are conditions made by this room."""
    answers = np.empty((len(criteria), enterprises), dtype=np.uint8)
    if not criteria or not enterprises:
        return answers
    words = [criteria[start : start + A_WORD] for start in range(0, len(criteria), A_WORD)]
    query = sql.SQL("COPY (SELECT ord, {} FROM {}) TO STDOUT (FORMAT binary)").format(
        sql.SQL(", ").join(_word(word) for word in words), sql.Identifier(table)
    )
    with connection.cursor().copy(query) as copy:
        received = b"".join(copy)
    rows = np.frombuffer(received, dtype=_row_format(len(words)), offset=COPY_HEADER, count=enterprises)
    place = rows["ord"].astype(np.intp)
    for number, word in enumerate(words):
        packed = np.empty(enterprises, dtype=np.int64)
        packed[place] = rows[f"word{number}"]
        for bit in range(len(word)):
            answers[number * A_WORD + bit] = (packed >> (2 * bit)) & 3
    return answers


def _word(criteria: Sequence[str]) -> sql.Composable:
    return sql.SQL(" + ").join(
        sql.SQL("coalesce(({})::int, 2)::bigint * {}").format(sql.SQL(condition), sql.Literal(4**bit))
        for bit, condition in enumerate(criteria)
    )


def _row_format(words: int) -> np.dtype[Any]:
    """A row of the binary COPY format: its number of fields, then length and value of each."""
    fields: list[tuple[str, str]] = [("fields", ">i2"), ("length_ord", ">i4"), ("ord", ">i4")]
    for number in range(words):
        fields += [(f"length{number}", ">i4"), (f"word{number}", ">i8")]
    return np.dtype(fields)
