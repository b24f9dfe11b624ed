"""The command page on a wall: help is sent from it, and it outlives the desk and the desk's connections."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from desk_city import City
from flood_city import water_in
from test_map_browser import sign_in

from citybrain.bi.render import CHROMIUM
from citybrain.settings import DatabaseRole, Settings
from citybrain.warehouse.connection import connect
from desk_in_browser import running_desk

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = [
    pytest.mark.browser,
    pytest.mark.integration,
    pytest.mark.slow,
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"{CHROMIUM} is missing: apt-get install chromium"),
]
WALL = {"width": 1920, "height": 1080}
SHOWN = "() => document.querySelector('#map').dataset.shown"


def now_in(desk: Settings) -> datetime:
    with connect(desk, DatabaseRole.DESK) as asked:
        (now,) = asked.execute("SELECT clock_timestamp()").fetchone() or (None,)
    return now  # type: ignore[return-value]


def cut_every_connection_of_the_site(desk: Settings, since: datetime) -> None:
    """As a restart of PostgreSQL does; the test's own, older than the site or in use here, stay."""
    from django.db import connection

    connection.ensure_connection()
    own = connection.connection.info.backend_pid
    with connect(desk, DatabaseRole.DESK, autocommit=True) as same_role:
        cut = same_role.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = current_user"
            " AND application_name = 'citybrain desk' AND pid <> %s AND backend_start > %s",
            (own, since),
        ).fetchall()
    assert cut


def test_help_is_sent_and_a_restart_is_outlived(
    desk: Settings, desk_city: City, browser: "Browser", tmp_path: Path
) -> None:
    commander = desk_city.person("command_centre", desk_city.company, password=True)
    with water_in(desk_city) as water:
        place = water.place([18, 20, 26, 31])
        water.place([2, 2, 2])
        water.force("team", "谯城抗洪抢险1队", 1, 115.79)
        water.force("team", "谯城综合救援2队", 1, 115.99)
        water.force("stock", "谯城物资库排水泵", 12, 115.7)
        case = water.case_at(place)
        begun = now_in(desk)
        with running_desk(desk) as server:
            context = browser.new_context(locale="zh-CN", timezone_id="Asia/Shanghai", viewport=WALL)
            page = context.new_page()
            complaints: list[str] = []
            page.on("pageerror", lambda error: complaints.append(str(error)))
            sign_in(page, server, desk_city, commander)
            page.goto(f"{server}/command/")
            page.wait_for_function(SHOWN)
            spot = page.locator(f"[data-point='{place.point}']")
            assert "31 cm" in spot.inner_text() and case.number in spot.inner_text()
            page.wait_for_timeout(1000)
            page.screenshot(path=tmp_path / "command.png")
            spot.get_by_role("button", name="调派谯城抗洪抢险1队").click()
            page.screenshot(path=tmp_path / "sending.png")
            page.click("#send-now")
            page.wait_for_function(
                "() => document.querySelector('#flood').textContent.includes('调派谯城抗洪抢险1队 1 支')"
            )
            assert desk_city.steps(case).count("send_resource") == 1
            cut_every_connection_of_the_site(desk, begun)
            heard = page.get_attribute("#board", "data-heard")
            page.wait_for_function(f"() => document.querySelector('#board').dataset.heard !== '{heard}'")
            page.evaluate("window.stillTheSamePage = true")
        page.wait_for_selector("#stale:not([hidden])", timeout=30_000)
        assert "与服务器失去联系" in page.inner_text("#stale")
        page.screenshot(path=tmp_path / "stale.png")
        elsewhere = water.place([45])
        water.case_at(elsewhere)
        with running_desk(desk):
            page.wait_for_selector("#stale", state="hidden", timeout=30_000)
            page.wait_for_selector(f"[data-point='{elsewhere.point}']", timeout=20_000)
            assert page.evaluate("window.stillTheSamePage") and complaints == []
            page.screenshot(path=tmp_path / "recovered.png")
            context.clear_cookies()
            page.wait_for_function(
                "() => document.querySelector('#stale').textContent.includes('登录已过期')"
            )
        context.close()
