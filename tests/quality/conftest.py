# ruff: noqa: E501  # pools of values read better in long lines
"""A dataset with a column of every type, and stage tables filled with rows that are hard to judge."""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from random import Random
from typing import Any

import psycopg
import pytest
from psycopg import sql

from citybrain.catalogue import Dataset
from citybrain.quality import Expectations, ExpectationsFile
from citybrain.settings import DatabaseRole, Settings

AS_OF = datetime(2026, 5, 1, 4, 0, tzinfo=UTC)
TYPES = {
    "word": "text",
    "other_word": "text",
    "uscc": "text",
    "small": "integer",
    "other_small": "integer",
    "big": "bigint",
    "amount": "numeric",
    "other_amount": "numeric",
    "yes": "boolean",
    "day": "date",
    "other_day": "date",
    "moment": "timestamp",
    "instant": "timestamptz",
}
WORDS = [
    "", " ", "a", "ab", "n1", "n12", "谯城区", "𠀀𠀁", "１２", "O'Brien", "''", '"quoted"', "back\\slash", "\\'", "{x}:y %s", "100%",
    ":name", "a:b::c", "{batch}", "{}", "line\nbreak", "tab\t", "=HYPERLINK(1)", "; DROP TABLE meta.batch; --", "NULL",
    "x" * 300, "é", "e\u0301", "\u200b",
]  # fmt: skip
USCCS = [
    "91341600MA2MRA0L5U",
    "N2341602MF1234567X",
    "91341600MA2MRA0L50",
    "９１３４",
    "",
    "91341600ma2mra0l5u",
    "I" * 18,
]
NUMBERS = [
    Decimal(text)
    for text in (
        "0",
        "-0.0000001",
        "5000",
        "5000.0000000000000001",
        "0.1",
        "1e30",
        "-1e30",
        "NaN",
        "Infinity",
        "-Infinity",
        "7",
    )
]
SMALL = [0, 1, 2, 5, 90, -1, 2**31 - 1, -(2**31), 2025, 2026, 2027]
BIG = [0, 5, 2**53, 2**53 + 1, 2**63 - 1, -(2**63)]
DAYS = [
    "2026-05-01",
    "2026-05-02",
    "2026-05-03",
    "1949-10-01",
    "1949-09-30",
    "0001-01-01",
    "9999-12-31",
    "20000-01-01",
    "infinity",
]
MOMENTS = [
    "2026-05-01 12:00:00",
    "2026-05-01 12:00:00.000001",
    "2026-05-01 14:00:00.000001",
    "1999-01-01 00:00:00",
    "infinity",
]
INSTANTS = [f"{text}+08" if text != "infinity" else text for text in MOMENTS] + ["2026-05-01 06:00:00+02"]
POOLS: dict[str, Sequence[Any]] = {
    "word": WORDS,
    "other_word": WORDS,
    "uscc": USCCS,
    "small": SMALL,
    "other_small": SMALL,
    "big": BIG,
    "amount": NUMBERS,
    "other_amount": NUMBERS,
    "yes": [True, False],
    "day": DAYS,
    "other_day": DAYS,
    "moment": MOMENTS,
    "instant": INSTANTS,
}


def label(name: str) -> dict[str, str]:
    return {"zh": f"{name} 列", "en": name}


@pytest.fixture(scope="session")
def dataset() -> Dataset:
    return Dataset.model_validate(
        {
            "id": "trial",
            "code": "2026UN9003",
            "title": {"zh": "试验", "en": "Trial"},
            "description": "One row per trial.",
            "owner": "data_resources",
            "family": "government",
            "origin": "synthetic",
            "source_note": "generated",
            "personal_data": "none",
            "connector": {"kind": "drop_folder", "path": "trial"},
            "format": {"kind": "csv"},
            "delivers": "increment",
            "key": ["word"],
            "columns": [{"name": name, "type": kind, "label": label(name)} for name, kind in TYPES.items()],
        }
    )


@pytest.fixture(scope="session")
def expect(dataset: Dataset) -> Callable[..., Expectations]:
    """Expectations on `dataset` from plain rule mappings; `why` is filled in."""

    def build(*rules: dict[str, Any], references: dict[str, Dataset] | None = None) -> Expectations:
        file = ExpectationsFile.model_validate(
            {
                "dataset": dataset.id,
                "owner": dataset.owner,
                "runbook": "退回重报。",
                "rules": [{"why": "试验", **rule} for rule in rules],
            }
        )
        return Expectations(file, dataset, references or {})

    return build


def random_rows(seed: int, count: int) -> list[dict[str, Any]]:
    chance = Random(seed)
    return [
        {name: None if chance.random() < 0.15 else chance.choice(pool) for name, pool in POOLS.items()}
        for _ in range(count)
    ]


@pytest.fixture
def loader(settings: Settings) -> Iterator[psycopg.Connection]:
    with psycopg.connect(settings.dsn(DatabaseRole.LOADER), autocommit=True) as connection:
        yield connection


@pytest.fixture
def stage(loader: psycopg.Connection) -> Iterator[Callable[[Sequence[dict[str, Any]]], str]]:
    """Fill a stage table with rows (lines 1, 2, …; `_type_errors` as given); its name. Dropped after the test."""
    table = sql.Identifier("stage", "quality_trial")

    def fill(rows: Sequence[dict[str, Any]]) -> str:
        columns = sql.SQL(", ").join(
            sql.SQL("{} {}").format(sql.Identifier(name), sql.SQL(kind)) for name, kind in TYPES.items()
        )
        loader.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(table))
        loader.execute(
            sql.SQL("CREATE UNLOGGED TABLE {} (_line bigint, _type_errors text[], {})").format(table, columns)
        )
        names = ["_line", "_type_errors", *TYPES]
        insert = sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
            table,
            sql.SQL(", ").join(map(sql.Identifier, names)),
            sql.SQL(", ").join([sql.SQL("%s")] * len(names)),
        )
        with loader.cursor() as cursor:
            cursor.executemany(
                insert,
                [
                    [line, row.get("_type_errors"), *(row.get(name) for name in TYPES)]
                    for line, row in enumerate(rows, start=1)
                ],
            )
        return "quality_trial"

    yield fill
    loader.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(table))


def bad_lines(connection: psycopg.Connection, table: str, predicate: str) -> list[int]:
    query = f"SELECT s._line FROM stage.{table} AS s WHERE {predicate} ORDER BY 1"
    return [line for (line,) in connection.execute(query.encode()).fetchall()]


@pytest.fixture
def divisions(clean_city: Settings) -> Iterator[Dataset]:
    """A snapshot dataset with three loaded deliveries; `raw.quality_divisions` is dropped after the test.

    The newest by logical date (2026-02-01) says a, ab, 谯城区; it was delivered before an older one.
    """
    other = Dataset.model_validate(
        {
            "id": "quality_divisions",
            "code": "2026UN9004",
            "title": {"zh": "区划", "en": "Divisions"},
            "description": "One row per division.",
            "owner": "data_resources",
            "family": "government",
            "origin": "synthetic",
            "source_note": "generated",
            "personal_data": "none",
            "connector": {"kind": "drop_folder", "path": "divisions"},
            "format": {"kind": "csv"},
            "delivers": "snapshot",
            "key": ["name"],
            "columns": [{"name": "name", "type": "text", "label": label("name")}],
        }
    )
    deliveries = [
        ("2026-01-01", "loaded", ["n1", "a"]),
        ("2026-02-01", "loaded", ["a", "ab", "谯城区", None]),
        ("2026-01-15", "loaded", ["n12"]),
        ("2026-03-01", "refused", ["", " "]),
    ]
    with psycopg.connect(clean_city.dsn(DatabaseRole.OWNER), autocommit=True) as owner:
        owner.execute("CREATE TABLE raw.quality_divisions (name text, _batch_id bigint, _line bigint)")
        owner.execute("GRANT SELECT ON raw.quality_divisions TO citybrain_loader")
        for number, (day, state, names) in enumerate(deliveries):
            row = owner.execute(
                "INSERT INTO meta.batch (dataset, object_key, sha256, bytes, source_name, source_version, logical_date,"
                " landed_at, state, rows_in, rows_loaded, rows_quarantined, rows_rejected, settled_at, reason) VALUES"
                " (%s, %s, %s, 1, 'x', %s, %s, now(), %s, %s, %s, 0, %s, now(), 'trial') RETURNING batch_id",
                (
                    other.id, f"k{number}", f"{number:064d}", f"2026-04-0{number + 1}", day, state, len(names),
                    len(names) if state == "loaded" else 0, 0 if state == "loaded" else len(names),
                ),
            ).fetchone()  # fmt: skip
            assert row is not None
            for line, name in enumerate(names):
                owner.execute("INSERT INTO raw.quality_divisions VALUES (%s, %s, %s)", (name, row[0], line))
        yield other
        owner.execute("DROP TABLE raw.quality_divisions")
