"""The phone's pages: tasks, the after-photo, reports; refused things leave nothing half done."""

import uuid
from collections.abc import Callable
from threading import Barrier, Thread
from typing import Any

import pytest
from desk_city import City, form_of, listed, photo, sent_file

pytestmark = pytest.mark.integration
Client = Callable[[Any], Any]
TEXT = b"this is a text, whatever its name says\n" * 40


def send(client: Any, page: str, form_id: str, **fields: Any) -> Any:
    form = form_of(page, form_id)
    return client.post(form.pop("action") or "/phone/report/", {**form, **fields})


def test_a_task_is_accepted_begun_and_handed_in(desk_city: City, signed_in: Client) -> None:
    case = desk_city.dispatched()
    client = signed_in(desk_city.people["property_company"])
    assert client.get("/", follow=True).redirect_chain[-1][0] == "/phone/"
    # Other tests leave the company tasks: ours may stand on a later page.
    tasks = "".join(client.get(f"/phone/?page={page}").content.decode() for page in range(1, 10))
    assert f'data-case="{case.number}"' in tasks and "还剩" in tasks and "合成数据" in tasks
    address = f"/phone/{case.number}/"
    for action, state in (("accept", "accepted"), ("start", "handling")):
        page = client.get(address).content.decode()
        answer = send(client, page, f"form-{action}")
        assert answer.url == address and desk_city.now(case).state == state
    page = client.get(address).content.decode()
    assert 'capture="environment"' in page and "车辆驶离" in page
    taken = photo()
    for _ in range(2):
        assert send(client, page, "form-handle", photo=sent_file(taken)).status_code == 302
    assert desk_city.now(case).state == "checking"
    assert [one.kind for one in desk_city.pictures(case)].count("after") == 1
    assert desk_city.steps(case).count("handle") == 1
    ours, _, elsewhere = client.get("/phone/").content.decode().partition('id="elsewhere"')
    assert case.number not in listed(ours, "li") and case.number in listed(elsewhere, "li")


@pytest.mark.parametrize(
    ("content", "says"),
    [(TEXT, "这个文件不是照片"), (photo()[:3000], "照片不完整或已损坏"), (photo((100, 100)), "照片太小")],
    ids=["text", "cut off", "tiny"],
)
def test_what_is_no_photo_is_refused_and_nothing_is_half_done(
    desk_city: City, signed_in: Client, content: bytes, says: str
) -> None:
    case = desk_city.dispatched()
    for action in ("accept", "start"):
        case = desk_city.step(case, action, "property_company")
    client = signed_in(desk_city.people["property_company"])
    page = client.get(f"/phone/{case.number}/").content.decode()
    before = desk_city.pictures(case), desk_city.steps(case)
    answer = send(client, page, "form-handle", photo=sent_file(content))
    assert answer.status_code == 422 and says in answer.content.decode()
    assert (desk_city.pictures(case), desk_city.steps(case)) == before
    assert desk_city.now(case).version == case.version
    again = send(client, answer.content.decode(), "form-handle", photo=sent_file(photo()))
    assert again.status_code == 302 and desk_city.now(case).state == "checking"


def test_a_form_larger_than_any_photo_is_refused_unread(desk_city: City, signed_in: Client) -> None:
    client = signed_in(desk_city.people["grid_worker"])
    answer = client.post("/phone/report/", report(photo=sent_file(b"\xff" * (33 * 1024 * 1024))))
    assert answer.status_code == 400 and "照片不超过 20 MB" in answer.content.decode()
    answer = client.post("/phone/report/", report(photo=sent_file(photo() + b"\0" * (21 * 1024 * 1024))))
    assert answer.status_code == 422 and "照片超过 20 MB" in answer.content.decode()


def test_a_photo_of_the_refused_round_is_not_taken_again(desk_city: City, signed_in: Client) -> None:
    case = desk_city.step(desk_city.dispatched(), "accept", "property_company")
    client, taken = signed_in(desk_city.people["property_company"]), photo()
    address = f"/phone/{case.number}/"
    send(client, client.get(address).content.decode(), "form-handle", photo=sent_file(taken))
    desk_city.step(desk_city.now(case), "reject", "dispatcher", reason="车没有走")
    page = client.get(address).content.decode()
    assert "核查未通过：车没有走" in page
    answer = send(client, page, "form-handle", photo=sent_file(taken))
    assert answer.status_code == 422 and "返工前已经用过" in answer.content.decode()
    assert send(client, page, "form-handle", photo=sent_file(photo())).status_code == 302


def test_a_stale_page_is_told_so(desk_city: City, signed_in: Client) -> None:
    case = desk_city.dispatched()
    client = signed_in(desk_city.people["property_company"])
    page = client.get(f"/phone/{case.number}/").content.decode()
    desk_city.step(case, "suspend", "dispatcher", reason="等待拖车")
    answer = send(client, page, "form-accept")
    assert answer.status_code == 422 and "页面打开后案件已有变化" in answer.content.decode()
    assert "挂账" in answer.content.decode() and desk_city.now(case).state == "suspended"


def test_a_returned_task_leaves_the_companys_view(desk_city: City, signed_in: Client) -> None:
    case = desk_city.dispatched()
    client = signed_in(desk_city.people["property_company"])
    page = client.get(f"/phone/{case.number}/").content.decode()
    answer = send(client, page, "form-return", reason="不在本公司服务范围")
    assert answer.url == "/phone/" and desk_city.now(case).handler is None
    assert client.get(f"/phone/{case.number}/").status_code == 404


def report(**changes: Any) -> dict[str, Any]:
    words = {
        "kind": "street_order/exposed_rubbish",
        "place": "花戏楼社区西门",
        "text": "垃圾堆在路口",
        "lon": "115.781234",
        "lat": "33.851234",
    }
    return {**words, "key": str(uuid.uuid4()), "photo": sent_file(photo()), **changes}


def reports_of(city: City, person: Any) -> list[Any]:
    from citybrain.events.models import Signal
    from citybrain.events.scope import as_system

    with as_system():
        return list(Signal.objects.filter(reporter=person).select_related("case"))


def test_a_grid_workers_report_becomes_a_case(desk_city: City, signed_in: Client) -> None:
    from citybrain.events.intake import take_in

    person = desk_city.person("grid_worker", desk_city.community)
    client = signed_in(person)
    page = client.get("/phone/report/").content.decode()
    answer = send(client, page, "report", **{k: v for k, v in report().items() if k != "key"})
    assert answer.status_code == 302
    waiting = client.get(answer.url).content.decode()
    assert "已收到" in waiting and "合成数据" in waiting and "受理席核实后立案" in waiting
    take_in()
    (signal,) = reports_of(desk_city, person)
    assert signal.case.state == "detected" and str(signal.lon) == "115.781234"
    assert signal.case.number in client.get(answer.url).content.decode()
    assert "待核实" in client.get("/phone/me/").content.decode()
    (picture,) = desk_city.pictures(signal.case)
    shown = client.get(f"/cases/{signal.case.number}/picture/{picture.pk}/")
    assert shown.status_code == 200, "who reported a case sees it"


def test_several_photos_come_with_a_report_and_with_a_hand_in(desk_city: City, signed_in: Client) -> None:
    from citybrain.events.intake import take_in

    person = desk_city.person("grid_worker", desk_city.community)
    client = signed_in(person)
    five = [sent_file(photo()) for _ in range(5)]
    refused = client.post("/phone/report/", report(photo=five))
    assert refused.status_code == 422 and "最多 4 张照片" in refused.content.decode()
    mixed = client.post("/phone/report/", report(photo=[sent_file(photo()), sent_file(TEXT)]))
    assert mixed.status_code == 422 and reports_of(desk_city, person) == []
    three = report(photo=[sent_file(photo()) for _ in range(3)], place="三张照片的路口", lon="115.791234")
    assert client.post("/phone/report/", three).status_code == 302
    take_in()
    (signal,) = reports_of(desk_city, person)
    assert len(desk_city.pictures(signal.case)) == 3

    case = desk_city.step(desk_city.dispatched(), "accept", "property_company")
    company, address = signed_in(desk_city.people["property_company"]), f"/phone/{case.number}/"
    page = company.get(address).content.decode()
    many = send(company, page, "form-handle", photo=[sent_file(photo()) for _ in range(5)])
    assert many.status_code == 422 and "最多 4 张照片" in many.content.decode()
    assert len(desk_city.pictures(case)) == 1
    assert send(company, page, "form-handle", photo=[sent_file(photo()) for _ in range(2)]).status_code == 302
    assert [one.kind for one in desk_city.pictures(case)].count("after") == 2
    assert company.get(address).content.decode().count('data-kind="after"') == 2


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"photo": sent_file(TEXT)}, "这个文件不是照片"),
        ({"photo": sent_file(b"")}, "这个文件不是照片"),
        ({"photo": ""}, "请拍一张照片"),
        ({"kind": ""}, "请选择类别"),
        ({"kind": "street_order/none"}, "请选择列表中的类别"),
        ({"place": " "}, "请写明地点"),
        ({"text": "长" * 1001}, "说明不能超过 1000 字"),
        ({"lat": ""}, "位置不完整或不正确"),
        ({"lon": "东经"}, "位置不完整或不正确"),
        ({"lat": "NaN"}, "位置不完整或不正确"),
        ({"lat": "133.1"}, "位置不完整或不正确"),
        ({"key": "x"}, "表单不完整"),
    ],
    ids=lambda value: None if isinstance(value, dict) else value[:6],
)
def test_a_wrong_report_is_refused_beside_its_field(
    desk_city: City, signed_in: Client, changes: dict[str, Any], says: str
) -> None:
    person = desk_city.person("grid_worker", desk_city.community)
    for file in changes.values():
        if hasattr(file, "seek"):
            file.seek(0)
    answer = signed_in(person).post("/phone/report/", report(**changes))
    page = answer.content.decode()
    assert answer.status_code == 422 and says in page
    assert "花戏楼社区西门" in page or "place" in changes, "what was typed is still there"
    assert reports_of(desk_city, person) == []


def test_two_taps_at_once_are_one_report(desk_city: City, signed_in: Client) -> None:
    person = desk_city.person("grid_worker", desk_city.community)
    words, both, answers = report(), Barrier(2), []
    content = words.pop("photo").read()

    def tap() -> None:
        from django.db import connections

        client = signed_in(person)
        both.wait()
        answers.append(client.post("/phone/report/", {**words, "photo": sent_file(content)}))
        connections.close_all()

    taps = [Thread(target=tap) for _ in range(2)]
    for one in taps:
        one.start()
    for one in taps:
        one.join(60)
    assert [answer.status_code for answer in answers] == [302, 302]
    assert len({answer.url for answer in answers}) == 1 and len(reports_of(desk_city, person)) == 1


def test_two_taps_at_once_are_one_step(desk_city: City, signed_in: Client) -> None:
    case = desk_city.step(desk_city.dispatched(), "accept", "property_company")
    person, both, answers = desk_city.people["property_company"], Barrier(2), []
    page = signed_in(person).get(f"/phone/{case.number}/").content.decode()
    taken = photo()

    def tap() -> None:
        from django.db import connections

        client = signed_in(person)
        both.wait()
        answers.append(send(client, page, "form-handle", photo=sent_file(taken)).status_code)
        connections.close_all()

    taps = [Thread(target=tap) for _ in range(2)]
    for one in taps:
        one.start()
    for one in taps:
        one.join(60)
    assert answers == [302, 302] and desk_city.steps(case).count("handle") == 1
