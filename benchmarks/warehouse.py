"""Does a daily increment cost what came that day, or what has come in years?

    .venv/bin/python benchmarks/warehouse.py [--scale 0.1] [--months 1 6 24] [--tables 12] [--json]

A demo city of the scale is sent, landed, judged, loaded and built as the platform does it: seconds for each,
and what the gate caught of the defects planted in it, by kind. Its history is
then made longer in raw, a month at a time: what came daily or hourly comes again under earlier days, as
deliveries of their own. With each length one further day arrives, and the build after it is measured:
seconds, and the rows PostgreSQL read for it, in all and by table. Flat over the lengths is what is
wanted. Registers, monthly and yearly figures keep their length, and the desk records no cases here.
PostgreSQL and the object store are started for the run, with fsync on; the rows are copied inside the
server, so that memory does not grow with the scale. Figures are told as they are known, so that a run that
is cut off has told those it has; `--months 0` ends with the first build.
"""

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
from psycopg import sql

ENTERPRISES_OF_SCALE_1 = 200_000
MONTH = timedelta(days=30)
DAILY_AT_LEAST = timedelta(days=3)  # the arrival limit of what comes by the day or the hour
LONGEST_SENT = timedelta(days=70)  # datasets whose history the city sends for years are long already
TIMES = ("date", "timestamp", "timestamptz")


def main() -> None:
    options = _options()
    folder = Path(
        tempfile.mkdtemp(prefix="citybrain-bench-", dir=options.dir)
    )  # PostgreSQL's user must reach it
    folder.chmod(0o711)
    try:
        with ExitStack() as servers:
            report = _run(options, folder, servers)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if options.json:
        print(json.dumps(report, ensure_ascii=False))
        return
    first = report["first"]
    print(
        f"\nscale {options.scale}; written by the city {first['write']:.0f} s; landed {first['land']:.0f} s,"
        f" judged and loaded {first['gate']:.0f} s, built {first['build']:.0f} s"
    )
    print(
        f"{'months':>6} {'rows':>14} {'GB':>7} {'build of the history':>21}"
        f" {'increment':>10} {'rows read':>14}"
    )
    for length in report["lengths"]:
        print(
            f"{length['months']:6} {length['rows']:14,} {length['gb']:7.2f}"
            f" {length['history_seconds']:19.1f} s {length['seconds']:8.1f} s {length['rows_read']:14,}"
        )
        for table, rows in length["read_by_table"].items():
            print(f"{'':8}{table:48} {rows:14,} rows read")
    for table, size in report["tables"].items():
        print(f"{table:56} {size['rows']:14,} rows {size['gb']:8.3f} GB")
    print(
        f"peak memory of this process and of dbt: {report['rss_mb']:.0f} MB, {report['child_rss_mb']:.0f} MB"
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--scale", type=float, default=0.1)
    parser.add_argument("--months", type=int, nargs="+", default=[1, 6, 24], help="ascending lengths")
    parser.add_argument(
        "--tables", type=int, default=12, help="tables to name, the largest and the most read"
    )
    parser.add_argument(
        "--dir", default=tempfile.gettempdir(), help="where the servers of the run keep their files"
    )
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def _run(options: argparse.Namespace, folder: Path, servers: ExitStack) -> dict:
    settings = _started(options, folder, servers)
    from citybrain.settings import DatabaseRole

    first = _load_city(settings, servers)
    first["build"] = _build("the city")
    report: dict = {"first": first, "score": _score(settings), "lengths": []}
    total = first["land"] + first["gate"] + first["build"]
    print(f"first load and build of the city: {total:.0f} s", flush=True)
    with psycopg.connect(settings.dsn(DatabaseRole.OWNER), autocommit=True) as owner:
        daily, short = _daily_datasets(settings, owner)
        last_sent = owner.execute("SELECT max(batch_id) FROM meta.batch").fetchone()[0]
        print(f"made longer: {', '.join(short)}; long already: {', '.join(daily.keys() - short.keys())}")
        now = 1
        for number, months in enumerate(filter(None, options.months), start=1):
            while now < months:
                _copy(owner, short, last_sent, -now * MONTH, f"month {now + 1}")
                now += 1
            history = _build(f"{months} months")
            _copy(owner, daily, last_sent, timedelta(days=number), "one more day", newest_day=True)
            report["lengths"].append(_increment(options, owner, months) | {"history_seconds": history})
            _tell(report["lengths"][-1])
        report["tables"] = _sizes(owner, options.tables)
    report["rss_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    report["child_rss_mb"] = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    return report


def _started(options: argparse.Namespace, folder: Path, servers: ExitStack):
    from citybrain.stack.ports import free_ports

    names = ["postgres", "s3", "s3_master", "s3_volume", "s3_filer", "feeds", "desk"]
    os.environ["CITYBRAIN_HOME"] = str(folder)
    os.environ["CITYBRAIN_DEMO_ENTERPRISES"] = str(round(ENTERPRISES_OF_SCALE_1 * options.scale))
    for name, port in zip(names, free_ports(len(names)), strict=True):
        os.environ[f"CITYBRAIN_{name.upper()}_PORT"] = str(port)
    from citybrain.settings import get_settings
    from citybrain.stack import desk, postgres, seaweedfs
    from citybrain.stack.setup import run_setup
    from citybrain.warehouse.databases import prepare
    from citybrain.warehouse.migrations import upgrade

    settings = get_settings()
    store = seaweedfs.launch(settings)
    servers.callback(seaweedfs.kill, store)
    server = postgres.start(settings, {})
    servers.callback(postgres.stop, server)
    prepare(settings)
    upgrade(settings)
    seaweedfs.wait_ready(settings, store)
    settings.log_dir.mkdir(exist_ok=True)
    run_setup(
        "desk",
        desk.management("prepare"),
        desk.environment(settings),
        "",
        settings.log_dir / "desk-setup.log",
    )
    return settings


def _load_city(settings, servers: ExitStack) -> dict[str, float]:
    """Seconds of writing what the city sends, of landing it, and of judging and loading it."""
    from citybrain.catalogue import active_datasets
    from citybrain.ingest import gate_everything, land_dataset
    from citybrain.simulate import write_city

    seconds = {}
    began = time.perf_counter()
    sent = write_city(settings, datetime.now(UTC))
    seconds["write"] = time.perf_counter() - began
    rows = sum(delivery.rows for delivery in sent.sent)
    print(f"sent {rows:,} rows in {len(sent.sent)} deliveries: {seconds['write']:.0f} s", flush=True)
    settings.feeds_dir.mkdir(parents=True, exist_ok=True)
    feeds = subprocess.Popen(
        [sys.executable, "-m", "http.server", str(settings.feeds_port), "--bind", "127.0.0.1"],
        cwd=settings.feeds_dir,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    servers.callback(feeds.wait)
    servers.callback(feeds.kill)
    time.sleep(1)
    began = time.perf_counter()
    for dataset in active_datasets(settings):
        land_dataset(dataset)
    seconds["land"] = time.perf_counter() - began
    print(f"landed: {seconds['land']:.0f} s", flush=True)
    began = time.perf_counter()
    outcomes = gate_everything()
    seconds["gate"] = time.perf_counter() - began
    loaded = sum(outcome.rows_loaded or 0 for outcome in outcomes)
    print(f"judged; loaded {loaded:,} rows: {seconds['gate']:.0f} s", flush=True)
    return seconds


def _score(settings) -> dict:
    """Planted and caught by dataset and kind, good rows and good rows held by dataset; told in short."""
    from citybrain.simulate.score import score_quarantine

    found = score_quarantine(settings)
    kinds = {
        f"{kind.dataset}.{kind.kind}": {"planted": kind.planted, "caught": kind.caught, "legal": kind.legal}
        for kind in found.kinds
    }
    good = {one.dataset: {"good": one.good, "held": one.good_held} for one in found.datasets if one.good}
    rows = sum(one["good"] for one in good.values())
    print(
        f"planted defects caught: {found.caught:,} of {found.planted:,}; good rows held:"
        f" {found.good_held:,} of {rows:,}",
        flush=True,
    )
    caught = {name: kind["caught"] / kind["planted"] for name, kind in kinds.items() if not kind["legal"]}
    for name in sorted(caught, key=lambda name: caught[name])[:5]:
        print(f"{'':8}{name:56} {caught[name]:7.2%} of {kinds[name]['planted']:,} caught", flush=True)
    held = {name: one["held"] / one["good"] for name, one in good.items()}
    for name in sorted(held, key=lambda name: -held[name])[:3]:
        print(f"{'':8}{name:56} {held[name]:7.3%} of {good[name]['good']:,} good rows held", flush=True)
    return {"kinds": kinds, "good": good}


def _build(what: str) -> float:
    """Seconds of a build. Raises RuntimeError when a model or a test fails."""
    from citybrain.warehouse.transform import build_warehouse

    began = time.perf_counter()
    report = build_warehouse()
    seconds = time.perf_counter() - began
    if report.failures:
        raise RuntimeError("\n".join(report.failures))
    print(f"built {what}: {seconds:.1f} s", flush=True)
    return seconds


def _daily_datasets(
    settings, owner: psycopg.Connection
) -> tuple[dict[str, dict[str, str]], dict[str, dict[str, str]]]:
    """How each column shifts, per dataset that comes daily or hourly; and those sent for a month or two."""
    from citybrain.catalogue import usable_datasets

    daily: dict[str, dict[str, str]] = {}
    short: dict[str, dict[str, str]] = {}
    for name, dataset in usable_datasets(settings).items():
        times = [column.name for column in dataset.columns if column.type in TIMES]
        if dataset.delivers != "increment" or not times or (dataset.arrival_sla or MONTH) > DAILY_AT_LEAST:
            continue
        row = owner.execute(
            sql.SQL("SELECT count(*), max({0}) - min({0}) FROM {1}").format(
                sql.Identifier(times[0]), sql.Identifier("raw", name)
            )
        ).fetchone()
        assert row is not None
        span = row[1] if isinstance(row[1], timedelta) else timedelta(days=row[1] or 0)
        if not row[0]:
            continue
        timeless_key = not set(dataset.key) & set(times)
        shifts = dict.fromkeys(times, "time")
        shifts |= {
            name: "text" for name in dataset.key if timeless_key and dataset.column(name).type == "text"
        }
        daily[name] = shifts
        if span <= LONGEST_SENT:
            short[name] = shifts
    return daily, short


def _copy(
    owner: psycopg.Connection,
    grown: dict[str, dict[str, str]],
    last_sent: int,
    shift: timedelta,
    what: str,
    newest_day: bool = False,
) -> None:
    """What the city sent of the daily datasets, once more under other days or, without them, numbers."""
    began, rows = time.perf_counter(), 0
    for name, shifts in grown.items():
        with owner.transaction():
            rows += _copy_dataset(owner, name, shifts, last_sent, shift, newest_day)
    print(f"  {what}: {rows:,} rows copied in {time.perf_counter() - began:.1f} s", flush=True)


def _copy_dataset(
    owner: psycopg.Connection,
    name: str,
    shifts: dict[str, str],
    last_sent: int,
    shift: timedelta,
    newest_day: bool,
) -> int:
    table = sql.Identifier("raw", name)
    first_time = sql.Identifier(next(column for column, how in shifts.items() if how == "time"))
    first = owner.execute("SELECT min(batch_id) FROM meta.batch WHERE dataset = %s", (name,)).fetchone()
    batch = owner.execute(
        "INSERT INTO meta.batch (dataset, object_key, sha256, bytes, source_name, source_version,"
        " logical_date, landed_at, state, rows_in, rows_loaded, rows_quarantined, rows_rejected, gated_at,"
        " settled_at)"
        " SELECT dataset, object_key || %(mark)s, encode(sha256((sha256 || %(mark)s)::bytea), 'hex'), bytes,"
        " source_name || %(mark)s, source_version, (logical_date + %(shift)s)::date, now(), 'loaded', 1, 1,"
        " 0, 0, now(), now() FROM meta.batch WHERE batch_id = %(first)s RETURNING batch_id",
        {"mark": f"/{shift.days}/{newest_day}", "shift": shift, "first": first[0]},
    ).fetchone()
    columns = [
        column
        for (column,) in owner.execute(
            "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0"
            " AND NOT attisdropped ORDER BY attnum",
            (f"raw.{name}",),
        )
    ]
    how = {
        "time": sql.SQL("{0} + {1}"),
        "text": sql.SQL("{0} || {2}"),
        "_batch_id": sql.SQL("{3}"),
        "_line": sql.SQL("row_number() OVER ()"),
        "_loaded_at": sql.SQL("now()"),
    }
    values = [
        how.get(shifts.get(column, column), sql.SQL("{0}")).format(
            sql.Identifier(column),
            sql.Literal(shift),
            sql.Literal(f"/{shift.days}"),
            sql.Literal(batch[0]),
        )
        for column in columns
    ]
    typed = [
        sql.SQL("({})::{}").format(value, sql.SQL("date"))
        if shifts.get(column) == "time" and kind == "date"
        else value
        for column, value, kind in zip(columns, values, _types(owner, name, columns), strict=True)
    ]
    source = sql.SQL("_batch_id <= {}").format(sql.Literal(last_sent))
    if newest_day:
        source = sql.SQL("{} AND {} > (SELECT max({}) FROM {} WHERE {}) - interval '1 day'").format(
            source, first_time, first_time, table, source
        )
    inserted = owner.execute(
        sql.SQL("INSERT INTO {} ({}) SELECT {} FROM {} WHERE {}").format(
            table,
            sql.SQL(", ").join(map(sql.Identifier, columns)),
            sql.SQL(", ").join(typed),
            table,
            source,
        )
    ).rowcount
    owner.execute(
        "UPDATE meta.batch SET rows_in = %s, rows_loaded = %s WHERE batch_id = %s",
        (inserted, inserted, batch[0]),
    )
    return inserted


def _types(owner: psycopg.Connection, name: str, columns: list[str]) -> list[str]:
    rows = owner.execute(
        "SELECT attname, format_type(atttypid, NULL) FROM pg_attribute WHERE attrelid = %s::regclass",
        (f"raw.{name}",),
    )
    kinds = dict(rows.fetchall())
    return [kinds[column] for column in columns]


def _increment(options: argparse.Namespace, owner: psycopg.Connection, months: int) -> dict:
    before, by_table = _read(owner)
    seconds = _build(f"one more day after {months} months")
    time.sleep(1)  # what a backend read is told a moment after it ended
    after, now_by_table = _read(owner)
    read = {table: rows - by_table.get(table, 0) for table, rows in now_by_table.items()}
    most = sorted(read.items(), key=lambda item: -item[1])[: options.tables]
    sizes = _sizes(owner, 10_000)
    return {
        "months": months,
        "seconds": seconds,
        "rows_read": after - before,
        "read_by_table": dict(most),
        "rows": sum(size["rows"] for size in sizes.values()),
        "gb": sum(size["gb"] for size in sizes.values()),
    }


def _tell(length: dict) -> None:
    """A length's figures as soon as there are any: the longest may take hours, and be cut off."""
    print(
        f"{length['months']} months: {length['rows']:,} rows, {length['gb']:.2f} GB; increment"
        f" {length['seconds']:.1f} s, {length['rows_read']:,} rows read",
        flush=True,
    )
    for table, rows in length["read_by_table"].items():
        print(f"{'':8}{table:48} {rows:14,} rows read", flush=True)


def _read(owner: psycopg.Connection) -> tuple[int, dict[str, int]]:
    """Rows read so far: in all, catalogue included, and by table that a build leaves standing."""
    total = owner.execute(
        "SELECT tup_returned FROM pg_stat_database WHERE datname = current_database()"
    ).fetchone()
    tables = owner.execute(
        "SELECT schemaname || '.' || relname, coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0)"
        " FROM pg_stat_user_tables WHERE schemaname IN ('raw', 'meta', 'ops', 'marts', 'snapshots')"
    )
    return total[0], dict(tables.fetchall())


def _sizes(owner: psycopg.Connection, most: int) -> dict[str, dict]:
    owner.execute("ANALYZE")
    rows = owner.execute(
        "SELECT n.nspname || '.' || c.relname, greatest(c.reltuples, 0)::bigint,"
        " pg_total_relation_size(c.oid) / 1e9"
        " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'r'"
        " AND n.nspname IN ('raw', 'quarantine', 'meta', 'intermediate', 'marts', 'marts_build', 'snapshots')"
        " ORDER BY 3 DESC LIMIT %s",
        (most,),
    )
    return {name: {"rows": count, "gb": float(gb)} for name, count, gb in rows}


if __name__ == "__main__":
    main()
