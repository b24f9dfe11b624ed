"""How fast the desk answers people who work at once over half a million cases, and how much each page asks.

    .venv/bin/python benchmarks/desk.py [--cases 500000] [--open 5000] [--users 20] [--seconds 120] [--json]
        [--home FOLDER [--fill-only]]

PostgreSQL and the site (two gunicorn processes, as the stack runs it) are started for the run and filled
with cases of five years, one in a hundred open; open ones have their steps on the ledger, and every other
one a conversation. `--users` people then sign in and work without a pause longer than three seconds:
dispatchers through the city's queue, its map, single cases and what they look up, on the desk and on the
phone, handlers through the cases of their own organisation, a command page that asks every five seconds.
They are played by Locust in an environment of its own (`requirements/bench.txt`, made when missing), on the
same processors. Told are milliseconds at p50 and p95 by page, and how many queries a page makes. A page
with more than 60 queries, or a failed request, ends the run with an error. Filling takes minutes and is not
measured: with `--home` the filled database stays in that folder, which PostgreSQL's user must be able to
reach, and the next run measures at once. Figures depend on the machine: compare runs of one.
"""

import argparse
import csv
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
MOST_QUERIES = 60
LOCUST = ROOT / ".venv-bench" / "bin" / "locust"
PAGES = {
    "queue": "/cases/?show=open",
    "queue, late": "/cases/?show=open&overdue=yes",
    "queue, all": "/cases/?show=all",
    "queue, county": "/cases/?show=all&county=341621",
    "queue, looked up": "/cases/?q={place}",
    "case": "/cases/{number}/",
    "map": "/cases/map/",
    "map points": "/cases/map/points/?show=open",
    "counts": "/cases/counts/",
    "case on the phone": "/phone/{number}/",
    "looked up on the phone": "/phone/find/?q={place}",
    "command state": "/command/state/",
}
PLACE = "示范路1234号"  # what people look up: a few of the cases lie there
# One in `every` is open; each has five steps, an open one a running limit. Positions lie around the city.
CASES = """
INSERT INTO ops.event_case (number, scenario, class_code, class_scheme, class_version, class_big, class_small,
    title, place_id, place_name, area_code, grid_code, lon, lat, source_kind, source_kinds, source_id, zone,
    state, lead_id, handler_id, urgent, found_at, filed_at, closed_at, sightings, rework_count, origin,
    version)
SELECT 'BZ-' || to_char(found_at, 'YYYYMMDD') || '-' || lpad(n::text, 7, '0'), 'street_order',
    'exposed_rubbish', scheme, version, '99', '01', '暴露垃圾', 'P' || n %% 20000,
    '示范路' || n %% 20000 || '号',
    (ARRAY['341602001001', '341621001001', '341622001001', '341623001001'])[1 + n %% 4], '',
    115.3 + (n::bigint * 7919 %% 10000) * 0.00018, 32.5 + (n::bigint * 104729 %% 10000) * 0.00017,
    'video', '["video"]', 'BENCH' || n, '', state, lead, handlers[1 + n %% cardinality(handlers)], false,
    found_at, found_at + interval '5 minutes',
    CASE WHEN state = 'closed' THEN found_at + interval '3 hours' END, 1, 0, 'synthetic', 5
FROM (
    SELECT n, now() - (interval '1825 days' * (1 - n::float8 / %(cases)s)) AS found_at,
        CASE WHEN n %% %(every)s <> 0 THEN 'closed'
            ELSE (ARRAY['filed', 'dispatched', 'accepted', 'handling', 'checking'])[1 + n / %(every)s %% 5]
        END AS state
    FROM generate_series(1, %(cases)s) AS n
) AS made,
(SELECT scheme, version FROM ops.case_class_edition ORDER BY id DESC LIMIT 1) AS edition,
(SELECT id AS lead FROM ops.organisation WHERE code = 'urban_management') AS led,
(SELECT array_agg(id ORDER BY id) AS handlers FROM ops.organisation) AS handling
"""
STEPS = """
INSERT INTO ops.transition (case_id, version, from_state, to_state, action, reason, rules_version, at, data)
SELECT c.id, step.version, step.origin, CASE WHEN step.version = 5 THEN c.state ELSE step.state END,
    step.action, '', 1, c.found_at + step.version * interval '5 minutes', '{}'
FROM ops.event_case AS c, (VALUES (1, '', 'detected', 'register'), (2, 'detected', 'confirmed', 'confirm'),
    (3, 'confirmed', 'filed', 'file'), (4, 'filed', 'dispatched', 'dispatch'),
    (5, 'dispatched', 'closed', 'pass_check')) AS step (version, origin, state, action)
"""
LIMITS = """
INSERT INTO ops.clock (case_id, stage, state, unit, budget, consumed_seconds, started_at, due_at, overdue,
    provisional, level)
SELECT id, 'handle', CASE WHEN state = 'closed' THEN 'stopped' ELSE 'running' END, 'working_hour', 4, 0,
    now() - interval '1 hour',
    CASE WHEN state <> 'closed' THEN now() + (id % 300 - 60) * interval '1 minute' END, false, false, 0
FROM ops.event_case
"""
AROUND_NOW = """
UPDATE ops.clock SET due_at = now() + (case_id % 300 - 60) * interval '1 minute' WHERE state = 'running'
"""
# What the ledger holds of the steps above, as `proof` reads it.
LEDGER = """
SELECT count(ledger.append('case_transition', 'case:' || number, jsonb_build_object('version', version,
    'action', action, 'from', from_state, 'to', to_state, 'actor', NULL, 'organisation_id', NULL,
    'reason', '', 'rules_version', 1, 'data', '{}'::jsonb,
    'at', to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"'))))
FROM (
    SELECT c.number, t.* FROM ops.transition AS t JOIN ops.event_case AS c ON c.id = t.case_id
    WHERE c.state <> 'closed' ORDER BY t.case_id, t.version
) AS steps
"""
# Two people write on every other open case; each in their own name, as the table demands.
MESSAGES = """
INSERT INTO ops.case_message (case_id, author_id, organisation_id, role, text, key, at)
SELECT c.id, p.id, p.organisation_id, 'dispatcher', '请尽快到场，并回复处置时间',
    'bench-' || p.id || '-' || said, now() - interval '20 minutes' + said * interval '1 minute'
FROM ops.event_case AS c, ops.person AS p, generate_series(1, 3) AS said
WHERE p.id = %(author)s AND c.state <> 'closed' AND c.id / %(every)s %% 2 = 0
"""


def main() -> None:
    options = _options()
    if not LOCUST.exists():
        subprocess.run([ROOT / "scripts" / "bench.sh"], check=True)
    folder = options.home or Path(tempfile.mkdtemp(prefix="citybrain-bench-", dir="/tmp"))
    folder.mkdir(exist_ok=True)
    folder.chmod(0o711)  # PostgreSQL's user must reach it
    try:
        with ExitStack() as servers:
            report = _run(options, folder, servers)
    finally:
        if not options.home:
            shutil.rmtree(folder, ignore_errors=True)
    if options.fill_only:
        print(f"filled in {report['filled_s']} s: {folder}")
        return
    if options.json:
        print(json.dumps(report, ensure_ascii=False))
    else:
        _print(report)
    too_many = [name for name, count in report["queries"].items() if count > MOST_QUERIES]
    if too_many or report["failures"]:
        sys.exit(f"more than {MOST_QUERIES} queries: {too_many}; failed requests: {report['failures']}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cases", type=int, default=500_000)
    parser.add_argument("--open", type=int, default=5_000, help="of the cases")
    parser.add_argument("--users", type=int, default=20)
    parser.add_argument("--seconds", type=int, default=120)
    parser.add_argument("--json", action="store_true")
    parser.add_argument(
        "--home", type=Path, help="keep the filled database here, and use the one that is there"
    )
    parser.add_argument("--fill-only", action="store_true", help="measure nothing; needs --home")
    options = parser.parse_args()
    if options.fill_only and not options.home:
        parser.error("--fill-only needs --home")
    return options


def _run(options: argparse.Namespace, folder: Path, servers: ExitStack) -> dict[str, Any]:
    os.environ["CITYBRAIN_HOME"] = str(folder)
    os.environ["CITYBRAIN_DEMO"] = "false"
    from citybrain.settings import get_settings
    from citybrain.stack import desk, postgres
    from citybrain.stack.ports import free_ports
    from citybrain.stack.setup import prepare_desk, prepare_warehouse

    ports = free_ports(2)
    os.environ["CITYBRAIN_POSTGRES_PORT"], os.environ["CITYBRAIN_DESK_PORT"] = map(str, ports)
    settings = get_settings()
    server = postgres.start(settings, {"shared_buffers": "512MB", "max_wal_size": "4GB"})
    servers.callback(postgres.stop, server)
    for made in (settings.log_dir, settings.run_dir):
        made.mkdir(exist_ok=True)
    filled = folder / "filled"
    if not filled.exists():
        prepare_warehouse(settings)
    prepare_desk(settings)  # also on what was filled by an older desk
    os.environ["DJANGO_SETTINGS_MODULE"] = "citybrain.desk.settings"
    import django

    django.setup()
    began = time.perf_counter()
    people = _people(settings, options.users)
    if not filled.exists():
        _fill(settings, options, people["dispatchers"][:2])
        filled.touch()
    took = round(time.perf_counter() - began, 1)
    if options.fill_only:
        return {"filled_s": took}
    _limits_around_now(settings)
    numbers = _open_numbers()
    queries = _queries(people["dispatchers"][0], numbers[0])
    site = subprocess.Popen(
        desk.command("desk", settings),
        env=desk.environment(settings),
        cwd="/",
        stdout=(settings.log_dir / "desk.log").open("ab"),
        stderr=subprocess.STDOUT,
    )
    servers.callback(site.wait, 30)
    servers.callback(site.terminate)
    _wait_for(settings.desk_url)
    told = {**people, "numbers": numbers[:200], "password": settings.secret("desk_bench")}
    (folder / "people.json").write_text(json.dumps(told), encoding="utf-8")
    pages, failures = _play(settings.desk_url, folder, options)
    return {
        "cases": options.cases,
        "open": len(numbers),
        "users": options.users,
        "seconds": options.seconds,
        "filled_s": took,
        "pages": pages,
        "queries": queries,
        "failures": failures,
    }


def _fill(settings: Any, options: argparse.Namespace, writers: list[str]) -> None:
    """Cases, steps, limits and messages by plain INSERT: what is measured is reading them."""
    from citybrain.desk.accounts.models import User
    from citybrain.settings import DatabaseRole
    from citybrain.warehouse.connection import connect
    from citybrain.warehouse.row_scope import SYSTEM, RowScope, enter

    asked = {"cases": options.cases, "every": max(options.cases // options.open, 1)}
    with connect(settings, DatabaseRole.OWNER) as owner:
        enter(owner.cursor(), SYSTEM)
        owner.execute(CASES, asked)
        owner.execute(STEPS)
        owner.execute(LIMITS)
        for writer in User.objects.filter(username__in=writers):
            enter(owner.cursor(), RowScope("system", user_id=writer.pk))
            owner.execute(MESSAGES, {**asked, "author": writer.pk})
        owner.execute(LEDGER)
    with connect(settings, DatabaseRole.OWNER, autocommit=True) as owner:
        for table in ("event_case", "transition", "clock", "case_message"):
            owner.execute(f"VACUUM (ANALYZE) ops.{table}".encode())


def _limits_around_now(settings: Any) -> None:
    """A third of the running limits has passed, however long ago the database was filled."""
    from citybrain.settings import DatabaseRole
    from citybrain.warehouse.connection import connect
    from citybrain.warehouse.row_scope import SYSTEM, enter

    with connect(settings, DatabaseRole.OWNER) as owner:
        enter(owner.cursor(), SYSTEM)
        owner.execute(AROUND_NOW)


def _people(settings: Any, users: int) -> dict[str, list[str]]:
    """Half of them see the city, half one organisation; one watches the command page."""
    from django.contrib.auth.hashers import make_password
    from django.contrib.auth.models import Group

    from citybrain.desk.accounts.models import Organisation, User

    hashed = make_password(settings.secret("desk_bench"))
    homes = list(Organisation.objects.order_by("id"))
    made: dict[str, list[str]] = {"dispatchers": [], "handlers": [], "commanders": []}
    posts = {"dispatchers": "dispatcher", "handlers": "department_handler", "commanders": "command_centre"}
    for number in range(users + 1):
        kind = "commanders" if number == users else "dispatchers" if number % 2 == 0 else "handlers"
        person, _ = User.objects.get_or_create(
            username=f"bench_{number}",
            defaults={"password": hashed, "organisation": homes[number % len(homes)]},
        )
        person.groups.set(Group.objects.filter(name=posts[kind]))
        made[kind].append(person.username)
    return made


def _open_numbers() -> list[str]:
    from citybrain.events.models import ENDED, Case
    from citybrain.events.scope import as_system

    with as_system():
        return list(Case.objects.exclude(state__in=ENDED).order_by("-pk").values_list("number", flat=True))


def _queries(username: str, number: str) -> dict[str, int]:
    """By page, how many queries a dispatcher's look at it makes."""
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    from citybrain.desk.accounts.models import User

    client = Client(headers={"host": "127.0.0.1"})
    client.force_login(
        User.objects.get(username=username), backend="django.contrib.auth.backends.ModelBackend"
    )
    counts = {}
    for name, address in PAGES.items():
        with CaptureQueriesContext(connection) as captured:
            answer = client.get(address.format(number=number, place=PLACE))
        assert answer.status_code == 200, (name, answer.status_code)
        counts[name] = len(captured)
    return counts


def _wait_for(address: str) -> None:
    import httpx

    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            if httpx.get(f"{address}/-/health", timeout=5, trust_env=False).text == "ok":
                return
        except httpx.TransportError:
            time.sleep(0.2)
    sys.exit("the desk does not answer")


def _play(address: str, folder: Path, options: argparse.Namespace) -> tuple[dict[str, Any], int]:
    """Locust's own table: by page requests and milliseconds; and how many requests failed."""
    subprocess.run(
        [
            *(LOCUST, "--locustfile", HERE / "desk_people.py", "--headless", "--only-summary"),
            *("--host", address, "--users", str(options.users + 1), "--spawn-rate", "5"),
            *("--run-time", f"{options.seconds}s", "--csv", folder / "locust", "--exit-code-on-error", "0"),
        ],
        env={**os.environ, "BENCH_PEOPLE": str(folder / "people.json")},
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=None if sys.stderr.isatty() else subprocess.DEVNULL,
    )
    with (folder / "locust_stats.csv").open(encoding="utf-8") as table:
        rows = {row["Name"]: row for row in csv.DictReader(table)}
    pages = {
        name: {
            "requests": int(row["Request Count"]),
            "p50_ms": float(row["50%"]),
            "p95_ms": float(row["95%"]),
        }
        for name, row in sorted(rows.items())
        if name != "Aggregated" and not name.startswith("(")
    }
    return pages, int(rows["Aggregated"]["Failure Count"])


def _print(report: dict[str, Any]) -> None:
    print(
        f"{report['cases']:,} cases ({report['open']:,} open), {report['users']} people for"
        f" {report['seconds']} s, {report['failures']} failed requests"
    )
    print(f"{'page':24} {'requests':>9} {'p50 ms':>8} {'p95 ms':>8} {'queries':>8}")
    for name, page in report["pages"].items():
        queries = report["queries"].get(name, "")
        print(f"{name:24} {page['requests']:>9} {page['p50_ms']:>8.0f} {page['p95_ms']:>8.0f} {queries!s:>8}")


if __name__ == "__main__":
    main()
