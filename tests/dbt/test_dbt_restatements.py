"""Which version of a row counts must not depend on the order in which deliveries arrive."""

import random
from collections.abc import Iterator

import psycopg
import pytest

from citybrain.settings import Settings
from citybrain.warehouse.transform import TransformReport

pytestmark = pytest.mark.integration

CODE = "91341602MA00RESTAX"
# version, revenue: the newest version twice, with different rows
STATEMENTS = [
    ("2026-03-01T00:00:00+00:00", 100),
    ("2026-04-01T00:00:00+00:00", 300),
    ("2026-05-01T00:00:00+00:00", 200),
    ("2026-05-01T00:00:00+00:00", 250),
]


@pytest.fixture
def scratch(city: Settings, built: TransformReport) -> Iterator[psycopg.Connection]:
    """A set-up connection whose transaction is rolled back."""
    with psycopg.connect(city.admin_url, dbname="city") as connection:
        yield connection
        connection.rollback()


def _batch(
    connection: psycopg.Connection, dataset: str, version: str, digest: str, day: str, rows: int
) -> int:
    row = connection.execute(
        "INSERT INTO meta.batch (dataset, object_key, sha256, bytes, source_name, source_version,"
        " logical_date, state,"
        " card, rows_in, rows_loaded, settled_at) VALUES (%s, gen_random_uuid()::text, %s, 1, 'x',"
        " %s, %s, 'loaded',"
        " 'green', %s, %s, now()) RETURNING batch_id",
        (dataset, digest, version, day, rows, rows),
    ).fetchone()
    assert row is not None
    return int(row[0])


def _increments_in(connection: psycopg.Connection, order: list[int]) -> list[tuple[object, ...]]:
    """What the staging view shows after the statements arrived in this order."""
    connection.execute("SAVEPOINT before")
    for place, index in enumerate(order):
        version, revenue = STATEMENTS[index]
        batch = _batch(connection, "enterprise_tax_year", version, f"{index:064x}", "2026-05-01", 1)
        connection.execute(
            "INSERT INTO raw.enterprise_tax_year (uscc, tax_year, revenue_wan, _batch_id, _line,"
            " _logical_date, _loaded_at)"
            " VALUES (%s, 2025, %s, %s, 1, '2026-05-01', now() + %s * interval '1 s')",
            (CODE, revenue, batch, place),
        )
    shown = connection.execute(
        "SELECT uscc, fact_year, revenue_wan FROM staging.stg_taxation__enterprise_tax WHERE uscc = %s",
        (CODE,),
    ).fetchall()
    connection.execute("ROLLBACK TO before")
    return shown


def test_increments_end_the_same_in_every_order(scratch: psycopg.Connection) -> None:
    shuffle = random.Random(20261122)
    orders = [shuffle.sample(range(4), k=4) for _ in range(20)]
    orders += [[2, 3, 3, 0, 1][:4], [3, 2, 1, 0]]
    finals = {
        tuple(_increments_in(scratch, list(dict.fromkeys(order)))) for order in orders if len(set(order)) == 4
    }
    assert len(finals) == 1
    ((uscc, year, revenue),) = finals.pop()
    assert (uscc, year) == (CODE, 2025)
    assert revenue in (200, 250)


def test_an_older_statement_that_comes_late_changes_nothing(scratch: psycopg.Connection) -> None:
    assert _increments_in(scratch, [1, 0])[0][2] == 300
    assert _increments_in(scratch, [0, 1])[0][2] == 300


def _snapshots_in(connection: psycopg.Connection, order: list[int]) -> list[tuple[object, ...]]:
    deliveries = [
        # day, version, digest, name of the one county: the newest day wins, then the version, then the hash
        ("2026-12-01", "2026-12-01T01:00:00+00:00", "a", "旧"),
        ("2026-12-02", "2026-12-02T01:00:00+00:00", "b", "新一"),
        ("2026-12-02", "2026-12-02T01:00:00+00:00", "c", "新二"),
        ("2026-12-01", "2026-12-03T01:00:00+00:00", "d", "补报"),
    ]
    connection.execute("SAVEPOINT before")
    for index in order:
        day, version, digest, name = deliveries[index]
        batch = _batch(connection, "division_county", version, digest * 64, day, 1)
        connection.execute(
            "INSERT INTO raw.division_county (code, name, city_code, province_code, _batch_id,"
            " _line, _logical_date, _loaded_at) VALUES ('341602', %s, '3416', '34', %s, 1, %s, now())",
            (name, batch, day),
        )
    shown = connection.execute(
        "SELECT area_code, name, parent_code FROM staging.stg_civil_affairs__county"
    ).fetchall()
    connection.execute("ROLLBACK TO before")
    return shown


def test_snapshots_end_the_same_in_every_order(scratch: psycopg.Connection) -> None:
    shuffle = random.Random(20261122)
    for _ in range(20):
        order = shuffle.sample(range(4), k=4)
        assert _snapshots_in(scratch, order) == [("341602", "新二", "341600")], order


def test_a_batch_that_is_not_loaded_is_not_the_newest(scratch: psycopg.Connection) -> None:
    before = scratch.execute("SELECT count(*) FROM staging.stg_civil_affairs__county").fetchone()
    batch = _batch(scratch, "division_county", "2027-01-01T00:00:00+00:00", "e" * 64, "2027-01-01", 1)
    scratch.execute(
        "UPDATE meta.batch SET state = 'refused', reason = 'x', rows_loaded = 0, rows_rejected = 1"
        " WHERE batch_id = %s",
        (batch,),
    )
    assert scratch.execute("SELECT count(*) FROM staging.stg_civil_affairs__county").fetchone() == before
