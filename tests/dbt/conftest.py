"""A small city in raw, loaded as the loader does it, and one full build of it that most tests look at."""

import json
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from dbt_city import load_city
from dbt_city_services import load_services
from dbt_economy import load_economy
from dbt_services import forget_services, record_services
from dbt_street import load_street
from psycopg import sql
from sensor_city import load_sensors

from citybrain.settings import DatabaseRole, Settings
from citybrain.warehouse.dbt_process import target_dir
from citybrain.warehouse.transform import TransformReport, build_warehouse

BUILT_SCHEMAS = ["staging", "intermediate", "marts_build", "marts", "snapshots"]
LOADED_SCHEMAS = ["meta", "raw", "quarantine"]


def empty(settings: Settings) -> None:
    """No rows in meta, raw and quarantine, nothing built."""
    with psycopg.connect(settings.dsn(DatabaseRole.OWNER)) as owner:
        tables = owner.execute(
            "SELECT schemaname, tablename FROM pg_tables"
            " WHERE schemaname = ANY(%s) AND tablename <> 'alembic_version'",
            (LOADED_SCHEMAS,),
        ).fetchall()
        names = sql.SQL(", ").join(sql.Identifier(schema, table) for schema, table in tables)
        owner.execute(sql.SQL("TRUNCATE {} RESTART IDENTITY CASCADE").format(names))
    with psycopg.connect(settings.dsn(DatabaseRole.TRANSFORMER)) as transformer:
        relations = transformer.execute(
            "SELECT n.nspname, c.relname, c.relkind = 'v' FROM pg_class c"
            " JOIN pg_namespace n ON n.oid = c.relnamespace"
            " WHERE n.nspname = ANY(%s) AND c.relkind IN ('r', 'v')",
            (BUILT_SCHEMAS,),
        ).fetchall()
        for schema, name, is_view in relations:
            kind = sql.SQL("VIEW" if is_view else "TABLE")
            transformer.execute(
                sql.SQL("DROP {} IF EXISTS {} CASCADE").format(kind, sql.Identifier(schema, name))
            )


@pytest.fixture(scope="package")
def city(desk: Settings) -> Iterator[Settings]:
    """The small city of `dbt_city.py` and its neighbours, loaded and recorded, and not yet built."""
    settings = desk
    empty(settings)
    load_city(settings)
    load_economy(settings)
    load_services(settings)
    load_street(settings)
    load_sensors(settings)
    record_services(settings)
    yield settings
    forget_services(settings)
    empty(settings)


@pytest.fixture(scope="package")
def built(city: Settings) -> TransformReport:
    """The city after one full build."""
    report = build_warehouse()
    assert report.failures == []
    return report


@pytest.fixture(scope="package")
def manifest(city: Settings, built: TransformReport) -> dict[str, Any]:
    """dbt's manifest of the project."""
    manifest: dict[str, Any] = json.loads((target_dir(city) / "manifest.json").read_text(encoding="utf-8"))
    return manifest


@pytest.fixture
def transformer(city: Settings, built: TransformReport) -> Iterator[psycopg.Connection]:
    """A connection that sees everything that was built."""
    with psycopg.connect(city.dsn(DatabaseRole.TRANSFORMER), autocommit=True) as connection:
        yield connection


@pytest.fixture
def watcher(city: Settings) -> Iterator[psycopg.Connection]:
    with psycopg.connect(city.dsn(DatabaseRole.WATCHER), autocommit=True) as connection:
        yield connection
