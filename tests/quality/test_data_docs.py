"""Pages that need no network, show no markup of the data's own, and survive gates that publish at once."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from citybrain.quality import Expectations, data_docs_url, judge_batch, publish_data_docs
from citybrain.quality.result_file import page_path, replace_file, write_result
from citybrain.quality.verdict import Card, RuleResult, Verdict
from citybrain.settings import DatabaseRole, Settings

from .conftest import random_rows
from .test_gate import ROW_RULES

pytestmark = pytest.mark.integration

MARKUP = "<script>alert(1)</script><img src=x onerror=alert(1)>"


class References(HTMLParser):
    """What a page would fetch or run."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.fetched: list[str] = []
        self.handlers: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        named = dict(attrs)
        for name in ("src", "href", "data", "action"):
            if named.get(name) and tag != "a":
                self.fetched.append(str(named[name]))
        self.handlers += [name for name in named if name.startswith("on")]


def references(page: Path) -> References:
    found = References()
    found.feed(page.read_text(encoding="utf-8"))
    return found


@pytest.fixture
def site(settings: Settings) -> Path:
    return settings.pages_dir / "data-docs"


def judge(settings: Settings, table: str, expectations: Expectations, name: str) -> Verdict:
    url = settings.dsn(DatabaseRole.LOADER)
    return judge_batch(url, "stage", table, expectations.dataset, expectations, name, settings=settings)


def test_pages_fetch_nothing_and_run_nothing(
    settings: Settings, stage: Callable[..., str], expect: Callable[..., Expectations], site: Path
) -> None:
    rules: list[dict[str, Any]] = [
        {"id": "marked", "kind": "one_of", "column": "word", "values": [MARKUP], "why": MARKUP},
        {
            "id": "marked_when",
            "kind": "not_null",
            "column": "day",
            "when": {"column": "word", "equals": MARKUP},
        },
        {"id": "marked_pattern", "kind": "matches", "column": "word", "pattern": "<b>.*", "why": MARKUP},
        {"id": "rows", "kind": "row_count", "red_outside": {"max": 1}, "why": MARKUP},
    ]
    expectations = expect(*ROW_RULES, *rules)
    verdict = judge(settings, stage([{"word": MARKUP}, *random_rows(5, 30)]), expectations, "marked")
    assert verdict.card is Card.RED
    assert publish_data_docs(settings) >= 1
    page = site / page_path("trial", "marked")
    for path in (page, site / "index.html"):
        found = references(path)
        assert (found.fetched, found.handlers) == ([], [])
        assert {"script", "link", "iframe", "img"}.isdisjoint(found.tags)
        assert not re.search(r"url\(|@import", path.read_text(encoding="utf-8"))
    text = page.read_text(encoding="utf-8")
    assert "红牌" in text
    assert expectations.file.runbook in text
    assert "small 列：超出范围（不小于 0、不大于 90）" in text
    for target in re.findall(r'<a [^>]*href="([^"#]+)"', text):
        assert (page.parent / target).exists(), target
    assert data_docs_url(settings, "trial", "marked").endswith("/data-docs/trial/marked.html")


def test_a_gate_that_broke_down_has_a_page_too(
    settings: Settings, expect: Callable[..., Expectations], site: Path
) -> None:
    expectations = expect({"id": "word", "kind": "not_null", "column": "word"})
    judge(settings, "no_such_table", expectations, "broken_down")
    publish_data_docs(settings)
    assert "检查没有完成，没有原始记录" in (site / "trial" / "broken_down.html").read_text(encoding="utf-8")


def test_publishers_at_once_leave_whole_pages(
    settings: Settings, expect: Callable[..., Expectations], site: Path
) -> None:
    expectations = expect({"id": "word", "kind": "not_null", "column": "word"})
    result = RuleResult("word", "not_null", "word", Card.YELLOW, 1, 2)
    verdict = Verdict(Card.YELLOW, [result], "word 列：缺失")

    def gate(number: int) -> int:
        write_result(settings, expectations, f"many_{number}", datetime.now(UTC), verdict, None)
        return publish_data_docs(settings)

    with ThreadPoolExecutor(8) as pool:
        rendered = list(pool.map(gate, range(24)))
    assert sum(rendered) >= 24
    index = (site / "index.html").read_text(encoding="utf-8")
    for number in range(24):
        page = (site / page_path("trial", f"many_{number}")).read_text(encoding="utf-8")
        assert page.rstrip().endswith("</html>")
        assert f"trial/many_{number}.html" in index
    assert publish_data_docs(settings) == 0
    assert [path.name for path in site.rglob(".*")] == []


def test_a_judged_again_batch_gets_a_new_page(
    settings: Settings, expect: Callable[..., Expectations], site: Path
) -> None:
    expectations = expect({"id": "word", "kind": "not_null", "column": "word"})
    for card, words in ((Card.RED, "红牌"), (Card.GREEN, "绿牌")):
        write_result(settings, expectations, "again", datetime.now(UTC), Verdict(card, [], None), None)
        publish_data_docs(settings)
        assert words in (site / "trial" / "again.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["../escape", "a/b", "", ".hidden", "x" * 101])
def test_a_run_name_is_a_plain_file_name(
    name: str, settings: Settings, expect: Callable[..., Expectations]
) -> None:
    expectations = expect({"id": "word", "kind": "not_null", "column": "word"})
    with pytest.raises(ValueError, match="cannot name a result"):
        write_result(settings, expectations, name, datetime.now(UTC), Verdict(Card.GREEN, [], None), None)


def test_replace_file_leaves_no_draft(tmp_path: Path) -> None:
    replace_file(tmp_path / "new" / "page.html", b"one")
    replace_file(tmp_path / "new" / "page.html", b"two")
    assert [(path.name, path.read_bytes()) for path in (tmp_path / "new").iterdir()] == [
        ("page.html", b"two")
    ]
