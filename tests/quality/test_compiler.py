"""Predicates say what the rule says, whatever stands in a file or a row."""

import re
from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from itertools import product
from typing import Any

import psycopg
import pytest
import sqlalchemy
from hypothesis import HealthCheck, given
from hypothesis import settings as example_settings
from hypothesis import strategies as st
from pydantic import ValidationError
from sqlglot import exp, parse_one

from citybrain.quality import Expectations, row_predicates
from citybrain.quality.compiler import to_sql
from citybrain.quality.rules import Matches
from citybrain.settings import DatabaseRole, Settings

from .conftest import AS_OF, WORDS, bad_lines, random_rows

pytestmark = pytest.mark.integration

any_text = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=40)
database_examples = example_settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def predicate(expectations: Expectations, table: str) -> str:
    [found] = row_predicates(expectations.dataset, expectations, table, as_of=AS_OF)
    return found.sql


def day(text: str | None) -> date | None:
    """Days beyond Python's calendar are later than every bound of these tests."""
    if text is None:
        return None
    return date.fromisoformat(text) if len(text) == 10 else date.max


def repeated(rows: list[dict[str, Any]], *names: str) -> list[bool]:
    seen: set[tuple[Any, ...]] = set()
    result = []
    for row in rows:
        key = tuple(row[name] for name in names)
        result.append(None not in key and key in seen)
        seen.add(key)
    return result


def below(value: Decimal | None, bound: Decimal) -> bool:
    return value is not None and not value.is_nan() and value < bound


def above(value: Decimal | None, bound: Decimal) -> bool:
    return value is not None and (value.is_nan() or value > bound)


Row = dict[str, Any]
ORACLE: list[tuple[dict[str, Any], Callable[[Row], bool]]] = [
    ({"kind": "not_null", "column": "day"}, lambda row: row["day"] is None),
    (
        {"kind": "not_null", "column": "day", "when": {"column": "word", "one_of": ["a", "O'Brien"]}},
        lambda row: row["day"] is None and row["word"] in ("a", "O'Brien"),
    ),
    (
        {"kind": "one_of", "column": "word", "values": WORDS[:9]},
        lambda row: row["word"] not in (None, *WORDS[:9]),
    ),
    ({"kind": "one_of", "column": "yes", "values": [False]}, lambda row: row["yes"] is True),
    (
        {"kind": "between", "column": "amount", "min": 0, "max": 5000},
        lambda row: below(row["amount"], Decimal(0)) or above(row["amount"], Decimal(5000)),
    ),
    (
        {"kind": "between", "column": "amount", "min": 0.1, "strict_min": True},
        lambda row: (
            row["amount"] is not None and (not row["amount"].is_finite() or row["amount"] <= Decimal("0.1"))
        ),
    ),
    (
        {"kind": "between", "column": "big", "max": 2**53, "strict_max": True},
        lambda row: row["big"] is not None and row["big"] >= 2**53,
    ),
    (
        {"kind": "matches", "column": "word", "pattern": "[a-z0-9]{1,3}|.*[{}:%'].*|谯.*"},
        lambda row: (
            row["word"] is not None
            and not re.fullmatch("[a-z0-9]{1,3}|.*[{}:%'].*|谯.*", row["word"], re.DOTALL)
        ),
    ),
    (
        {"kind": "length", "column": "word", "min": 1, "max": 6},
        lambda row: row["word"] is not None and not 1 <= len(row["word"]) <= 6,
    ),
    (
        {"kind": "not_in_future", "column": "day", "tolerance": "P1D"},
        lambda row: row["day"] is not None and day(row["day"]) > date(2026, 5, 2),
    ),
    (
        {"kind": "not_in_future", "column": "small"},
        lambda row: row["small"] is not None and row["small"] > 2026,
    ),
    (
        {"kind": "column_order", "earlier": "small", "later": "other_small"},
        lambda row: None not in (row["small"], row["other_small"]) and row["small"] > row["other_small"],
    ),
    (
        {"kind": "column_order", "earlier": "small", "later": "other_small", "strict": True},
        lambda row: None not in (row["small"], row["other_small"]) and row["small"] >= row["other_small"],
    ),
]


def test_predicates_agree_with_plain_python(
    loader: psycopg.Connection, stage: Callable[..., str], expect: Callable[..., Expectations]
) -> None:
    rows = random_rows(11, 600)
    table = stage(rows)
    for rule, is_bad in ORACLE:
        wanted = [line for line, row in enumerate(rows, start=1) if is_bad(row)]
        assert wanted, rule
        assert bad_lines(loader, table, predicate(expect({"id": "r", **rule}), table)) == wanted, rule
    for columns in (["word"], ["small", "yes"]):
        found = predicate(expect({"id": "r", "kind": "unique", "columns": columns}), table)
        wanted = [line for line, again in enumerate(repeated(rows, *columns), start=1) if again]
        assert bad_lines(loader, table, found) == wanted


def test_predicates_are_never_null(
    loader: psycopg.Connection, stage: Callable[..., str], expect: Callable[..., Expectations]
) -> None:
    """A row of NULLs alone is what three-valued logic trips over."""
    from .test_gate import ROW_RULES

    table = stage([{}, *random_rows(3, 100)])
    expectations = expect(*ROW_RULES)
    for found in row_predicates(expectations.dataset, expectations, table, as_of=AS_OF):
        assert bad_lines(loader, table, f"({found.sql}) IS NULL") == [], found


@given(value=any_text, other=any_text)
@database_examples
def test_any_text_is_a_literal(
    value: str,
    other: str,
    loader: psycopg.Connection,
    expect: Callable[..., Expectations],
) -> None:
    expectations = expect({"id": "r", "kind": "one_of", "column": "word", "values": [value]})
    found = predicate(expectations, "unused")
    for given_word, bad in ((value, False), (other, other != value), (None, False)):
        # psycopg reads per-cent signs only when it binds: doubled, they come back single.
        parts = f"SELECT {found.replace('%', '%%')} FROM (SELECT %s::text AS word) AS s"
        assert loader.execute(parts.encode(), (given_word,)).fetchone() == (bad,)


@pytest.fixture(scope="module")
def gx_connection(settings: Settings) -> Iterator[sqlalchemy.Connection]:
    """A connection as Great Expectations has one."""
    url = settings.dsn(DatabaseRole.LOADER, "postgresql+psycopg")
    engine = sqlalchemy.create_engine(url, poolclass=sqlalchemy.NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        yield connection


@given(value=any_text)
@database_examples
def test_any_text_survives_great_expectations(value: str, gx_connection: sqlalchemy.Connection) -> None:
    from citybrain.quality.gx_suite import for_text

    query = for_text(f"SELECT {to_sql(exp.Literal.string(value))} AS found")
    assert gx_connection.execute(sqlalchemy.text(query)).scalar() == value


@given(pattern=st.text("ab1{}[]()|*+?.,^$-\\:", max_size=10), word=st.text("ab1{}[]-\\:\n", max_size=6))
@example_settings(database_examples, max_examples=400)
def test_an_accepted_pattern_means_the_same_to_postgresql_and_python(
    pattern: str, word: str, loader: psycopg.Connection
) -> None:
    try:
        rule = Matches.model_validate(
            {"id": "r", "kind": "matches", "column": "word", "why": "x", "pattern": pattern}
        )
    except ValidationError:
        return
    found = loader.execute("SELECT %s ~ %s", (word, rule.whole_text)).fetchone()
    assert found == (re.fullmatch(pattern, word, re.DOTALL) is not None,)


@pytest.mark.parametrize(
    "pattern",
    ["[0-9]{3}", "[0-9]{2,3}", "[^b]{1,}", "[A-T][0-9]{2}", "a[ab]b[0-9]{0,2}", "[0-9]{0}", ".*[^ 　].*"],
)
def test_a_shorter_question_has_the_same_answer(
    pattern: str,
    stage: Callable[..., str],
    expect: Callable[..., Expectations],
    loader: psycopg.Connection,
) -> None:
    """What is asked by length, or of one character, is what the whole pattern says."""
    words = ["", *("".join(word) for size in (1, 2, 3, 4) for word in product("abT1 　\n", repeat=size))]
    table = stage([{"word": word} for word in words])
    sql = predicate(expect({"id": "r", "kind": "matches", "column": "word", "pattern": pattern}), table)
    bad = bad_lines(loader, table, sql)
    assert bad == [
        line for line, word in enumerate(words, 1) if re.fullmatch(pattern, word, re.DOTALL) is None
    ]
    assert f"(?:{pattern})" not in sql


@given(value=any_text)
def test_a_text_cannot_leave_its_literal(value: str) -> None:
    condition = exp.In(this=exp.column("word"), expressions=[exp.Literal.string(value)])
    again = parse_one(to_sql(condition), dialect="postgres")
    assert [node.this for node in again.find_all(exp.Literal)] == [value]


@pytest.mark.parametrize(
    "pattern",
    [
        r"\d+",
        r"\w",
        r"(a)\1",
        "(?i)a",
        "(?=a)b",
        "(?<=a)b",
        "***=a",
        "[[:alpha:]]",
        "[",
        "(",
        "a{2",
        "*a",
        "a{300}",
        "a++",
        "^a",
        "a$",
        "x{2}{3}",
    ],
)
def test_patterns_that_engines_read_differently_are_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match="pattern"):
        Matches(id="r", kind="matches", column="word", why={"zh": "试"}, pattern=pattern)  # type: ignore[arg-type]
