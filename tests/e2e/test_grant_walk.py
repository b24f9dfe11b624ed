"""The whole grant loop on the running platform: what the main job matched becomes a payment file."""

import csv
import hashlib
import io
import json
from decimal import Decimal

import psycopg
import pytest
from walking import open_browser, page_of
from whole_city import RunningCity

from citybrain.bi.render import CHROMIUM
from citybrain.settings import DatabaseRole
from citybrain.warehouse.row_scope import SYSTEM, enter

pytestmark = [
    pytest.mark.browser,
    pytest.mark.integration,
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"{CHROMIUM} is missing: apt-get install chromium"),
]
ITEM = "DEMO-STABLE-JOBS"  # its enterprises need not confirm


def answer(city: RunningCity, *arguments: str) -> object:
    result = city.citybrain(*arguments, "--json")
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def end_notice(city: RunningCity, list_id: int) -> None:
    """Ten days pass: only the owner of the tables can make them."""
    with psycopg.connect(city.settings.dsn(DatabaseRole.OWNER)) as owner:
        enter(owner, SYSTEM)
        owner.execute(
            "UPDATE ops.grant_notice SET opened_at = opened_at - interval '10 days', closes_at = now()"
            " WHERE list_id = %s",
            (list_id,),
        )


def test_money_finds_its_firms(running_city: RunningCity) -> None:
    city = running_city
    (chosen,) = [one for one in answer(city, "grants", "list", "--state", "draft") if ITEM in one["code"]]
    address = f"{city.settings.desk_url}/grants/{chosen['id']}/"

    with open_browser() as browser:
        officer, checker, treasury = (
            page_of(browser, city, name) for name in ("officer", "checker", "treasury")
        )

        officer.goto(address)
        proposed = officer.locator("#line-table tbody tr").count()
        assert proposed > 0 and officer.locator("#state").get_attribute("data-state") == "draft"
        officer.locator("#line-table >> text=详情").first.click()
        assert officer.locator("#criteria, table").first.inner_text() != ""
        officer.goto(address)
        officer.click("#approve")

        checker.goto(address)
        checker.click("#countersign")
        if (
            checker.locator("#state").get_attribute("data-state") == "first_review"
        ):  # a large amount needs two
            second = page_of(browser, city, "second_checker")
            second.goto(address)
            second.click("#countersign")

        officer.goto(address)
        officer.click("#open-notice")
        public = browser.new_context(locale="zh-CN").new_page()
        public.goto(f"{city.settings.desk_url}/notice/")
        public.click(f"#running >> text={chosen['title']}")
        assert public.locator("#public-lines tbody tr").count() > 0
        end_notice(city, chosen["id"])
        answer(city, "grants", "close-notices")  # or the desk's worker was first

        treasury.goto(address)
        treasury.click("#pay")
        assert treasury.locator("#state").get_attribute("data-state") == "paid_file_made"
        with treasury.expect_download() as download:
            treasury.click("#files >> text=下载")
        content = download.value.path().read_bytes()

    shown = answer(city, "grants", "show", str(chosen["id"]))
    (file,) = shown["payment_files"]
    assert hashlib.sha256(content).hexdigest() == file["sha256"]
    rows = list(csv.DictReader(io.StringIO(content.decode("gb18030"))))
    assert len(rows) == file["rows"] == chosen["lines"]
    (amount,) = [name for name in rows[0] if "金额" in name]
    assert sum(Decimal(row[amount]) for row in rows) == Decimal(file["total"]) == Decimal(chosen["total"])
    assert city.citybrain("ledger", "verify").returncode == 0
