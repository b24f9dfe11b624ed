"""People of the demo city in a real browser, on the desk of the running platform."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from whole_city import RunningCity

from citybrain.bi.render import CHROMIUM

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

DESKTOP = {"width": 1366, "height": 900}
PHONE = {"width": 390, "height": 800}


@contextmanager
def open_browser() -> "Iterator[Browser]":
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        yield browser
        browser.close()


def page_of(
    browser: "Browser", city: RunningCity, account: str, viewport: dict[str, int] = DESKTOP
) -> "Page":
    """A page on which the demo account has signed in."""
    page = browser.new_context(locale="zh-CN", timezone_id="Asia/Shanghai", viewport=viewport).new_page()
    page.goto(f"{city.settings.desk_url}/sign-in/")
    page.fill("#id_username", account)
    page.fill("#id_password", city.settings.secret(f"desk_{account}"))
    page.click("button:has-text('登录')")
    page.wait_for_url(lambda url: "/sign-in/" not in url)
    return page
