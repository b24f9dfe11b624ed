"""How fast signals become cases, beside a plain Django-ORM version of the same rules; and a burst of them.

    .venv/bin/python benchmarks/cases.py [--spots 150] [--repeats 20] [--minutes 0] [--rate 200] [--json]

Both get the same signals: every spot is seen once and then again and again, in random order. Both end with
the same cases, sightings, steps, time limits and messages, or the run fails. The plain version does what a
straightforward Django app does: one transaction a signal, a query for the open case, a save for whatever
changed. It keeps no ledger, no hashes and no scope of rows, so it does less. Ratios within one run survive a
change of machine; seconds do not.

`--minutes 5` adds the burst: a second process adds `--rate` signals a second for so long (200 a second for
five minutes are 60,000), this one takes them in and sends messages, 20 a second at most. None may be lost;
told are how old the oldest waiting signal was at each round, how long messages took to drain, and the
process's memory at the beginning and at the end. PostgreSQL is started for the run, with fsync on.
"""

import argparse
import json
import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

START = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
SENT_A_SECOND = 20
PLAIN_STEPS = (
    ("register", "detected"),
    ("confirm", "confirmed"),
    ("file", "filed"),
    ("dispatch", "dispatched"),
)
INSERT = (
    "INSERT INTO ops.signal (key, scenario, class_code, kind, source_kind, source_id, place_id, place_name,"
    " area_code, lon, lat, observed_at, score, origin)"
    " VALUES (%s, 'construction_dust', 'all', 'detected', 'iot', %s, %s, '某工地', '341602001001', 115.78,"
    " 33.85, %s, 0.9, 'synthetic')"
)


def main() -> None:
    options = _options()
    if options.add:
        _add_for(options.add, options.minutes, options.rate, options.spots)
        return
    folder = Path(tempfile.mkdtemp(prefix="citybrain-bench-", dir="/tmp"))  # PostgreSQL's user must reach it
    folder.chmod(0o711)
    try:
        with ExitStack() as servers:
            report = _run(options, folder, servers)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if options.json:
        print(json.dumps(report))
        return
    print(f"{report['signals']:,} signals, {report['cases']:,} cases, {report['steps']:,} steps")
    for name, seconds in report["seconds"].items():
        print(f"{name:32} {seconds:8.2f} s {report['signals'] / seconds:10,.0f} signals/s")
    print(f"with ledger and hashes, {report['ratio']:.1f} x the plain version without")
    if burst := report.get("burst"):
        print(
            f"burst: {burst['added']:,} signals added in {burst['adding_s']:.0f} s, {burst['lost']} lost,"
            f" oldest waiting {burst['oldest_p95_s']:.1f} s at p95, {burst['messages']:,} messages drained"
            f" {burst['drained_s']:.0f} s after the last signal,"
            f" memory {burst['rss_before_mb']:.0f} MB to {burst['rss_after_mb']:.0f} MB"
        )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--spots", type=int, default=150)
    parser.add_argument("--repeats", type=int, default=20, help="times that a spot is seen again")
    parser.add_argument("--minutes", type=float, default=0, help="length of the burst; 0 for none")
    parser.add_argument("--rate", type=int, default=200, help="signals a second of the burst")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--add", default="", help=argparse.SUPPRESS)  # the burst's second process
    return parser.parse_args()


def _run(options: argparse.Namespace, folder: Path, servers: ExitStack) -> dict[str, Any]:
    os.environ["CITYBRAIN_HOME"] = str(folder)
    os.environ["CITYBRAIN_DEMO"] = "false"
    from citybrain.settings import DatabaseRole, get_settings
    from citybrain.stack import postgres
    from citybrain.stack.ports import free_ports
    from citybrain.stack.setup import prepare_desk, prepare_warehouse

    os.environ["CITYBRAIN_POSTGRES_PORT"] = str(free_ports(1)[0])
    settings = get_settings()
    server = postgres.start(settings, {"shared_buffers": "256MB", "max_wal_size": "4GB"})
    servers.callback(postgres.stop, server)
    settings.log_dir.mkdir(exist_ok=True)
    prepare_warehouse(settings)
    prepare_desk(settings)
    os.environ["DJANGO_SETTINGS_MODULE"] = "citybrain.desk.settings"
    import django

    django.setup()
    dsn = settings.dsn(DatabaseRole.WATCHER)
    ours = _timed("citybrain", dsn, options, _taken_in)
    plain = _timed("plain Django ORM", dsn, options, _plainly)
    assert ours["made"] == plain["made"], f"{ours['made']} is not {plain['made']}"
    report: dict[str, Any] = {
        "signals": options.spots * (options.repeats + 1),
        "cases": ours["made"]["cases"],
        "steps": ours["made"]["steps"],
        "seconds": {one["name"]: one["seconds"] for one in (ours, plain)},
        "ratio": plain["seconds"] / ours["seconds"],
    }
    if options.minutes:
        report["burst"] = _burst(dsn, options)
    return report


def _timed(name: str, dsn: str, options: argparse.Namespace, work: Callable[[], None]) -> dict[str, Any]:
    """Add the signals, let `work` take in all of them, and count what it made."""
    mark = uuid.uuid4().hex[:8]
    _add(dsn, [f"{mark}-{spot}" for spot in range(options.spots)] * (options.repeats + 1))
    began = time.perf_counter()
    work()
    seconds = time.perf_counter() - began
    return {"name": name, "seconds": seconds, "made": _made(mark)}


def _add(dsn: str, sources: list[str]) -> None:
    """A signal for each source named, in random order but observed in the order of their coming."""
    import psycopg

    random.Random(341600).shuffle(sources)
    rows = [
        (uuid.uuid4().hex, source, source, START + timedelta(seconds=place))
        for place, source in enumerate(sources)
    ]
    with psycopg.connect(dsn) as watcher, watcher.cursor() as cursor:
        cursor.executemany(INSERT, rows)


def _made(mark: str) -> dict[str, int]:
    from django.db.models import Sum

    from citybrain.events.models import Case, Clock, Notification, Transition
    from citybrain.events.scope import as_system

    with as_system():
        cases = Case.objects.filter(source_id__startswith=mark)
        return {
            "cases": cases.count(),
            "dispatched": cases.filter(state="dispatched").count(),
            "sightings": cases.aggregate(total=Sum("sightings"))["total"],
            "steps": Transition.objects.filter(case__in=cases).count(),
            "clocks": Clock.objects.filter(case__in=cases).count(),
            "messages": Notification.objects.filter(case__in=cases).count(),
        }


def _taken_in() -> None:
    from citybrain.events.intake import take_in

    while take_in():
        pass


def _plainly() -> None:
    """The same rules as a plain app has them: one signal, one transaction, one object at a time."""
    from django.db import transaction

    from citybrain.events.models import Signal
    from citybrain.warehouse.row_scope import SYSTEM, enter

    while True:
        with transaction.atomic():
            from django.db import connection

            with connection.cursor() as cursor:
                enter(cursor, SYSTEM)  # row security is the database's: without a scope nothing is seen
            signal = (
                Signal.objects.select_for_update(skip_locked=True, of=("self",))
                .filter(state="pending")
                .order_by("id")
                .first()
            )
            if signal is None:
                return
            _plain_case(signal)


def _plain_case(signal: Any) -> None:
    from django.utils import timezone

    from citybrain.events.editions import filing_of
    from citybrain.events.models import ENDED, Case
    from citybrain.events.numbering import next_number
    from citybrain.events.outbox import organisation_of

    filing = filing_of(signal.scenario, signal.class_code)
    assert filing is not None
    case = (
        Case.objects.select_for_update(of=("self",))
        .filter(scenario=signal.scenario, class_code="all", source_id=signal.source_id, zone=signal.zone)
        .exclude(state__in=ENDED)
        .first()
    )
    fresh = case is None
    if case is None:
        case = Case.objects.create(
            number=next_number(),
            scenario=signal.scenario,
            class_code="all",
            class_scheme=filing.scheme,
            class_version=filing.version,
            class_big=filing.rule.big,
            class_small=filing.rule.small,
            title=f"{filing.title}：{signal.place_name}",
            place_id=signal.place_id,
            place_name=signal.place_name,
            area_code=signal.area_code,
            lon=signal.lon,
            lat=signal.lat,
            source_kind=signal.source_kind,
            source_kinds=[signal.source_kind],
            source_id=signal.source_id,
            lead=organisation_of(code=filing.rule.lead),
            urgent=filing.rule.urgent,
            found_at=signal.observed_at,
            origin=signal.origin,
        )
    signal.case, signal.state = case, "attached"
    signal.save()
    case.sightings += 1
    case.last_seen_at = max(case.last_seen_at or signal.observed_at, signal.observed_at)
    newest = list(case.signals.order_by("observed_at"))[-1]
    case.cleared_at = newest.observed_at if newest.kind == "cleared" else None
    case.save()
    if fresh:
        now = timezone.now()
        for action, state in (
            *(
                ("register", "detected"),
                ("confirm", "confirmed"),
                ("file", "filed"),
                ("dispatch", "dispatched"),
            ),
        ):
            _plain_step(case, action, state, filing, now)


def _plain_step(case: Any, action: str, state: str, filing: Any, now: datetime) -> None:
    from citybrain.catalogue.scenario import TimeUnit
    from citybrain.events.clocks import limit_of
    from citybrain.events.models import Clock, Notification, Transition
    from citybrain.events.outbox import organisation_of
    from citybrain.events.sla import due, seconds_of

    before = case.state if case.version else ""
    case.state, case.version = state, case.version + 1
    stages = {"file": ["dispatch"], "dispatch": ["accept", "handle"]}.get(action, [])
    if action == "file":
        case.filed_at = now
    if action == "dispatch":
        case.handler = organisation_of(code=filing.rule.handler_department)
        clock = Clock.objects.get(case=case, stage="dispatch")
        clock.state, clock.due_at, clock.stopped_at = "stopped", None, now
        clock.save()
    for stage in stages:
        value, unit = limit_of(filing, stage)
        Clock.objects.create(
            case=case,
            stage=stage,
            unit=unit.value,
            budget=value,
            started_at=now,
            due_at=due(now, seconds_of(value, TimeUnit(unit)), TimeUnit(unit)).at,
            handler=case.handler,
        )
    case.save()
    Transition.objects.create(
        case=case, version=case.version, from_state=before, to_state=state, action=action,
        rules_version=2, at=now, data={},
    )  # fmt: skip
    if stages:
        told = case.lead if action == "file" else case.handler
        Notification.objects.create(
            key=f"{case.number}:{case.version}:{action}:{told.code}:log",
            case=case,
            reason=action,
            organisation=told,
            channel="log",
            subject=case.title,
            body=f"案件 {case.number}",
            next_at=now,
            created_at=now,
        )


def _burst(dsn: str, options: argparse.Namespace) -> dict[str, Any]:
    """Signals from another process, taken in and told by this one, until nothing waits any more."""
    from citybrain.events.intake import take_in
    from citybrain.events.models import Notification, Signal
    from citybrain.events.scope import as_system
    from citybrain.events.sending import send_due

    with as_system():
        Notification.objects.filter(state="pending").update(state="sent")
        before, aside = Signal.objects.count(), Signal.objects.exclude(state="attached").count()
        told = Notification.objects.count()
    length = ["--minutes", str(options.minutes), "--rate", str(options.rate), "--spots", str(options.spots)]
    adding = subprocess.Popen([sys.executable, __file__, "--add", dsn, *length])
    began, ended, next_send, rss_before = time.monotonic(), 0.0, 0.0, 0.0
    oldest: list[float] = []
    while True:
        oldest.append(_oldest_waiting())
        done = take_in().total()
        if time.monotonic() >= next_send:
            next_send = time.monotonic() + 1
            send_due(SENT_A_SECOND)
        rss_before = rss_before or _rss_mb()
        if adding.poll() is not None and not ended:
            ended = time.monotonic()
        if ended and not done:
            with as_system():
                if not Notification.objects.filter(state="pending").exists():
                    break
        if not done:
            time.sleep(0.1)
    with as_system():
        added = Signal.objects.count() - before
        waiting = Signal.objects.exclude(state="attached").count() - aside
        messages = Notification.objects.filter(state="sent").count() - told
    wanted = int(options.minutes * 60 * options.rate)
    return {
        "added": added,
        "adding_s": ended - began,
        "lost": wanted - added + waiting,
        "oldest_p95_s": sorted(oldest)[int(len(oldest) * 0.95)],
        "messages": messages,
        "drained_s": time.monotonic() - ended,
        "rss_before_mb": rss_before,
        "rss_after_mb": _rss_mb(),
    }


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


def _rss_mb() -> float:
    """What the process holds now, in MB; its peak where the system does not tell."""
    statm = Path("/proc/self/statm")
    if statm.exists():
        return int(statm.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _add_for(dsn: str, minutes: float, rate: int, spots: int) -> None:
    """The burst's other process: `rate` signals a second, a tenth of them every tenth of a second."""
    import psycopg

    mark, wanted, added = uuid.uuid4().hex[:8], int(minutes * 60 * rate), 0
    began, draw = time.monotonic(), random.Random(7)
    with psycopg.connect(dsn, autocommit=True) as watcher, watcher.cursor() as cursor:
        while added < wanted:
            until = min(wanted, int((time.monotonic() - began) * rate) + 1)
            rows = []
            for place in range(added, until):
                source = f"{mark}-{draw.randrange(spots * 2)}"
                rows.append((uuid.uuid4().hex, source, source, START + timedelta(seconds=place)))
            if rows:
                cursor.executemany(INSERT, rows)
            added = until
            time.sleep(0.1)


if __name__ == "__main__":
    main()
