"""How fast signals become cases, beside a plain Django-ORM version of the same rules; and a burst of them.

    .venv/bin/python benchmarks/cases.py [--spots 150] [--repeats 20] [--minutes 0] [--rate 200]
        [--places 3000] [--outage 0] [--json]

Both get the same signals: every spot is seen once and then again and again, in random order. Both end with
the same cases, sightings, steps, time limits and messages, or the run fails. The plain version does what a
straightforward Django app does: one transaction a signal, a query for the open case, a save for whatever
changed. It keeps no ledger, no hashes and no scope of rows, so it does less. Ratios within one run survive a
change of machine; seconds do not.

`--minutes 5` adds the burst: a second process adds `--rate` signals a second of `--places` places for so
long (200 a second for five minutes are 60,000), and a fire lane every two seconds; this one takes them in and
sends messages to a real endpoint, 20 a second at most. Told are what was lost, how old the oldest waiting
signal was, from a fire lane's signal to the message about it, how long messages took to drain, and memory.
`--outage 200` opens so many cases while the endpoint is down and kills the worker six times (kill -9): every
message has to arrive. PostgreSQL is started for the run, with fsync on.
"""

import argparse
import json
import os
import random
import shutil
import tempfile
import time
import uuid
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import case_burst

START = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
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
    print(f"load of the machine, 1 and 5 minutes: {report['load'][0]:.1f} {report['load'][1]:.1f}")
    if burst := report.get("burst"):
        print(
            f"burst: {burst['added']:,} of {burst['wanted']:,} signals added in {burst['adding_s']:.0f} s,"
            f" {burst['lost']} lost, oldest waiting {burst['oldest_p95_s']:.1f} s (p95);"
            f" {burst['messages']:,} messages, the last {burst['drained_s']:.0f} s after the last signal;"
            f" memory {burst['rss_before_mb']:.0f} MB to {burst['rss_after_mb']:.0f} MB"
        )
        print(
            f"{burst['lanes']} fire lanes: message {burst['lane_p95_s']:.1f} s after the signal at p95,"
            f" {burst['lane_worst_s']:.1f} s at worst"
        )
    if outage := report.get("outage"):
        print(
            f"outage: {outage['cases']} cases, {outage['kills']} x kill -9 of the worker:"
            f" {outage['messages']} messages, {outage['lost']} lost, done after {outage['seconds']:.0f} s"
        )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--spots", type=int, default=150)
    parser.add_argument("--repeats", type=int, default=20, help="times that a spot is seen again")
    parser.add_argument("--minutes", type=float, default=0, help="length of the burst; 0 for none")
    parser.add_argument("--rate", type=int, default=200, help="signals a second of the burst")
    parser.add_argument("--places", type=int, default=3000, help="places of the burst")
    parser.add_argument("--outage", type=int, default=0, help="cases that open while nobody can be told")
    parser.add_argument("--json", action="store_true")
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
    report["load"] = os.getloadavg()
    if options.minutes or options.outage:
        endpoint = case_burst.Endpoint(free_ports(1)[0])
        servers.callback(endpoint.close)
        case_burst.tell_everybody(endpoint)
    if options.minutes:
        report["burst"] = case_burst.pour(dsn, endpoint, options.minutes, options.rate, options.places)
    if options.outage:
        report["outage"] = case_burst.break_down(dsn, endpoint, options.outage)
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


if __name__ == "__main__":
    main()
