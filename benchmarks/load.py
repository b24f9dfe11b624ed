"""How fast a CSV delivery in the lake becomes loaded rows, against the server's own COPY, pandas and dlt.

    .venv/bin/python benchmarks/load.py [--rows 1000000] [--dirty 0.01] [--repeat 3] [--small 40] [--json]
    .venv/bin/python benchmarks/load.py --rows 10000000 --only copy,loader

The delivery is a register of 12 columns (`load_city`), some rows of which are bad in five ways: a check
character, a day that does not exist, a kind of entity nobody knows, words for a number, a negative number.

- `copy`: PostgreSQL's COPY of the file from its own disk into a plain table of the same types; a row it
  cannot read is dropped, whatever else is wrong gets in.
- `loader`: what the gate does but for Great Expectations: fetch the object from S3 and check its hash,
  stage it typed, evaluate every row rule of the dataset's expectations, find repeated keys, then good rows
  to the raw table, bad rows with their reasons and their record to the quarantine, and the batch in the
  manifest settled, in one transaction.
- `gate`: the same and Great Expectations' verdict, as `citybrain` runs it; the first batch of the process
  pays for the import, which is told apart. `--small` further deliveries of 200 rows tell what a batch costs.
- `pandas`: `read_csv`, then `DataFrame.to_sql` with its defaults; no check at all.
- `dlt`: `load_dlt.py`, in an environment of its own (`requirements/bench.txt`, made when missing).

pandas and dlt load `--peer-rows` rows; rates are compared. Each runs in a process of its own, whose peak
memory is told. Ratios within one run survive a change of machine; seconds do not. PostgreSQL and S3 are
started for the run, with fsync on.
"""

import argparse
import csv
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
CITY = HERE / "load_city"
DATASET = "bench_register"
ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
KINDS = ("有限责任公司", "个体工商户", "股份有限公司", "农民专业合作社")
VILLAGES = [f"341602001{number:03d}" for number in range(1, 901)]
TYPES = {
    "uscc": "text",
    "name": "text",
    "entity_kind": "text",
    "industry_code": "text",
    "status": "text",
    "established_on": "date",
    "closed_on": "date",
    "registered_capital_wan": "numeric",
    "employees": "integer",
    "village_code": "text",
    "address": "text",
    "updated_at": "timestamptz",
}
HEADERS = ["统一社会信用代码", "企业名称", "主体类型", "行业代码", "登记状态", "成立日期", "注销日期", "注册资本(万元)", "从业人数", "所在村社区代码", "住所", "更新时间"]  # fmt: skip  # noqa: E501
SERVICES = ("postgres", "s3")
PORTS = ("postgres", "s3", "s3_master", "s3_volume", "s3_filer")
PARTS = ("copy", "loader", "gate", "pandas", "dlt")
SMALL_ROWS = 200


def main() -> None:
    options = _options()
    if options.part is not None:
        print(json.dumps(_IN_PROCESS[options.part](options)))
        return
    folder = Path(tempfile.mkdtemp(prefix="citybrain-bench-", dir="/tmp"))  # PostgreSQL's user must reach it
    folder.chmod(0o711)
    try:
        report = _run(options, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(json.dumps(report) if options.json else _table(report))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--peer-rows", type=int, help="rows for pandas and dlt; default: a fifth of --rows")
    parser.add_argument("--dirty", type=float, default=0.01, help="share of bad rows")
    parser.add_argument(
        "--repeat", type=int, default=3, help="runs of copy, loader and gate; the best counts"
    )
    parser.add_argument("--small", type=int, default=40, help=f"further deliveries of {SMALL_ROWS} rows")
    parser.add_argument("--only", type=lambda text: text.split(","), default=list(PARTS))
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--part", choices=("loader", "gate", "pandas"), help=argparse.SUPPRESS)
    parser.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


def _run(options: argparse.Namespace, folder: Path) -> dict:
    from citybrain.stack.ports import free_ports

    for name in [name for name in os.environ if name.startswith("CITYBRAIN_")]:
        del os.environ[name]
    os.environ |= {
        "CITYBRAIN_HOME": str(folder),
        "CITYBRAIN_MQTT": "off",
        "CITYBRAIN_MAX_OBJECT_MB": "16384",
    }
    for name, port in zip(PORTS, free_ports(len(PORTS)), strict=True):
        os.environ[f"CITYBRAIN_{name.upper()}_PORT"] = str(port)
    from citybrain.settings import get_settings
    from citybrain.stack import up

    settings = get_settings()
    try:
        _start(settings)
        # From here on, the content of the platform is the benchmark's.
        os.environ["CITYBRAIN_PROJECT"] = str(CITY)
        get_settings.cache_clear()
        return _measure(options, folder)
    finally:
        up.down(settings)


def _start(settings) -> None:
    """PostgreSQL and S3 as `make up` starts them."""
    from rich.console import Console

    from citybrain.stack import postgres, setup, up
    from citybrain.stack.progress import Steps
    from citybrain.stack.services import services
    from citybrain.stack.supervision import Supervisor

    up.make_folders(settings)
    postgres.initialise(settings)
    supervisor = Supervisor(settings)
    up.start_supervisor(supervisor)
    by_name = {service.name: service for service in services(settings)}
    steps = Steps(Console(stderr=True))
    up.start_services(supervisor, [by_name["postgres"]], steps)
    setup.prepare_warehouse(settings)
    up.start_services(supervisor, [by_name[name] for name in SERVICES], steps)


def _measure(options: argparse.Namespace, folder: Path) -> dict:
    path = folder / "register.csv"
    bad = write_register(path, options.rows, options.dirty)
    path.chmod(0o644)
    report = {"rows": options.rows, "bad": bad, "mb": path.stat().st_size / 1e6, "parts": {}}
    parts = report["parts"]
    if "copy" in options.only:
        parts["copy"] = {"seconds": _best(options.repeat, lambda: _server_copy(path))}
    if "loader" in options.only:
        _land(folder, path, options.repeat)
        parts["loader"] = _in_process("loader", options)
        _require(parts["loader"], options.repeat, options.rows, bad)
    if "gate" in options.only:
        _land(folder, path, options.repeat + 1)
        parts["gate"] = _in_process("gate", options)
        _require(parts["gate"], options.repeat + 1, options.rows, bad)
    few = folder / "peers.csv"
    report["peer_rows"] = options.peer_rows or options.rows // 5
    if {"pandas", "dlt"} & set(options.only):
        write_register(few, report["peer_rows"], options.dirty)
    if "pandas" in options.only:
        parts["pandas"] = _in_process("pandas", options, few)
    if "dlt" in options.only:
        parts["dlt"] = _dlt(folder, few)
    return report


def _land(folder: Path, path: Path, count: int) -> None:
    """Deliveries of the same rows, through the connector's own landing. One more row tells them apart."""
    from citybrain.ingest import gate_landed_batches, land_file

    villages = folder / "villages.csv"
    if not villages.exists():
        villages.write_text("\n".join(["code", *VILLAGES, ""]))
        land_file("bench_village", villages)
        [outcome] = gate_landed_batches()
        assert outcome.state == "loaded", outcome
    for number in range(count):
        delivery = folder / f"delivery_{time.monotonic_ns()}.csv"
        shutil.copyfile(path, delivery)
        with delivery.open("a", encoding="utf-8") as file:
            file.write(_one_more(time.monotonic_ns() % 10_000_000))
        assert land_file(DATASET, delivery).landed, number
        delivery.unlink()


def _one_more(number: int) -> str:
    """A good row with a code that the register does not have."""
    return f"{_with_check_character(f'91341603MA{number:07d}')},亳州第{number}商贸有限公司,个体工商户,F5191,存续,2001-02-03,,1.5,3,{VILLAGES[0]},安徽省亳州市,2026-01-01T08:30:00+08:00\n"  # noqa: E501


def _require(part: dict, batches: int, rows: int, bad: int) -> None:
    """Every planted row is in the quarantine, and nothing else is."""
    found = part["batches"][-batches:] if "small" not in part else part["batches"]
    assert found == [[rows + 1, rows + 1 - bad, bad]] * batches, (found, rows, bad)


def _in_process(part: str, options: argparse.Namespace, file: Path | None = None) -> dict:
    command = [sys.executable, str(Path(__file__).resolve()), "--part", part, "--repeat", str(options.repeat)]
    command += ["--small", str(options.small)]
    if file is not None:
        command += ["--file", str(file)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def _loader(options: argparse.Namespace) -> dict:
    """Settle what has landed without Great Expectations: seconds of the best batch, and what became of
    each."""
    from citybrain.catalogue import load_datasets
    from citybrain.ingest.early_checks import early_checks
    from citybrain.ingest.gate import gets_own_table
    from citybrain.ingest.judging import Judgement, find_bad_lines
    from citybrain.ingest.manifest import claim_next, get_batch, new_claimant
    from citybrain.ingest.settle import settle_loaded
    from citybrain.ingest.stage import stage_delivery
    from citybrain.lake import arriving, spool_folder
    from citybrain.quality import Card, expectations_for
    from citybrain.settings import DatabaseRole, get_settings
    from citybrain.warehouse.connection import connect
    from citybrain.warehouse.raw_tables import prepare_raw_table

    settings = get_settings()
    dataset = load_datasets(settings)[DATASET]
    expectations = expectations_for(DATASET, settings)
    prepare_raw_table(settings, dataset)
    claimant = new_claimant("gate")
    seconds, batches, before = [], [], _rss_mb()
    with connect(settings, DatabaseRole.LOADER, claimant, timedelta(hours=1), autocommit=True) as connection:
        for _ in range(options.repeat):
            started = time.perf_counter()
            batch = claim_next(connection, claimant, timedelta(minutes=30), [], [])
            own_table = gets_own_table(settings, batch)
            with ExitStack() as stack:
                path = stack.enter_context(spool_folder(settings)) / "delivery"
                checks = early_checks(settings, claimant, batch, expectations)
                early = stack.enter_context(checks) if own_table else None
                with arriving(settings, "landing", batch.object_key, path, batch.sha256) as delivery:
                    staged = stage_delivery(connection, dataset, batch.batch_id, delivery, own_table, early)
                results = find_bad_lines(connection, staged, batch, expectations, early=early)
                settle_loaded(connection, batch, claimant, staged, Judgement(Card.GREEN, results, None))
            seconds.append(time.perf_counter() - started)
            done = get_batch(connection, batch.batch_id)
            batches.append([done.rows_in, done.rows_loaded, done.rows_quarantined])
    return {"seconds": min(seconds), "mb": _rss_mb(), "mb_before": before, "batches": batches}


def _gate(options: argparse.Namespace) -> dict:
    """The gate as it stands, one batch a run; then many small ones in one run of the same process."""
    from citybrain.ingest import gate_landed_batches, land_file
    from citybrain.lake import spool_folder
    from citybrain.settings import get_settings

    seconds, batches = [], []
    for _ in range(options.repeat + 1):
        started = time.perf_counter()
        [outcome] = gate_landed_batches(limit=1)
        seconds.append(time.perf_counter() - started)
        assert outcome.state == "loaded", outcome
        batches.append([outcome.rows_in, outcome.rows_loaded, outcome.rows_quarantined])
    best = min(seconds[1:])
    found = {"seconds": best, "import_seconds": seconds[0] - best, "mb": _rss_mb(), "batches": batches}
    with spool_folder(get_settings()) as folder:
        for number in range(options.small):
            few = folder / f"few_{number}.csv"
            write_register(few, SMALL_ROWS, 0.01, number)
            land_file(DATASET, few)
    started, used = time.perf_counter(), time.process_time()
    outcomes = gate_landed_batches(limit=options.small)
    assert [outcome.rows_in for outcome in outcomes] == [SMALL_ROWS] * options.small
    found["small"] = {
        "batches": options.small,
        "seconds_each": (time.perf_counter() - started) / max(options.small, 1),
        "cpu_each": (time.process_time() - used) / max(options.small, 1),
    }
    return found


def _pandas(options: argparse.Namespace) -> dict:
    import pandas
    from sqlalchemy import create_engine

    from citybrain.settings import DatabaseRole, get_settings

    url = get_settings().dsn(DatabaseRole.LOADER, "postgresql+psycopg")
    started = time.perf_counter()
    frame = pandas.read_csv(options.file)
    with create_engine(url).begin() as connection:
        frame.to_sql("bench_pandas", connection, schema="stage", if_exists="replace", index=False)
    return {"seconds": time.perf_counter() - started, "mb": _rss_mb()}


_IN_PROCESS: dict[str, Callable[[argparse.Namespace], dict]] = {
    "loader": _loader,
    "gate": _gate,
    "pandas": _pandas,
}


def _dlt(folder: Path, path: Path) -> dict:
    """dlt's own figures, from its own environment."""
    from citybrain.settings import get_settings

    python = ROOT / ".venv-bench" / "bin" / "python"
    if not python.exists():
        subprocess.run([ROOT / "scripts" / "bench.sh"], check=True)
    work = folder / "dlt"
    work.mkdir()
    done = subprocess.run(
        [python, HERE / "load_dlt.py", path, get_settings().admin_url.rpartition("/")[0] + "/city"],
        stdout=subprocess.PIPE, text=True, check=True, cwd=work,
    )  # fmt: skip
    return json.loads(done.stdout.splitlines()[-1])


def _server_copy(path: Path) -> float:
    import psycopg

    from citybrain.settings import get_settings

    columns = ", ".join(f"{name} {kind}" for name, kind in TYPES.items())
    with psycopg.connect(get_settings().admin_url, dbname="city", autocommit=True) as admin:
        admin.execute("DROP TABLE IF EXISTS public.bench_copy")
        admin.execute(f"CREATE TABLE public.bench_copy ({columns})")
        started = time.perf_counter()
        # A bad date would stop it: the server's own way to go on is to drop the row.
        admin.execute(
            f"COPY public.bench_copy FROM '{path}'"
            " (FORMAT csv, HEADER, ON_ERROR ignore, LOG_VERBOSITY silent)"
        )
        seconds = time.perf_counter() - started
        admin.execute("DROP TABLE public.bench_copy")
    return seconds


def _best(repeat: int, job: Callable[[], float]) -> float:
    return min(job() for _ in range(repeat))


def _rss_mb() -> float:
    """The most memory of this process. `getrusage` would tell its parent's, which a fork hands down."""
    [peak] = [line for line in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in line]
    return int(peak.split()[1]) / 1024


def _table(report: dict) -> str:
    parts = report["parts"]
    size = f"{report['rows']:,} rows x {len(TYPES)} columns, {report['mb']:.0f} MB"
    lines = [f"{size}, {report['bad']:,} of them bad"]
    copied = parts.get("copy", {}).get("seconds")
    for name, part in parts.items():
        rows = report["peer_rows"] if name in ("pandas", "dlt") else report["rows"]
        rate = rows / part["seconds"]
        line = f"{name:8} {part['seconds']:8.2f} s {rate:12,.0f} rows/s"
        if copied:
            line += f" {rate / (report['rows'] / copied):6.2f} x COPY"
        if "mb" in part:
            line += f" {part['mb']:8.0f} MB"
        if name in ("pandas", "dlt"):
            line += f"   ({rows:,} rows)"
        lines.append(line)
    for peer in ("pandas", "dlt"):
        if peer in parts and "loader" in parts:
            ratio = (
                report["rows"] / parts["loader"]["seconds"] / (report["peer_rows"] / parts[peer]["seconds"])
            )
            lines.append(f"loader is {ratio:.1f} x {peer}")
    if "gate" in parts:
        gate, small = parts["gate"], parts["gate"]["small"]
        if "loader" in parts:
            more = gate["seconds"] - parts["loader"]["seconds"]
            lines.append(f"Great Expectations: {more:+.2f} s on this batch (its rules need no second look)")
        lines.append(f"gate: {gate['import_seconds']:.1f} s once per process for the import")
        lines.append(
            f"gate: {small['batches']} deliveries of {SMALL_ROWS} rows: {small['seconds_each']:.2f} s"
            f" ({small['cpu_each']:.2f} s CPU) each"
        )
    return "\n".join(lines)


def write_register(path: Path, rows: int, dirty: float, seed: int = 1) -> int:
    """An enterprise register in the shape of the demo city's; the same file for the same seed. How many
    are bad."""
    dice = random.Random(seed)
    opened = datetime(1990, 1, 1, tzinfo=UTC).date()
    bad = 0
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(HEADERS)
        for number in range(rows):
            code = _with_check_character(f"91341602MA{number:07d}")
            since = (opened + timedelta(days=number % 12_000)).isoformat()
            kind, capital = KINDS[number % 4], f"{dice.randrange(1, 10_000)}.{number % 100:02d}"
            employees = str(dice.randrange(1, 500))
            if dice.random() < dirty:
                match bad % 5:
                    case 0:
                        code = code[:-1] + ("A" if code[-1] != "A" else "B")
                    case 1:
                        since = "2001-02-30"
                    case 2:
                        kind = "不明"
                    case 3:
                        capital = "十二"
                    case _:
                        employees = "-5"
                bad += 1
            row = [code, f"亳州第{number}商贸有限公司", kind, "F5191", "存续", since, "", capital, employees]
            row += [VILLAGES[number % 900], f"安徽省亳州市谯城区花戏楼街道第{number % 977}号"]
            writer.writerow([*row, f"2026-01-{number % 28 + 1:02d}T08:30:00+08:00"])
    return bad


_WEIGHTS = [pow(3, position, 31) for position in range(17)]


def _with_check_character(first: str) -> str:
    total = sum(map(int.__mul__, map(ALPHABET.index, first), _WEIGHTS))
    return first + ALPHABET[-total % 31]


if __name__ == "__main__":
    main()
