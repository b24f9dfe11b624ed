"""How many device readings a second reach the lake by MQTT, and what a kill -9 of the bridge costs.

    .venv/bin/python benchmarks/mqtt.py [--rate 1200] [--seconds 300] [--kills 1] [--json]

PostgreSQL, S3, the broker and the bridge run under the supervisor with the configuration that `make up`
writes, in a home of their own. The demo city's devices publish with quality of service 1 from a process of
their own. The bridge is killed (kill -9) at equal intervals; the supervisor starts it again. Then every
object that the manifest knows is read back: a reading is known by device, metric and the device's own
counter. Landing delay is from the reading's own clock to the commit of the manifest row.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
import time
from datetime import UTC
from pathlib import Path

CITYBRAIN = Path(sysconfig.get_path("scripts")) / "citybrain"
DATASET = "sensor_reading_live"
SERVICES = ("postgres", "s3", "mqtt", "mqtt-bridge")
PORTS = ("postgres", "s3", "s3_master", "s3_volume", "s3_filer", "mqtt")
QUIET_SECONDS = 40  # longer than the longest time a message waits for its object


def main() -> None:
    options = _options()
    folder = Path(tempfile.mkdtemp(prefix="citybrain-bench-", dir="/tmp"))  # servers' own users must reach it
    folder.chmod(0o711)
    try:
        report = _run(options, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if options.json:
        print(json.dumps(report))
    else:
        print(
            f"{report['published']:,} readings published in {report['seconds']:.0f} s:"
            f" {report['published_per_second']:,.0f} messages/s; {report['kills']} x kill -9 of the bridge"
        )
        print(
            f"{report['landed']:,} distinct readings in {report['objects']} objects of the lake:"
            f" {report['lost']} lost, {report['duplicates']:,} duplicates"
        )
        print(
            f"landing delay: p50 {report['p50_seconds']:.1f} s, p99 {report['p99_seconds']:.1f} s,"
            f" longest {report['longest_seconds']:.1f} s;"
            f" bridge {report['bridge_mb']:.0f} MB, broker {report['broker_mb']:.0f} MB at most"
        )
    if report["lost"] or report["refused"]:
        sys.exit(1)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rate", type=float, default=1200, help="readings a second")
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--kills", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def _run(options: argparse.Namespace, folder: Path) -> dict:
    from citybrain.stack.ports import free_ports

    for name in [name for name in os.environ if name.startswith("CITYBRAIN_")]:
        del os.environ[name]
    os.environ |= {"CITYBRAIN_HOME": str(folder), "CITYBRAIN_MQTT": "on"}
    for name, port in zip(PORTS, free_ports(len(PORTS)), strict=True):
        os.environ[f"CITYBRAIN_{name.upper()}_PORT"] = str(port)
    from citybrain.settings import get_settings
    from citybrain.stack import up

    settings = get_settings()
    try:
        supervisor = _start(settings)
        published, beside = _publish(options, supervisor)
        _wait_until_quiet(settings)
        report = _count(settings, folder)
    finally:
        up.down(settings)
    return {
        "rate": options.rate,
        "published": published["acknowledged"],
        "refused": published["refused"],
        "seconds": published["seconds"],
        "published_per_second": published["acknowledged"] / published["seconds"],
        "lost": published["acknowledged"] - report["landed"],
        **beside,
        **report,
    }


def _start(settings):
    """The four programs as `make up` starts them. Returns their supervisor."""
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
    return supervisor


def _publish(options: argparse.Namespace, supervisor) -> tuple[dict, dict]:
    """What the devices say of themselves; kills, and the most memory (MB) of bridge and broker meanwhile."""
    import psutil

    devices = [CITYBRAIN, "simulate", "devices", "--json"]
    devices += ["--rate", str(options.rate), "--seconds", str(options.seconds)]
    peaks = {"bridge_mb": 0.0, "broker_mb": 0.0}
    started, killed = time.monotonic(), 0
    with subprocess.Popen(devices, stdout=subprocess.PIPE, text=True) as publishing:
        while publishing.poll() is None:
            time.sleep(0.5)
            for name, service in (("bridge_mb", "mqtt-bridge"), ("broker_mb", "mqtt")):
                pid = supervisor.state(service)[1]
                if pid and psutil.pid_exists(pid):
                    peaks[name] = max(peaks[name], psutil.Process(pid).memory_info().rss / 1e6)
            due = options.seconds * (killed + 1) / (options.kills + 1)
            pid = supervisor.state("mqtt-bridge")[1]
            if killed < options.kills and time.monotonic() - started > due and pid:
                os.kill(pid, signal.SIGKILL)
                killed += 1
        output = publishing.stdout.read()
    return json.loads(output), {"kills": killed, **peaks}


def _wait_until_quiet(settings) -> None:
    """Until no new object has come for longer than a message may wait."""
    from citybrain.ingest import batches

    seen, since = -1, time.monotonic()
    while time.monotonic() - since < QUIET_SECONDS:
        time.sleep(1)
        newest = max((batch.batch_id for batch in batches(None, 1)), default=0)
        if newest != seen:
            seen, since = newest, time.monotonic()


def _count(settings, folder: Path) -> dict:
    """Read every landed object back."""
    import orjson

    from citybrain.ingest import batches
    from citybrain.lake import download

    delays: dict[tuple, float] = {}
    rows, objects = 0, 0
    for batch in sorted(batches(None, 1_000_000), key=lambda batch: batch.batch_id):
        if batch.dataset != DATASET:
            continue
        path = folder / "object"
        download(settings, "landing", batch.object_key, path, batch.sha256)
        landed = batch.landed_at.astimezone(UTC).timestamp()
        objects += 1
        for line in path.read_bytes().splitlines():
            reading = orjson.loads(line)
            rows += 1
            known_by = reading["device_id"], reading["m"], reading["s"]
            delays.setdefault(known_by, landed - reading["t"] / 1000)
        path.unlink()
    ordered = sorted(delays.values()) or [float("nan")]
    return {
        "objects": objects,
        "landed": len(delays),
        "duplicates": rows - len(delays),
        "p50_seconds": ordered[len(ordered) // 2],
        "p99_seconds": ordered[len(ordered) * 99 // 100],
        "longest_seconds": ordered[-1],
    }


if __name__ == "__main__":
    main()
