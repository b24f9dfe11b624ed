"""Session fixtures: one embedded PostgreSQL and one embedded S3 in a temporary home, on free ports."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from citybrain.settings import DatabaseRole, Settings, get_settings
from citybrain.stack import desk as desk_processes
from citybrain.stack import postgres, seaweedfs
from citybrain.stack.ports import free_ports
from citybrain.stack.setup import run_setup
from citybrain.warehouse.databases import prepare
from trial_city import drop_tables_of_batches

PORT_SETTINGS = (
    "postgres_port",
    "s3_port",
    "s3_master_port",
    "s3_volume_port",
    "s3_filer_port",
    "airflow_port",
    "superset_port",
    "feeds_port",
    "pages_port",
    "desk_port",
    "mqtt_port",
)
# A crash of the machine may lose a test's data; a crash of a server process may not, and still does not.
FAST_POSTGRES = {"fsync": "off", "full_page_writes": "off"}
# The longest rooms come first, so that none is left for one worker at the end.
LONGEST_FIRST = ("e2e", "stack", "dags", "dbt", "hostile")


def room_of(nodeid: str) -> str:
    """The folder below tests/ that a test stands in."""
    return nodeid.split("/")[1]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    rooms = sorted({room_of(item.nodeid) for item in items} - set(LONGEST_FIRST))
    items.sort(key=lambda item: [*LONGEST_FIRST, *rooms].index(room_of(item.nodeid)))


class RoomScheduling(LoadScopeScheduling):
    """With `pytest -n`, whole rooms for a worker: tests share servers, a loaded city, a built warehouse."""

    def _split_scope(self, nodeid: str) -> str:
        return room_of(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> RoomScheduling:
    return RoomScheduling(config, log)


@pytest.fixture(scope="session")
def home() -> Iterator[Path]:
    """A temporary home whose parents are open: PostgreSQL runs as a user of its own when the tests run as
    root.
    """
    folder = Path(tempfile.mkdtemp(prefix="citybrain-test-", dir="/tmp"))  # pytest's own are mode 700
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def settings(home: Path) -> Iterator[Settings]:
    """Settings over `home` with PostgreSQL and S3 running, roles and databases created, migrations run.

    The environment and `get_settings()` say the same, for code and processes under test.
    """
    with pytest.MonkeyPatch.context() as environment, ExitStack() as servers:
        for name in [name for name in os.environ if name.startswith("CITYBRAIN_")]:
            environment.delenv(name)
        environment.setenv("CITYBRAIN_HOME", str(home))
        for name, port in zip(PORT_SETTINGS, free_ports(len(PORT_SETTINGS)), strict=True):
            environment.setenv(f"CITYBRAIN_{name.upper()}", str(port))
        get_settings.cache_clear()
        settings = get_settings()

        s3 = seaweedfs.launch(settings)
        servers.callback(seaweedfs.kill, s3)
        database = postgres.start(settings, FAST_POSTGRES)
        servers.callback(postgres.stop, database)
        prepare(settings)
        from citybrain.warehouse.migrations import upgrade

        upgrade(settings)
        seaweedfs.wait_ready(settings, s3)
        yield settings
    get_settings.cache_clear()


@pytest.fixture(scope="session")
def desk(settings: Settings) -> Settings:
    """Settings over a prepared desk; importing Django models is safe after this."""
    settings.log_dir.mkdir(exist_ok=True)
    run_setup(
        "The desk's set-up",
        desk_processes.management("prepare"),
        desk_processes.environment(settings),
        "",
        settings.log_dir / "desk-setup.log",
    )
    os.environ["DJANGO_SETTINGS_MODULE"] = "citybrain.desk.settings"
    import django

    django.setup()
    return settings


@pytest.fixture
def clean_city(settings: Settings) -> Settings:
    """The same stack with `meta`, `raw` and `quarantine` emptied and no stage table left."""
    with psycopg.connect(settings.dsn(DatabaseRole.OWNER)) as connection:
        tables = connection.execute(
            "SELECT schemaname, tablename FROM pg_tables"
            " WHERE schemaname = ANY(%s) AND tablename <> 'alembic_version'",
            (["meta", "raw", "quarantine"],),
        ).fetchall()
        drop_tables_of_batches(connection)
        if tables:
            names = sql.SQL(", ").join(sql.Identifier(schema, table) for schema, table in tables)
            connection.execute(sql.SQL("TRUNCATE {} RESTART IDENTITY CASCADE").format(names))
    return settings
