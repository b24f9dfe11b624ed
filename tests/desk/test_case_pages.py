"""The desk's case pages as people use them: found, read, decided, one by one and several at once."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from desk_city import OTHER_VILLAGE, City, form_of, listed, photo, sent_file

from citybrain.settings import DatabaseRole
from citybrain.warehouse.connection import connect
from citybrain.warehouse.row_scope import SYSTEM, enter

pytestmark = pytest.mark.integration
Client = Callable[[Any], Any]


def send(client: Any, page: str, form_id: str, **fields: Any) -> Any:
    """Send a form of a page with what it carries and what a person adds."""
    form = form_of(page, form_id)
    return client.post(form.pop("action"), {**form, **fields})


def test_a_case_goes_its_way_through_the_pages(desk_city: City, signed_in: Client) -> None:
    """From a dispatcher's choice of a handler to the check by hand, each step by its own page's form."""
    case = desk_city.filed()
    address = f"/cases/{case.number}/"
    dispatcher, handler = (
        signed_in(desk_city.people["dispatcher"]),
        signed_in(desk_city.people["property_company"]),
    )
    assert handler.get(address).status_code == 404, "nobody has given it to the company yet"

    page = dispatcher.get(address).content.decode()
    assert "请派遣" in page and 'id="form-dispatch"' in page and "form-accept" not in page
    send(dispatcher, page, "form-dispatch", handler=desk_city.company.pk)
    assert desk_city.now(case).handler == desk_city.company

    for action, state in (("accept", "accepted"), ("start", "handling")):
        send(handler, handler.get(address).content.decode(), f"form-{action}")
        assert desk_city.now(case).state == state
    page = handler.get(address).content.decode()
    answer = send(handler, page, "form-handle", photo=sent_file(photo()))
    assert answer.status_code == 302 and answer.url == address
    assert desk_city.now(case).state == "checking"

    page = dispatcher.get(address).content.decode()
    refused = send(dispatcher, page, "form-reject", reason="  ")
    assert refused.status_code == 422 and "请写明理由" in refused.content.decode()
    send(dispatcher, refused.content.decode(), "form-reject", reason="通道口仍停有车辆")
    assert desk_city.now(case).state == "rework"
    page = handler.get(address).content.decode()
    assert "核查未通过，请返工" in page and "通道口仍停有车辆" in page
    send(handler, page, "form-handle", photo=sent_file(photo()))
    send(dispatcher, dispatcher.get(address).content.decode(), "form-approve", reason="现场已清空")
    assert desk_city.now(case).state == "closed"

    page = dispatcher.get(address).content.decode()
    assert page.count("账本可证") == len(desk_city.steps(case)) and "账本无记录" not in page
    assert page.count('data-kind="after"') == 2 and "合成数据" in page and "form-" not in page


def test_pictures_come_from_the_lake_as_they_were_hashed(desk_city: City, signed_in: Client) -> None:
    case = desk_city.dispatched()
    (picture,) = desk_city.pictures(case)
    client = signed_in(desk_city.people["property_company"])
    address = f"/cases/{case.number}/picture/{picture.pk}/"
    assert address in client.get(f"/cases/{case.number}/").content.decode()
    answer = client.get(address)
    assert answer.status_code == 200 and answer["Content-Type"] == "image/jpeg"
    assert answer.content.startswith(b"\xff\xd8\xff") and "private" in answer["Cache-Control"]
    assert client.get(address, headers={"if-none-match": answer["ETag"]}).status_code == 304


def test_a_row_that_names_another_bucket_shows_nothing(desk_city: City, signed_in: Client) -> None:
    kept = desk_city.kept_picture()
    from psycopg.types.json import Jsonb

    for wrong in ({"bucket": desk_city.settings.bucket("raw")}, {"key": "00/none.jpg"}, {"sha256": "0" * 64}):
        case = desk_city.filed(evidence=Jsonb([{**kept, **wrong}]))
        (picture,) = desk_city.pictures(case)
        client = signed_in(desk_city.people["dispatcher"])
        assert client.get(f"/cases/{case.number}/picture/{picture.pk}/").status_code == 404, wrong


def test_the_queue_puts_first_what_is_mine_and_is_searched(desk_city: City, signed_in: Client) -> None:
    from citybrain.events.intake import take_in
    from citybrain.events.models import Case
    from citybrain.events.scope import as_system

    desk_city.signal("", scenario="street_order", class_code="piled_material", source_kind="citizen")
    take_in()
    with as_system():
        waiting = Case.objects.filter(state="detected").order_by("-pk").first()
    there = desk_city.filed(OTHER_VILLAGE, place_name="银杏里东门")
    acceptor, dispatcher = signed_in(desk_city.people["acceptor"]), signed_in(desk_city.people["dispatcher"])

    def numbers(client: Any, query: str) -> set[str]:
        answer = client.get(f"/cases/?{query}")
        assert answer.status_code == 200
        return set(listed(answer.content.decode()))

    mine = numbers(acceptor, "")
    assert waiting.number in mine and there.number not in mine
    assert "请核实" in acceptor.get("/cases/").content.decode()
    assert there.number in numbers(dispatcher, "show=mine")
    assert waiting.number not in numbers(dispatcher, "show=mine")
    everything = listed(dispatcher.get("/cases/?show=all").content.decode())
    assert everything.index(there.number) < everything.index(waiting.number), "mine first"
    assert numbers(dispatcher, f"q={there.number}") == {there.number}
    assert there.number in numbers(dispatcher, "q=银杏里")
    assert there.number in numbers(dispatcher, "county=341621&state=filed")
    assert there.number not in numbers(dispatcher, "county=341602&show=all")
    assert there.number not in numbers(dispatcher, "scenario=street_order&show=all")
    assert there.number not in numbers(dispatcher, "overdue=yes&show=open")
    past(desk_city, there)
    assert there.number in numbers(dispatcher, "overdue=yes&show=open")
    page = dispatcher.get(f"/cases/{there.number}/").content.decode()
    assert "超时 1 小时" in page


def past(city: City, case: Any) -> None:
    """Move a case's running limits an hour into the past, as only the owner of the tables can."""
    with connect(city.settings, DatabaseRole.OWNER) as owner:
        enter(owner, SYSTEM)
        owner.execute(
            "UPDATE ops.clock SET due_at = now() - %s WHERE case_id = %s AND state = 'running'",
            (timedelta(hours=1, seconds=5), case.pk),
        )


def test_a_queue_longer_than_a_page_is_turned(
    desk_city: City, signed_in: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        desk_city.filed()
    monkeypatch.setattr("citybrain.desk.cases.queue.PAGE", 2)
    client = signed_in(desk_city.people["dispatcher"])
    pages = [client.get(f"/cases/?show=all&page={page}").content.decode() for page in (1, 2)]
    first, second = (listed(page) for page in pages)
    assert len(first) == len(second) == 2 and not set(first) & set(second)
    assert "第 1 页，共" in pages[0] and "show=all&amp;page=2" in pages[0]


def test_several_cases_at_once_each_stand_or_are_refused(desk_city: City, signed_in: Client) -> None:
    cases = [desk_city.filed() for _ in range(3)]
    client = signed_in(desk_city.people["dispatcher"])
    key = form_of(client.get("/cases/").content.decode(), "bulk")["key"]
    boxes = [f"{case.pk}:{case.version}" for case in cases[:2]]
    boxes += [f"{cases[2].pk}:{cases[2].version - 1}", "999999999:1"]
    sent = {"key": key, "case": boxes, "handler": desk_city.company.pk}
    answer = client.post("/cases/bulk/dispatch/", sent, follow=True).content.decode()
    assert "派遣：已办理 2 件" in answer and f"{cases[2].number}：页面打开后案件已有变化" in answer
    assert "1 件不存在或您无权查看" in answer
    assert [desk_city.now(case).state for case in cases] == ["dispatched", "dispatched", "filed"]
    client.post("/cases/bulk/dispatch/", sent)
    assert [desk_city.steps(case).count("dispatch") for case in cases] == [1, 1, 0], "twice counts once"
    register = {"key": key[:-1], "case": f"{cases[2].pk}:{cases[2].version}", "handler": "register"}
    answer = client.post("/cases/bulk/dispatch/", register, follow=True).content.decode()
    assert "登记中没有承办单位" in answer and desk_city.now(cases[2]).state == "filed"
    assert "请先勾选案件" in client.post("/cases/bulk/dispatch/", {"key": key}, follow=True).content.decode()
    assert client.post("/cases/bulk/void/", {"key": key}).status_code == 404


def test_an_acceptor_confirms_and_files_what_people_reported(desk_city: City, signed_in: Client) -> None:
    from citybrain.events.intake import take_in
    from citybrain.events.models import Case
    from citybrain.events.scope import as_system

    places = [f"R{number}-{desk_city.kept_picture()['sha256'][:8]}" for number in range(2)]
    for place in places:
        desk_city.signal(
            "", scenario="street_order", class_code="exposed_rubbish", source_kind="citizen", place_id=place
        )
    take_in()
    with as_system():
        cases = list(Case.objects.filter(place_id__in=places, state="detected"))
    client = signed_in(desk_city.people["acceptor"])
    for action, state in (("confirm", "confirmed"), ("file", "filed")):
        now = [desk_city.now(case) for case in cases]
        boxes = [f"{case.pk}:{case.version}" for case in now]
        key = form_of(client.get("/cases/").content.decode(), "bulk")["key"]
        assert client.post(f"/cases/bulk/{action}/", {"key": key, "case": boxes}).status_code == 302
        assert {desk_city.now(case).state for case in cases} == {state}
    dispatcher = signed_in(desk_city.people["dispatcher"])
    boxes = [f"{case.pk}:{desk_city.now(case).version}" for case in cases]
    key = form_of(dispatcher.get("/cases/").content.decode(), "bulk")["key"]
    dispatcher.post("/cases/bulk/dispatch/", {"key": key, "case": boxes, "handler": "register"})
    assert {desk_city.now(case).handler for case in cases} == {desk_city.community}, "the place's community"


def test_a_stale_page_and_a_second_tap_do_nothing(desk_city: City, signed_in: Client) -> None:
    case = desk_city.dispatched()
    client = signed_in(desk_city.people["property_company"])
    page = client.get(f"/cases/{case.number}/").content.decode()
    for _ in range(2):
        answer = send(client, page, "form-accept")
        assert answer.status_code == 302
    assert desk_city.steps(case).count("accept") == 1
    stale = send(client, page, "form-return", reason="不是我们的小区")
    said = stale.content.decode()
    assert stale.status_code == 422 and "页面打开后案件已有变化" in said
    assert "不是我们的小区" in said, "what was typed is not lost"
    assert desk_city.now(case).state == "accepted"


def test_history_that_is_not_what_the_ledger_holds_is_told(desk_city: City) -> None:
    from citybrain.desk.cases.proof import proofs
    from citybrain.events.models import Transition
    from citybrain.events.scope import as_system

    case = desk_city.dispatched()
    with as_system():
        steps = list(Transition.objects.filter(case=case).select_related("actor"))
        assert set(proofs(case, steps).values()) == {"proved"}
        steps[-1].reason = "改过的理由"
        lost = Transition(case=case, version=99, action="void", at=steps[-1].at)
        told = proofs(case, [steps[0], steps[-1], lost])
    assert told == {steps[0].version: "proved", steps[-1].version: "altered", 99: "missing"}


def test_a_blind_camera_is_a_device_to_repair(desk_city: City, signed_in: Client) -> None:
    from citybrain.events.intake import take_in

    for camera, condition in (("H-BLACK", "black"), ("H-WELL", "normal")):
        desk_city.signal(camera, kind="health", class_code=condition)
    desk_city.signal("H-THERE", OTHER_VILLAGE, kind="health", class_code="blurred")
    take_in()

    def devices(role: str, query: str = "") -> dict[str, str]:
        page = signed_in(desk_city.people[role]).get(f"/cases/devices/?{query}").content.decode()
        rows = re.findall(r'data-device="(H-\w+)".*?<span class="status \w+">(\w+)</span>', page)
        return dict(rows)

    assert devices("command_centre") == {"H-BLACK": "画面全黑", "H-THERE": "画面模糊"}
    assert devices("county_admin") == {"H-BLACK": "画面全黑"}
    assert devices("command_centre", "show=all&q=H-WELL") == {"H-WELL": "正常"}
