"""Gates that are killed, and gates that race: the same rows stand once."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from citybrain.catalogue import load_datasets
from citybrain.ingest import gate_landed_batches, land_dataset
from citybrain.warehouse.raw_tables import prepare_raw_table
from trial_city import City, assert_accounted_for, credit_code
from waiting import until

pytestmark = pytest.mark.integration
ROWS = 30_000
HEADER = "统一社会信用代码,名称,人数,资本,成立\n"


class Gates:
    """Starts gate processes; they have what is slow to import loaded already."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("gate_forker.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._line() == "ready"

    def _line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def start(self) -> int:
        assert self.process.stdin is not None
        self.process.stdin.write("go\n")
        self.process.stdin.flush()
        return int(self._line())


@pytest.fixture
def gates(city: City, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Gates]:
    """With the parameter "own tables" each delivery becomes a table of its own."""
    if getattr(request, "param", None) == "own tables":
        monkeypatch.setenv("CITYBRAIN_OWN_TABLE_MB", "0")
    found = Gates()
    yield found
    found.process.kill()
    found.process.wait()


def delivery(first: int, rows: int) -> bytes:
    """One row in a hundred has a staff figure that is no number, one line has too few cells."""
    lines = [
        f"{credit_code(first + n)},第{n}公司,{'十' if n % 100 == 50 else n},1.5,2001-02-03\n"
        for n in range(rows)
    ]
    return (HEADER + "".join(lines) + "残行\n").encode()


def is_gone(pid: int) -> bool:
    """Whether the process has ended; a zombie of its forker has."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()[0] == "Z"
    except FileNotFoundError:
        return True


def gate_sessions(city: City) -> int:
    found = city.rows(
        "SELECT count(*) AS n FROM pg_stat_activity WHERE application_name LIKE 'citybrain gate%'"
    )
    return int(found[0]["n"])


def kill_a_gate(city: City, gates: Gates, batch: int, after: float) -> None:
    """Start a gate, and kill -9 it so many seconds after it has taken the batch."""
    pid = gates.start()

    def has_begun() -> bool:
        found = city.batch(batch)
        return found["claimed_by"] is not None or found["state"] != "landed" or is_gone(pid)

    until(has_begun)
    time.sleep(after)
    os.kill(pid, signal.SIGKILL)
    until(lambda: is_gone(pid))


@pytest.mark.parametrize("gates", ["rows", "own tables"], indirect=True)
@pytest.mark.parametrize(
    "kills", [4, pytest.param(30, marks=pytest.mark.slow)], ids=["a few kills", "many kills"]
)
def test_kill_anywhere_and_run_again(city: City, gates: Gates, kills: int) -> None:
    seed = int(os.environ.get("CITYBRAIN_TEST_SEED", time.time_ns() % 1_000_000))
    print(f"seed {seed} (CITYBRAIN_TEST_SEED)")  # noqa: T201
    dice = random.Random(seed)
    city.add_dataset("trial_kill")
    prepare_raw_table(city.settings, load_datasets(city.settings)["trial_kill"])
    deliveries = 0
    span = 4.0

    def land_another() -> int:
        nonlocal deliveries
        city.drop("trial_kill", f"{deliveries}.csv", delivery(deliveries * ROWS, ROWS))
        deliveries += 1
        return land_dataset("trial_kill").landed[0]

    batch = land_another()
    for _ in range(kills):
        started = time.monotonic()
        kill_a_gate(city, gates, batch, dice.uniform(0, span))
        now = city.batch(batch)
        raw = city.rows("SELECT count(*) AS n FROM raw.trial_kill WHERE _batch_id = %s", batch)[0]["n"]
        assert (now["state"], raw) in (("landed", 0), ("loaded", ROWS - ROWS // 100))
        assert len(city.quarantined(batch)) == (0 if now["state"] == "landed" else ROWS // 100 + 1)
        if now["state"] == "loaded":
            span = max(0.5, (time.monotonic() - started) * 0.8)  # this machine is faster: kill earlier
            batch = land_another()
        until(lambda: gate_sessions(city) == 0)  # the server notices a dead client within seconds
    outcomes = gate_landed_batches()
    assert [outcome.batch_id for outcome in outcomes] == [batch]
    assert gate_landed_batches() == []
    rows = city.rows("SELECT count(*) AS n, count(DISTINCT uscc) AS firms FROM raw.trial_kill")[0]
    assert rows["n"] == rows["firms"] == deliveries * (ROWS - ROWS // 100)
    assert_accounted_for(city)


def test_two_gates_load_each_batch_once(city: City, gates: Gates) -> None:
    city.add_dataset("trial_race", delivers="increment")
    for number in range(6):
        city.drop("trial_race", f"{number}.csv", delivery(number * 500, 500))
    assert len(land_dataset("trial_race").landed) == 6
    racing = [gates.start(), gates.start(), gates.start()]
    until(lambda: all(is_gone(pid) for pid in racing))
    rows = city.rows("SELECT count(*) AS n, count(DISTINCT uscc) AS firms FROM raw.trial_race")[0]
    assert rows["n"] == rows["firms"] == 6 * 495
    assert {row["state"] for row in city.rows("SELECT state FROM meta.batch")} == {"loaded"}
    assert_accounted_for(city)
