"""What is thrown at the API is refused with a 4xx that says why, or kept as the plain text that it is."""

import io
import json
import struct
import zipfile
import zlib
from collections.abc import Callable
from typing import Any

import pytest
from api_calls import BASE, Caller, caller
from desk_city import City, photo
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils.html import escape
from PIL import Image

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]
SCRIPTS = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "<svg/onload=alert(1)>",
    "javascript:alert(1)",
    "'-alert(1)-'",
    "{{7*7}}${7*7}<%= 7*7 %>",
    "</textarea><iframe srcdoc='<script>alert(1)</script>'>",
    '<a href="data:text/html;base64,PHNjcmlwdD4=">x</a>',
    '=HYPERLINK("http://127.0.0.1","x")',
    "@SUM(1+1)*cmd|'/C calc'!A0",
    "'; DROP TABLE ops.event_case; --",
    "1 OR pg_sleep(30)",
    "../../../../etc/passwd",
    "%00%0d%0aSet-Cookie: a=b",
    "\u202egnp.exe",
    "\u0000"[:0] + "<ScRiPt\n>alert(1)</sCrIpT>",
    "<math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
    "onfocus=alert(1) autofocus=",
    '{"__proto__": {"x": 1}}',
    "🚒" * 200,
)


@pytest.fixture
def company(signed_in: Callable[[Any], Any], desk_city: City) -> Caller:
    return caller(signed_in(None), "DESK-PM-1", "property_company")


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_bomb(side: int) -> bytes:
    """A PNG of a few kilobytes that says it is `side` squared."""
    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    squeezed = zlib.compress(b"\x00" * (side + 1) * 64, 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", squeezed) + chunk(b"IEND", b"")


def zip_bomb() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a", b"\x00" * 50_000_000)
    return packed.getvalue()


def gif() -> bytes:
    drawn = io.BytesIO()
    Image.new("RGB", (640, 480)).save(drawn, "GIF")
    return drawn.getvalue()


FILES: dict[str, Callable[[], bytes]] = {
    "a PNG that says 60,000 squared": lambda: png_bomb(60_000),
    "a PNG that says 8,000 squared": lambda: png_bomb(8_000),
    "a PNG of one pixel": lambda: png_bomb(1),
    "a picture cut off": lambda: photo()[:2_000],
    "a GIF": gif,
    "an SVG": lambda: b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>' * 20,
    "a page": lambda: b"<html><script>alert(1)</script></html>" * 50,
    "a zip bomb": zip_bomb,
    "a program": lambda: b"\x7fELF" + b"\x00" * 5_000,
    "nothing": lambda: b"",
    "21 MB": lambda: photo() + b"\x00" * (21 * 1024 * 1024),
    "EXIF of garbage": lambda: b"\xff\xd8\xff\xe1\xff\xffExif\x00\x00" + b"\xff" * 5_000,
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_no_photo(company: Caller, name: str) -> None:
    words = {"scenario": "street_order", "class_code": "exposed_rubbish", "text": "看", "place_name": "路口"}
    sent = SimpleUploadedFile("../../<b>.jpg", FILES[name](), "image/jpeg")
    refused = company.form("/reports", {**words, "media": sent})
    assert refused.status_code == 422, (refused.status_code, refused.content)
    assert [one["field"] for one in refused.json()["faults"]] == ["media"]


def test_a_photo_of_after_is_judged_alike(company: Caller, desk_city: City) -> None:
    case = desk_city.dispatched()
    for action in ("accept", "start"):
        case = desk_city.step(case, action, "property_company")
    for content in (png_bomb(60_000), b"", b"<svg/>" * 100):
        sent = SimpleUploadedFile("a.jpg", content, "image/jpeg")
        assert company.form(f"/cases/{case.number}/media", {"file": sent}).status_code == 422
    text = company.form(f"/cases/{case.number}/media", {"file": "text"})
    assert text.status_code == 422 and len(desk_city.pictures(case)) == 1


def test_more_than_there_is_room_for(company: Caller) -> None:
    key = {"X-Api-Key": company.key}
    send = company.client.generic
    large = b'--b\r\nContent-Disposition: form-data; name="media"; filename="a"\r\n\r\n' + b"0" * 34_000_000
    form = "multipart/form-data; boundary=b"
    for status, body, kind in (
        (413, large + b"\r\n--b--\r\n", form),
        (413, b'{"url": "' + b"a" * 3_000_000 + b'"}', "application/json"),
        (413, b"text=" + b"a" * 3_000_000, "application/x-www-form-urlencoded"),
        (400, b"&".join(b"f%d=1" % one for one in range(2_000)), "application/x-www-form-urlencoded"),
        (400, b"--c\r\nbroken", "multipart/form-data"),
        (415, b"<a/>", "text/xml"),
        (415, b"{}", "text/plain"),
        (415, b"", ""),
    ):
        path = "/webhooks" if kind == "application/json" else "/reports"
        refused = send("POST", f"{BASE}{path}", body, content_type=kind, headers=key)
        assert refused.status_code == status, (status, kind, body[:40], refused.content)
        assert refused["Content-Type"] == "application/problem+json"


def test_json_that_is_meant_to_hurt(company: Caller) -> None:
    key = {"X-Api-Key": company.key}
    for body in (
        b"[" * 100_000,
        b'{"url": ' + b"[" * 50_000 + b"]" * 50_000 + b"}",
        b'{"url": NaN}',
        b'{"url": "\\ud800"}',
        b"\xff\xfe",
        b"",
        b"null",
        b"[]",
        b"1e999999",
        b'{"url": 1' + b"0" * 100_000 + b"}",
        b'{"events": {"$ne": 1}, "url": {"a": 1}}',
    ):
        for path in ("/webhooks", "/cases/BZ-20200101-000001/steps", "/cases/BZ-20200101-000001/remarks"):
            refused = company.client.post(f"{BASE}{path}", body, content_type="application/json", headers=key)
            assert refused.status_code in (400, 422), (body[:30], path, refused.content)
            assert refused["Content-Type"] == "application/problem+json"


@pytest.mark.slow
def test_scripts_stay_text(company: Caller, desk_city: City, signed_in: Callable[[Any], Any]) -> None:
    from citybrain.events.intake import take_in

    case = desk_city.dispatched()
    desk = signed_in(desk_city.people["property_company"])
    reader = signed_in(desk_city.people["acceptor"])
    for number, script in enumerate(SCRIPTS):
        version = company.get(f"/cases/{case.number}").json()["version"]
        said = company.post(f"/cases/{case.number}/remarks", {"version": version, "text": script[:500]})
        assert said.status_code == 201, (script, said.content)
        words = {
            "scenario": "street_order",
            "class_code": "exposed_rubbish",
            "text": script,
            "place_name": script,
        }
        filed = company.form("/reports", {**words, "place_name": script[:190], "reference": script[:60]})
        assert filed.status_code == 202, (script, filed.content)
        if number % 5 == 0:
            take_in()
            report = company.get(f"/reports/{filed.json()['report']}").json()
            page = reader.get(f"/cases/{report['case']}/").content.decode()
            assert script not in page or not set("<>\"'") & set(script), script
    told = company.get(f"/cases/{case.number}")
    assert [step["reason"] for step in told.json()["steps"][-len(SCRIPTS) :]] == [
        one[:500] for one in SCRIPTS
    ]
    assert told["Content-Type"].startswith("application/json")
    assert told["X-Content-Type-Options"] == "nosniff"
    page = desk.get(f"/cases/{case.number}/").content.decode()
    for script in SCRIPTS:
        assert escape(script[:500]) in page, script
        assert script[:500] not in page or not set("<>\"'") & set(script), script


def test_tricks_with_paths_headers_and_questions(company: Caller) -> None:
    key = {"X-Api-Key": company.key}
    for path in (
        "/cases/..%2f..%2fadmin%2f",
        "/cases/%00",
        "/cases/BZ-20200101-000001'--",
        "/cases/BZ/media/-1",
        "/cases/BZ/media/99999999999999999999",
        "/reports/../openapi.json",
        "/webhooks/0",
        "/webhooks/1e3",
        "/cases?limit=1&limit=2",
        "/cases?cursor=9999999999999999999",
        "/cases?found_from=99999-01-01T00:00:00Z",
        "/cases?handler=%00",
        "/cases?scenario=" + "a" * 5_000,
        "/changes?after=-1",
    ):
        refused = company.client.get(f"{BASE}{path}", headers=key)
        assert refused.status_code in (400, 404, 422), (path, refused.status_code, refused.content)
    for again in ("short", "x" * 65, "a b c d e f", "sch\u00f6n-schluessel"):
        refused = company.client.post(
            f"{BASE}/webhooks",
            json.dumps({"url": "http://127.0.0.1:1/", "events": ["case.filed"]}),
            content_type="application/json",
            headers={**key, "Idempotency-Key": again},
        )
        assert refused.status_code == 422, again
        assert "Idempotency-Key" in {one["field"] for one in refused.json()["faults"]}
