"""Sources that answer in pages: everything lands once, and no page leads anywhere else."""

import json
import logging
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from http_source import Answer, HttpServer, as_json
from hypothesis import given
from hypothesis import strategies as st

from citybrain.catalogue.request_template import check_template, fill
from citybrain.ingest import SourceError, gate_landed_batches, land_dataset
from citybrain.ingest.connectors import http_address
from citybrain.ingest.landing import land_anew
from citybrain.lake import download
from citybrain.settings import get_settings
from trial_city import City, credit_code

pytestmark = pytest.mark.integration

SOURCE = """\
id: trial_pages
code: 2026UN9001
title: {{zh: 试验数据, en: Trial data}}
description: One row per firm, for tests.
owner: market_regulation
family: government
origin: synthetic
source_note: written by the tests
personal_data: none
{more}
connector: {{kind: http, url: '{url}', {connector}}}
format: {{kind: json, records: /found/rows}}
delivers: increment
key: [uscc]
columns:
  - {{name: uscc, type: text, headers: [facts.uscc], label: {{zh: 信用代码, en: Credit code}}}}
  - {{name: name, type: text, headers: [facts.name], label: {{zh: 名称, en: Name}}}}
  - {{name: staff, type: integer, headers: [/staff], label: {{zh: 人数, en: Staff}}}}
  - {{name: changed_at, type: timestamptz, headers: [changed], label: {{zh: 时间, en: Changed at}}}}
"""
EXPECTATIONS = """\
dataset: trial_pages
owner: market_regulation
runbook: 联系报送部门重新导出。
rules:
  - {id: code, kind: valid_uscc, column: uscc, why: {zh: 试验, en: Trial}, red_above: 0.5}
  - {id: staff, kind: between, column: staff, min: 0, max: 99999, why: {zh: 试, en: Try}, red_above: 0.5}
"""


def firm(number: int) -> dict[str, Any]:
    changed = f"2026-03-{1 + number % 27:02d}T08:00:00+08:00"
    return {
        "facts": {"uscc": credit_code(number), "name": f"第{number}公司"},
        "staff": number,
        "changed": changed,
    }


class Pages:
    """A trial source over a server; `describe` writes its file anew."""

    def __init__(self, city: City, monkeypatch: pytest.MonkeyPatch) -> None:
        self.city, self.environment = city, monkeypatch
        self.rows = [firm(number) for number in range(25)]
        self.server = HttpServer(self.nothing)
        self.set("http_allow", json.dumps([self.server.host]))

    def nothing(self, _path: str, _query: dict[str, str]) -> Answer:
        return 404, {}, b""

    def set(self, name: str, value: str) -> None:
        self.environment.setenv(f"CITYBRAIN_{name.upper()}", value)
        get_settings.cache_clear()

    def describe(self, connector: str, url: str = "", more: str = "") -> None:
        url = url or f"http://{self.server.host}/firms"
        text = SOURCE.format(url=url, connector=connector, more=more)
        (self.city.settings.sources_dir / "trial_pages.yml").write_text(text, encoding="utf-8")
        (self.city.settings.expectations_dir / "trial_pages.yml").write_text(EXPECTATIONS, encoding="utf-8")

    def serve(self, answer: Callable[[str, dict[str, str]], Answer]) -> None:
        self.server.answer = answer

    def document(self, rows: list[Any], **more: Any) -> dict[str, Any]:
        return {"found": {"rows": rows}, **more}

    def loaded(self) -> list[int]:
        return [row["staff"] for row in self.city.raw("trial_pages")]


@pytest.fixture
def pages(city: City, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pages]:
    found = Pages(city, monkeypatch)
    yield found
    found.server.close()


def by_link_header(pages: Pages) -> Callable[[str, dict[str, str]], Answer]:
    def answer(_path: str, query: dict[str, str]) -> Answer:
        start = int(query.get("from", 0))
        links = '</elsewhere>; rel="last"'
        if start + 10 < len(pages.rows):
            links += f', <?from={start + 10}>; rel="next"'
        return as_json(pages.document(pages.rows[start : start + 10]), Link=links)

    return answer


def by_stac_link(pages: Pages) -> Callable[[str, dict[str, str]], Answer]:
    def answer(_path: str, query: dict[str, str]) -> Answer:
        start = int(query.get("next", 0))
        links = [{"rel": "self", "href": "/"}]
        if start + 10 < len(pages.rows):
            href = f"http://{pages.server.host}/firms?next={start + 10}"
            links.append({"rel": "next", "href": href, "method": "GET"})
        return as_json(pages.document(pages.rows[start : start + 10], links=links))

    return answer


def by_url(pages: Pages) -> Callable[[str, dict[str, str]], Answer]:
    def answer(path: str, _query: dict[str, str]) -> Answer:
        start = int(path.rsplit("/", 1)[-1]) if path[-1].isdigit() else 0
        following = f"/firms/{start + 10}" if start + 10 < len(pages.rows) else None
        return as_json(pages.document(pages.rows[start : start + 10], next=following))

    return answer


def by_number(pages: Pages) -> Callable[[str, dict[str, str]], Answer]:
    def answer(_path: str, query: dict[str, str]) -> Answer:
        start = (int(query["page"]) - 1) * 10
        return as_json(pages.document(pages.rows[start : start + 10]))

    return answer


def by_offset(pages: Pages) -> Callable[[str, dict[str, str]], Answer]:
    def answer(_path: str, query: dict[str, str]) -> Answer:
        start = int(query["offset"])
        return as_json(pages.document(pages.rows[start : start + 7]))  # fewer than the asked ten

    return answer


def by_cursor(pages: Pages) -> Callable[[str, dict[str, str]], Answer]:
    def answer(_path: str, query: dict[str, str]) -> Answer:
        start = int(query.get("after", "c0")[1:])
        token = f"c{start + 10}" if start + 10 < len(pages.rows) else None
        return as_json(pages.document(pages.rows[start : start + 10], meta={"cursor": token}))

    return answer


KINDS = [
    ("paging: {kind: next_link}", by_link_header, 3),
    ("paging: {kind: next_link, pointer: /links}", by_stac_link, 3),
    ("paging: {kind: next_link, pointer: /next}", by_url, 3),
    ("paging: {kind: page, parameter: page}", by_number, 4),
    (
        "query: {limit: '10'}, paging: {kind: page, parameter: offset, counts: records, first: 0}",
        by_offset,
        5,
    ),
    ("paging: {kind: cursor, parameter: after, pointer: /meta/cursor}", by_cursor, 3),
]


@pytest.mark.parametrize(("connector", "way", "requests"), KINDS, ids=[way.__name__ for _, way, _ in KINDS])
def test_every_page_lands_in_one_object(
    pages: Pages, tmp_path: Path, connector: str, way: Callable[[Pages], Any], requests: int
) -> None:
    pages.describe(connector)
    pages.serve(way(pages))
    (batch_id,) = land_dataset("trial_pages").landed
    assert len(pages.server.asked) == requests
    batch = pages.city.batch(batch_id)
    assert batch["object_key"].endswith(".json")
    found = download(pages.city.settings, "landing", batch["object_key"], tmp_path / "object")
    lines = found.path.read_text(encoding="utf-8").splitlines()
    assert [row for line in lines for row in json.loads(line)["found"]["rows"]] == pages.rows
    assert land_dataset("trial_pages").duplicates == 1
    assert [outcome.rows_loaded for outcome in gate_landed_batches()] == [25]
    assert pages.loaded() == list(range(25))


def test_a_pull_that_breaks_lands_nothing_and_begins_again(pages: Pages) -> None:
    pages.describe("paging: {kind: page, parameter: page}")
    whole = by_number(pages)
    pages.serve(lambda path, query: (404, {}, b"") if query["page"] == "3" else whole(path, query))
    with pytest.raises(SourceError, match="HTTP 404"):
        land_dataset("trial_pages")
    assert pages.city.rows("SELECT * FROM meta.batch") == []
    pages.rows.insert(0, firm(40))  # the pages have shifted since
    pages.serve(whole)
    land_dataset("trial_pages")
    gate_landed_batches()
    assert sorted(pages.loaded()) == [*range(25), 40]


def test_a_pull_killed_between_pages_lands_nothing_and_begins_again(pages: Pages) -> None:
    pages.describe("timeout_seconds: 60, paging: {kind: page, parameter: page}")
    whole, go_on = by_number(pages), threading.Event()

    def slow(path: str, query: dict[str, str]) -> Answer:
        if query["page"] == "3":
            go_on.wait(60)
        return whole(path, query)

    pages.serve(slow)
    code = "from citybrain.ingest import land_dataset; land_dataset('trial_pages')"
    lander = subprocess.Popen([sys.executable, "-c", code])
    deadline = time.monotonic() + 60
    while len(pages.server.asked) < 3:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    lander.kill()
    lander.wait()
    go_on.set()
    assert pages.city.rows("SELECT * FROM meta.batch") == []
    assert len(land_dataset("trial_pages").landed) == 1
    assert land_dataset("trial_pages").landed == []
    gate_landed_batches()
    assert pages.loaded() == list(range(25))


def test_a_busy_page_is_asked_for_again(pages: Pages) -> None:
    pages.describe("paging: {kind: page, parameter: page}")
    whole, refused = by_number(pages), [2]

    def answer(path: str, query: dict[str, str]) -> Answer:
        if query["page"] == "2" and refused:
            refused.pop()
            return 429, {"Retry-After": "0"}, b""
        return whole(path, query)

    pages.serve(answer)
    assert len(land_dataset("trial_pages").landed) == 1
    assert [query["page"] for _, query in pages.server.asked] == ["1", "2", "2", "3", "4"]


def test_an_unchanged_first_page_means_nothing_new(pages: Pages) -> None:
    pages.describe("paging: {kind: next_link}")
    whole = by_link_header(pages)

    def answer(path: str, query: dict[str, str]) -> Answer:
        if pages.server.headers[-1].get("If-None-Match") == '"v1"':
            return 304, {}, b""
        status, headers, body = whole(path, query)
        return status, {**headers, "ETag": f'"v{1 + int(query.get("from", 0))}"'}, body

    pages.serve(answer)
    assert len(land_dataset("trial_pages").landed) == 1
    asked = len(pages.server.asked)
    report = land_dataset("trial_pages")
    assert (report.landed, report.duplicates) == ([], 0)
    assert len(pages.server.asked) == asked + 1


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("http://{other}/firms?from=10", "another host"),
        ("https://{host}/firms?from=10", "another host"),
        ("http://key:word@{host}/firms", "no plain http"),  # pragma: allowlist secret
        ("file:///etc/passwd", "no plain http"),
        ("//169.254.169.254/latest", "another host"),
        ("gopher://{host}/", "no plain http"),
        ("http://[::1/", "no plain http"),
    ],
)
@pytest.mark.parametrize("where", ["header", "document"])
def test_a_next_link_never_leads_away(pages: Pages, target: str, reason: str, where: str) -> None:
    trap = HttpServer(lambda _path, _query: as_json(pages.document([])))
    pages.set("http_allow", json.dumps([pages.server.host, trap.host]))  # allowed, and still another host
    url = target.format(host=pages.server.host, other=trap.host)
    pages.describe("paging: {kind: next_link" + (", pointer: /next}" if where == "document" else "}"))
    headers = {"Link": f'<{url}>; rel="next"'} if where == "header" else {}
    pages.serve(lambda _path, _query: as_json(pages.document(pages.rows, next=url), **headers))
    with pytest.raises(SourceError, match=reason):
        land_dataset("trial_pages")
    assert trap.asked == []
    assert pages.city.rows("SELECT * FROM meta.batch") == []
    trap.close()


def test_a_page_that_redirects_is_not_followed(pages: Pages) -> None:
    pages.describe("paging: {kind: page, parameter: page}")
    whole = by_number(pages)
    away = {"Location": "http://169.254.169.254/"}
    pages.serve(lambda path, query: (302, away, b"") if query["page"] == "2" else whole(path, query))
    with pytest.raises(SourceError, match="redirects to"):
        land_dataset("trial_pages")


def test_pages_that_never_end_are_given_up(pages: Pages) -> None:
    pages.describe("max_pages: 5, paging: {kind: page, parameter: page}")
    pages.serve(lambda _path, query: as_json(pages.document([firm(int(query["page"]))])))
    with pytest.raises(SourceError, match="more than 5 pages"):
        land_dataset("trial_pages")
    assert len(pages.server.asked) == 5
    pages.serve(lambda _path, _query: as_json(pages.document([firm(1)])))
    with pytest.raises(SourceError, match="same page twice"):
        land_dataset("trial_pages")
    pages.describe("paging: {kind: next_link}")
    pages.serve(lambda _path, query: as_json(pages.document([firm(len(query))]), Link='</firms>; rel="next"'))
    with pytest.raises(SourceError, match="lead back"):
        land_dataset("trial_pages")


def test_pages_over_the_limit_are_refused(pages: Pages) -> None:
    pages.set("max_object_mb", "1")
    pages.describe("paging: {kind: page, parameter: page}")
    filler = "长" * 100_000
    pages.serve(lambda _path, query: as_json(pages.document([{**firm(int(query["page"])), "x": filler}])))
    report = land_dataset("trial_pages")
    assert (report.landed, report.rejected) == ([], 1)
    assert 2 < len(pages.server.asked) < 8
    pages.serve(lambda _path, _query: as_json(pages.document([{"x": filler * 5}])))
    assert land_dataset("trial_pages").rejected == 1
    assert pages.city.rows("SELECT * FROM meta.batch") == []


@pytest.mark.parametrize("body", [b"<html>", b'{"found": ', b"{}{}", b"\xff\xfe{}", b'{"a": 1, "a": 2}'])
def test_a_page_that_is_no_json_lands_nothing(pages: Pages, body: bytes) -> None:
    pages.describe("paging: {kind: page, parameter: page}")
    pages.serve(lambda _path, _query: (200, {}, body))
    with pytest.raises(SourceError, match="not one JSON document"):
        land_dataset("trial_pages")


def test_keys_are_sent_and_never_shown(
    pages: Pages, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    pages.describe(
        "secret_headers: {X-API-Key: trial_head}, secret_query: {token: trial_query}, "
        "paging: {kind: next_link, pointer: /next}"
    )
    with pytest.raises(SourceError, match="trial_head, trial_query in CITYBRAIN_SOURCE_SECRETS"):
        land_dataset("trial_pages")
    pages.set("source_secrets", json.dumps({"trial_head": "s3cr3t-head", "trial_query": "s3cr3t/query"}))
    echo = f"http://{pages.server.host}/firms/10?token=s3cr3t%2Fquery"
    pages.serve(
        lambda path, _query: as_json(
            pages.document([firm(len(path))], next=echo if path == "/firms" else None)
        )
    )
    assert len(land_dataset("trial_pages").landed) == 1
    assert [query["token"] for _, query in pages.server.asked] == ["s3cr3t/query"] * 2
    assert {headers["X-API-Key"] for headers in pages.server.headers} == {"s3cr3t-head"}
    pages.serve(lambda _path, _query: (404, {}, b""))
    with pytest.raises(SourceError) as refused:
        land_dataset("trial_pages")
    kept = str(pages.city.rows("SELECT * FROM meta.watermark")) + str(
        pages.city.rows("SELECT * FROM meta.delivery")
    )
    said = caplog.text + "".join(capfd.readouterr()) + str(refused.value) + kept + repr(get_settings())
    assert "s3cr3t" not in said


def test_dates_and_watermark_go_into_the_request(pages: Pages) -> None:
    pages.describe(
        "query: {day: '{logical_date}', from: '{logical_date-1}', since: '{watermark}'}, "
        "watermark: {pointer: /changed, start: '2026-01-01T00:00:00+08:00', overlap: PT1H}"
    )
    pages.serve(lambda _path, _query: as_json(pages.document(pages.rows)))
    land_dataset("trial_pages", date(2026, 3, 1))
    assert pages.server.asked[-1][1] == {
        "day": "2026-03-01",
        "from": "2026-02-28",
        "since": "2025-12-31T16:00:00Z",
    }
    pages.rows.append(firm(26))
    assert len(land_dataset("trial_pages", date(2026, 3, 2)).landed) == 1
    assert pages.server.asked[-1][1]["since"] == "2026-03-24T23:00:00Z"
    before = pages.city.rows("SELECT name, value FROM meta.watermark ORDER BY 1")
    assert {row["value"] for row in before} >= {"2026-03-27T00:00:00+00:00"}
    pages.rows = pages.rows[:3]
    assert len(land_anew("trial_pages", date(2026, 2, 1)).landed) == 1
    assert pages.server.asked[-1][1]["day"] == "2026-02-01"
    assert pages.city.rows("SELECT name, value FROM meta.watermark ORDER BY 1") == before
    assert [row["logical_date"] for row in pages.city.rows("SELECT * FROM meta.batch ORDER BY 1")] == [
        date(2026, 3, 1),
        date(2026, 3, 2),
        date(2026, 2, 1),
    ]


def test_a_record_without_its_time_moves_nothing(pages: Pages) -> None:
    pages.describe("watermark: {pointer: /changed, start: '2026-01-01T00:00:00+08:00'}")
    pages.serve(lambda _path, _query: as_json(pages.document([{**firm(1), "changed": "2026-03-01 08:00"}])))
    with pytest.raises(SourceError, match="no time with a zone"):
        land_dataset("trial_pages")
    assert pages.city.rows("SELECT * FROM meta.watermark") == []


# Addresses


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1"),
        "0.0.0.0",  # noqa: S104 - an address a name may stand for
        *("224.0.0.1", "::1", "fe80::1", "fd00::1", "::ffff:127.0.0.1", "2002:7f00:1::", "ff02::1"),
    ],
)
def test_a_name_must_not_stand_for_a_private_address(
    pages: Pages, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    public = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("93.184.216.34", 80))
    asked = []

    def resolved(host: str, port: int, **_: Any) -> list[Any]:
        asked.append(host)
        return [public, (family, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr(http_address.socket, "getaddrinfo", resolved)
    pages.set("http_allow", '["feeds.example:80"]')
    pages.describe("", url="http://feeds.example/firms")
    with pytest.raises(SourceError, match="no public address"):
        land_dataset("trial_pages")
    pages.set("enable_sources", '["trial_pages"]')
    pages.set("http_allow", "[]")
    pages.describe("", url="https://feeds.example/firms", more="enabled: false")
    with pytest.raises(SourceError, match="no public address"):
        land_dataset("trial_pages")
    assert asked == ["feeds.example", "feeds.example"]
    pages.describe("", url=f"https://{'[' + address + ']' if ':' in address else address}/firms")
    with pytest.raises(SourceError, match="no public address"):
        land_dataset("trial_pages")


def test_the_request_goes_to_the_address_that_was_looked_at(
    pages: Pages, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that stands for another address a moment later finds no second look-up."""
    port = int(pages.server.host.split(":")[1])
    looked_up = []

    def resolved(host: str, *_: Any, **__: Any) -> list[Any]:
        looked_up.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    monkeypatch.setattr(http_address.socket, "getaddrinfo", _once_then_private(resolved))
    pages.set("http_allow", f'["feeds.example:{port}"]')
    pages.set("http_private_networks", '["127.0.0.0/8"]')
    pages.describe("", url=f"http://feeds.example:{port}/firms")
    pages.serve(lambda _path, _query: as_json(pages.document(pages.rows)))
    assert len(land_dataset("trial_pages").landed) == 1
    assert looked_up == ["feeds.example"]
    assert pages.server.headers[-1]["Host"] == f"feeds.example:{port}"


def _once_then_private(resolved: Callable[..., list[Any]]) -> Callable[..., list[Any]]:
    """The platform's own connections name addresses; those are looked up as ever."""
    real = socket.getaddrinfo

    def look(host: Any, *more: Any, **names: Any) -> list[Any]:
        return resolved(host, *more, **names) if host == "feeds.example" else real(host, *more, **names)

    return look


def test_a_disabled_source_may_not_open_its_host(pages: Pages) -> None:
    pages.set("http_allow", "[]")
    pages.describe("", url="https://feeds.example/firms", more="enabled: false")
    with pytest.raises(SourceError, match=r"feeds\.example:443 is not allowed"):
        land_dataset("trial_pages")
    pages.describe("", url="http://feeds.example/firms")
    with pytest.raises(SourceError, match=r"feeds\.example:80 is not allowed"):
        land_dataset("trial_pages")


# Placeholders


@given(st.text(max_size=12))
def test_a_template_takes_its_placeholders_and_nothing_else(text: str) -> None:
    plain = text.replace("{", "").replace("}", "")
    assert fill(check_template(plain + "{logical_date+1}"), date(2026, 2, 28), None) == plain + "2026-03-01"
    if plain not in ("", "logical_date", "watermark"):
        with pytest.raises(ValueError, match="placeholder"):
            check_template("{" + plain + "}!")


@pytest.mark.parametrize(
    "text", ["{", "}", "{logical_date", "{{watermark}}", "{logical_date+1d}", "{secret}", "{}"]
)
def test_other_braces_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"placeholder|stands alone"):
        check_template(text)
