"""Marts as Iceberg tables: written once a build, read by DuckDB from S3, nothing of old snapshots left."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import duckdb
import psycopg
import pytest
from duckdb_extensions import import_extension
from psycopg import sql
from typer.testing import CliRunner

from citybrain.cli import app
from citybrain.lake import list_objects
from citybrain.settings import DatabaseRole, Settings
from citybrain.sharing import SharingError, open_catalog, share_marts, shared_tables, waiting_marts
from citybrain.sharing.share import KEPT_BUILDS

pytestmark = pytest.mark.integration

MART = "mart_trial_open"
COLUMNS = (
    "station text, day date, seen timestamptz, local_time timestamp, pm25 numeric(18, 4), total numeric,"
    " hours integer, rows_behind bigint, share double precision, is_good boolean, tags text[], detail jsonb"
)
LOCAL = datetime(2026, 3, 1, 9)  # noqa: DTZ001 - a column without a zone
ROW = ("市监测站", date(2026, 3, 1), datetime(2026, 3, 1, 1, tzinfo=UTC), LOCAL, Decimal("12.5000"),
       Decimal("99.125"), 24, 9_000_000_000, 0.25, True, ["a", "b"], {"一": 1})  # fmt: skip


def build(settings: Settings, rows: list[tuple[Any, ...]], columns: str = COLUMNS) -> None:
    """A mart as a build leaves it: the table, its grant, and the note of the publication."""
    with psycopg.connect(settings.dsn(DatabaseRole.TRANSFORMER)) as connection:
        mart = sql.Identifier("marts", MART)
        connection.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(mart))
        connection.execute(sql.SQL("CREATE TABLE {} ({})").format(mart, sql.SQL(columns)))
        for row in rows:
            values = [json.dumps(value) if isinstance(value, dict) else value for value in row]
            places = sql.SQL(", ").join([sql.Placeholder()] * len(row))
            connection.execute(sql.SQL("INSERT INTO {} VALUES ({})").format(mart, places), values)
        connection.execute(sql.SQL("GRANT SELECT ON {} TO citybrain_scope_city").format(mart))
        connection.execute(
            "INSERT INTO meta.mart_publication (mart, build_oid, published_rows, published_at)"
            " VALUES (%(mart)s, to_regclass('marts.' || %(mart)s)::oid, %(rows)s, now())"
            " ON CONFLICT (mart) DO UPDATE SET build_oid = excluded.build_oid",
            {"mart": MART, "rows": len(rows)},
        )


@pytest.fixture
def mart(clean_city: Settings) -> Iterator[Settings]:
    build(clean_city, [ROW, tuple([None] * len(ROW))])
    yield clean_city
    with psycopg.connect(clean_city.dsn(DatabaseRole.TRANSFORMER)) as connection:
        connection.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier("marts", MART)))
    catalog = open_catalog(clean_city)
    for name in catalog.list_tables("marts"):
        catalog.purge_table(name)


def read_by_duckdb(settings: Settings, metadata: str) -> list[tuple[Any, ...]]:
    for extension in ("avro", "httpfs", "iceberg"):
        import_extension(extension)
    access, secret = settings.s3_access
    with duckdb.connect() as engine:
        for extension in ("avro", "httpfs", "iceberg"):
            engine.load_extension(extension)
        engine.execute("SET TimeZone = 'UTC'")
        engine.execute(
            f"CREATE SECRET lake (TYPE s3, KEY_ID '{access}', SECRET '{secret}',"
            f" ENDPOINT '{settings.s3_address}', URL_STYLE 'path', USE_SSL false)"
        )
        return engine.execute("SELECT * FROM iceberg_scan(?) ORDER BY 1 NULLS LAST", [metadata]).fetchall()


def test_duckdb_reads_what_the_mart_holds(mart: Settings) -> None:
    (shared,) = share_marts(mart, [MART])
    assert (shared.mart, shared.rows) == (MART, 2)
    full, empty = read_by_duckdb(mart, shared.metadata)
    assert full == (*ROW[:10], "{a,b}", '{"一": 1}')
    assert set(empty) == {None}


def test_a_mart_is_written_once_a_build(mart: Settings) -> None:
    share_marts(mart, [MART])
    assert waiting_marts(mart, [MART]) == {}
    assert share_marts(mart, [MART]) == []
    build(mart, [ROW])
    assert list(waiting_marts(mart, [MART])) == [MART]
    (shared,) = share_marts(mart, [MART])
    assert [row[0] for row in read_by_duckdb(mart, shared.metadata)] == [ROW[0]]
    assert [(table.mart, table.rows) for table in shared_tables(mart)] == [(MART, 1)]


def test_columns_come_and_change_with_the_mart(mart: Settings) -> None:
    share_marts(mart, [MART])
    build(mart, [(*ROW, "新")], f"{COLUMNS}, remark text")
    (wider,) = share_marts(mart, [MART])
    assert read_by_duckdb(mart, wider.metadata)[0][-1] == "新"
    build(mart, [("市监测站", "二十四")], "station text, hours text")
    (other,) = share_marts(mart, [MART])
    assert read_by_duckdb(mart, other.metadata) == [("市监测站", "二十四")]


def test_files_of_forgotten_snapshots_are_deleted(mart: Settings) -> None:
    held = []
    for _ in range(KEPT_BUILDS + 3):
        build(mart, [ROW])
        share_marts(mart, [MART])
        data = [stored.key for stored in list_objects(mart, "published", f"marts/{MART}/data/")]
        held.append(len(data))
    assert held[-1] == held[-2] == KEPT_BUILDS


def test_the_command_tells_what_it_did_and_what_it_cannot(mart: Settings) -> None:
    run = CliRunner().invoke
    planned = run(app, ["share", "marts", "--mart", MART, "--dry-run", "--json"])
    assert json.loads(planned.stdout) == {"would_write": [MART]}
    done = run(app, ["share", "marts", "--mart", MART, "--json"])
    assert [entry["rows"] for entry in json.loads(done.stdout)] == [2]
    wrong = run(app, ["share", "marts", "--mart", "mart_of_nothing"])
    assert wrong.exit_code == 1
    with pytest.raises(SharingError, match="mart_of_nothing"):
        share_marts(mart, ["mart_of_nothing"])


def test_the_publisher_writes_no_mart_and_reads_no_raw_row(mart: Settings) -> None:
    with psycopg.connect(mart.dsn(DatabaseRole.PUBLISHER), autocommit=True) as publisher:
        for statement in (
            f"DELETE FROM marts.{MART}",
            "CREATE TABLE marts.mine (x integer)",
            "SELECT 1 FROM meta.batch",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                publisher.execute(statement)  # type: ignore[arg-type]
