"""What the queue offers besides its table: kept views, counts that stay true, reasons, an export."""

import io
import uuid
from collections.abc import Callable
from typing import Any

import openpyxl
import pytest
from desk_city import City, form_of, listed

pytestmark = pytest.mark.integration
Client = Callable[[Any], Any]
MOST_QUERIES = 60  # of any page
LOOKED_AT = (
    *(("dispatcher", address) for address in ("/cases/?show=open", "/cases/?show=all", "/cases/map/")),
    *(("dispatcher", address) for address in ("/cases/map/points/?show=all", "/cases/export/?show=all")),
    *(("dispatcher", address) for address in ("/cases/counts/", "/command/", "/command/state/")),
    *(("property_company", address) for address in ("/cases/", "/phone/", "/phone/lanes/", "/phone/me/")),
    ("flood_warden", "/phone/flood/"),
)


def test_a_view_is_kept_under_a_name_and_let_go(desk_city: City, signed_in: Client) -> None:
    from citybrain.desk.accounts.models import SavedView

    person, other = desk_city.person("dispatcher", desk_city.company), desk_city.people["dispatcher"]
    client = signed_in(person)
    query = "show=open&county=341602&q=%E5%90%88%E6%AC%A2"
    for name in ("谯城", "谯城", "=HYPERLINK(1)<script>"):
        assert client.post(f"/cases/views/?{query}&nothing=1", {"name": name}).url.endswith(query)
    views = list(SavedView.objects.filter(person=person))
    assert [one.query for one in views] == [query, query]
    page = client.get(f"/cases/?{query}").content.decode()
    assert "谯城" in page and "<script>" not in page and "&lt;script&gt;" in page
    assert "谯城</a>" not in signed_in(other).get("/cases/").content.decode(), "nobody else's"
    signed_in(other).post(f"/cases/views/{views[0].pk}/forget/")
    assert SavedView.objects.filter(person=person).count() == 2
    for one in views:
        client.post(f"/cases/views/{one.pk}/forget/")
    assert not SavedView.objects.filter(person=person).exists()
    for address, words in ((f"/cases/views/?{query}", {"name": " "}), ("/cases/views/", {"name": "空"})):
        client.post(address, words)
    assert not SavedView.objects.filter(person=person).exists()


def test_counts_are_those_of_the_page_and_stand_until_something_happens(
    desk_city: City, signed_in: Client
) -> None:
    client = signed_in(desk_city.people["dispatcher"])
    first = client.get("/cases/counts/")
    page = client.get("/cases/").content.decode()
    for name, count in first.json().items():
        assert f'id="{name}-count">{count}<' in page
    assert client.get("/cases/counts/", headers={"if-none-match": first["ETag"]}).status_code == 304
    desk_city.filed()
    second = client.get("/cases/counts/", headers={"if-none-match": first["ETag"]})
    assert second.status_code == 200 and int(second.json()["open"]) == int(first.json()["open"]) + 1


def test_why_a_case_waits_is_said_at_every_state(desk_city: City, signed_in: Client) -> None:
    from citybrain.desk.cases.waiting import why_waiting
    from citybrain.events.models import ENDED, Case, Petition, State

    for state in State:
        told = why_waiting(Case(state=state))
        assert bool(told) == (state not in ENDED), state
    for petition in Petition:
        assert "另有" in why_waiting(Case(state=State.CLOSED, petition=petition))
    case = desk_city.dispatched()
    client = signed_in(desk_city.people["dispatcher"])
    for address in (f"/cases/?show=open&q={case.number}", f"/cases/{case.number}/"):
        assert "等安居物业(示范)接单，已等 不到 1 分" in client.get(address).content.decode()


def test_cases_are_returned_and_sent_back_together_with_a_reason(desk_city: City, signed_in: Client) -> None:
    cases = [desk_city.dispatched() for _ in range(2)]
    handler, dispatcher = (
        signed_in(desk_city.people["property_company"]),
        signed_in(desk_city.people["dispatcher"]),
    )
    for client, action, state in ((handler, "return", "filed"), (dispatcher, "send_back", "detected")):
        now = [desk_city.now(case) for case in cases]
        boxes = [f"{case.pk}:{case.version}" for case in now]
        key = form_of(client.get("/cases/").content.decode(), "bulk")["key"]
        sent = {"key": key, "case": boxes}
        said = client.post(f"/cases/bulk/{action}/", sent, follow=True).content.decode()
        assert said.count("请写明理由") >= 2
        client.post(f"/cases/bulk/{action}/", {**sent, "reason": "不在本单位管理范围"})
        assert {desk_city.now(case).state for case in cases} == {state}
    assert signed_in(desk_city.people["auditor"]).post("/cases/bulk/approve/").status_code == 403


def test_an_export_holds_what_is_listed_and_computes_nothing(desk_city: City, signed_in: Client) -> None:
    mark = uuid.uuid4().hex[:8]
    name = f'=cmd|"/c calc"!A1{mark}'
    case = desk_city.filed(place_name=name)
    client = signed_in(desk_city.people["dispatcher"])
    answer = client.get(f"/cases/export/?q={mark}")
    assert "attachment" in answer["Content-Disposition"] and "no-store" in answer["Cache-Control"]
    rows = list(openpyxl.load_workbook(io.BytesIO(answer.content))["案件"].iter_rows())
    assert len(rows) == 2 and rows[1][0].value == case.number
    told = [cell for cell in rows[1] if mark in str(cell.value)]
    assert name in [cell.value for cell in told], "the place, and the title with it"
    assert all(cell.data_type == "s" and cell.quotePrefix for cell in told)
    assert all(cell.data_type != "f" for row in rows for cell in row)


def test_every_tab_pages_through_each_case_once(
    desk_city: City, signed_in: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    from citybrain.desk.cases import queue

    mark = uuid.uuid4().hex[:8]
    over = [desk_city.filed(place_name=mark) for _ in range(3)]
    for case in over:
        desk_city.step(case, "void", "dispatcher", reason="试")
    still_open = [desk_city.filed(place_name=mark) for _ in range(4)]
    monkeypatch.setattr(queue, "PAGE", 3)
    client = signed_in(desk_city.people["dispatcher"])
    pages = [listed(client.get(f"/cases/?show=all&q={mark}&page={n}").content.decode()) for n in (1, 2, 3)]
    told = [number for page in pages for number in page]
    assert [len(page) for page in pages] == [3, 3, 1] and len(set(told)) == 7
    assert set(told[:4]) == {case.number for case in still_open}, "open ones first"
    assert told[4:] == [case.number for case in reversed(over)], "then the newest of what is over"


def test_more_cases_need_no_more_queries(desk_city: City, signed_in: Client) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    clients = {role: signed_in(desk_city.people[role]) for role, _ in LOOKED_AT}

    def queries() -> dict[str, int]:
        counts = {}
        for role, address in LOOKED_AT:
            clients[role].get(address)
            with CaptureQueriesContext(connection) as captured:
                assert clients[role].get(address).status_code == 200
            counts[f"{role} {address}"] = len(captured)
        return counts

    for _ in range(2):
        desk_city.dispatched(lon=115.8, lat=33.8)
    few = queries()
    for _ in range(4):
        desk_city.dispatched(lon=115.8, lat=33.8)
    assert queries() == few and max(few.values()) < MOST_QUERIES, few


def test_a_case_page_asks_few_questions(desk_city: City, signed_in: Client) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    case = desk_city.step(desk_city.dispatched(), "accept", "property_company")
    client = signed_in(desk_city.people["dispatcher"])
    client.get(f"/cases/{case.number}/")
    with CaptureQueriesContext(connection) as captured:
        assert client.get(f"/cases/{case.number}/").status_code == 200
    assert len(captured) < MOST_QUERIES


def test_a_host_that_is_not_ours_gets_the_page_of_bad_requests(desk_city: City) -> None:
    from django.test import Client as Browser

    answer = Browser(headers={"host": "elsewhere.example"}, raise_request_exception=False).get("/cases/")
    assert answer.status_code == 400 and "请求没有处理" in answer.content.decode()
