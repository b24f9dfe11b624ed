"""How fast all dashboards are published and how fast their tiles answer, on the platform that runs.

    .venv/bin/python benchmarks/dashboards.py [--repeat 20] [--tiles] [--paint] [--peer] [--json]

Publishing is what the main job does: read and compile the files, import them as one bundle, then query
every chart through Superset past its cache, which also leaves the answers there for the next reader. The
ratio to the same charts asked one after the other survives a change of machine, seconds do not.

Tiles are timed on the warehouse itself, each `--repeat` times, as the dashboards' own login: what a reader
waits for when Superset's cache is empty. Told is each tile's own 95th percentile, and how many rows its plan
reads: a tile that reads few of them holds in a larger city, too. `--tiles` measures nothing else.

`--peer` installs preset-cli and chartwright from PyPI into a folder that goes in the end. preset-cli imports
the same bundle into the same Superset. chartwright knows a dashboard by a specification of its own: it
takes each down from Superset (not timed), then applies it under another name, maps and row conditions left
out, as it has none; what it made is deleted. `--paint` opens every dashboard in a headless Chromium: when
something is painted first, and when the first figure stands.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import psycopg

from citybrain.bi.bundle import database_path
from citybrain.bi.checks import Dashboards
from citybrain.bi.client import ADMIN, Superset, connect
from citybrain.bi.edition import Edition, read_edition
from citybrain.bi.identity import asset_uuid
from citybrain.bi.provision import apply, import_bundle, standing_objects
from citybrain.bi.render import browser_page
from citybrain.bi.statement import statement
from citybrain.bi.verification import query_chart, query_charts
from citybrain.settings import DatabaseRole, Settings, get_settings

Result = TypeVar("Result")
BAR = 300.0  # milliseconds
PEERS = "peer-"  # what the slugs of a peer's copies begin with


def main() -> None:
    options = _options()
    settings = get_settings()
    edition = read_edition(settings)
    figures: dict[str, Any] = {}
    if not options.tiles:
        figures |= _publishing(settings, edition, options)
    figures["tiles"] = _tiles(settings, edition.content, options.repeat)
    if options.paint:
        figures["paint seconds"] = _paint(settings, edition.content)
    print(json.dumps(figures, ensure_ascii=False, indent=None if options.json else 1))


def _publishing(settings: Settings, edition: Edition, options: argparse.Namespace) -> dict[str, Any]:
    seconds: dict[str, float] = {}
    _timed(seconds, "read and compile", lambda: read_edition(settings))
    _timed(seconds, "apply", lambda: apply(settings, edition))
    superset = connect(settings)
    _timed(seconds, "of it: import", lambda: import_bundle(superset, settings, edition.bundle))
    figures: dict[str, Any] = {
        "dashboards": len(edition.bundle.dashboards),
        "charts": len(edition.bundle.charts),
    }
    if options.peer:
        with tempfile.TemporaryDirectory() as name:
            seconds["preset-cli: import"] = _preset_cli(settings, edition, Path(name))
            seconds["chartwright: apply"], known = _chartwright(settings, superset, edition, Path(name))
            figures["charts that chartwright knows"] = known
    standing = {item.uuid: item.id for item in standing_objects(superset) if item.kind == "chart"}
    charts = edition.bundle.charts
    _timed(
        seconds,
        "query every chart, one after the other",
        lambda: [query_chart(superset, standing[uuid], name, uuid) for uuid, name in charts.items()],
    )
    report = _timed(seconds, "query every chart", lambda: query_charts(superset, charts))
    return figures | {
        "errors": report.errors,
        "seconds": {name: round(taken, 2) for name, taken in seconds.items()},
        "times faster than one after the other": round(
            seconds["query every chart, one after the other"] / seconds["query every chart"], 2
        ),
    }


def _timed(seconds: dict[str, float], name: str, work: Callable[[], Result]) -> Result:
    started = time.perf_counter()
    result = work()
    seconds[name] = time.perf_counter() - started
    return result


def _tiles(settings: Settings, content: Dashboards, repeat: int) -> dict[str, Any]:
    """Every tile's SQL, rows fetched, by `<dashboard>/<tile>`: its own 95th percentile, and its rows read."""
    taken: dict[str, float] = {}
    read: dict[str, int] = {}
    with psycopg.connect(settings.dsn(DatabaseRole.BI_READER), autocommit=True) as reader:
        for slug, scenario in content.scenarios.items():
            for tile in scenario.data_tiles:
                name, text = f"{slug}/{tile.id}", statement(tile, content)
                taken[name] = round(_percentile_95([_milliseconds(reader, text) for _ in range(repeat)]), 1)
                read[name] = _rows_read(reader, text)
    slowest = sorted(taken, key=lambda name: -taken[name])[:10]
    return {
        "tiles": len(taken),
        "p95 of each, milliseconds": {
            "half of them below": round(statistics.median(taken.values()), 1),
            "19 of 20 below": round(_percentile_95(list(taken.values())), 1),
            f"above {BAR:.0f}": sum(value > BAR for value in taken.values()),
            "slowest": {name: taken[name] for name in slowest},
        },
        "rows read": dict(sorted(read.items(), key=lambda item: -item[1])[:10]),
    }


def _milliseconds(reader: psycopg.Connection, text: str) -> float:
    started = time.perf_counter()
    reader.execute(text).fetchall()  # type: ignore[call-overload]  # the project's own content
    return (time.perf_counter() - started) * 1000


def _percentile_95(values: list[float]) -> float:
    return statistics.quantiles(values, n=20, method="inclusive")[-1]


def _rows_read(reader: psycopg.Connection, text: str) -> int:
    row = reader.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {text}").fetchone()  # type: ignore[call-overload]
    assert row is not None
    waiting, rows = [row[0][0]["Plan"]], 0.0
    while waiting:
        node = waiting.pop()
        waiting += node.get("Plans", [])
        if "Relation Name" in node:
            kept_and_dropped = node["Actual Rows"] + node.get("Rows Removed by Filter", 0)
            rows += kept_and_dropped * node["Actual Loops"]
    return round(rows)


def _install(package: str, folder: Path) -> Path:
    """The programs of a package from PyPI in an environment of its own."""
    environment = folder / f"venv-{package}"
    subprocess.run([sys.executable, "-m", "venv", environment], check=True)
    programs = environment / "bin"
    subprocess.run([programs / "pip", "install", "-q", package], check=True)
    return programs


def _run(command: list[str | Path], environment: dict[str, str] | None = None) -> None:
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{Path(command[0]).name}: {done.stdout[-2000:]}{done.stderr[-2000:]}")


def _preset_cli(settings: Settings, edition: Edition, folder: Path) -> float:
    """Seconds that preset-cli takes for the same files, its own start included."""
    programs = _install("preset-cli", folder)
    for path, text in edition.bundle.files.items():
        file = folder / "bundle" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    assert (folder / "bundle" / database_path()).exists()
    password = settings.secret("superset_admin_password")
    reader = psycopg.conninfo.conninfo_to_dict(settings.dsn(DatabaseRole.BI_READER))["password"]
    command: list[str | Path] = [programs / "superset-cli", "-u", ADMIN, "-p", password]
    command += [settings.superset_url, "sync", "native", folder / "bundle"]
    command += ["--overwrite", "--disallow-edits"]
    command += ["--db-password", f"{asset_uuid('database', 'citybrain')}={reader}"]
    started = time.perf_counter()
    _run(command)
    return time.perf_counter() - started


def _chartwright(settings: Settings, superset: Superset, edition: Edition, folder: Path) -> tuple[float, int]:
    """Seconds that chartwright takes to apply copies of all dashboards, and how many charts they have."""
    program = _install("chartwright", folder) / "chartwright"
    profile = folder / "profiles.toml"
    lines = (
        "[city]",
        f'base_url = "{settings.superset_url}"',
        f'username = "{ADMIN}"',
        'password_env = "PEER_PASSWORD"',  # pragma: allowlist secret
    )
    profile.write_text("\n".join(lines), encoding="utf-8")
    environment = os.environ | {
        "HOME": str(folder),
        "CHARTWRIGHT_PROFILES": str(profile),
        "PEER_PASSWORD": settings.secret("superset_admin_password"),
    }
    specifications = []
    for slug in edition.content.scenarios:
        path = folder / f"{slug}.json"
        _run([program, "decompile", slug, "--profile", "city", "-o", path], environment)
        made = json.loads(path.read_text(encoding="utf-8"))
        name = f"{PEERS}{slug.replace('_', '-')}"  # it takes no underscore
        made["dashboard"] |= {"slug": name, "title": name}
        path.write_text(json.dumps(made), encoding="utf-8")
        specifications.append((path, len(made["charts"])))
    started = time.perf_counter()
    try:
        for path, _ in specifications:
            _run([program, "apply", path, "--profile", "city", "--design", "off"], environment)
        return time.perf_counter() - started, sum(charts for _, charts in specifications)
    finally:
        _delete_what_the_peer_made(superset)


def _delete_what_the_peer_made(superset: Superset) -> None:
    for row in list(superset.listed("dashboard/", ["id", "slug"])):
        if str(row["slug"] or "").startswith(PEERS):
            charts = superset.fetch(f"dashboard/{row['id']}/charts", {})["result"]
            superset.remove(f"dashboard/{row['id']}")
            for chart in charts:
                superset.remove(f"chart/{chart['id']}")


FIGURE = ".header-line, .dt-metric, table tbody td, .slice_container canvas"


def _paint(settings: Settings, content: Dashboards) -> dict[str, Any]:
    """First paint and first figure of every dashboard, by a browser that has seen Superset before."""
    first, figure = {}, {}
    with browser_page(settings) as page:
        for slug in content.scenarios:
            page.goto("about:blank")
            started = time.perf_counter()
            page.goto(f"{settings.superset_url}/superset/dashboard/{slug}/", wait_until="commit")
            page.locator(FIGURE).first.wait_for(timeout=60_000)
            figure[slug] = round(time.perf_counter() - started, 2)
            asked = "performance.getEntriesByName('first-contentful-paint')[0].startTime"
            first[slug] = round(page.evaluate(asked) / 1000, 2)
    return {
        name: {
            "p50": round(statistics.median(found.values()), 2),
            "slowest": dict(sorted(found.items(), key=lambda item: -item[1])[:3]),
        }
        for name, found in (("first paint", first), ("first figure", figure))
    }


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--repeat", type=int, default=20)
    parser.add_argument("--tiles", action="store_true", help="time the tiles' SQL and nothing else")
    parser.add_argument("--paint", action="store_true", help="open every dashboard in Chromium")
    parser.add_argument("--peer", action="store_true", help="let preset-cli and chartwright do the same")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    main()
