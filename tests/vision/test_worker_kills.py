"""Workers as processes: killed at any place, two at once, ended by SIGTERM."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from patrol_city import FIVE, IN_LANE, START, City, drawn_tools, picture

from citybrain.settings import DatabaseRole
from citybrain.vision import looking, rounds, signals
from citybrain.vision.heartbeat import live_workers
from citybrain.vision.work_list import claim_look
from citybrain.vision.worker import Worker
from citybrain.warehouse.connection import connect

PROGRAM = Path(__file__).with_name("drawn_worker.py")
PATIENCE_SECONDS = 60
CAR = ("car", IN_LANE)

Start = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def start(city: City, tmp_path: Path) -> Iterator[Start]:
    """Start a worker process; all are gone afterwards."""
    running: list[subprocess.Popen[bytes]] = []

    def one(*arguments: str) -> "subprocess.Popen[bytes]":
        log = (tmp_path / f"worker-{len(running)}.log").open("wb")
        process = subprocess.Popen(
            [sys.executable, PROGRAM, *arguments], stdout=log, stderr=subprocess.STDOUT, env=dict(os.environ)
        )
        running.append(process)
        return process

    yield one
    for process in running:
        process.kill()
        process.wait()


def until(true: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while not true():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.05)


def expire(city: City) -> None:
    """A lease runs out: what waits two minutes otherwise."""
    city.watcher.execute(
        "UPDATE vision.look_request SET claim_expires_at = now() - interval '1 s' WHERE state = 'claimed'"
    )


def test_a_killed_worker_leaves_nothing_half_done(city: City, start: Start, tmp_path: Path) -> None:
    city.show(*(picture(CAR, grain=number) for number in range(3)))
    city.ask(3)
    gate = tmp_path / "go"
    process = start(str(gate))
    until(gate.with_suffix(".looking").exists)
    process.send_signal(signal.SIGKILL)
    process.wait()
    until(lambda: not _sessions(city))
    assert city.outcomes() == []
    assert city.worker("another").work_once(city.watcher) is False  # the dead one's lease still runs
    expire(city)
    city.work()
    assert city.outcomes() == [("occupied", "")] * 3
    assert city.told() == [("detected", "car", 5)]


@pytest.mark.parametrize("place", ["evidence", "objects", "signal", "before commit"])
def test_stopping_between_any_two_writes_gives_the_same_signals_once(
    city: City, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process ends where a kill would end it; the transaction goes with its connection."""
    city.show(*(picture(CAR, grain=number) for number in range(3)))
    city.ask(3)

    class KilledError(BaseException):
        pass

    def die(*_arguments: object, **_named: object) -> None:
        raise KilledError

    with monkeypatch.context() as broken:
        if place == "evidence":
            kept = looking.create_object

            def keep_and_die(*arguments: object) -> None:
                kept(*arguments)  # type: ignore[arg-type]
                die()

            broken.setattr(looking, "create_object", keep_and_die)
        elif place == "objects":
            broken.setattr(signals, "add", die)
        elif place == "signal":
            added = signals.add

            def add_and_die(*arguments: object) -> None:
                added(*arguments)  # type: ignore[arg-type]
                die()

            broken.setattr(signals, "add", add_and_die)
        else:
            broken.setattr(rounds, "_END", "SELECT citybrain_has_no_such_function(%s, %s, %s)")
        with connect(city.settings, DatabaseRole.WATCHER, autocommit=True) as doomed:
            worker = city.worker("doomed")
            if place == "before commit":
                worker.work_once(doomed)
            else:
                with pytest.raises(KilledError):
                    while worker.work_once(doomed):
                        pass
    expire(city)
    city.watcher.execute("UPDATE vision.look_request SET claim_expires_at = NULL WHERE state = 'pending'")
    city.work()
    assert city.outcomes() == [("occupied", "")] * 3
    assert city.told() == [("detected", "car", 5)]
    (thing,) = city.objects()
    assert (thing["hits"], len(thing["scores"])) == (3, 3)


def test_two_workers_never_take_the_same_look(city: City) -> None:
    frames = [picture(CAR, grain=number) for number in range(6)]
    for camera in city.cameras:
        city.show(*frames, camera=camera)
    city.ask(6, city.cameras)
    looked: list[tuple[str, str]] = []

    class Noting(Worker):
        def _look_once(self, connection: psycopg.Connection) -> bool:
            before = self.looks
            worked = super()._look_once(connection)
            looked.extend([(self.name, "look")] * (self.looks - before))
            return worked

    def work(name: str) -> None:
        worker = Noting(name, city.settings, drawn_tools(), {city.detector.id: city.detector})
        with connect(city.settings, DatabaseRole.WATCHER, autocommit=True) as own:
            idle = 0
            while idle < 10:
                idle = 0 if worker.work_once(own) else idle + 1
                time.sleep(0.01 * (idle > 0))

    threads = [threading.Thread(target=work, args=(f"worker-{number}",)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(looked) == 18 and len({name for name, _ in looked}) > 1
    for camera in city.cameras:
        assert city.outcomes(camera) == [("occupied", "")] * 6
        assert city.told(camera) == [("detected", "car", 5)]
    attempts = city.watcher.execute("SELECT DISTINCT attempts, state FROM vision.look_request").fetchall()
    assert attempts == [(1, "done")]


def test_a_locked_look_is_passed_over_and_a_cameras_next_one_waits(city: City) -> None:
    city.ask(2, city.cameras[:2])
    with (
        connect(city.settings, DatabaseRole.WATCHER) as first,
        connect(city.settings, DatabaseRole.WATCHER, autocommit=True) as second,
    ):
        one = claim_look(first, "first", [city.detector.id])  # its transaction stays open
        other = claim_look(second, "second", [city.detector.id])
        assert one is not None and other is not None
        assert (one.camera_id, other.camera_id) == tuple(city.cameras[:2])
        assert (one.due_at, other.due_at) == (START, START)
        assert claim_look(second, "second", [city.detector.id]) is None


def test_a_worker_whose_lease_ran_out_settles_nothing(city: City) -> None:
    city.show(picture(CAR, grain=1))
    city.ask(1)
    late = claim_look(city.watcher, "late", [city.detector.id])
    assert late is not None
    expire(city)
    city.work()
    assert city.outcomes() == [("occupied", "")]
    assert looking.look(city.settings, city.watcher, drawn_tools(), city.detector, late) is None
    assert city.outcomes() == [("occupied", "")]
    assert city.objects()[0]["hits"] == 1


def test_a_look_whose_camera_was_seen_meanwhile_is_done_again(city: City) -> None:
    """Asked for late, an earlier round may run beside a later one; the loser looks again at what changed."""
    city.show(picture(CAR, grain=1), picture(CAR, grain=2))
    city.ask(1, first=1)
    claim = claim_look(city.watcher, "slow", [city.detector.id])
    assert claim is not None
    before = rounds.remember(city.watcher, city.detector, city.camera)
    city.ask(1)
    city.work()
    place = looking.camera(city.watcher, city.detector.scenario, city.camera)
    assert place is not None
    done = rounds.Round("missing", "absent", None, 0.1)
    assert not rounds.settle(city.watcher, claim, city.detector, place, before, done, (), ())
    assert looking.look(city.settings, city.watcher, drawn_tools(), city.detector, claim) is not None
    assert [thing["hits"] for thing in city.objects()] == [2]
    assert city.told() == [("detected", "car", 5)]


def test_sigterm_ends_a_worker_after_its_look(city: City, start: Start) -> None:
    city.show(picture(CAR, grain=1), picture(CAR, grain=2))
    city.ask(2)
    process = start()
    until(lambda: len(city.outcomes()) == 2)
    (alive,) = live_workers(city.watcher)
    assert f":{process.pid}:" in alive.worker
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=PATIENCE_SECONDS) == 0
    assert live_workers(city.watcher) == []
    assert city.told() == [("detected", "car", 5)]
    assert city.signals()[0]["observed_at"] == START + FIVE


def _sessions(city: City) -> int:
    row = city.watcher.execute(
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'citybrain vision'"
    ).fetchone()
    assert row is not None
    return int(row[0])
