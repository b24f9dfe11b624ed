"""The desk's worker as it runs in the stack: a signal becomes a case and is told without anybody asking."""

import subprocess
import time
from collections.abc import Iterator

import pytest
from fire_lane import Spot

from citybrain.settings import Settings
from citybrain.stack.desk import command, environment

PATIENCE_SECONDS = 60


@pytest.fixture
def worker(city: Settings) -> Iterator[subprocess.Popen[bytes]]:
    with (city.log_dir / "desk-worker.log").open("wb") as log:
        process = subprocess.Popen(
            command("desk-worker", city), env=environment(city), stdout=log, stderr=subprocess.STDOUT
        )
        yield process
        process.terminate()
        process.wait(timeout=30)


def test_a_signal_is_taken_in_and_told_by_the_worker(spot: Spot, worker: subprocess.Popen[bytes]) -> None:
    from citybrain.events.scope import as_system

    spot.send()
    until = time.monotonic() + PATIENCE_SECONDS
    sent: list[str] = []
    while len(sent) < 2 and time.monotonic() < until:
        assert worker.poll() is None
        time.sleep(0.3)
        case = spot.case()
        if case is not None:
            with as_system():
                sent = list(case.notifications.filter(state="sent").values_list("reason", flat=True))
    assert sorted(sent) == ["dispatch", "file"]
    assert case.state == "dispatched"
