"""How a wall lives through hours: one hall played fast in a browser while each part is restarted once.

    .venv/bin/python benchmarks/wall_soak.py [--minutes 60] [--hall command_hall] [--seconds 10] [--quiet]

The page turns every `--seconds`. At a quarter, half and three quarters of the time the pages' server,
Superset and PostgreSQL are restarted (not with `--quiet`). Told in the end: how often the page turned, how
long it stood still at the longest, whether it went on after every restart untouched, and how much memory the
browser took after warming up and in the end. Bars: it goes on after each restart, memory grows by less than
5 %.
"""

import argparse
import json
import os
import statistics
import subprocess
import sysconfig
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

from citybrain.bi.content import load_dashboards
from citybrain.bi.render import browser_page
from citybrain.bi.wall import load_halls
from citybrain.settings import Settings, get_settings

PARTS = ("pages", "superset", "postgres")
SAMPLE_SECONDS = 2.0
WARM, LAST = (0.2, 0.4), (0.8, 1.0)  # shares of the time whose medians are compared


def main() -> None:
    options = _options()
    settings = get_settings()
    names = [hall.hall for hall in load_halls(settings, load_dashboards(settings))]
    if options.hall not in names:
        raise SystemExit(f"no hall {options.hall}; there are {', '.join(names)}")
    print(json.dumps(_soak(settings, options), ensure_ascii=False, indent=1))


def _soak(settings: Settings, options: argparse.Namespace) -> dict[str, Any]:
    length = options.minutes * 60
    due = {} if options.quiet else {part: length * (n + 1) / 4 for n, part in enumerate(PARTS)}
    restarted: dict[str, float] = {}
    turns: list[float] = []
    memory: list[tuple[float, float]] = []
    banners: set[str] = set()
    with browser_page(settings) as page:
        page.set_viewport_size({"width": 1920, "height": 1080})
        page.goto(f"{settings.pages_url}/wall/{options.hall}/?seconds={options.seconds}")
        started, title = time.monotonic(), ""
        while (passed := time.monotonic() - started) < length:
            for part, at in due.items():
                if passed >= at and part not in restarted:
                    restarted[part] = passed
                    _restart(settings, part)
            page.wait_for_timeout(SAMPLE_SECONDS * 1000)
            now = time.monotonic() - started
            shown = page.locator("#page").inner_text()
            if shown != title:
                turns.append(now)
                title = shown
            if words := page.locator("#banner").inner_text():
                banners.add(words)
            memory.append((now, _descendants_mb(os.getpid())))
    gaps = [after - before for before, after in pairwise(turns)]
    warm, last = (_median(memory, length, share) for share in (WARM, LAST))
    return {
        "minutes": options.minutes,
        "turns": len(turns),
        "seconds between turns": {
            "median": round(statistics.median(gaps), 1),
            "longest": round(max(gaps), 1),
        },
        "turns within two minutes of a restart": {
            part: sum(at < turn < at + 120 for turn in turns) for part, at in restarted.items()
        },
        "browser MB": {
            "warm": round(warm),
            "end": round(last),
            "growth %": round(100 * (last / warm - 1), 1),
        },
        "banners": sorted(banners),
    }


def _restart(settings: Settings, part: str) -> None:
    program = Path(sysconfig.get_path("scripts")) / "supervisorctl"
    subprocess.run(
        [program, "-c", settings.run_dir / "supervisord.conf", "restart", part],
        check=True,
        capture_output=True,
    )


def _median(samples: list[tuple[float, float]], length: float, share: tuple[float, float]) -> float:
    return statistics.median(mb for at, mb in samples if share[0] * length <= at <= share[1] * length)


def _descendants_mb(parent: int) -> float:
    """Proportional memory of all processes below this one: the browser's, and its driver."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()
            except (FileNotFoundError, ProcessLookupError):
                continue  # it has ended meanwhile
            children.setdefault(int(fields[1]), []).append(int(entry.name))
    total, waiting = 0, list(children.get(parent, []))
    while waiting:
        process = waiting.pop()
        waiting += children.get(process, [])
        try:
            lines = (Path("/proc") / str(process) / "smaps_rollup").read_text(encoding="utf-8").splitlines()
        except (FileNotFoundError, ProcessLookupError):
            continue
        total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total / 1024


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--hall", default="command_hall")
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--quiet", action="store_true", help="restart nothing")
    return parser.parse_args()


if __name__ == "__main__":
    main()
