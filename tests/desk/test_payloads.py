"""Eighty texts that are code somewhere, through every field that people and systems write in, and out of
every page, sheet and answer that shows them: they stay the words that they are.
"""

import io
import uuid
from collections.abc import Callable
from typing import Any

import openpyxl
import pytest
import xmltodict
from api_calls import caller
from desk_city import City, form_of, photo, sent_file
from django.utils.html import escape
from payloads import PAYLOADS

pytestmark = [pytest.mark.integration, pytest.mark.slow]
MARKUP = set("<>\"'")


def said_as_words(page: str, text: str) -> bool:
    """Whether a page shows the text escaped, and nowhere as it is where that would be markup."""
    return escape(text) in page and (text not in page or not MARKUP & set(text) or len(set(text)) == 1)


def kept(text: str) -> str:
    """A message as it is kept."""
    from citybrain.events.acting import CaseRefusedError
    from citybrain.events.writing import legible

    try:
        return legible(text)
    except CaseRefusedError:
        return ""


def test_the_corpus_is_large_enough() -> None:
    assert len(set(PAYLOADS)) == len(PAYLOADS) >= 80


def test_what_people_write_on_a_case(desk_city: City, signed_in: Callable[[Any], Any]) -> None:
    case = desk_city.dispatched()
    person = desk_city.people["property_company"]
    company, dispatcher = signed_in(person), signed_in(desk_city.people["dispatcher"])
    desk, task = f"/cases/{case.number}/", f"/phone/{case.number}/"
    say = form_of(company.get(task).content.decode(), "form-say")
    address = say.pop("action")
    for text in PAYLOADS:
        sent = company.post(address, {**say, "key": str(uuid.uuid4()), "text": text})
        assert sent.status_code == (302 if kept(text) else 422), text
    for page in (dispatcher.get(desk).content.decode(), company.get(task).content.decode()):
        talk = page[page.index('id="conversation"') : page.index('id="form-say"')]
        wrong = [text for text in map(kept, PAYLOADS) if text and not said_as_words(talk, text)]
        assert wrong == []
        assert "<script" not in talk

    # A reason that is refused comes back into its form as it was typed.
    accept = form_of(company.get(desk).content.decode(), "form-return")
    target = accept.pop("action")
    for text in PAYLOADS[::4]:
        stale = company.post(target, {**accept, "version": "0", "reason": text})
        page = stale.content.decode()
        assert stale.status_code == 422 and escape(text.strip()[:400]) in page, text
        assert "<script>alert" not in page, text


def test_what_is_reported_from_everywhere(desk_city: City, signed_in: Callable[[Any], Any]) -> None:
    """Places and words through Open311, the API and the phone; out of lists, sheets, maps, XML and JSON."""
    from citybrain.desk.systems.keys import register
    from citybrain.events.intake import take_in
    from citybrain.events.models import Case, Signal
    from citybrain.events.scope import as_system

    app = register(f"app-{uuid.uuid4().hex[:8]}", "城市随手拍", "urban_management", 2**31 - 1)
    anybody, mark = signed_in(None), uuid.uuid4().hex[:6]
    by = caller(anybody, "DESK-PM-1", "property_company", calls_a_day=2**31 - 1)
    collector = signed_in(desk_city.person("collector", desk_city.company))
    placed: list[str] = []
    for number, text in enumerate(PAYLOADS):
        place = f"{mark}{number} {text}".replace("\x00", "")[:190].strip()
        if number % 3 == 0:
            words = {"service_code": "exposed_rubbish", "lat": f"33.{number:02d}", "long": "115.78"}
            names = {"first_name": text[:60], "account_id": text[:60], "attribute[amount]": "heap"}
            sent = anybody.post(
                "/open311/v2/requests.json",
                {**words, **names, "api_key": app.key, "description": text[:900], "address_string": place},
            )
            assert sent.status_code in (200, 400), (text, sent.content)
            assert sent["Content-Type"].startswith("application/json")
            ok = sent.status_code == 200
        elif number % 3 == 1:
            words = {"scenario": "street_order", "class_code": "exposed_rubbish", "text": text[:900]}
            sent = by.form("/reports", {**words, "place_name": place, "reference": text[:60]})
            assert sent.status_code in (202, 422), (text, sent.content)
            ok = sent.status_code == 202
        else:
            form = form_of(collector.get("/phone/report/").content.decode(), "report")
            form.pop("action", None)
            words = {"kind": "street_order/exposed_rubbish", "place": place, "text": text[:900]}
            sent = collector.post("/phone/report/", {**form, **words, "photo": sent_file(photo())})
            ok = sent.status_code == 302
            assert ok or escape(text[:400].strip()) in sent.content.decode(), text
        if ok:
            placed.append(place)
    assert len(placed) > len(PAYLOADS) * 3 // 4
    while take_in():
        pass
    with as_system():
        numbers = dict(Case.objects.filter(place_name__startswith=mark).values_list("number", "place_name"))
        joined = Signal.objects.filter(place_name__startswith=mark, case__isnull=False).count()
    assert joined == len(placed) and numbers

    city = signed_in(desk_city.people["acceptor"])
    shown = {
        name: city.get(address.format(mark=mark)).content.decode()
        for name, address in {
            "queue": "/cases/?show=all&q={mark}",
            "second page": "/cases/?show=all&q={mark}&page=2",
            "phone": "/phone/find/?q={mark}",
        }.items()
    }
    for name, page in shown.items():
        assert "<script>alert" not in page and "<img src=x" not in page, name
    listed = shown["queue"] + shown["second page"]
    assert [one for one in numbers.values() if escape(one) not in listed] == []
    for number in list(numbers)[::5]:
        page = city.get(f"/cases/{number}/").content.decode()
        assert escape(numbers[number]) in page and "<script>alert" not in page
    points = city.get(f"/cases/map/points/?show=all&q={mark}")
    assert points["Content-Type"] == "application/json" and points["X-Content-Type-Options"] == "nosniff"
    on_the_map = {number: place for _, _, number, _, place, _, _ in points.json()["cases"]}
    assert on_the_map and on_the_map.items() <= numbers.items()

    book = openpyxl.load_workbook(io.BytesIO(city.get(f"/cases/export/?show=all&q={mark}").content))
    cells = [cell for row in book["案件"].iter_rows(min_row=2) for cell in row]
    assert not [cell.value for cell in cells if cell.data_type == "f"]
    assert all(cell.quotePrefix for cell in cells if isinstance(cell.value, str))
    for form in ("json", "xml"):
        told = anybody.get(
            f"/open311/v2/requests.{form}",
            {"api_key": app.key, "service_request_id": ",".join(numbers), "page_size": "500"},
        )
        assert told.status_code == 200 and told["X-Content-Type-Options"] == "nosniff"
        if form == "xml":
            read = xmltodict.parse(told.content, force_list=("request",))["service_requests"]["request"]
        else:
            read = told.json()
        assert read and {one["service_request_id"] for one in read} <= set(numbers)


def test_words_that_are_looked_up_kept_and_refused(desk_city: City, signed_in: Callable[[Any], Any]) -> None:
    person = desk_city.person("dispatcher", desk_city.people["dispatcher"].organisation)
    client, admin = signed_in(person), signed_in(desk_city.people["system_admin"])
    by = caller(signed_in(None), "DESK-PM-1", "property_company")
    for text in PAYLOADS:
        for address in ("/cases/", "/phone/find/", "/cases/map/", "/devices/", "/cases/devices/"):
            answer = client.get(address, {"q": text, "state": text, "scenario": text, "county": text})
            page = answer.content.decode()
            assert answer.status_code == 200, (address, text)
            assert "<script>alert" not in page and "<img src=x" not in page, (address, text)
        assert client.post("/cases/views/?q=1", {"name": text[:30]}).status_code == 302
        refused = admin.post(f"/systems/{by.system.code}/webhooks/", {"url": text, "events": [text]})
        page = refused.content.decode()
        assert refused.status_code == 422 and "<script>alert" not in page and "<img src=x" not in page, text
        lost = client.get("/cases/" + text.replace("/", "")[:40])
        assert lost.status_code < 500 and "<script>alert" not in lost.content.decode(), text
    page = client.get("/cases/").content.decode()
    assert "<script>alert" not in page and "&lt;script&gt;" in page
