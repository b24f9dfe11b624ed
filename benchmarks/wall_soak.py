"""How pages that stay open live through hours, while each part of the platform is restarted once.

    .venv/bin/python benchmarks/wall_soak.py [--minutes 60] [--page wall command] [--hall command_hall]
        [--seconds 10] [--quiet] [--mesa] 2> samples.txt

`wall` is one hall, its pages turned every `--seconds`; `command` is the desk's command page, which asks for
the city's state every five seconds, signed in as the demo city's commander. Both are watched in the same
time, in a browser each. The pages' server, the desk, Superset and PostgreSQL are restarted at a fifth, two
fifths ... of the time (not with `--quiet`). Nobody touches a page or loads it anew.

Where there is no graphics card, Chromium's own stand-in for one (SwiftShader) keeps the code it compiled for
maps of pages that are gone: some 3 MB a minute at a page every ten seconds, and nothing else of the browser
grows. With `--mesa` Mesa's driver draws, which keeps nothing, as a card's.

Told are the services that do not run in the end and, for each page: how often it showed something new, how
long it stood still at the longest, what it did after each restart, and how much memory its browser took after
warming up and in the end; every sample goes to stderr. Bars: it goes on after each restart untouched, memory
grows by less than 5 %.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from playwright.sync_api import Error as PlaywrightError

from citybrain.bi.content import load_dashboards
from citybrain.bi.render import ALERTS, CHROMIUM, NO_GRAPHICS_CARD, browser_page
from citybrain.bi.wall import load_halls
from citybrain.desk.accounts.demo import password_secret
from citybrain.settings import Settings, get_settings
from citybrain.stack import up

if TYPE_CHECKING:
    from playwright.sync_api import Frame, Page

PARTS = ("pages", "desk", "superset", "postgres")
SAMPLE_SECONDS = 2.0
WATCHED_SECONDS = 300.0  # after a restart
WARM, LAST = (0.2, 0.4), (0.8, 1.0)  # shares of the time whose medians are compared
MESA = ("--use-gl=angle", "--use-angle=gl-egl", "--ignore-gpu-blocklist")
SCREEN = {"width": 1920, "height": 1080}
COMMANDER = "commander"


@dataclass
class Sample:
    at: float
    beat: str  # changes when the page has shown something new
    words: list[str]  # a banner's, or of a chart that failed
    megabytes: float


@dataclass
class Watched:
    """One page that is watched; `look` tells its beat and what it says is wrong."""

    page: "Page"
    look: Callable[["Page"], tuple[str, list[str]]]
    process: int
    loads: int = 0
    samples: list[Sample] = field(default_factory=list)

    def sample(self, at: float) -> None:
        beat, words = self.look(self.page)
        self.samples.append(Sample(at, beat, words, _megabytes(self.process)))


def main() -> None:
    options = _options()
    settings = get_settings()
    names = [hall.hall for hall in load_halls(settings, load_dashboards(settings))]
    if options.hall not in names:
        raise SystemExit(f"no hall {options.hall}; there are {', '.join(names)}")
    print(json.dumps(_soak(settings, options), ensure_ascii=False, indent=1))


def _soak(settings: Settings, options: argparse.Namespace) -> dict[str, Any]:
    length = options.minutes * 60
    parts = () if options.quiet else PARTS
    due = {part: length * (n + 1) / (len(parts) + 1) for n, part in enumerate(parts)}
    restarted: dict[str, float] = {}
    restarts: dict[str, subprocess.Popen[bytes]] = {}
    graphics = MESA if options.mesa else NO_GRAPHICS_CARD
    with browser_page(settings, graphics) as first:
        (one,) = _browsers()
        opened = {}
        if "wall" in options.page:
            address = f"{settings.pages_url}/wall/{options.hall}/?seconds={options.seconds}"
            opened["wall"] = _open(first, address, _wall, one)
        if "command" in options.page:
            page = _signed_in_at_the_desk(first, settings, graphics)
            (other,) = _browsers() - {one}
            opened["command"] = _open(page, f"{settings.desk_url}/command/", _command, other)
        started = time.monotonic()
        while (passed := time.monotonic() - started) < length:
            for part, at in due.items():
                if passed >= at and part not in restarted:
                    restarted[part] = passed
                    restarts[part] = _restart(settings, part)
            first.wait_for_timeout(SAMPLE_SECONDS * 1000)
            for name, watched in opened.items():
                watched.sample(time.monotonic() - started)
                print(name, watched.samples[-1], file=sys.stderr, flush=True)
    failed = [part for part, restart in restarts.items() if restart.wait()]
    if failed:
        raise SystemExit(f"not restarted: {', '.join(failed)}")
    return {
        "minutes": options.minutes,
        "restarted at minute": {part: round(at / 60, 1) for part, at in restarted.items()},
        "not running in the end": [
            state.name for state in up.service_states(settings) if state.state != "running"
        ],
    } | {name: _figures(watched, restarted, length) for name, watched in opened.items()}


def _open(
    page: "Page", address: str, look: Callable[["Page"], tuple[str, list[str]]], process: int
) -> Watched:
    page.set_viewport_size(SCREEN)
    watched = Watched(page, look, process)
    page.on("domcontentloaded", lambda _: _count_load(watched))
    page.goto(address)
    return watched


def _count_load(watched: Watched) -> None:
    watched.loads += 1


def _wall(page: "Page") -> tuple[str, list[str]]:
    """The title on show; the banner, and what charts of the frame on show say instead of a figure."""
    words = [page.locator("#banner").inner_text()]
    shown = page.query_selector("iframe.shown")
    frame = shown.content_frame() if shown else None
    if frame is not None:
        words += _failed(frame)
    if shown is not None:
        shown.dispose()  # a handle that is kept keeps the frame from being collected
    return page.locator("#page").inner_text(), [text.strip()[:120] for text in words if text.strip()]


def _failed(frame: "Frame") -> list[str]:
    if frame.url.startswith("chrome-error:"):
        return ["the browser's own page for what cannot be reached"]
    try:
        return frame.locator(ALERTS).all_inner_texts()
    except PlaywrightError:
        return []  # it is being loaded for its next turn


def _command(page: "Page") -> tuple[str, list[str]]:
    """When the desk answered last; the banner."""
    heard = page.locator("#board").get_attribute("data-heard") or ""
    stale = page.locator("#stale")
    return heard, [stale.inner_text()] if stale.is_visible() else []


def _signed_in_at_the_desk(beside: "Page", settings: Settings, graphics: Sequence[str]) -> "Page":
    assert beside.context.browser is not None
    browser = beside.context.browser.browser_type.launch(
        executable_path=str(CHROMIUM), args=["--no-sandbox", "--lang=zh-CN", *graphics]
    )
    page = browser.new_context(locale="zh-CN", timezone_id="Asia/Shanghai", viewport=SCREEN).new_page()
    page.goto(f"{settings.desk_url}/sign-in/")
    page.fill("#id_username", COMMANDER)
    page.fill("#id_password", settings.secret(password_secret(COMMANDER)))
    page.get_by_role("button", name="登录").click()
    page.wait_for_url(lambda address: "/sign-in/" not in address)
    return page


def _figures(watched: Watched, restarted: dict[str, float], length: float) -> dict[str, Any]:
    beats = [after.at for before, after in pairwise(watched.samples) if after.beat != before.beat]
    gaps = [after - before for before, after in pairwise(beats)]
    warm, last = (_median(watched.samples, length, share) for share in (WARM, LAST))
    return {
        "loaded": watched.loads,
        "showed something new": len(beats),
        "seconds between": {"median": round(statistics.median(gaps), 1), "longest": round(max(gaps), 1)},
        "after a restart": {
            part: _after_restart(watched.samples, beats, at, at + WATCHED_SECONDS)
            for part, at in restarted.items()
        },
        "browser MB": {
            "warm": round(warm),
            "end": round(last),
            "growth %": round(100 * (last / warm - 1), 1),
        },
        "said": sorted({_plain(word) for one in watched.samples for word in one.words}),
    }


def _after_restart(samples: list[Sample], beats: list[float], since: float, until: float) -> dict[str, Any]:
    """`new`: how often the page showed something new in the five minutes from the restart on. `last bad
    second`: when it said for the last time that something is wrong; None if it never did.
    """
    bad = [round(one.at - since) for one in samples if since <= one.at < until and one.words]
    new = [beat for beat in beats if since <= beat < until]
    return {
        "new": len(new),
        "longest standstill": round(
            max(b - a for a, b in pairwise([since, *new, min(until, samples[-1].at)]))
        ),
        "last bad second": max(bad, default=None),
    }


def _plain(words: str) -> str:
    """Without its digits: one sentence with a running clock is one."""
    return "".join("#" if one.isdigit() else one for one in words).replace("##", "#")


def _restart(settings: Settings, part: str) -> "subprocess.Popen[bytes]":
    """Begin a restart; the pages are looked at while it lasts."""
    program = Path(sysconfig.get_path("scripts")) / "supervisorctl"
    command = [program, "-c", settings.run_dir / "supervisord.conf", "restart", part]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL)


def _median(samples: list[Sample], length: float, share: tuple[float, float]) -> float:
    return statistics.median(
        one.megabytes for one in samples if share[0] * length <= one.at <= share[1] * length
    )


def _children() -> dict[int, list[int]]:
    """Every process with those it started."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()
            except (FileNotFoundError, ProcessLookupError):
                continue  # it has ended meanwhile
            children.setdefault(int(fields[1]), []).append(int(entry.name))
    return children


def _browsers() -> set[int]:
    """The browsers that this process's driver has started."""
    children = _children()
    return {browser for driver in children.get(os.getpid(), []) for browser in children.get(driver, [])}


def _megabytes(process: int) -> float:
    """Proportional memory of a browser and all it started."""
    children = _children()
    total, waiting = 0, [process]
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
    parser.add_argument("--page", nargs="+", choices=("wall", "command"), default=["wall", "command"])
    parser.add_argument("--hall", default="command_hall")
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument(
        "--mesa", action="store_true", help="draw by Mesa's driver (libgl1-mesa-dri, libegl1)"
    )
    parser.add_argument("--quiet", action="store_true", help="restart nothing")
    return parser.parse_args()


if __name__ == "__main__":
    main()
