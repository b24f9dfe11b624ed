"""Superset alone: its own PostgreSQL, the marts as dbt promises them, a few rows, our dashboards. Or a
platform that stands, named by `CITYBRAIN_TEST_PLATFORM`.
"""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import psycopg
import pytest
from psycopg import sql

from citybrain.bi.checks import Dashboards
from citybrain.bi.edition import Edition, read_edition
from citybrain.bi.provision import apply
from citybrain.settings import SOURCE_TREE, DatabaseRole, Settings, get_settings
from citybrain.stack import postgres, superset
from citybrain.stack.ports import free_ports
from citybrain.stack.setup import prepare_superset
from citybrain.warehouse.databases import prepare

STANDING = "CITYBRAIN_TEST_PLATFORM"
DASHBOARDS = {
    "air_quality",
    "education_security",
    "health_resources",
    "municipal_assets",
    "shared_capability",
}
COUNTIES = {"341602": "谯城区", "341621": "涡阳县", "341622": "蒙城县", "341623": "利辛县"}
SQUARE = '{"type": "Polygon", "coordinates": [[[116, 33], [117, 33], [117, 34], [116, 33]]]}'


@pytest.fixture(scope="package")
def platform() -> Iterator[Settings]:
    """Settings of a platform whose Superset answers and shows our dashboards."""
    with ExitStack() as servers:
        environment = servers.enter_context(pytest.MonkeyPatch.context())
        servers.callback(get_settings.cache_clear)
        standing = os.environ.get(STANDING)
        if standing:
            environment.setenv("CITYBRAIN_HOME", standing)
            get_settings.cache_clear()
            yield get_settings()
            return
        home = Path(tempfile.mkdtemp(prefix="citybrain-superset-", dir="/tmp"))
        home.chmod(0o711)
        servers.callback(shutil.rmtree, home, ignore_errors=True)
        environment.setenv("CITYBRAIN_HOME", str(home))
        for name, port in zip(("POSTGRES", "SUPERSET"), free_ports(2), strict=True):
            environment.setenv(f"CITYBRAIN_{name}_PORT", str(port))
        get_settings.cache_clear()
        settings = get_settings().model_copy(update={"project": small_room(home / "project")})
        database = postgres.start(settings, {"fsync": "off"})
        servers.callback(postgres.stop, database)
        prepare(settings)
        settings.log_dir.mkdir(exist_ok=True)
        prepare_superset(settings)
        servers.enter_context(running_superset(settings))
        edition = read_edition(settings)
        create_marts(settings, edition.content)
        apply(settings, edition)
        yield settings


def small_room(project: Path) -> Path:
    """A project with the dashboards that tests ask, and no wall: importing all takes too long here."""
    for folder in ("dashboards", "dbt_project/models/marts", "dags/sources"):
        shutil.copytree(SOURCE_TREE / folder, project / folder)
    for path in (project / "dashboards" / "scenarios").glob("*.yml"):
        if path.stem not in DASHBOARDS:
            path.unlink()
    for path in (project / "dashboards" / "wall").glob("*.yml"):
        path.unlink()
    (project / ".venv-superset").symlink_to(SOURCE_TREE / ".venv-superset")
    return project


@pytest.fixture(scope="package")
def edition(platform: Settings) -> Edition:
    return read_edition(platform)


class running_superset(ExitStack):  # noqa: N801  # used as a context manager
    """Gunicorn with Superset until the block ends."""

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self.settings = settings

    def __enter__(self) -> "running_superset":
        settings = self.settings
        superset.data_folder(settings).mkdir(parents=True, exist_ok=True)
        settings.run_dir.mkdir(exist_ok=True)
        log = self.enter_context((settings.log_dir / "superset.log").open("wb"))
        process = subprocess.Popen(
            superset.command(settings), env=superset.environment(settings), stdout=log, stderr=log
        )
        self.callback(process.wait)
        self.callback(process.terminate)
        for _ in range(600):
            try:
                if httpx.get(f"{settings.superset_url}/health", trust_env=False, timeout=5).is_success:
                    return self
            except httpx.TransportError:
                time.sleep(0.5)
        raise AssertionError((settings.log_dir / "superset.log").read_text(encoding="utf-8")[-3000:])


def create_marts(settings: Settings, content: Dashboards) -> None:
    """Every mart as an empty table of exactly the promised columns; a few rows where tests ask."""
    with psycopg.connect(settings.dsn(DatabaseRole.TRANSFORMER), autocommit=True) as owner:
        for mart in content.marts.values():
            columns = sql.SQL(", ").join(
                sql.SQL("{} {}").format(sql.Identifier(column.name), sql.SQL(column.type))
                for column in mart.columns.values()
            )
            owner.execute(sql.SQL("CREATE TABLE {} ({})").format(sql.Identifier("marts", mart.name), columns))
        for number, (code, name) in enumerate(COUNTIES.items(), 1):
            owner.execute(
                "INSERT INTO marts.mart_municipal_assets (county_code, county_name, components)"
                " SELECT %s, %s, n FROM generate_series(1, %s) AS n",
                (code, name, number),
            )
            for mart in ("mart_education_security_county", "mart_air_quality_county", "mart_air_quality_now"):
                owner.execute(
                    sql.SQL("INSERT INTO {} (county_code, county_name) VALUES (%s, %s)").format(
                        sql.Identifier("marts", mart)
                    ),
                    (code, name),
                )
        for mart in ("mart_education_security_county", "mart_air_quality_county"):
            owner.execute(
                sql.SQL("UPDATE {} SET geojson = %s").format(sql.Identifier("marts", mart)), (SQUARE,)
            )
        owner.execute(
            "INSERT INTO marts.mart_shared_capability (department, department_name) SELECT d, d"
            " FROM unnest(%s::text[]) AS d",
            (list(content.departments),),
        )
