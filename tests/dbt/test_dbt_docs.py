"""The published documentation is one page that asks nobody outside for anything."""

import re

import pytest

from citybrain.settings import Settings
from citybrain.warehouse.model_docs import docs_are_current, publish_docs
from citybrain.warehouse.transform import TransformReport, check_freshness

pytestmark = [pytest.mark.integration, pytest.mark.slow]


def test_one_page_that_fetches_nothing(city: Settings, built: TransformReport) -> None:
    assert not docs_are_current(city)
    page = publish_docs()
    assert docs_are_current(city)
    assert page == city.pages_dir / "dbt" / "index.html"
    text = page.read_text(encoding="utf-8")
    assert re.findall(r"<(?:script|link|img)[^>]+(?:src|href)=[\"']?(?:https?:)?//", text) == []
    head = text[text.index("<head>") :][:300]
    assert "Content-Security-Policy" in head
    assert "default-src 'self'" in head
    assert "mart_enterprise_attention" in text
    assert city.secret("transformer_password") not in text


def test_freshness_is_judged_for_every_active_source(city: Settings, built: TransformReport) -> None:
    report = check_freshness()
    judged = {source.name: source.status for source in report.per_source}
    assert judged["market_regulation.enterprise_register"] in ("pass", "warn", "error")
    assert judged["civil_affairs.division_county"] == "pass"
    assert "water_affairs.usgs_stage" not in judged
