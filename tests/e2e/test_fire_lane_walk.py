"""The whole fire-lane loop on the running platform: a camera saw it, a person ends it, the machine checks."""

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from walking import PHONE, open_browser, page_of
from whole_city import RunningCity

from citybrain.bi.render import CHROMIUM
from citybrain.simulate.stills import empty_yard, stills_dir

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [
    pytest.mark.browser,
    pytest.mark.integration,
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"{CHROMIUM} is missing: apt-get install chromium"),
]
CHECKED_SECONDS = 120


def shown(city: RunningCity, number: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(city.citybrain("cases", "show", number, "--json").stdout)
    return found


def hand_in(page: "Page", photo: Path) -> None:
    page.set_input_files("#photo", photo)
    page.click("#handle")


def wait_for_state(page: "Page", *states: str) -> str:
    """Reload the task's page until the machine has spoken."""
    deadline = time.monotonic() + CHECKED_SECONDS
    while (state := page.locator("#task").get_attribute("data-state") or "") not in states:
        assert time.monotonic() < deadline, f"still {state}, not {states}"
        time.sleep(2)
        page.reload()
    return state


def test_a_blocked_lane_is_cleared_and_closed(running_city: RunningCity, tmp_path: Path) -> None:
    city = running_city
    with open_browser() as browser:
        guard = page_of(browser, city, "property", PHONE)
        guard.goto(f"{city.settings.desk_url}/phone/")
        task = guard.locator("#tasks li[data-state='dispatched']").first
        number = task.get_attribute("data-case") or ""
        task.locator("a").click()
        camera = guard.locator("#task").get_attribute("data-camera") or ""
        before = guard.locator(".shots img").first
        before.scroll_into_view_if_needed()
        guard.wait_for_function("image => image.naturalWidth > 0", arg=before.element_handle())
        guard.click("#accept")
        guard.click("#start")

        text = tmp_path / "photo.jpg"
        text.write_text("这不是照片", encoding="utf-8")
        hand_in(guard, text)
        assert guard.locator("#refused").inner_text() != ""
        assert [one["kind"] for one in shown(city, number)["evidence"] if one["kind"] == "after"] == []

        guard.goto(f"{city.settings.desk_url}/phone/{number}/")
        still_there = min((stills_dir(city.settings) / camera).iterdir())  # of the first round
        hand_in(guard, still_there)
        assert wait_for_state(guard, "rework", "closed") == "rework"

        empty = tmp_path / "empty.jpg"
        empty.write_bytes(empty_yard(camera, 7))
        hand_in(guard, empty)
        assert wait_for_state(guard, "closed") == "closed"

        dispatcher = page_of(browser, city, "dispatcher")
        dispatcher.goto(f"{city.settings.desk_url}/cases/{number}/")
        assert dispatcher.locator("#state").get_attribute("data-state") == "closed"
        assert dispatcher.locator("#before img").count() >= 1
        assert dispatcher.locator("#after img").count() >= 2, "both photos, and perhaps a still of the patrol"
        steps = dispatcher.locator("#history tbody tr").count()

    case = shown(city, number)
    assert len(case["history"]) == steps
    actions = [step["action"] for step in case["history"]]
    assert actions[:4] == ["register", "confirm", "file", "dispatch"]
    assert actions.count("fail_check") == 1 and actions[-1] == "pass_check"
    assert {one["state"] for one in case["notifications"]} == {"sent"}
    assert city.citybrain("ledger", "verify").returncode == 0
