"""axe-core finds no serious fault on any page that a handler, a dispatcher, a warden or an officer opens."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from desk_city import City
from flood_city import Water, water_in
from test_map_browser import sign_in
from test_second_factor import code_of

from citybrain.bi.render import CHROMIUM

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = [
    pytest.mark.browser,
    pytest.mark.integration,
    pytest.mark.slow,
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"{CHROMIUM} is missing: apt-get install chromium"),
]
GRAVE = ("serious", "critical")
WIDTHS = {"phone": {"width": 320, "height": 640}, "mid": {"width": 1366, "height": 900}}
PAGES: dict[str, tuple[str, ...]] = {
    "department_handler": ("/cases/", "/cases/?show=all", "/cases/map/", "/cases/{case}/"),
    "property_company": (
        *("/phone/", "/phone/me/", "/phone/report/", "/phone/lanes/", "/phone/{case}/", "/cases/{case}/"),
        *("/phone/find/?q=BZ", "/phone/without-network/"),
    ),
    "dispatcher": (
        *("/cases/?show=open", "/cases/map/?show=open", "/cases/{filed}/", "/cases/devices/", "/command/"),
    ),
    "flood_warden": ("/phone/flood/", "/phone/report/", "/phone/me/"),
    "policy_officer": ("/grants/", "/grants/firm/", "/grants/trial/", "/policies/"),
}


@pytest.fixture(scope="module")
def water(desk_city: City) -> Iterator[Water]:
    with water_in(desk_city) as found:
        yield found


@pytest.mark.parametrize("role", PAGES)
def test_no_serious_fault(role: str, desk_city: City, server: str, browser: "Browser", water: Water) -> None:
    place = water.place([18, 20, 26, 31])
    water.case_at(place)
    water.force("team", "谯城抗洪抢险1队", 1, 115.79)
    handler = desk_city.company if role == "property_company" else desk_city.other_company
    dispatched = desk_city.dispatched(handler, lon=115.8, lat=33.8)
    numbers = {"case": dispatched.number, "filed": desk_city.filed().number}
    homes = {"department_handler": desk_city.people["department_handler"].organisation, "flood_warden": None}
    person = desk_city.person(role, homes.get(role, desk_city.company), password=True)
    person.warden_code = place.wardens[0]
    person.save()
    width = "phone" if role in ("property_company", "flood_warden") else "mid"
    context = browser.new_context(locale="zh-CN", viewport=WIDTHS[width])
    page = context.new_page()
    page.goto(f"{server}/sign-in/")
    faults = {"/sign-in/": _grave(page)}
    sign_in(page, server, desk_city, person)
    for address in PAGES[role]:
        answer = page.goto(server + address.format(**numbers))
        assert answer is not None and answer.status == 200, address
        for fold in page.locator("summary").all():
            fold.click()
        page.wait_for_timeout(700)  # what scripts fetch is there
        faults[address] = _grave(page)
    context.close()
    assert {address: found for address, found in faults.items() if found} == {}


def test_no_serious_fault_on_an_administrators_way(desk_city: City, server: str, browser: "Browser") -> None:
    """From the password over the code of an authenticator to a system's webhooks."""
    from citybrain.desk.systems.keys import register

    person = desk_city.person("system_admin", desk_city.company, password=True)
    register(f"axe-{person.pk}", "物业系统", desk_city.company.code, 10)
    context = browser.new_context(locale="zh-CN", viewport=WIDTHS["mid"])
    page = context.new_page()
    page.goto(f"{server}/sign-in/?next=/systems/axe-{person.pk}/")
    page.fill("#id_username", person.username)
    page.fill("#id_password", desk_city.settings.secret(f"desk_{person.username}"))
    page.click("button")
    page.wait_for_selector("#letters")
    faults = {"code": _grave(page)}
    page.fill("#code", code_of(person))
    page.click("#second-factor button")
    page.wait_for_selector("#recovery")
    faults["recovery codes"] = _grave(page)
    page.click("#recovery a")
    page.wait_for_selector("#form-add")
    faults["system"] = _grave(page)
    page.goto(f"{server}/systems/")
    faults["systems"] = _grave(page)
    context.close()
    assert {name: found for name, found in faults.items() if found} == {}


def _grave(page: Any) -> list[str]:
    """The faults that axe calls serious or worse, each with the first element it stands at."""
    found = Axe().run(page).response["violations"]
    return [
        f"{one['impact']} {one['id']}: {one['nodes'][0]['html'][:160]} ({len(one['nodes'])})"
        for one in found
        if one["impact"] in GRAVE
    ]
