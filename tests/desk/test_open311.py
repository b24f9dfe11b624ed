"""Open311 GeoReport v2: what applications read and report, by the standard's words, with a public client."""

import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
import xmltodict
from desk_city import VILLAGE, City, photo, sent_file
from hypothesis import given
from hypothesis import strategies as st

from citybrain.desk.open311.formats import answer
from citybrain.desk.open311.services import load_services

pytestmark = pytest.mark.integration
Client = Callable[[Any], Any]
BASE = "/open311/v2"


@pytest.fixture(scope="module")
def system(desk_city: City) -> Any:
    """A registered system with its key."""
    from citybrain.desk.systems.keys import register

    return register(f"app-{uuid.uuid4().hex[:8]}", "城市随手拍", "urban_management", 5000)


@pytest.fixture
def anybody(signed_in: Client) -> Any:
    return signed_in(None)


def report(client: Any, key: str, **words: Any) -> Any:
    given = {
        "service_code": "exposed_rubbish",
        "description": "门口垃圾两天没清",
        "lat": "33.84",
        "long": "115.78",
    }
    return client.post(f"{BASE}/requests.json", {"api_key": key, **given, **words})


def taken_in(client: Any, token: str) -> str:
    from citybrain.events.intake import take_in

    take_in()
    (found,) = client.get(f"{BASE}/tokens/{token}.json").json()
    assert found["token"] == token
    return str(found["service_request_id"])


def test_services_in_both_formats(anybody: Any, desk_city: City) -> None:
    told = anybody.get(f"{BASE}/services.json").json()
    assert len(told) == len(load_services().services) and "elderly" not in str(told)
    rubbish = next(one for one in told if one["service_code"] == "exposed_rubbish")
    assert (
        rubbish["service_name"] == "暴露垃圾" and rubbish["metadata"] is True and rubbish["type"] == "batch"
    )
    page = anybody.get(f"{BASE}/services.xml")
    assert page["Content-Type"] == "text/xml; charset=utf-8" and page.content.startswith(b"<?xml")
    names = [one["service_code"] for one in xmltodict.parse(page.content)["services"]["service"]]
    assert names == [one["service_code"] for one in told]
    asked = anybody.get(f"{BASE}/services/exposed_rubbish.json").json()["attributes"]
    assert [one["code"] for one in asked] == ["amount"] and asked[0]["values"][0] == {
        "key": "bag",
        "name": "一两袋",
    }
    discovery = xmltodict.parse(anybody.get(f"{BASE}/discovery.xml").content)["discovery"]
    assert discovery["endpoints"]["endpoint"]["specification"] == "http://wiki.open311.org/GeoReport_v2"


def test_a_report_becomes_a_case_that_its_system_reads(anybody: Any, desk_city: City, system: Any) -> None:
    words = {"attribute[amount]": "heap", "first_name": "甲", "phone": "05580000000", "request_key": "app-1"}
    pictures = {"media": [sent_file(photo()), sent_file(photo(), "two.jpg")]}
    sent = report(anybody, system.key, address_string="人民路菜场门口", **words, **pictures)
    assert sent.status_code == 200, sent.content
    (made,) = sent.json()
    again = report(anybody, system.key, address_string="人民路菜场门口", **words).json()
    assert again[0]["token"] == made["token"]
    number = taken_in(anybody, made["token"])

    assert anybody.get(f"{BASE}/requests/{number}.json").status_code == 404  # nobody has confirmed it yet
    (mine,) = anybody.get(f"{BASE}/requests/{number}.json", {"api_key": system.key}).json()
    assert mine["description"] == "门口垃圾两天没清" and mine["status"] == "open"
    assert (mine["lat"], mine["long"], mine["address"]) == (33.84, 115.78, "人民路菜场门口")
    assert "05580000000" not in str(mine)

    from citybrain.events.models import Case
    from citybrain.events.scope import as_system

    with as_system():
        case = Case.objects.get(number=number)
        (signal,) = case.signals.all()
        assert (case.source_kind, case.class_code, case.evidence.count()) == ("citizen", "exposed_rubbish", 2)
        assert signal.detail["contact"] == {"first_name": "甲", "phone": "05580000000"}
        assert signal.detail["attributes"] == {"amount": ["heap"]}
    desk_city.step(case, "confirm", "acceptor")
    (public,) = anybody.get(f"{BASE}/requests/{number}.json", {"extensions": "true"}).json()
    assert "两天没清" not in str(public) and public["description"] == desk_city.now(case).title
    assert [note["description"] for note in public["notes"]][-1:] == ["核实属实"]
    (listed,) = anybody.get(f"{BASE}/requests.json", {"service_request_id": f"{number},BZ-0"}).json()
    assert listed["service_request_id"] == number


@pytest.mark.parametrize(
    ("words", "status", "says"),
    [
        ({"api_key": "wrong"}, 403, "api_key"),  # pragma: allowlist secret
        ({"api_key": ""}, 403, "api_key was not provided"),
        ({"service_code": ""}, 400, "service_code was not provided"),
        ({"service_code": "potholes"}, 404, "was not found"),
        ({"service_code": "elderly_living_alone"}, 404, "was not found"),
        ({"jurisdiction_id": "110000"}, 404, "jurisdiction_id"),
        ({"lat": "", "long": ""}, 400, "lat and long"),
        ({"lat": "NaN"}, 400, "degrees"),
        ({"lat": "91"}, 400, "degrees"),
        ({"long": ""}, 400, "degrees"),
        ({"description": " "}, 400, "description or media"),
        ({"description": "长" * 1001}, 400, "1000"),
        ({"address_string": "长" * 201}, 400, "address_string"),
        ({"attribute[size]": "1"}, 400, "attribute size"),
        ({"attribute[amount]": "mountain"}, 400, "one of bag"),
        ({"media": "text"}, 400, "照片"),
    ],
    ids=str,
)
def test_what_is_wrong_is_said_in_the_standards_way(
    anybody: Any, system: Any, words: dict[str, Any], status: int, says: str
) -> None:
    if words.get("media"):
        words = {"media": sent_file(b"no picture at all" * 40)}
    answered = report(anybody, system.key, **words)
    assert answered.status_code == status
    (fault,) = answered.json()
    assert fault["code"] == status and says in fault["description"]


def test_questions_of_time_and_pages(anybody: Any, desk_city: City) -> None:
    numbers = []
    for _ in range(3):
        case = desk_city.filed(VILLAGE)
        numbers.append(case.number)
    found = anybody.get(f"{BASE}/requests.json", {"service_code": "fire_lane", "page_size": "2"}).json()
    rest = anybody.get(
        f"{BASE}/requests.json", {"service_code": "fire_lane", "page_size": "2", "page": "2"}
    ).json()
    told = [one["service_request_id"] for one in found + rest]
    assert len(found) == 2 and told[:3] == numbers[::-1] and len(set(told)) == len(told)
    closed = anybody.get(f"{BASE}/requests.json", {"status": "closed"}).json()
    assert not {one["service_request_id"] for one in closed} & set(numbers)
    long_ago = {"start_date": "2020-01-01T00:00:00Z", "end_date": "2020-02-01T00:00:00+08:00"}
    assert anybody.get(f"{BASE}/requests.json", long_ago).json() == []
    for wrong in (
        {"start_date": "2020-01-01T00:00:00Z", "end_date": "2020-06-01T00:00:00Z"},
        {"start_date": "01-02-2020"},
        {"status": "ajar"},
        {"page_size": "1001"},
        {"page": "-1"},
    ):
        refused = anybody.get(f"{BASE}/requests.xml", wrong)
        assert refused.status_code == 400
        assert xmltodict.parse(refused.content)["errors"]["error"]["code"] == "400"
    assert anybody.get(f"{BASE}/requests.json", {"service_code": "nothing"}).status_code == 404
    assert anybody.get(f"{BASE}/tokens/{uuid.uuid4().hex}.json").status_code == 404


def test_no_case_of_another_service_is_ever_read(anybody: Any, desk_city: City, system: Any) -> None:
    case = desk_city.filed(scenario="elderly_living_alone", class_code="call", source_kind="iot", zone="")
    for words in ({}, {"api_key": system.key}):
        assert anybody.get(f"{BASE}/requests/{case.number}.json", words).status_code == 404
        told = anybody.get(f"{BASE}/requests.json", {"service_request_id": case.number, **words})
        assert told.json() == []


def test_a_day_has_a_limit_and_every_call_counts(anybody: Any, desk_city: City) -> None:
    from citybrain.desk.systems.counting import counts
    from citybrain.desk.systems.keys import register, renew, switch

    made = register(f"few-{uuid.uuid4().hex[:8]}", "小程序", "urban_management", 2)
    asked = [anybody.get(f"{BASE}/services.json", {"api_key": made.key}).status_code for _ in range(4)]
    assert asked == [200, 200, 429, 429]
    (mine,) = [one for one in counts() if one.code == made.system.code]
    assert (mine.today, mine.refused) == (2, 2)
    newer = renew(made.system.code)
    assert anybody.get(f"{BASE}/services.json", {"api_key": made.key}).status_code == 403
    switch(made.system.code, on=False)
    assert anybody.get(f"{BASE}/services.json", {"api_key": newer.key}).status_code == 403


@given(st.text(), st.sampled_from(["xml", "json"]))
def test_whatever_text_a_case_holds_the_answer_can_be_read(text: str, form: str) -> None:
    content = [{"description": text.encode("utf-8", "replace").decode()}]
    body = answer(form, "service_requests", content).content
    if form == "xml":
        assert "description" in xmltodict.parse(body)["service_requests"]["request"]


def test_a_public_client_reads_it_unchanged(
    server: str, desk_city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    from georeport import GeoReport

    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    case = desk_city.filed(VILLAGE)
    since = (datetime.now().astimezone() - timedelta(hours=1)).isoformat(timespec="seconds")
    for form in ("json", "xml"):
        client = GeoReport(f"{server}{BASE}", jurisdiction="341600", output_format=form)
        services = client.get_service_list()
        assert {one["service_code"] for one in services} == {one.code for one in load_services().services}
        assert client.get_service_definition("manhole_broken")["service_code"] == "manhole_broken"
        found = client.get_service_requests(service_code="fire_lane,exposed_rubbish", start_date=since)
        assert case.number in {one["service_request_id"] for one in found}
        assert client.get_service_request(case.number)["service_name"] == "机动车占用消防通道"
