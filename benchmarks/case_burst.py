"""The burst of `cases.py`: signals from another process, messages to a real endpoint, a slow notifier.

`pour` measures what a burst costs: nothing may be lost, the queue drains, memory stays flat, and a fire
lane that is occupied meanwhile is told within seconds. `break_down` takes the endpoint away and kills the
worker again and again; every message arrives in the end.
"""

import json
import os
import random
import resource
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections import Counter
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

HERE = Path(__file__)
SENT_A_SECOND = 20
LANE_EVERY = 2.0  # seconds between two fire lanes
KILLS = 6
A_ROUND = 50  # signals between two looks at the outbox
START = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
INSERT = (
    "INSERT INTO ops.signal (key, scenario, class_code, kind, source_kind, source_id, place_id, place_name,"
    " area_code, lon, lat, observed_at, score, origin)"
    " VALUES (%s, %s, %s, 'detected', %s, %s, %s, '某处', '341602001001', 115.78, 33.85, %s, 0.9,"
    " 'synthetic')"
)
DUST, LANE = ("construction_dust", "all", "iot"), ("fire_lane_occupancy", "all", "video")


class Endpoint:
    """What offices are told at: notes when each key came first; answers 503 while it is down."""

    def __init__(self, port: int) -> None:
        self.down, self.came = False, dict[str, float]()
        self.url = f"json://127.0.0.1:{port}/"
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                if not endpoint.down:
                    endpoint.came.setdefault(self.headers["Idempotency-Key"], time.time())
                self.send_response(503 if endpoint.down else 200)
                self.end_headers()

            def log_message(self, *_arguments: object) -> None:
                """Nothing: what came is counted."""

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def pour(dsn: str, endpoint: Endpoint, minutes: float, rate: int, spots: int) -> dict[str, Any]:
    """Take in and tell until nothing waits any more."""
    from citybrain.events.intake import take_in
    from citybrain.events.sending import send_due

    before, notified = _counted(), _sent()
    adding = _start("--add", dsn, str(minutes), str(rate), str(spots))
    began, ended, next_send, rss_before = time.monotonic(), 0.0, 0.0, 0.0
    oldest: list[float] = []
    while True:
        if not ended:
            oldest.append(_oldest_waiting())
        done = take_in(A_ROUND).total()
        if time.monotonic() >= next_send:
            next_send = time.monotonic() + 1
            send_due(SENT_A_SECOND)
        rss_before = rss_before or _rss_mb()
        if adding.poll() is not None and not ended:
            ended = time.monotonic()
        if ended and not done and not _pending():
            break
        if not done:
            time.sleep(0.1)
    lanes = _lane_seconds(endpoint)
    after = _counted()
    wanted = int(minutes * 60 * rate)
    added = after["signals"] - before["signals"] - len(lanes)
    return {
        "wanted": wanted,
        "added": added,
        "adding_s": ended - began,
        "lost": wanted - added + after["waiting"] + sum(seconds is None for seconds in lanes),
        "oldest_p95_s": _p95(oldest),
        "messages": _sent() - notified,
        "drained_s": time.monotonic() - ended,
        "lanes": len(lanes),
        "lane_p95_s": _p95([seconds for seconds in lanes if seconds is not None]),
        "lane_worst_s": max((seconds for seconds in lanes if seconds is not None), default=0.0),
        "rss_before_mb": rss_before,
        "rss_after_mb": _rss_mb(),
    }


def break_down(dsn: str, endpoint: Endpoint, cases: int) -> dict[str, Any]:
    """The endpoint is down while cases open, and each worker is killed at a moment of its own."""
    draw = random.Random(11)
    with_address = _keys()
    endpoint.down = True
    _insert(dsn, [(f"out-{uuid.uuid4().hex[:10]}", *DUST, START) for _ in range(cases)])
    began, kills = time.monotonic(), 0
    while kills < KILLS:
        worker = _start("--work")
        time.sleep(3 + 3 * draw.random())  # starting takes two seconds
        worker.send_signal(signal.SIGKILL)
        worker.wait()
        kills += 1
        endpoint.down = kills < KILLS // 2
    worker = _start("--work")
    while (missing := _keys() - with_address - set(endpoint.came)) or _counted()["waiting"]:
        if time.monotonic() - began > 900:
            break
        time.sleep(1)
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    wanted = _keys() - with_address
    return {
        "cases": cases,
        "kills": kills,
        "messages": len(wanted),
        "lost": len(missing),
        "seconds": time.monotonic() - began,
    }


def tell_everybody(endpoint: Endpoint) -> None:
    """Every organisation is told at the endpoint, and nothing waits from before."""
    from citybrain.desk.accounts.models import Organisation
    from citybrain.events.models import Notification
    from citybrain.events.scope import as_system

    with as_system():
        Notification.objects.filter(state="pending").update(state="sent")
        Organisation.objects.update(notify_urls=[endpoint.url])


def _start(*arguments: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen([sys.executable, str(HERE), *arguments])


def _insert(dsn: str, rows: list[tuple[str, str, str, str, datetime]]) -> None:
    """Signals of (source, scenario, class, kind of source, moment)."""
    import psycopg

    with psycopg.connect(dsn, autocommit=True) as watcher, watcher.cursor() as cursor:
        cursor.executemany(
            INSERT,
            [
                (uuid.uuid4().hex, scenario, code, kind, source, source, at)
                for source, scenario, code, kind, at in rows
            ],
        )


def _counted() -> Counter[str]:
    from citybrain.events.models import Signal
    from citybrain.events.scope import as_system

    with as_system():
        pending = Signal.objects.filter(state="pending").count()
        return Counter(signals=Signal.objects.count(), waiting=pending)


def _sent() -> int:
    from citybrain.events.models import Notification
    from citybrain.events.scope import as_system

    with as_system():
        return Notification.objects.filter(state="sent").count()


def _pending() -> bool:
    from citybrain.events.models import Notification
    from citybrain.events.scope import as_system

    with as_system():
        return Notification.objects.filter(state="pending").exists()


def _keys() -> set[str]:
    """Keys of all messages that go to the endpoint."""
    from citybrain.events.models import Notification
    from citybrain.events.scope import as_system

    with as_system():
        return set(Notification.objects.exclude(channel="log").values_list("key", flat=True))


def _lane_seconds(endpoint: Endpoint) -> list[float | None]:
    """From each fire lane's signal to the first message about its case; None where none came."""
    from citybrain.events.models import Case, Signal
    from citybrain.events.scope import as_system

    came: dict[str, float] = {}
    for key, moment in endpoint.came.items():
        number = key.split(":")[0]
        came[number] = min(moment, came.get(number, moment))
    with as_system():
        numbers = dict(Case.objects.filter(scenario=LANE[0]).values_list("pk", "number"))
        signals = Signal.objects.filter(scenario=LANE[0]).values_list("case_id", "received_at")
        return [
            came[numbers[case]] - at.timestamp() if case in numbers and numbers[case] in came else None
            for case, at in signals
        ]


def _oldest_waiting() -> float:
    """How old the oldest signal is that waits, seconds; 0 for none."""
    from django.db import connection

    from citybrain.events.scope import as_system

    with as_system(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(extract(epoch FROM clock_timestamp() - min(received_at)), 0)"
            " FROM ops.signal WHERE state = 'pending'"
        )
        return float(cursor.fetchone()[0])


def _p95(values: list[float]) -> float:
    return sorted(values)[int(len(values) * 0.95)] if values else 0.0


def _rss_mb() -> float:
    """What the process holds now, in MB; its peak where the system does not tell."""
    statm = Path("/proc/self/statm")
    if statm.exists():
        return int(statm.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _add(dsn: str, minutes: float, rate: int, spots: int) -> None:
    """`rate` signals a second of `spots` places, a tenth of them every tenth of a second; and fire lanes."""
    mark, wanted, added, lanes = uuid.uuid4().hex[:8], int(minutes * 60 * rate), 0, 0
    began, draw = time.monotonic(), random.Random(7)
    while added < wanted:
        until = min(wanted, int((time.monotonic() - began) * rate) + 1)
        rows = [
            (f"{mark}-{draw.randrange(spots)}", *DUST, START + timedelta(seconds=place))
            for place in range(added, until)
        ]
        if time.monotonic() - began >= lanes * LANE_EVERY:
            rows.append((f"{mark}-lane-{lanes}", *LANE, datetime.now(UTC)))
            lanes += 1
        if rows:
            _insert(dsn, rows)
        added = until
        time.sleep(0.1)


def _work() -> None:
    """What the desk's worker does, without a schedule; until somebody kills it."""
    import django

    django.setup()
    from citybrain.events import sending
    from citybrain.events.intake import take_in

    sending.LEASE = timedelta(seconds=5)  # what a killed worker held is free again before the run ends
    sending._FIRST_WAIT = sending._LONGEST_WAIT = timedelta(seconds=2)
    while True:
        done = take_in(A_ROUND).total() + sending.send_due(SENT_A_SECOND).total()
        if not done:
            time.sleep(0.2)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["--add", dsn, minutes, rate, spots]:
            _add(dsn, float(minutes), int(rate), int(spots))
        case ["--work"]:
            _work()
        case other:
            sys.exit(f"part of benchmarks/cases.py, not by itself: {json.dumps(other)}")
