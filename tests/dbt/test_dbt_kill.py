"""A build that is killed leaves no half table, and the next one ends where an undisturbed one would."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import psycopg
import pytest
from psycopg import sql

from citybrain.settings import DatabaseRole, Settings
from citybrain.warehouse.transform import TransformReport, build_warehouse

pytestmark = [pytest.mark.integration, pytest.mark.slow]

# They say when they were checked or counted, how long it is since, or how large tables are.
VOLATILE = {
    *("mart_data_freshness", "mart_data_lake_assets", "mart_data_quality", "mart_data_quality_order"),
    *("mart_shared_capability", "mart_shared_capability_trend"),
}


def contents(settings: Settings) -> dict[str, tuple[int, str]]:
    """Rows and a checksum over all of them, for every table that people read."""
    with psycopg.connect(settings.dsn(DatabaseRole.TRANSFORMER)) as connection:
        tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'marts'").fetchall()
        found = {}
        for (table,) in tables:
            if table in VOLATILE:
                continue
            row = connection.execute(
                sql.SQL(
                    "SELECT count(*), coalesce(md5(string_agg(t::text, '' ORDER BY t::text)), '') FROM {} t"
                ).format(sql.Identifier("marts", table))
            ).fetchone()
            assert row is not None
            found[table] = (int(row[0]), str(row[1]))
    return found


def leftovers(settings: Settings) -> list[tuple[str]]:
    with psycopg.connect(settings.dsn(DatabaseRole.TRANSFORMER)) as connection:
        return connection.execute(
            "SELECT relname FROM pg_class WHERE relkind IN ('r', 'v') AND relname ~ '__(dbt_|next$)'"
        ).fetchall()


@pytest.mark.parametrize("seed", [1, 2])
def test_kill_and_build_again(city: Settings, built: TransformReport, seed: int) -> None:
    expected = contents(city)
    nodes_before_kill = random.Random(seed).randint(100, 170)
    executable = str(Path(sys.executable).with_name("citybrain"))
    with subprocess.Popen(
        [executable, "transform", "build"], stderr=subprocess.PIPE, text=True, env=os.environ.copy()
    ) as builder:
        assert builder.stderr is not None
        for _ in range(nodes_before_kill):
            builder.stderr.readline()
        (dbt,) = [
            child for child in psutil.Process(builder.pid).children() if "dbt" in " ".join(child.cmdline())
        ]
        builder.send_signal(signal.SIGKILL)
    psutil.wait_procs([dbt], timeout=10)
    assert not dbt.is_running(), "dbt outlived the process that held its lock"
    during = contents(city)
    assert set(during) == set(expected), f"seed {seed}: a table is missing after the kill"

    started = time.monotonic()
    report = build_warehouse()
    assert report.failures == [], f"seed {seed}"
    assert report.command == "build"  # a killed run leaves no results to retry from
    assert contents(city) == expected, f"seed {seed}"
    assert leftovers(city) == [], f"seed {seed}"
    assert time.monotonic() - started < 300
    with psycopg.connect(city.dsn(DatabaseRole.TRANSFORMER)) as connection:
        outcomes = connection.execute(
            "SELECT outcome FROM meta.transform_run ORDER BY transform_run_id DESC LIMIT 2"
        ).fetchall()
    assert outcomes == [("succeeded",), ("failed",)]
