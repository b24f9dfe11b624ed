"""Rows pulled from another PostgreSQL by watermark: each change once, none missed, whatever dies when."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from citybrain.ingest import SourceError, gate_landed_batches, land_dataset, waiting
from citybrain.ingest.landing import land_anew
from citybrain.settings import DatabaseRole, Settings, get_settings
from trial_city import City, assert_accounted_for, credit_code

pytestmark = pytest.mark.integration

SOURCE = """\
id: trial_table
code: 2026UN9001
title: {{zh: 试验数据, en: Trial data}}
description: One row per firm, for tests.
owner: market_regulation
family: government
origin: synthetic
source_note: written by the tests
personal_data: none
connector: {{kind: postgres, connection: {connection}, table: '{table}', watermark: changed_at{more}}}
format: {{kind: csv}}
delivers: increment
key: [uscc]
columns:
  - {{name: uscc, type: text, headers: ["信用 \\"代码"], label: {{zh: 信用代码, en: Credit code}}}}
  - {{name: name, type: text, label: {{zh: 名称, en: Name}}}}
  - {{name: staff, type: integer, label: {{zh: 人数, en: Staff}}}}
  - {{name: changed_at, type: timestamptz, label: {{zh: 时间, en: Changed at}}}}
"""
EXPECTATIONS = """\
dataset: trial_table
owner: market_regulation
runbook: 联系报送部门重新导出。
rules:
  - {id: code, kind: valid_uscc, column: uscc, why: {zh: 试验, en: Trial}, red_above: 0.5}
"""
TABLE = "trial 房间.firm;--"
START = datetime(2026, 3, 1, 8, tzinfo=UTC)
NEWEST = (
    "SELECT DISTINCT ON (uscc) uscc, staff FROM raw.trial_table"
    " JOIN meta.batch ON _batch_id = batch_id ORDER BY uscc, source_version DESC, changed_at DESC"
)


class Table:
    """A table of the exchange that the tests write as its owner."""

    def __init__(self, city: City, owner: psycopg.Connection) -> None:
        self.city, self.owner = city, owner
        self.name = sql.Identifier(*TABLE.split("."))
        owner.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(TABLE.split(".")[0])))
        owner.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(TABLE.split(".")[0])))
        owner.execute(
            sql.SQL(
                'CREATE TABLE {} ("信用 ""代码" text PRIMARY KEY, name text, staff integer,'
                " changed_at timestamptz)"
            ).format(self.name)
        )

    def describe(self, more: str = "", connection: str = "exchange", table: str = TABLE) -> None:
        text = SOURCE.format(connection=connection, table=table, more=more)
        (self.city.settings.sources_dir / "trial_table.yml").write_text(text, encoding="utf-8")
        (self.city.settings.expectations_dir / "trial_table.yml").write_text(EXPECTATIONS, encoding="utf-8")

    def put(
        self, number: int, minutes: float, staff: int | None = None, name: str | None = '甲,"乙"\n丙'
    ) -> None:
        self.owner.execute(
            sql.SQL(
                "INSERT INTO {} AS t VALUES (%s, %s, %s, %s) ON CONFLICT ({}) DO UPDATE"
                " SET staff = excluded.staff, changed_at = excluded.changed_at"
            ).format(self.name, sql.Identifier('信用 "代码')),
            (
                credit_code(number),
                name,
                number if staff is None else staff,
                START + timedelta(minutes=minutes),
            ),
        )

    def land_and_gate(self) -> int:
        landed = land_dataset("trial_table").landed
        gate_landed_batches()
        return len(landed)

    def rows(self) -> dict[str, int]:
        return {row["uscc"]: row["staff"] for row in self.city.rows(NEWEST)}

    def truth(self) -> dict[str, int]:
        found = self.owner.execute(
            sql.SQL('SELECT "信用 ""代码", staff FROM {}').format(self.name)
        ).fetchall()
        return dict(found)

    def watermark(self) -> str:
        found = self.city.rows("SELECT value FROM meta.watermark WHERE name = 'postgres_read_until'")
        return str(found[0]["value"]) if found else ""


@pytest.fixture
def table(city: City) -> Iterator[Table]:
    with psycopg.connect(city.settings.dsn(DatabaseRole.EXCHANGE), autocommit=True) as owner:
        found = Table(city, owner)
        found.describe()
        yield found
        owner.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(TABLE.split(".")[0])))


def test_changes_come_once_and_late_rows_with_the_next(table: Table) -> None:
    assert waiting("trial_table") == []
    for number in range(20):
        table.put(number, number)
    table.put(20, 20, name=None)
    assert waiting("trial_table") == ["firm;--_20260301162000.csv"]
    assert table.land_and_gate() == 1
    assert table.rows() == table.truth()
    assert {row["name"] for row in table.city.raw("trial_table")} == {'甲,"乙"\n丙', None}
    assert table.watermark() == "2026-03-01 16:20:00+08"
    assert table.land_and_gate() == 0
    table.put(3, 21, staff=300)
    table.put(30, -5)  # began before the others and ended after our pull, inside the overlap
    assert table.land_and_gate() == 1
    assert table.rows() == table.truth()
    table.put(31, 5)  # late again, and nothing else has changed
    assert table.land_and_gate() == 1
    assert table.rows() == table.truth()
    assert table.land_and_gate() == 0
    assert_accounted_for(table.city)


def test_a_row_later_than_the_overlap_is_found_by_going_over_its_day(table: Table) -> None:
    table.describe(", overlap: PT1M")
    table.put(1, 0)
    table.put(2, 60 * 24 * 3)
    table.land_and_gate()
    table.put(3, 1)
    before = table.watermark()
    assert table.land_and_gate() == 0
    assert len(land_anew("trial_table", date(2026, 3, 1)).landed) == 1
    gate_landed_batches()
    assert table.rows() == table.truth()
    assert table.watermark() == before
    assert land_anew("trial_table", date(2026, 2, 1)).landed == []


def test_a_large_table_comes_in_objects_of_bounded_size(table: Table) -> None:
    table.describe(", rows_per_pull: 10")
    for number in range(45):
        table.put(number, number // 4)  # four changes at the same moment are never torn apart
    assert len(waiting("trial_table")) == 5
    assert len(land_dataset("trial_table").landed) == 5
    outcomes = gate_landed_batches()
    assert [outcome.rows_in for outcome in outcomes] == [12, 8, 12, 8, 5]
    assert table.rows() == table.truth()


def test_a_row_dated_into_the_future_hides_nothing(table: Table) -> None:
    table.put(1, 0)
    table.put(2, 60 * 24 * 365 * 70)
    table.land_and_gate()
    table.put(3, (datetime.now(UTC) - START).total_seconds() / 60)
    table.land_and_gate()
    assert table.rows() == table.truth()


def test_only_reading_and_only_in_time(table: Table) -> None:
    table.describe(", timeout_seconds: 0.3")
    view = sql.SQL("{} AS SELECT t.* FROM {} AS t").format(
        sql.Identifier(TABLE.split(".")[0], "slow"), table.name
    )
    table.owner.execute(sql.SQL("CREATE VIEW {}, pg_sleep(5)").format(view))
    table.put(1, 0)
    table.describe(", timeout_seconds: 0.3", table=TABLE.split(".")[0] + ".slow")
    with pytest.raises(SourceError, match="statement timeout"):
        land_dataset("trial_table")
    table.describe(table=TABLE.split(".")[0] + ".gone")
    with pytest.raises(SourceError, match="does not exist"):
        land_dataset("trial_table")
    with psycopg.connect(get_settings().dsn(DatabaseRole.EXCHANGE_READER)) as reader:
        for statement in ("DELETE FROM {}", "UPDATE {} SET staff = 1", "TRUNCATE {}", "DROP TABLE {}"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                reader.execute(sql.SQL(statement).format(table.name))  # type: ignore[arg-type]
            reader.rollback()
    with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
        psycopg.connect(get_settings().dsn(DatabaseRole.EXCHANGE_READER).replace("/exchange", "/city"))


def test_connections_are_named_in_settings_and_never_shown(
    table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    table.describe(connection="elsewhere")
    with pytest.raises(SourceError, match="name it in CITYBRAIN_SOURCE_DATABASES"):
        land_dataset("trial_table")
    port = get_settings().postgres_port
    address = f"postgresql://nobody:s3cr3t@127.0.0.1:{port}/exchange"  # pragma: allowlist secret
    monkeypatch.setenv("CITYBRAIN_SOURCE_DATABASES", json.dumps({"elsewhere": address}))
    get_settings.cache_clear()
    with pytest.raises(SourceError) as refused:
        land_dataset("trial_table")
    assert "connection elsewhere" in str(refused.value)
    assert "s3cr3t" not in str(refused.value) + repr(get_settings())


# A process that lands again and again; the test kills it anywhere.
LANDER = """
import sys
from citybrain.ingest import land_dataset
print("ready", flush=True)
sys.stdin.readline()
while True:
    land_dataset("trial_table")
"""


def kill_a_lander(after: float) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", LANDER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdin is not None
    assert process.stdout.readline() == "ready\n"
    process.stdin.write("go\n")
    process.stdin.flush()
    time.sleep(after)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stdin.close()
    process.stdout.close()


@pytest.mark.parametrize(
    "kills", [2, pytest.param(25, marks=pytest.mark.slow)], ids=["a few kills", "many kills"]
)
def test_kill_anywhere_and_each_row_stands_once(table: Table, kills: int) -> None:
    seed = int(os.environ.get("CITYBRAIN_TEST_SEED", time.time_ns() % 1_000_000))
    print(f"seed {seed} (CITYBRAIN_TEST_SEED)")  # noqa: T201
    dice = random.Random(seed)
    table.describe(", rows_per_pull: 40")
    number = 0
    for _ in range(kills):
        for _ in range(100):
            table.put(dice.randrange(number + 1), number, staff=number)
            number += 1
        kill_a_lander(dice.uniform(0, 0.6))
    land_dataset("trial_table")
    gate_landed_batches()
    assert table.rows() == table.truth()
    again = table.city.rows("SELECT _batch_id, uscc FROM raw.trial_table GROUP BY 1, 2 HAVING count(*) > 1")
    assert again == []
    assert_accounted_for(table.city)
    keys = table.city.rows("SELECT count(*) AS n, count(DISTINCT sha256) AS different FROM meta.batch")
    assert keys[0]["n"] == keys[0]["different"]


def test_the_exchange_is_closed_to_the_platforms_other_roles(settings: Settings) -> None:
    for role in (DatabaseRole.LOADER, DatabaseRole.TRANSFORMER, DatabaseRole.DESK, DatabaseRole.BI_READER):
        with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
            psycopg.connect(settings.dsn(role).rsplit("/", 1)[0] + "/exchange")


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"delivers": "snapshot"}, "must be an increment|an increment"),
        ({"format": {"kind": "jsonl"}}, "format csv"),
        ({"watermark": "staff"}, "no column of time"),
        ({"watermark": "nothing"}, "no column of time"),
        ({"table": "public.a.b"}, "table"),
        ({"connection": "postgresql://x"}, "connection"),
    ],
)
def test_a_wrong_file_is_told(tmp_path: Path, change: dict[str, Any], fault: str) -> None:
    from ruamel.yaml import YAML

    from citybrain.catalogue import ContentError, load_dataset

    yaml = YAML()
    tree = yaml.load(SOURCE.format(connection="exchange", table="a.b", more=""))
    for name, value in change.items():
        (tree["connector"] if name in tree["connector"] else tree)[name] = value
    path = tmp_path / "trial_table.yml"
    with path.open("w", encoding="utf-8") as file:
        yaml.dump(tree, file)
    with pytest.raises(ContentError, match=fault):
        load_dataset(path)
