"""The public pages of the policies: anybody finds a document by Chinese words and reads what it asks for."""

import re
from collections.abc import Callable, Iterator
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from desk_city import City

from citybrain.bi.render import CHROMIUM
from citybrain.policy.facts import load_facts
from citybrain.policy.library import load_policy_file
from citybrain.policy.publishing import publish_policies
from citybrain.policy.texts import keep_texts
from citybrain.settings import SOURCE_TREE, DatabaseRole, Settings
from citybrain.warehouse.connection import connect

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.integration

LOGISTICS = "EX-TRA-LOGISTICS-BZ-1"
FILES = (
    "transport/example_logistics_bz_1.yml",
    "transport/example_logistics_qc_1.yml",
    "human_resources/startup_loan.yml",
    "science_technology/wuhu_research_lapsed.yml",
)
Client = Callable[[Any], Any]


@pytest.fixture(scope="module")
def published(desk: Settings, desk_city: City) -> Iterator[Settings]:
    """Four documents of the project, and nothing else of the tests before."""
    facts = load_facts(Settings(project=SOURCE_TREE))
    policies = [
        policy for name in FILES for policy in load_policy_file(SOURCE_TREE / "policies" / name, facts)
    ]
    with connect(desk, DatabaseRole.OWNER, "test policies") as connection:
        connection.execute(
            "TRUNCATE policy.document_text, policy.item_words, policy.document, policy.item,"
            " policy.item_version, policy.criterion CASCADE"
        )
        publish_policies(connection, policies)
    keep_texts(desk)
    yield desk
    with connect(desk, DatabaseRole.OWNER, "test policies") as connection:
        connection.execute("TRUNCATE policy.document CASCADE")


@pytest.fixture
def nobody(published: Settings, signed_in: Client) -> Any:
    return signed_in(None)


def titles(page: Any) -> list[str]:
    return re.findall(r'<a href="/policies/[^"]+">([^<]+)</a>', page.content.decode())


def test_the_list_counts_and_shows_what_is_in_force(nobody: Any) -> None:
    page = nobody.get("/policies/")
    text = page.content.decode()
    assert page.status_code == 200
    assert 'id="documents">4 份<' in text
    assert "芜湖市企业新增研发费用补助" not in text  # repealed
    everything = nobody.get("/policies/?all=1").content.decode()
    assert "芜湖市企业新增研发费用补助" in everything
    assert "示例" in everything and "摘编" in everything


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("新能源货车", "现代物流业"),
        ("货车购置", "现代物流业"),
        ("创业担保贷款", "创业担保贷款贴息"),
        ("小微企业贷款", "创业担保贷款贴息"),
    ],
)
def test_chinese_words_find_the_document_they_stand_in(nobody: Any, asked: str, found: str) -> None:
    assert any(found in title for title in titles(nobody.get("/policies/", {"q": asked, "all": "1"})))


def test_a_word_nobody_wrote_finds_nothing_and_half_a_question_finds_the_half(nobody: Any) -> None:
    assert "没有找到符合条件的政策" in nobody.get("/policies/?q=航天火箭").content.decode()
    half = nobody.get("/policies/", {"q": "航天 货车", "all": "1"}).content.decode()
    assert "没有事项同时含有全部词语" in half and "现代物流业" in half


@pytest.mark.parametrize("asked", ["'", "a' | 'b", "\\", "\x00", "!!!", "货车' & !!", "%", "<script>"])
def test_what_people_type_is_never_syntax(nobody: Any, asked: str) -> None:
    page = nobody.get("/policies/", {"q": asked, "department": "'", "channel": "x", "page": "-1"})
    assert page.status_code == 200 and "<script>" not in page.content.decode()


def test_department_and_channel_narrow_the_list(nobody: Any) -> None:
    only = titles(nobody.get("/policies/?all=1&department=transport"))
    assert only and all("物流" in title or "货运" in title or "冷链" in title for title in only)
    applied = nobody.get("/policies/?all=1&channel=apply&department=human_resources")
    assert len(titles(applied)) == 1


def test_a_document_says_in_plain_chinese_what_each_item_needs(nobody: Any) -> None:
    text = nobody.get(f"/policies/{LOGISTICS}/").content.decode()
    for words in ("需要满足什么", "能得多少", "登记地在亳州市", "存续经营", "（含）", "免申即享"):
        assert words in text
    assert "citybrain:demo" not in text  # no address anybody could open
    restated = nobody.get("/policies/AH-STARTUP-LOAN/").content.decode()
    assert "待核定：参数 subsidy 待核定（核定前不发放）" in restated
    assert 'href="https://m.99xinxi.net/hf/2205887.shtml"' in restated
    lapsed = nobody.get("/policies/WH-RESEARCH-2019/").content.decode()
    assert "已到期" in lapsed and date(2021, 12, 31).isoformat() in lapsed


def test_nothing_about_an_enterprise_is_on_a_public_page(nobody: Any) -> None:
    for address in ("/policies/?all=1", f"/policies/{LOGISTICS}/"):
        assert re.search(r"9[123]3416\d{2}[0-9A-Z]{10}", nobody.get(address).content.decode()) is None


def test_an_unknown_document_is_not_found_and_nothing_can_be_posted(nobody: Any) -> None:
    assert nobody.get("/policies/NO-SUCH/").status_code == 404
    assert nobody.post("/policies/").status_code in (403, 405)


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.skipif(not CHROMIUM.exists(), reason=f"{CHROMIUM} is missing: apt-get install chromium")
def test_a_visitor_searches_and_reads(published: Settings, server: str, browser: "Browser") -> None:
    page = browser.new_context(locale="zh-CN", viewport={"width": 390, "height": 844}).new_page()
    faults: list[str] = []
    page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    page.goto(f"{server}/policies/")
    page.fill("input[name=q]", "新能源货车")
    page.check("input[name=all]")
    page.click("button:has-text('查询')")
    page.click("#policies a >> nth=0")
    assert "需要满足什么" in page.inner_text("main")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert faults == []
