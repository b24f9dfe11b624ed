"""How fast a CSV delivery becomes loaded rows, against the server's own COPY and against pandas.

    .venv/bin/python benchmarks/load.py [--rows 200000] [--dirty 0.01] [--repeat 3] [--json]

The full job is what the gate does around Great Expectations: read and check the file, stage it typed,
evaluate the row predicates of the dataset's expectations, find doubled keys, then move the rows into the raw
table with its primary key and its lineage columns in one transaction. Great Expectations itself is not in the
figure. The server's COPY loads the same bytes from its own disk into a plain table of the same types. Ratios
within one run survive a change of machine; seconds do not. PostgreSQL is started for the run, with fsync on.
"""

import argparse
import csv
import json
import os
import random
import resource
import shutil
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import psycopg

ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
KINDS = ("有限责任公司", "个体工商户", "股份有限公司", "农民专业合作社")


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
    print(f"{report['rows']:,} rows x 10 columns, {report['mb']:.1f} MB, {options.dirty:.0%} bad rows")
    for name, seconds in report["seconds"].items():
        rate, ratio = report["rows"] / seconds, report["seconds"]["server-side COPY"] / seconds
        print(f"{name:28} {seconds:8.2f} s {rate:12,.0f} rows/s {ratio:6.2f} x server-side COPY")
    before, after = report["rss_before_mb"], report["rss_mb"]
    print(f"peak memory: {before:.0f} MB before the full job, {after:.0f} MB after it")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument(
        "--dirty",
        type=float,
        default=0.0,
        help="share of rows with a credit code that is wrong, or a bad date",
    )
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--without-pandas", action="store_true")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def _run(options: argparse.Namespace, folder: Path, servers: ExitStack) -> dict:
    os.environ["CITYBRAIN_HOME"] = str(folder)
    from citybrain.settings import DatabaseRole, get_settings
    from citybrain.stack import postgres
    from citybrain.stack.ports import free_ports
    from citybrain.warehouse.databases import prepare
    from citybrain.warehouse.migrations import upgrade

    os.environ["CITYBRAIN_POSTGRES_PORT"] = str(free_ports(1)[0])
    settings = get_settings()
    server = postgres.start(settings, {"shared_buffers": "256MB", "max_wal_size": "4GB"})
    servers.callback(postgres.stop, server)
    prepare(settings)
    upgrade(settings)
    path = folder / "register.csv"
    write_register(path, options.rows, options.dirty)
    path.chmod(0o644)

    job, rss = _full_job(settings, path), {}
    rss["before"] = _rss_mb()
    seconds = {"full job": _best(options.repeat, job)}
    rss["after"] = _rss_mb()
    with psycopg.connect(settings.admin_url, dbname="city", autocommit=True) as admin:
        seconds["server-side COPY"] = _best(options.repeat, lambda: _server_copy(admin, path))
    if not options.without_pandas:
        seconds["pandas.to_sql"] = _best(
            1, lambda: _pandas(settings.dsn(DatabaseRole.LOADER, "postgresql+psycopg"), path)
        )
    size = path.stat().st_size / 1e6
    return {
        "rows": options.rows,
        "mb": size,
        "seconds": seconds,
        "rss_mb": rss["after"],
        "rss_before_mb": rss["before"],
    }


def _best(repeat: int, job: Callable[[], float]) -> float:
    return min(job() for _ in range(repeat))


def _rss_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _full_job(settings, path: Path) -> Callable[[], float]:
    """One run: a new batch of the enterprise register from the file to the raw table. Returns its seconds."""
    from citybrain.catalogue import load_datasets
    from citybrain.ingest.judging import Judgement, find_bad_lines
    from citybrain.ingest.manifest import NewBatch, claim_next, new_claimant, register
    from citybrain.ingest.settle import settle_loaded
    from citybrain.ingest.stage import stage_delivery
    from citybrain.quality import Card, expectations_for
    from citybrain.settings import DatabaseRole
    from citybrain.warehouse.connection import connect
    from citybrain.warehouse.raw_tables import prepare_raw_table

    declared = load_datasets(settings)
    dataset = declared["enterprise_register"]
    dataset = dataset.model_copy(update={"format": dataset.format.model_copy(update={"encoding": "utf-8"})})
    expectations = expectations_for(dataset.id, settings)
    for needed in (dataset, *expectations.references.values()):
        prepare_raw_table(settings, needed)

    def run() -> float:
        claimant = new_claimant("gate")
        with connect(settings, DatabaseRole.LOADER, claimant, autocommit=True) as connection:
            number = connection.execute("SELECT count(*) FROM meta.batch").fetchone()[0]
            new = NewBatch(dataset.id, f"bench/{number}", f"{number:064x}", 1, "bench", "v", date(2026, 1, 1))
            register(connection, new)
            started = time.perf_counter()
            batch = claim_next(connection, claimant, timedelta(minutes=5), [], [])
            staged = stage_delivery(connection, dataset, batch.batch_id, path)
            results = find_bad_lines(connection, staged, batch, expectations)
            settle_loaded(connection, batch, claimant, staged, Judgement(Card.GREEN, results, None))
            return time.perf_counter() - started

    return run


COLUMNS = {
    "uscc": "text",
    "name": "text",
    "entity_kind": "text",
    "industry_code": "text",
    "status": "text",
    "established_on": "date",
    "closed_on": "date",
    "registered_capital_wan": "numeric",
    "village_code": "text",
    "address": "text",
}
HEADERS = ["统一社会信用代码", "企业名称", "主体类型", "行业代码", "登记状态", "成立日期", "注销日期", "注册资本(万元)", "所在村社区代码", "住所"]  # fmt: skip  # noqa: E501


def _server_copy(admin: psycopg.Connection, path: Path) -> float:
    columns = ", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())
    admin.execute("DROP TABLE IF EXISTS public.bench_copy")
    admin.execute(f"CREATE TABLE public.bench_copy ({columns})")
    started = time.perf_counter()
    # A bad date would stop it: the server's own way to go on is to drop the row.
    admin.execute(
        f"COPY public.bench_copy FROM '{path}' (FORMAT csv, HEADER, ON_ERROR ignore, LOG_VERBOSITY silent)"
    )
    return time.perf_counter() - started


def _pandas(url: str, path: Path) -> float:
    import pandas
    from sqlalchemy import create_engine

    started = time.perf_counter()
    frame = pandas.read_csv(path, dtype=str)
    with create_engine(url).begin() as connection:
        frame.to_sql("bench_pandas", connection, schema="stage", if_exists="replace", index=False)
    return time.perf_counter() - started


def write_register(path: Path, rows: int, dirty: float) -> None:
    """An enterprise register in the shape of the demo city's; the same file every time."""
    dice = random.Random(1)
    opened = datetime(1990, 1, 1, tzinfo=UTC).date()
    weights = [pow(3, position, 31) for position in range(17)]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(HEADERS)
        for number in range(rows):
            first = f"91341602MA{number:07d}"
            total = sum(
                ALPHABET.index(character) * weight for character, weight in zip(first, weights, strict=True)
            )
            code = first + ALPHABET[-total % 31]
            since = (opened + timedelta(days=number % 12_000)).isoformat()
            if dice.random() < dirty:
                code, since = (code[:-1] + "I", since) if number % 2 else (code, "2001-02-30")
            capital = f"{dice.randrange(1, 10_000)}.{number % 100:02d}"
            address = f"安徽省亳州市谯城区花戏楼街道第{number % 977}号"
            writer.writerow(
                [
                    code,
                    f"亳州第{number}商贸有限公司",
                    KINDS[number % 4],
                    "F5191",
                    "存续",
                    since,
                    "",
                    capital,
                    "341602001001",
                    address,
                ]
            )


if __name__ == "__main__":
    main()
