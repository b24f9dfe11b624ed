"""How fast all dashboards are published and how fast their tiles answer, on the platform that runs.

    .venv/bin/python benchmarks/dashboards.py [--repeat 5] [--json]

Publishing is what the main job does: read and compile the files, import them as one bundle, then query
every chart through Superset past its cache, which also leaves the answers there for the next reader. The
peer is the same charts asked one after the other, as a first version did; the ratio survives a change of
machine, seconds do not. Tiles are timed on the warehouse itself, each `--repeat` times, as the dashboards'
own login: what a reader waits for when Superset's cache is empty.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable
from typing import Any, TypeVar

import psycopg

from citybrain.bi.checks import Dashboards
from citybrain.bi.client import connect
from citybrain.bi.edition import read_edition
from citybrain.bi.provision import apply, standing_objects
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


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    main()
