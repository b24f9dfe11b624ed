"""What the database of events refuses by itself, whoever asks."""

import psycopg
import pytest

from citybrain.settings import DatabaseRole, Settings
from citybrain.warehouse.connection import connect
from citybrain.warehouse.row_scope import SYSTEM, enter

SIGNAL = (
    "INSERT INTO ops.signal (key, scenario, class_code, kind, source_kind, observed_at, origin)"
    " VALUES (%s, 'fire_lane_occupancy', 'all', 'detected', 'video', now(), 'synthetic')"
    " ON CONFLICT (key) DO NOTHING"
)


def test_a_watcher_adds_a_signal_once_and_reads_nothing_else(desk: Settings) -> None:
    with connect(desk, DatabaseRole.WATCHER, autocommit=True) as watcher:
        assert watcher.execute(SIGNAL, ("tables-1",)).rowcount == 1
        assert watcher.execute(SIGNAL, ("tables-1",)).rowcount == 0
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            watcher.execute("SELECT place_name FROM ops.signal")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            watcher.execute("UPDATE ops.signal SET state = 'dropped'")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            watcher.execute("SELECT 1 FROM ops.event_case")


@pytest.mark.parametrize("table", ["transition", "evidence"])
@pytest.mark.parametrize("role", [DatabaseRole.DESK, DatabaseRole.OWNER])
def test_history_is_not_changed(desk: Settings, table: str, role: DatabaseRole) -> None:
    with connect(desk, role, autocommit=True) as connection:
        for statement in (f"DELETE FROM ops.{table}", f"UPDATE ops.{table} SET case_id = 0"):
            with pytest.raises(psycopg.Error, match=r"permission denied|append-only"):
                connection.execute(statement.encode())


@pytest.mark.parametrize(
    ("table", "columns"),
    [
        ("event_case", "reporter_id"),
        ("transition", "actor_id"),
        ("transition", "reason"),
        ("evidence", "uploaded_by_id"),
        ("notification", "body"),
        ("signal", "detail"),
        ("signal", "reporter_id"),
        ("organisation", "notify_urls"),
    ],
)
def test_dbt_reads_no_person_and_no_text_of_one(desk: Settings, table: str, columns: str) -> None:
    with connect(desk, DatabaseRole.TRANSFORMER, autocommit=True) as transformer:
        transformer.execute(f"SELECT id FROM ops.{table}".encode())
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            transformer.execute(f"SELECT {columns} FROM ops.{table}".encode())


def test_a_transaction_that_tells_nothing_sees_no_signal(desk: Settings) -> None:
    with connect(desk, DatabaseRole.WATCHER) as watcher:
        watcher.execute(SIGNAL, ("tables-2",))
    with connect(desk, DatabaseRole.DESK) as connection:
        assert connection.execute("SELECT count(*) FROM ops.signal").fetchone() == (0,)
        enter(connection, SYSTEM)
        counted = connection.execute("SELECT count(*) FROM ops.signal WHERE key = 'tables-2'").fetchone()
        assert counted == (1,)
