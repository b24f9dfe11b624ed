"""How fast all dashboards are published and how fast their tiles answer, on the platform that runs.

    .venv/bin/python benchmarks/dashboards.py [--repeat 5] [--paint] [--peer] [--json]

Publishing is what the main job does: read and compile the files, import them as one bundle, then query
every chart through Superset past its cache, which also leaves the answers there for the next reader. The
peer is the same charts asked one after the other, as a first version did; the ratio survives a change of
machine, seconds do not. Tiles are timed on the warehouse itself, each `--repeat` times, as the dashboards'
own login: what a reader waits for when Superset's cache is empty.

`--peer` installs preset-cli from PyPI into a folder that goes in the end and lets it import the same bundle
into the same Superset, in the same run. `--paint` opens every dashboard in a headless Chromium: when
something is painted first, and when the first figure stands.
"""

import argparse
import json
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import psycopg

from citybrain.bi.bundle import database_path
from citybrain.bi.checks import Dashboards
from citybrain.bi.client import ADMIN, connect
from citybrain.bi.edition import Edition, read_edition
from citybrain.bi.identity import asset_uuid
from citybrain.bi.provision import apply, import_bundle, standing_objects
from citybrain.bi.render import browser_page
from citybrain.bi.statement import statement
from citybrain.bi.verification import query_chart, query_charts
from citybrain.settings import DatabaseRole, Settings, get_settings

Result = TypeVar("Result")


def main() -> None:
    options = _options()
    settings = get_settings()
    seconds: dict[str, float] = {}
    edition = _timed(seconds, "read and compile", lambda: read_edition(settings))
    _timed(seconds, "apply", lambda: apply(settings, edition))
    superset = connect(settings)
    _timed(seconds, "of it: import", lambda: import_bundle(superset, settings, edition.bundle))
    if options.peer:
        seconds["preset-cli: import"] = _peer_import(settings, edition)
    standing = {item.uuid: item.id for item in standing_objects(superset) if item.kind == "chart"}
    charts = edition.bundle.charts
    _timed(
        seconds,
        "query every chart, one after the other",
        lambda: [query_chart(superset, standing[uuid], name, uuid) for uuid, name in charts.items()],
    )
    report = _timed(seconds, "query every chart", lambda: query_charts(superset, charts))
    tiles = _tiles(settings, edition.content, options.repeat)
    figures: dict[str, Any] = {
        "dashboards": len(edition.bundle.dashboards),
        "charts": len(charts),
        "errors": report.errors,
        "seconds": {name: round(taken, 2) for name, taken in seconds.items()},
        "times faster than one after the other": round(
            seconds["query every chart, one after the other"] / seconds["query every chart"], 2
        ),
        "tile milliseconds": {
            "p50": round(statistics.median(tiles.values()), 1),
            "p95": round(statistics.quantiles(tiles.values(), n=20)[-1], 1),
            "slowest": dict(sorted(tiles.items(), key=lambda item: -item[1])[:5]),
        },
    }
    if options.paint:
        figures["paint seconds"] = _paint(settings, edition.content)
    print(json.dumps(figures, ensure_ascii=False, indent=None if options.json else 1))


def _timed(seconds: dict[str, float], name: str, work: Callable[[], Result]) -> Result:
    started = time.perf_counter()
    result = work()
    seconds[name] = time.perf_counter() - started
    return result


def _tiles(settings: Settings, content: Dashboards, repeat: int) -> dict[str, float]:
    """The median milliseconds of each tile's SQL, rows fetched, by `<dashboard>/<tile>`."""
    found = {}
    with psycopg.connect(settings.dsn(DatabaseRole.BI_READER), autocommit=True) as reader:
        for slug, scenario in content.scenarios.items():
            for tile in scenario.data_tiles:
                text = statement(tile, content)
                taken = []
                for _ in range(repeat):
                    started = time.perf_counter()
                    reader.execute(text).fetchall()  # type: ignore[call-overload]  # the project's content
                    taken.append((time.perf_counter() - started) * 1000)
                found[f"{slug}/{tile.id}"] = round(statistics.median(taken), 1)
    return found


def _peer_import(settings: Settings, edition: Edition) -> float:
    """Seconds that preset-cli takes for the same files, its own start included."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        subprocess.run(["uv", "venv", "-q", folder / "venv"], check=True)
        python = folder / "venv" / "bin" / "python"
        subprocess.run(["uv", "pip", "install", "-q", "--python", python, "preset-cli"], check=True)
        for path, text in edition.bundle.files.items():
            file = folder / "bundle" / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        assert (folder / "bundle" / database_path()).exists()
        password = settings.secret("superset_admin_password")
        reader = psycopg.conninfo.conninfo_to_dict(settings.dsn(DatabaseRole.BI_READER))["password"]
        command = [str(folder / "venv" / "bin" / "superset-cli"), "-u", ADMIN, "-p", password]
        command += [settings.superset_url, "sync", "native", str(folder / "bundle")]
        command += ["--overwrite", "--disallow-edits"]
        command += ["--db-password", f"{asset_uuid('database', 'citybrain')}={reader}"]
        started = time.perf_counter()
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        taken = time.perf_counter() - started
        if done.returncode:
            raise SystemExit(f"preset-cli: {done.stdout[-2000:]}{done.stderr[-2000:]}")
        return taken


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
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--paint", action="store_true", help="open every dashboard in Chromium")
    parser.add_argument("--peer", action="store_true", help="import the same bundle by preset-cli, too")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    main()
