"""The map of cases and the queue in a browser: our own outlines, nothing from outside, clicks open cases."""

import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from desk_city import City
from flood_city import Water, water_in

from citybrain.bi.render import CHROMIUM
from citybrain.catalogue.working_day import SHANGHAI
from citybrain.desk.cases.time_left import time_left, urgency

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [
    pytest.mark.browser,
    pytest.mark.integration,
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"{CHROMIUM} is missing: apt-get install chromium"),
]
IDLE = "() => document.querySelector('#map')?.sheet?.loaded() && document.querySelector('#map').dataset.shown"
# Where a place lies on the screen, and the colours of the marks drawn there.
PLACE = """([lon, lat]) => { const map = document.querySelector('#map'), box = map.getBoundingClientRect();
    const at = map.sheet.project([lon, lat]); return { x: box.x + at.x, y: box.y + at.y }; }"""
DRAWN = """layer => document.querySelector('#map').sheet.queryRenderedFeatures({ layers: [layer] })
    .map((one) => ({ ...one.properties }))"""


@pytest.fixture(scope="module")
def water(desk_city: City) -> Iterator[Water]:
    with water_in(desk_city) as found:
        yield found


@pytest.fixture
def page(browser: "Browser", server: str, desk_city: City, water: Water) -> "Iterator[Page]":
    """A dispatcher's page that reaches nothing but the desk; what else it tried stands in `outside`."""
    person = desk_city.person("dispatcher", desk_city.company, password=True)
    context = browser.new_context(
        locale="zh-CN", timezone_id="Asia/Shanghai", viewport={"width": 1366, "height": 900}
    )
    opened: Any = context.new_page()
    opened.outside, opened.complaints = [], []

    def only_the_desk(route: Any) -> None:
        if route.request.url.startswith((server, "blob:", "data:")):
            route.continue_()
        else:
            opened.outside.append(route.request.url)
            route.abort()

    context.route("**/*", only_the_desk)
    opened.on("console", lambda said: opened.complaints.append(said.text) if said.type == "error" else None)
    opened.on("pageerror", lambda error: opened.complaints.append(str(error)))
    sign_in(opened, server, desk_city, person)
    yield opened
    assert opened.outside == [] and opened.complaints == []
    context.close()


def sign_in(page: "Page", server: str, city: City, person: Any) -> None:
    page.goto(f"{server}/sign-in/")
    page.fill("#id_username", person.username)
    page.fill("#id_password", city.settings.secret(f"desk_{person.username}"))
    page.click("button:has-text('登录')")
    page.wait_for_url(lambda url: "/sign-in/" not in url)


def test_a_click_on_the_map_opens_the_case(
    page: "Page", server: str, desk_city: City, tmp_path: Path
) -> None:
    mark = uuid.uuid4().hex[:8]
    alone = desk_city.dispatched(desk_city.other_company, lon=115.65, lat=33.95, place_name=f"独立点{mark}")
    crowd = [
        desk_city.dispatched(desk_city.other_company, lon=115.95, lat=33.65, place_name=f"同一点{mark}")
        for _ in range(3)
    ]
    page.goto(f"{server}/cases/?show=open&q={mark}")
    page.click("#to-map")
    page.wait_for_function(IDLE)
    page.wait_for_timeout(500)
    page.screenshot(path=tmp_path / "map.png", full_page=True)
    assert {one["name"] for one in page.evaluate(DRAWN, "counties")} == {"谯城区"}
    assert alone.number in [one.get("number") for one in page.evaluate(DRAWN, "cases")]
    assert max(one["point_count"] for one in page.evaluate(DRAWN, "clusters")) >= len(crowd)
    at = page.evaluate(PLACE, [115.65, 33.95])
    page.mouse.click(at["x"], at["y"])
    page.wait_for_url(f"**/cases/{alone.number}/")


def test_the_browser_says_what_is_left_as_the_desk_does(page: "Page", server: str) -> None:
    """From nine days late to nine days left, each unit's edge and what lies around it."""
    edges = [0, 1, 59, 60, 15 * 60, 3600, 86_400, 2 * 86_400, 9 * 86_400]
    left = sorted({sign * (edge + step) for edge in edges for step in (-1, 0, 1) for sign in (1, -1)})
    now = datetime(2026, 11, 26, 9, 5, tzinfo=SHANGHAI)
    page.goto(f"{server}/cases/map/")
    told = page.evaluate(
        """async ([left, now]) => { const at = document.querySelector('script[src*=case_map]').src;
            const { timeLeft, urgency } = await import(at.replace('case_map', 'time_left'));
            return left.map((seconds) => [timeLeft(now + seconds, now), urgency(now + seconds, now)]); }""",
        [left, int(now.timestamp())],
    )
    due = [now + timedelta(seconds=seconds) for seconds in left]
    assert told == [[time_left(at, now), urgency(at, now)] for at in due]


@pytest.mark.slow
def test_the_map_shows_what_the_filters_leave(
    page: "Page", server: str, desk_city: City, tmp_path: Path
) -> None:
    mark = f"筛选点{uuid.uuid4().hex[:8]}"
    three = [
        desk_city.dispatched(desk_city.other_company, lon=115.7, lat=33.7, place_name=mark) for _ in range(3)
    ]
    page.goto(f"{server}/cases/map/?show=open&q={mark}")
    page.wait_for_function(IDLE)
    assert page.get_attribute("#map", "data-shown") == "3"
    at = page.evaluate(PLACE, [115.7, 33.7])
    page.mouse.click(at["x"], at["y"])
    page.wait_for_selector(".maplibregl-popup a")
    links = [link.get_attribute("href") for link in page.locator(".maplibregl-popup a").all()]
    assert sorted(links) == sorted(f"/cases/{case.number}/" for case in three), "all at one spot: a list"
    page.screenshot(path=tmp_path / "popup.png", full_page=True)
    page.click("#to-queue")
    page.wait_for_url("**/cases/?**")
    assert page.input_value(".filters input[name=q]") == mark
    assert page.locator("#cases tbody tr").count() == 3


@pytest.mark.slow
def test_the_queue_by_keyboard_and_as_it_is_printed(
    page: "Page", server: str, desk_city: City, tmp_path: Path
) -> None:
    case = desk_city.filed(place_name="键盘点")
    page.goto(f"{server}/cases/?show=open&q=键盘点")
    page.fill("#keep input[name=name]", "键盘视图")
    page.click("#keep button")
    assert page.locator(".kept .view a").all_inner_texts() == ["键盘视图"]
    page.keyboard.press("j")
    page.keyboard.press("x")
    assert page.locator("#cases input[type=checkbox]:checked").count() == 1
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.name") == "q"
    page.screenshot(path=tmp_path / "queue.png", full_page=True)
    page.click("#bulk-send_back")
    assert page.evaluate("document.activeElement.id") == "bulk-reason", "a reason is asked for first"
    page.fill("#bulk-reason", "地点描述不清，无法派遣")
    page.click("#bulk-send_back")
    page.wait_for_selector(".messages li.success")
    assert desk_city.now(case).state == "detected"
    page.emulate_media(media="print")
    assert not page.locator(".filters").is_visible() and page.locator("#counts").is_visible()


def test_the_figures_follow_the_city(page: "Page", server: str, desk_city: City) -> None:
    page.clock.install()
    page.goto(f"{server}/cases/?show=open")
    before = int(page.inner_text("#open-count"))
    desk_city.filed()
    page.clock.run_for(11_000)
    page.wait_for_function(f"() => document.querySelector('#open-count').textContent === '{before + 1}'")
