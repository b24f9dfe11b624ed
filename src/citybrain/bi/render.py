"""Every tab in a real browser: all data calls answered, no alert shown, the picture kept."""

import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from citybrain.bi.bundle import Bundle
from citybrain.bi.client import ADMIN
from citybrain.bi.content import Dashboards
from citybrain.bi.identity import layout_id
from citybrain.bi.spec import DataTile, Scenario, Tab
from citybrain.settings import Settings

if TYPE_CHECKING:
    from playwright.sync_api import Page, Response

CHROMIUM = Path("/usr/bin/chromium")
NO_GRAPHICS_CARD = ("--use-angle=swiftshader", "--enable-unsafe-swiftshader")  # maps are drawn by WebGL
WIDTH = 1600
CHROME_HEIGHT = 210  # Superset's own bar, the title, the filters and the tabs
ROW_GAP = 18
UNIT = 8  # pixels of one unit of row height
WAIT_SECONDS = 60
DATA_CALLS = ("/api/v1/chart/data", "/superset/explore_json", "/api/v1/chart/")
ALERTS = ".ant-alert-error, .ant-alert-warning, [data-test='chart-error'], .missing-chart-container"
BUSY = "[data-test='loading-indicator'], .loading"


class RenderError(RuntimeError):
    """The browser or what it needs is not there."""


@dataclass
class TabPicture:
    """One rendered tab. `errors` is empty when it may be shown to people."""

    dashboard: str
    tab: str
    path: Path
    seconds: float
    data_calls: int
    empty: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


def tab_height(tab: Tab) -> int:
    """Pixels that show the whole tab without scrolling; charts below the fold would not be drawn."""
    return CHROME_HEIGHT + sum(row.height * UNIT + ROW_GAP for row in tab.rows) + 40


@contextmanager
def browser_page(settings: Settings, graphics: Sequence[str] = NO_GRAPHICS_CARD) -> Iterator["Page"]:
    """A signed-in page of a headless Chromium. Raises RenderError naming the package that is missing."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError as error:
        raise RenderError("playwright is not installed: it is in requirements/dev.txt") from error
    if not CHROMIUM.exists():
        raise RenderError(f"{CHROMIUM} is missing: apt-get install chromium fonts-noto-cjk")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=str(CHROMIUM),
            args=["--no-sandbox", "--lang=zh-CN", *graphics],
        )
        try:
            context = browser.new_context(
                viewport={"width": WIDTH, "height": 1000},
                locale="zh-CN",
                timezone_id="Asia/Shanghai",
                color_scheme="light",
            )
            context.set_default_timeout(WAIT_SECONDS * 1000)
            page = context.new_page()
            page.goto(f"{settings.superset_url}/login/", wait_until="domcontentloaded")
            page.locator("input#username").fill(ADMIN)
            page.locator("input#password").fill(settings.secret("superset_admin_password"))
            page.locator("button[type=submit]").click()
            page.wait_for_url("**/superset/welcome/**", wait_until="commit")
            yield page
        finally:
            browser.close()


def _settle(page: "Page", charts: int, answered: Callable[[], int]) -> list[str]:
    """Wait until every chart of the tab has its answer and nothing is loading any more."""
    deadline = time.monotonic() + WAIT_SECONDS
    quiet = 0
    while time.monotonic() < deadline:
        page.wait_for_timeout(300)
        shown = page.locator("[data-test='chart-container'], .chart-container").count()
        busy = page.locator(BUSY).count()
        quiet = quiet + 1 if busy == 0 and shown >= charts and answered() >= charts else 0
        if quiet >= 4:
            page.wait_for_timeout(900)  # the chart library's animation
            return []
    return [
        f"not finished after {WAIT_SECONDS} s: {shown} of {charts} charts, {answered()} answers, {busy} busy"
    ]


def render_tab(page: "Page", settings: Settings, scenario: Scenario, tab: Tab, folder: Path) -> TabPicture:
    started = time.monotonic()
    charts = sum(isinstance(tile, DataTile) for row in tab.rows for tile in row.tiles)
    errors: list[str] = []
    answers: list[str] = []

    def watch(response: "Response") -> None:
        if any(part in response.url for part in DATA_CALLS) and response.request.method == "POST":
            answers.append(response.url)
            if response.status >= 400:
                errors.append(f"{response.status} from {response.url}: {response.text()[:300]}")

    def broken(error: object) -> None:
        errors.append(f"script error: {error}")

    page.on("response", watch)
    page.on("pageerror", broken)
    path = folder / f"{scenario.slug}__{tab.id}.png"
    try:
        page.set_viewport_size({"width": WIDTH, "height": tab_height(tab)})
        anchor = f"#{layout_id('TAB', scenario.slug, tab.id)}" if len(scenario.tabs) > 1 else ""
        page.goto("about:blank")
        page.goto(f"{settings.superset_url}/superset/dashboard/{scenario.slug}/{anchor}")
        errors += _settle(page, charts, lambda: len(answers))
        errors += [f"alert: {text[:300]}" for text in page.locator(ALERTS).all_inner_texts()]
        empty = page.locator(".ant-empty").all_inner_texts()
        folder.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=path)
    finally:
        page.remove_listener("response", watch)
        page.remove_listener("pageerror", broken)
    return TabPicture(
        dashboard=scenario.slug,
        tab=tab.id,
        path=path,
        seconds=round(time.monotonic() - started, 1),
        data_calls=len(answers),
        empty=empty,
        errors=errors,
    )


def _drawn_from(folder: Path) -> Path:
    return folder / "drawn-from.json"


def changed_since_drawn(bundle: Bundle, folder: Path) -> list[str]:
    """Slugs of dashboards whose files differ from those that the pictures in `folder` were drawn from."""
    note = _drawn_from(folder)
    drawn = json.loads(note.read_text(encoding="utf-8")) if note.exists() else {}
    return [slug for slug, digest in bundle.digests().items() if drawn.get(slug) != digest]


def note_drawn(bundle: Bundle, folder: Path, slugs: Iterable[str]) -> None:
    """Note what these dashboards' pictures were drawn from."""
    note = _drawn_from(folder)
    drawn = json.loads(note.read_text(encoding="utf-8")) if note.exists() else {}
    digests = bundle.digests()
    drawn |= {slug: digests[slug] for slug in slugs}
    note.write_text(json.dumps(drawn, indent=1), encoding="utf-8")


def render(
    settings: Settings,
    content: Dashboards,
    folder: Path,
    slugs: Iterable[str] | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> list[TabPicture]:
    """Every tab of these dashboards (default: of all). Raises RenderError when there is no browser."""
    pictures: list[TabPicture] = []
    chosen = list(content.scenarios) if slugs is None else list(slugs)
    if not chosen:
        return pictures
    with browser_page(settings) as page:
        for scenario in (content.scenarios[slug] for slug in chosen):
            for tab in scenario.tabs:
                progress(f"{scenario.slug} / {tab.title}")
                pictures.append(render_tab(page, settings, scenario, tab, folder))
    return pictures
