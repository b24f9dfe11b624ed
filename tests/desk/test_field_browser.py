"""The flood board and the fire lanes on a phone of 320 px, with the network cut and restored."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from desk_city import VILLAGE, City
from flood_city import Water, water_in
from test_map_browser import sign_in
from test_phone_browser import assert_fits

from citybrain.bi.render import CHROMIUM
from citybrain.settings import DatabaseRole
from standing_in import standing_in

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = [
    pytest.mark.browser,
    pytest.mark.integration,
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"{CHROMIUM} is missing: apt-get install chromium"),
]
PHONE = {"width": 320, "height": 640}
COMPOUNDS = (
    "(compound_id text, compound_name text, connected boolean, property_company_id text, area_code text)"
)


@pytest.fixture
def water(desk_city: City) -> Iterator[Water]:
    with water_in(desk_city) as found:
        yield found


def test_a_warden_answers_and_asks_without_a_network(
    desk_city: City, server: str, browser: "Browser", water: Water, tmp_path: Path
) -> None:
    from citybrain.events.models import WakeUp
    from citybrain.events.scope import as_system

    place = water.place([18, 20, 26, 31])
    case = water.case_at(place)
    person = desk_city.person("flood_warden", None, password=True)
    person.warden_code = place.wardens[0]
    person.save()
    context = browser.new_context(locale="zh-CN", viewport=PHONE, has_touch=True)
    phone = context.new_page()
    sign_in(phone, server, desk_city, person)
    assert phone.url.endswith("/phone/flood/"), "a warden arrives at the board"
    phone.click("summary")
    assert_fits(phone)
    phone.screenshot(path=tmp_path / "flood.png", full_page=True)
    context.set_offline(True)
    phone.click(".answer button")
    phone.fill("textarea[name=words]", "下穿桥积水")
    phone.click(".ask button")
    phone.click(".ask button")
    assert "已存在手机上" in phone.inner_text("#kept-forms")
    assert phone.inner_text("#kept-forms").count("请求支援") == 1, "twice tapped is once kept"
    phone.screenshot(path=tmp_path / "kept.png", full_page=True)
    assert_fits(phone)
    assert "ask_resource" not in desk_city.steps(case)
    context.set_offline(False)
    phone.wait_for_selector(".messages li.success")
    assert not phone.locator("#kept-forms").is_visible()
    assert "您已应答" in phone.content() and "已请求：需要排水泵 1 台：下穿桥积水" in phone.content()
    assert desk_city.steps(case).count("ask_resource") == 1
    with as_system():
        assert WakeUp.objects.get(case_id=case.pk, ordinal=1).state == "answered"
    context.close()


def test_a_company_sees_its_lanes(desk_city: City, server: str, browser: "Browser", tmp_path: Path) -> None:
    guard = desk_city.person("property_company", desk_city.company, password=True)
    case = desk_city.dispatched(place_id="LANE0")
    other = desk_city.filed(place_id="LANE1")  # nobody's yet: the lane is told, the case is not
    with standing_in(desk_city.settings, {"dim_compound": COMPOUNDS}, [DatabaseRole.DESK]) as dbt:
        for number, (name, connected, owner) in enumerate(
            [("合欢苑", True, "DESK-PM-1"), ("畅通苑", True, "DESK-PM-1"), ("别家苑", True, "DESK-PM-2")]
        ):
            row = (f"LANE{number}", name, connected, owner, VILLAGE)
            dbt.execute("INSERT INTO marts.dim_compound VALUES (%s, %s, %s, %s, %s)", row)
        context = browser.new_context(locale="zh-CN", viewport=PHONE, has_touch=True)
        phone = context.new_page()
        sign_in(phone, server, desk_city, guard)
        phone.goto(f"{server}/phone/lanes/")
        lanes = phone.locator(".lane")
        assert [one.get_attribute("data-occupied") for one in lanes.all()] == ["yes", "yes"]
        assert "别家苑" not in phone.content() and other.number not in phone.content()
        phone.wait_for_function("() => document.querySelector('.lane img').naturalWidth > 0")
        assert_fits(phone)
        phone.screenshot(path=tmp_path / "lanes.png", full_page=True)
        phone.click(f"a:has-text('{case.number}')")
        phone.wait_for_url(f"**/phone/{case.number}/")
        context.close()
