"""The two-officer loop in a browser, against a real server, to the payment file."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from match_runs import Found, firms, publish, run, uscc

from citybrain.bi.render import CHROMIUM
from citybrain.settings import Settings
from conftest import People
from desk_in_browser import open_browser, running_desk

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [
    pytest.mark.browser,
    pytest.mark.integration,
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"{CHROMIUM} is missing: apt-get install chromium"),
]


@pytest.fixture(scope="module")
def server(desk: Settings, people: People) -> Iterator[str]:
    with running_desk(desk) as address:
        yield address


@pytest.fixture(scope="module")
def browser() -> "Iterator[Browser]":
    with open_browser() as opened:
        yield opened


def signed_in(browser: "Browser", server: str, settings: Settings, account: str) -> "Page":
    page = browser.new_context(locale="zh-CN", viewport={"width": 1366, "height": 900}).new_page()
    page.goto(f"{server}/sign-in/")
    page.fill("#id_username", account)
    page.fill("#id_password", settings.secret(f"desk_{account}"))
    page.click("button:has-text('登录')")
    page.wait_for_url("**/grants/**")
    return page


def test_two_officers_the_public_and_the_treasury(
    desk: Settings,
    server: str,
    browser: "Browser",
    past_notice: Callable[[int], None],
    tmp_path: Path,
) -> None:
    from acting import list_of

    from citybrain.policy.grants.making import make_lists
    from citybrain.policy.grants.notices import close_due_notices

    item = publish(desk, title="失业保险稳岗返还")
    sole = Found(uscc(99, "92"), firms("888.00")[0].amount, name="张三丰小吃店")
    near = Found(uscc(500), firms("4200.00")[0].amount, "near", unmet=2, name="亳州药业一厂")
    blind = Found(uscc(501), None, "needs_data", unknown=2, name="亳州酒业二厂")
    run(desk, {item: [*firms(*(f"{n * 1234}.56" for n in range(1, 61))), sole, near, blind]})
    make_lists()
    grant_list = list_of(item.item_id)
    address = f"{server}/grants/{grant_list.pk}/"

    def state(page: "Page") -> str | None:
        page.goto(address)
        return page.locator("#state").get_attribute("data-state")

    officer = signed_in(browser, server, desk, "officer")
    assert officer.locator(f"tr[data-list='{grant_list.code}'] >> text=请初审").count() == 1
    officer.screenshot(path=tmp_path / "lists.png", full_page=True)
    assert state(officer) == "draft"
    officer.screenshot(path=tmp_path / "list.png", full_page=True)
    officer.locator(f"tr[data-uscc='{uscc(1)}'] >> text=详情").click()
    officer.screenshot(path=tmp_path / "line.png", full_page=True)
    officer.fill("#exclude-reason", "已被兼并，不再独立经营")
    officer.click("#exclude")
    assert officer.locator("#line-state").get_attribute("data-state") == "excluded"
    officer.goto(f"{server}/grants/{grant_list.pk}/needs_data/")
    assert "请人力资源和社会保障局补充" in officer.inner_text("main")
    officer.screenshot(path=tmp_path / "open_ends.png", full_page=True)
    officer.goto(f"{server}/grants/firm/{uscc(500)}/")
    assert officer.locator(f"section[data-item='{item.item_id}']").get_attribute("data-status") == "near"
    officer.screenshot(path=tmp_path / "firm.png", full_page=True)
    assert state(officer) == "draft"
    officer.click("#approve")
    assert state(officer) == "first_review"
    assert officer.locator("#countersign").count() == 0, "the officer is not offered the countersignature"

    checker = signed_in(browser, server, desk, "checker")
    assert state(checker) == "first_review"
    checker.screenshot(path=tmp_path / "countersign.png", full_page=True)
    checker.click("#countersign")
    assert state(checker) == "second_review"

    assert state(officer) == "second_review"
    officer.click("#open-notice")
    assert state(officer) == "notice_open"

    public = browser.new_context(locale="zh-CN", viewport={"width": 1366, "height": 900}).new_page()
    public.goto(f"{server}/notice/")
    public.screenshot(path=tmp_path / "notices.png", full_page=True)
    public.click("#running >> text=失业保险稳岗返还")
    public.screenshot(path=tmp_path / "notice.png", full_page=True)
    public.goto(public.url + "?page=2")
    assert "张三＊＊吃店" in public.inner_text("main") and "张三丰" not in public.inner_text("main")
    public.locator("#public-lines >> text=提出异议").first.click()
    public.fill("#text", "这户企业今年三月起已停产，职工已遣散。")
    public.fill("#contact", "0558-5550000")
    public.screenshot(path=tmp_path / "objection.png", full_page=True)
    public.click("#object")
    assert "异议已提交" in public.inner_text("main")

    assert state(checker) == "notice_open"
    checker.click("#objections a:has-text('核处')")
    checker.fill("textarea[id^=answer-]", "经实地核查，企业正常生产。")
    checker.screenshot(path=tmp_path / "settle.png", full_page=True)
    checker.click("button:has-text('异议不成立')")
    assert checker.locator("#line-state").get_attribute("data-state") == "proposed"

    past_notice(grant_list.pk)
    assert close_due_notices() == [grant_list.code]
    treasury = signed_in(browser, server, desk, "treasury")
    assert state(treasury) == "payable"
    treasury.click("#pay")
    assert state(treasury) == "paid_file_made"
    treasury.screenshot(path=tmp_path / "paid.png", full_page=True)
    with treasury.expect_download() as download:
        treasury.click("#files >> text=下载")
    rows = download.value.path().read_bytes().decode("gb18030").splitlines()
    assert len(rows) == 1 + 60, "61 proposed, one excluded"
    assert state(officer) == "paid_file_made"
    officer.screenshot(path=tmp_path / "history.png", full_page=True)
    assert officer.locator("#files >> text=下载").count() == 0
    phone = browser.new_context(locale="zh-CN", viewport={"width": 390, "height": 800}).new_page()
    phone.goto(f"{server}/notice/{grant_list.code.replace('/', '-').lower()}/")
    phone.screenshot(path=tmp_path / "notice_phone.png")
