"""The phone's pages in a browser, 320 px wide: nothing to scroll sideways, nothing too small for a thumb."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from desk_city import City, photo
from psycopg.types.json import Jsonb

from citybrain.bi.render import CHROMIUM

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [
    pytest.mark.browser,
    pytest.mark.integration,
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"{CHROMIUM} is missing: apt-get install chromium"),
]
THUMB = 44  # CSS pixels
SMALL: Any = {"width": 320, "height": 640}
# Whatever can be touched and is shown, with its size; a hidden field or a closed fold cannot be.
TARGETS = """() => [...document.querySelectorAll("a, button, input, select, textarea, summary")]
    .filter((one) => one.checkVisibility() && one.type !== "hidden")
    .map((one) => { const box = one.getBoundingClientRect();
        return { what: one.outerHTML.slice(0, 90), width: box.width, height: box.height }; })"""
KEPT = """async () => (await Promise.all((await caches.keys()).map(async (name) =>
    (await (await caches.open(name)).keys()).map((one) => new URL(one.url).pathname)))).flat().sort()"""
SIDEWAYS = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"


def session_of(person: Any) -> str:
    """The cookie of who has signed in; the sign-in page has tests of its own."""
    from django.test import Client

    client = Client(headers={"host": "127.0.0.1"})
    client.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
    return client.cookies["citybrain_desk"].value


def phone_of(browser: "Browser", server: str, person: Any, scripts: bool = True) -> "Page":
    """A phone of 320 by 640 on which the person has signed in."""
    context = browser.new_context(
        locale="zh-CN",
        viewport=SMALL,
        has_touch=True,
        java_script_enabled=scripts,
    )
    context.add_cookies([{"name": "citybrain_desk", "value": session_of(person), "url": server}])
    page = context.new_page()
    page.goto(f"{server}/phone/")
    return page


def assert_fits(page: "Page") -> None:
    assert page.evaluate(SIDEWAYS) == 0, page.url
    small = [one for one in page.evaluate(TARGETS) if min(one["width"], one["height"]) < THUMB]
    assert small == [], page.url


def test_every_page_fits_a_small_phone(
    desk_city: City, server: str, browser: "Browser", tmp_path: Path
) -> None:
    guard = desk_city.person("property_company", desk_city.company)
    begun = desk_city.step(desk_city.dispatched(), "accept", "property_company")
    waiting = desk_city.dispatched(place_name="药都花园二期西区三号楼北侧消防通道" * 3)
    phone = phone_of(browser, server, guard)
    addresses = ["/phone/", "/phone/me/", "/phone/report/"]
    for address in [*addresses, *(f"/phone/{case.number}/" for case in (begun, waiting))]:
        phone.goto(server + address)
        for fold in phone.locator("summary").all():
            fold.click()
        assert_fits(phone)
        name = re.sub(r"\W+", "_", address)
        phone.screenshot(path=tmp_path / f"{name}.png", full_page=True)


def test_a_handler_hands_in_a_photo(desk_city: City, server: str, browser: "Browser", tmp_path: Path) -> None:
    guard = desk_city.person("property_company", desk_city.company)
    case = desk_city.dispatched()
    (tmp_path / "lane.jpg").write_bytes(photo((1600, 1200)))
    (tmp_path / "words.jpg").write_text("这不是照片" * 100, encoding="utf-8")
    phone = phone_of(browser, server, guard)
    complaints: list[str] = []
    phone.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    ours = phone.locator(f"#tasks li[data-case='{case.number}'] a")
    for page in range(1, 10):  # other tests leave the company tasks: ours may stand on a later page
        phone.goto(f"{server}/phone/?page={page}")
        if ours.count():
            break
    ours.click()
    phone.click("#accept")
    phone.click("#start")
    phone.set_input_files("#photo", tmp_path / "words.jpg")
    phone.click("#handle")
    assert "这个文件不是照片" in phone.inner_text("#refused")
    assert desk_city.now(case).state == "handling"
    phone.set_input_files("#photo", tmp_path / "lane.jpg")
    phone.locator(".preview").wait_for(state="visible")
    assert_fits(phone)
    phone.screenshot(path=tmp_path / "photo_chosen.png", full_page=True)
    phone.click("#handle")
    assert phone.locator("#task").get_attribute("data-state") == "checking"
    shown = phone.locator("figure[data-kind='after'] img")
    shown.scroll_into_view_if_needed()
    phone.wait_for_function("() => document.querySelector('[data-kind=after] img').naturalWidth > 0")
    assert not [said for said in complaints if "Content Security Policy" in said], complaints
    phone.screenshot(path=tmp_path / "handed_in.png", full_page=True)


def test_without_scripts_and_without_a_network(
    desk_city: City, server: str, browser: "Browser", tmp_path: Path
) -> None:
    worker = desk_city.person("grid_worker", desk_city.community)
    (tmp_path / "rubbish.jpg").write_bytes(photo())

    def fill(phone: "Page", place: str) -> None:
        phone.goto(f"{server}/phone/report/")
        phone.set_input_files("#photo", tmp_path / "rubbish.jpg")
        phone.select_option("#kind", "street_order/exposed_rubbish")
        phone.fill("#place", place)
        phone.fill("#text", "垃圾堆在路口")

    plain = phone_of(browser, server, worker, scripts=False)
    fill(plain, "花戏楼社区西门")
    plain.click("#send")
    assert "已收到" in plain.inner_text("#reported")

    phone = phone_of(browser, server, worker)
    fill(phone, "花戏楼社区东门")
    phone.reload()
    assert phone.input_value("#place") == "花戏楼社区东门", "a draft outlives a reload"
    phone.set_input_files("#photo", tmp_path / "rubbish.jpg")
    phone.context.set_offline(True)
    phone.click("#send")
    assert phone.locator(".offline").is_visible() and phone.url.endswith("/phone/report/")
    phone.context.set_offline(False)
    phone.wait_for_url("**/phone/report/*-*/")
    assert_fits(phone)
    phone.goto(f"{server}/phone/me/")
    assert phone.locator("#reports li").count() == 2


def test_what_was_sent_without_a_network_outlives_its_page(
    desk_city: City, server: str, browser: "Browser", tmp_path: Path
) -> None:
    """A report with two photos and a hand-in: the pages are closed before the network is back."""
    from citybrain.events.models import Signal
    from citybrain.events.scope import as_system

    guard = desk_city.person("property_company", desk_city.company)
    case = desk_city.dispatched()
    for action in ("accept", "start"):
        case = desk_city.step(case, action, "property_company")
    files = [tmp_path / f"{number}.jpg" for number in range(3)]
    for one in files:
        one.write_bytes(photo())
    phone = phone_of(browser, server, guard)
    phone.goto(f"{server}/phone/report/")
    phone.set_input_files("#photo", files[:2])
    phone.select_option("#kind", "street_order/exposed_rubbish")
    phone.fill("#place", "花戏楼社区南门")
    phone.fill("#text", "垃圾堆在路口")
    other = phone.context.new_page()
    other.goto(f"{server}/phone/{case.number}/")
    other.set_input_files("#photo", files[2])
    stale = phone.context.new_page()
    stale.goto(f"{server}/phone/report/")
    stale.set_input_files("#photo", files[2])
    phone.context.set_offline(True)
    for page, button in ((phone, "#send"), (other, "#handle")):
        page.click(button)
        page.wait_for_selector("#kept-photos:visible")
    stale.click("#send")  # without a place: the desk will not take it
    stale.wait_for_selector("#kept-photos p:nth-of-type(4)")
    for page in (phone, other, stale):
        page.close()
    with as_system():
        assert not Signal.objects.filter(reporter_id=guard.pk).exists()
    phone = phone.context.new_page()
    phone.context.set_offline(False)
    phone.goto(f"{server}/phone/me/")
    phone.wait_for_function("() => document.querySelector('#kept-photos').innerText.includes('没有被接受')")
    said = phone.inner_text("#kept-photos")
    assert "已提交" in said and "花戏楼社区南门" in said and case.number in said and "请写明地点" in said
    assert_fits(phone)
    phone.screenshot(path=tmp_path / "outlived.png", full_page=True)
    phone.click("#kept-photos button")
    phone.wait_for_selector("#kept-photos button", state="detached")
    phone.goto(f"{server}/phone/me/")
    assert phone.locator("#reports li").count() == 1 and not phone.locator("#kept-photos").is_visible()
    with as_system():
        (report,) = Signal.objects.filter(reporter_id=guard.pk)
    assert len(report.evidence) == 2 and desk_city.steps(case).count("handle") == 1
    phone.context.close()


def test_the_app_without_a_network(desk_city: City, server: str, browser: "Browser", tmp_path: Path) -> None:
    guard = desk_city.person("property_company", desk_city.company)
    case = desk_city.dispatched()
    phone = phone_of(browser, server, guard)
    complaints: list[str] = []
    phone.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    phone.wait_for_function("() => navigator.serviceWorker.controller")
    ruled = phone.evaluate("async () => (await navigator.serviceWorker.ready).scope")
    assert ruled == f"{server}/phone/"
    asked = phone.context.new_cdp_session(phone)
    errors = {one["errorId"] for one in asked.send("Page.getInstallabilityErrors")["installabilityErrors"]}
    assert errors <= {"in-incognito"}, "only that this browser is one of tests"
    task = f"{server}/phone/{case.number}/"
    phone.goto(task)
    phone.wait_for_function("() => document.querySelector('[data-kind=before] img').naturalWidth > 0")
    kept = phone.evaluate(KEPT)
    assert "/phone/without-network/" in kept and len(kept) > 5
    assert [one for one in kept if not one.startswith("/static/desk/")] == ["/phone/without-network/"]
    phone.context.set_offline(True)
    for address in (task, f"{server}/phone/"):
        phone.goto(address)
        assert "这一页要联网才能打开" in phone.inner_text("#without-network")
        assert case.number not in phone.content() and guard.display_name not in phone.content()
        assert_fits(phone)
    colour = phone.evaluate("() => getComputedStyle(document.querySelector('.button')).backgroundColor")
    assert colour == "rgb(20, 98, 201)", "the shell's styles are kept with it"
    phone.screenshot(path=tmp_path / "without_network.png", full_page=True)
    phone.goto(task)
    phone.context.set_offline(False)
    phone.wait_for_selector(f"#task[data-case='{case.number}']")
    assert phone.evaluate(KEPT) == kept
    assert not [said for said in complaints if "Content Security Policy" in said], complaints
    phone.context.close()


def test_a_dispatcher_finds_and_dispatches(
    desk_city: City, server: str, browser: "Browser", tmp_path: Path
) -> None:
    person = desk_city.person("dispatcher", desk_city.company)
    case = desk_city.filed(
        place_name="汤王大道与建安路交叉口西北角便道" * 3,
        evidence=Jsonb([desk_city.kept_picture()]),
        score=0.87,
        detail=Jsonb({"box": [0.25, 0.5, 0.5, 0.75], "frame": [640, 360]}),
    )
    phone = phone_of(browser, server, person)
    assert phone.url.endswith("/phone/find/")
    assert_fits(phone)
    phone.fill("#q", case.number[-6:])
    phone.click("#search")
    phone.click(f"#found li[data-case='{case.number}'] a")
    assert_fits(phone)
    picture, drawn = (phone.locator(f"figure {one}").bounding_box() for one in ("img", ".seen"))
    assert picture and drawn
    assert all(abs(picture[side] - drawn[side]) < 1 for side in ("x", "y", "width", "height"))
    phone.screenshot(path=tmp_path / "boxes.png", full_page=True)
    phone.uncheck(".boxes")
    assert not phone.locator(".seen").is_visible()
    phone.select_option("#dispatch-handler", str(desk_city.company.pk))
    phone.click("#dispatch")
    assert phone.locator("#task").get_attribute("data-state") == "dispatched"
    phone.click("summary:has-text('改派')")
    phone.select_option("#redispatch-handler", str(desk_city.other_company.pk))
    phone.fill("#redispatch-reason", "不在原单位管理范围")
    assert_fits(phone)
    phone.screenshot(path=tmp_path / "redispatch.png", full_page=True)
    phone.click("#redispatch")
    assert "和顺物业" in phone.inner_text("#waits")
    assert desk_city.now(case).handler_id == desk_city.other_company.pk
    phone.context.close()


def test_the_desk_at_1024(desk_city: City, server: str, browser: "Browser", tmp_path: Path) -> None:
    """The queue and a case on a mid screen; j moves to the first case, Enter opens it."""
    dispatcher = desk_city.person("dispatcher", desk_city.company, password=True)
    case = desk_city.dispatched()
    context = browser.new_context(locale="zh-CN", viewport={"width": 1024, "height": 768})
    page = context.new_page()
    page.goto(f"{server}/sign-in/")
    page.fill("#id_username", dispatcher.username)
    page.fill("#id_password", desk_city.settings.secret(f"desk_{dispatcher.username}"))
    page.click("button:has-text('登录')")
    page.goto(f"{server}/cases/?show=open")
    assert page.evaluate(SIDEWAYS) == 0
    page.screenshot(path=tmp_path / "queue.png", full_page=True)
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url("**/cases/BZ-*/")
    page.goto(f"{server}/cases/{case.number}/")
    page.wait_for_function("() => document.querySelector('#before img').naturalWidth > 0")
    assert page.evaluate(SIDEWAYS) == 0
    left, right = (page.locator(f"#{side}").bounding_box() for side in ("before", "after"))
    assert left and right and left["y"] == right["y"] and left["x"] < right["x"], "side by side"
    page.screenshot(path=tmp_path / "case.png", full_page=True)
