"""The JSON API: what systems of departments read, report and do, under the rules that hold for people."""

import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from api_calls import BASE, Caller, caller, faults
from desk_city import OTHER_VILLAGE, VILLAGE, City, photo, sent_file

pytestmark = pytest.mark.integration
COMPANY, OTHER_COMPANY = "DESK-PM-1", "DESK-PM-2"


@pytest.fixture
def anybody(signed_in: Callable[[Any], Any]) -> Any:
    return signed_in(None)


@pytest.fixture
def company(anybody: Any, desk_city: City) -> Caller:
    """The system of the company that handles in the first county."""
    return caller(anybody, COMPANY, "property_company")


@pytest.fixture
def office(anybody: Any, desk_city: City) -> Caller:
    """A system of the city's dispatchers."""
    return caller(anybody, "data_resources", "dispatcher")


def report(by: Caller, again: str | None = None, **words: Any) -> Any:
    given = {
        "scenario": "street_order",
        "class_code": "exposed_rubbish",
        "text": "菜场门口垃圾两天没清",
        "place_name": "人民路菜场",
    }
    return by.form("/reports", {**given, **words}, again)


def test_a_report_becomes_a_case_and_is_counted_once(company: Caller, desk_city: City) -> None:
    from citybrain.events.intake import take_in
    from citybrain.events.models import Case
    from citybrain.events.scope import as_system

    pictures = {"media": [sent_file(photo()), sent_file(photo(), "two.jpg")]}
    first = report(company, "report-0001", source="hotline", reference="12345-7", **pictures)
    assert first.status_code == 202, first.content
    made = first.json()
    assert made["state"] == "pending" and made["case"] is None
    for file in pictures["media"]:
        file.seek(0)
    again = report(company, "report-0001", source="hotline", reference="12345-7", **pictures)
    assert again.json() == made and again["Idempotency-Replayed"] == "true"
    other = report(company, "report-0001", source="hotline", reference="another")
    assert other.status_code == 422 and faults(other) == {"Idempotency-Key"}
    take_in()
    found = company.client.get(first["Location"], headers={"X-Api-Key": company.key}).json()
    assert found["state"] == "attached"
    with as_system():
        case = Case.objects.get(number=found["case"])
        (signal,) = case.signals.all()
        assert (case.source_kind, case.evidence.count()) == ("hotline", 2)
        assert signal.detail == {"reference": "12345-7", "text": "菜场门口垃圾两天没清"}


def test_what_is_wrong_with_a_report_is_said_by_its_field(company: Caller) -> None:
    for words, fields in (
        ({"text": ""}, {"text"}),
        ({"text": " "}, {"text"}),
        ({"text": "长" * 1001}, {"text"}),
        ({"text": "零\x00"}, {"text"}),
        ({"scenario": "no_such"}, {"scenario", "class_code"}),
        ({"scenario": "Ä"}, {"scenario"}),
        ({"source": "video"}, {"source"}),
        ({"lon": "115.7"}, {"lat"}),
        ({"lon": "115.7", "lat": "91"}, {"lat"}),
        ({"lon": "NaN", "lat": "1"}, {"lon"}),
        ({"place_name": ""}, {"place_name"}),
        ({"media": sent_file(b"no picture" * 50)}, {"media"}),
        ({"media": [sent_file(photo()) for _ in range(7)]}, {"media"}),
        ({"text": ["twice", "given"]}, {"text"}),
    ):
        refused = report(company, **words)
        assert (refused.status_code, faults(refused)) == (422, fields), words
    wrong = company.post("/reports", {"text": "JSON"})
    assert wrong.status_code == 415 and faults(wrong) == {"Content-Type"}


def test_a_system_handles_a_case_as_its_people_do(company: Caller, office: Caller, desk_city: City) -> None:
    case = desk_city.filed()
    listed = office.get("/cases", state="filed", limit=5).json()
    assert (
        listed["cases"][0]["number"] == case.number
        and company.get(f"/cases/{case.number}").status_code == 404
    )
    version = listed["cases"][0]["version"]
    path = f"/cases/{case.number}/steps"
    sent = {"action": "dispatch", "version": version, "handler": COMPANY}
    given = office.post(path, sent, "dispatch-1")
    assert given.status_code == 201 and given.json()["state"] == "dispatched", given.content
    assert office.post(path, sent, "dispatch-1").json() == given.json()
    assert office.post(path, sent).status_code == 409  # another call, of a version that is gone

    mine = company.get(f"/cases/{case.number}").json()
    assert mine["handler"] == {"code": COMPANY, "name": "安居物业(示范)"} and mine["state"] == "dispatched"
    assert "accept" in {one["action"] for one in mine["actions"]}
    for action in ("accept", "start"):
        done = company.post(path, {"action": action, "version": mine["version"]})
        assert done.status_code == 201, done.content
        mine = company.get(f"/cases/{case.number}").json()
    early = company.post(path, {"action": "handle", "version": mine["version"]})
    assert early.status_code == 409 and "照片" in early.json()["detail"]
    added = company.form(f"/cases/{case.number}/media", {"file": sent_file(photo())}, "after-photo-1")
    assert added.status_code == 201 and added.json()["kind"] == "after", added.content
    picture = company.client.get(added["Location"], headers={"X-Api-Key": company.key})
    assert picture["Content-Type"] == "image/jpeg" and picture.content.startswith(b"\xff\xd8")
    done = company.post(path, {"action": "handle", "version": mine["version"]})
    assert done.status_code == 201, done.content
    steps = company.get(f"/cases/{case.number}").json()["steps"]
    assert [one["action"] for one in steps][:5] == ["register", "confirm", "file", "dispatch", "accept"]
    assert steps[4]["organisation"]["code"] == COMPANY

    from citybrain.events.models import Transition
    from citybrain.events.scope import as_system

    with as_system():
        taken = Transition.objects.get(case_id=case.pk, action="accept")
        assert taken.actor_id == company.system.account_id  # history names the system, as it names a person


def test_a_remark_stands_in_the_history(company: Caller, desk_city: City) -> None:
    case = desk_city.dispatched()
    path = f"/cases/{case.number}/remarks"
    added = company.post(path, {"version": case.version, "text": "已联系车主，十分钟内挪车"}, "remark-01")
    assert added.status_code == 201 and added.json()["state"] == "dispatched", added.content
    last = company.get(f"/cases/{case.number}").json()["steps"][-1]
    assert (last["action"], last["reason"]) == ("remark", "已联系车主，十分钟内挪车")
    stale = company.post(path, {"version": case.version, "text": "再说一次"})
    assert stale.status_code == 409 and faults(stale) == {"version"}
    assert faults(company.post(path, {"version": added.json()["version"], "text": "  "})) == {"text"}


def test_steps_that_are_not_the_systems(company: Caller, office: Caller, desk_city: City) -> None:
    case = desk_city.dispatched()
    path, version = f"/cases/{case.number}/steps", case.version
    for by, step, status, fields in (
        (company, {"action": "dispatch", "version": version}, 409, set()),
        (company, {"action": "void", "version": version, "reason": "重复"}, 403, set()),
        (company, {"action": "join", "version": version, "reason": "重复"}, 422, {"action"}),
        (company, {"action": "fly", "version": version}, 422, {"action"}),
        (company, {"action": "return", "version": version}, 422, {"reason"}),
        (company, {"action": "accept", "version": 0}, 422, {"version"}),
        (company, {"action": "accept", "version": version, "more": 1}, 422, {"more"}),
        (company, {"action": "accept"}, 422, {"version"}),
        (
            office,
            {"action": "redispatch", "version": version, "handler": "nobody", "reason": "x"},
            422,
            {"handler"},
        ),
        (office, {"action": "accept", "version": version}, 403, set()),
    ):
        refused = by.post(path, step)
        assert (refused.status_code, faults(refused)) == (status, fields), (step, refused.content)
    assert desk_city.now(case).version == version


def test_what_changed_is_followed_without_gaps(company: Caller, office: Caller, desk_city: City) -> None:
    start = company.get("/changes").json()
    assert start["cases"] == [] and start["more"] is False
    first, second = desk_city.dispatched(), desk_city.dispatched()
    desk_city.dispatched(desk_city.other_company)
    page = company.get("/changes", after=start["watermark"], limit=1).json()
    assert [one["number"] for one in page["cases"]] == [first.number] and page["more"] is True
    rest = company.get("/changes", after=page["watermark"]).json()
    assert [one["number"] for one in rest["cases"]] == [second.number]
    company.post(f"/cases/{first.number}/remarks", {"version": first.version, "text": "说明"})
    news = company.get("/changes", after=rest["watermark"]).json()
    assert [(one["number"], one["version"]) for one in news["cases"]] == [(first.number, first.version + 1)]
    assert company.get("/changes", after=news["watermark"]).json()["cases"] == []
    since = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    told = company.get("/changes", since=since, limit=500).json()["cases"]
    assert {first.number, second.number} <= {one["number"] for one in told}
    both = company.get("/changes", since=since, after="1")
    assert both.status_code == 422 and faults(both) == {"since"}


def test_pages_and_filters(office: Caller, desk_city: City) -> None:
    made = [desk_city.filed(OTHER_VILLAGE) for _ in range(3)]
    numbers: list[str] = []
    cursor: dict[str, str] = {}
    while len(numbers) < 3:
        page = office.get("/cases", county="341621", is_open="true", limit=2, **cursor).json()
        numbers += [one["number"] for one in page["cases"]]
        cursor = {"cursor": page["next"]}
    assert numbers[:3] == [case.number for case in reversed(made)] and len(set(numbers)) == len(numbers)
    later = office.get("/cases", is_open="false", found_from=datetime.now(UTC).isoformat())
    assert later.json()["cases"] == []
    twice = office.client.get(
        f"{BASE}/cases?state=filed&state=closed", headers={"X-Api-Key": office.key}
    ).json()["cases"]
    assert {one["state"] for one in twice} <= {"filed", "closed"} and twice
    for wrong, field in (
        ({"limit": 0}, "limit"),
        ({"limit": 201}, "limit"),
        ({"cursor": "x"}, "cursor"),
        ({"state": "ajar"}, "state.0"),
        ({"found_from": "2026-01-01T00:00:00"}, "found_from"),
        ({"found_to": "0.5"}, "found_to"),
        ({"county": "34"}, "county"),
    ):
        refused = office.get("/cases", **wrong)
        assert (refused.status_code, faults(refused)) == (422, {field}), wrong


def test_a_day_has_a_limit_and_every_call_is_measured(anybody: Any, desk_city: City) -> None:
    from citybrain.desk.systems.models import SystemUse

    few = caller(anybody, COMPANY, "property_company", calls_a_day=2)
    assert [few.get("/cases").status_code for _ in range(2)] == [200, 200]
    over = few.get("/changes")
    assert over.status_code == 429 and 0 < int(over["Retry-After"]) <= 86_400 and faults(over) == set()
    uses = {one.capability: one for one in SystemUse.objects.filter(system=few.system)}
    assert (uses["cases_read"].calls, uses["cases_read"].failed) == (2, 0)
    assert uses["cases_read"].total_ms > 0 and uses["changes_read"].refused == 1


def test_no_key_no_answer(anybody: Any, desk_city: City) -> None:
    for headers in ({}, {"X-Api-Key": "wrong"}):  # pragma: allowlist secret
        refused = anybody.get(f"{BASE}/cases", headers=headers)
        assert refused.status_code == 401 and faults(refused) == {"X-Api-Key"}
        assert refused["WWW-Authenticate"] == "ApiKey"
    lost = anybody.get(f"{BASE}/nothing/here")
    assert lost.status_code == 404 and faults(lost) == set()
    wrong = anybody.put(f"{BASE}/cases")
    assert wrong.status_code == 405 and wrong["Allow"] == "GET" and faults(wrong) == set()


def test_the_document_and_its_page(anybody: Any, desk_city: City) -> None:
    told = anybody.get(f"{BASE}/openapi.json").json()
    assert told["openapi"].startswith("3.1") and "/api/v1/cases/{number}/steps" in told["paths"]
    page = anybody.get(f"{BASE}/docs/")
    text = page.content.decode()
    assert (
        page.status_code == 200 and "https://" not in text and "http://" not in text
    )  # nothing from outside
    for source in ("ninja/swagger-ui.css", "ninja/swagger-ui-bundle.js", "ninja/swagger-ui-init.js"):
        assert source in text and anybody.get(f"/static/{source}").status_code == 200


# By operation: what each kind of system gets. `own` handles the case of the table in the first county,
# `other` a case elsewhere; `county` governs the county of the case, `other_county` another one; `plain` has
# no role.
GOES, AWAY, NO = "goes", 404, 403
_SEES = {"own": GOES, "other": AWAY, "county": GOES, "other_county": AWAY, "city": GOES, "plain": NO}
_LISTS = {"own": GOES, "other": GOES, "county": GOES, "other_county": GOES, "city": GOES, "plain": NO}
_REPORTS = dict.fromkeys(_LISTS, GOES)
MATRIX: dict[str, dict[str, int | str]] = {
    "list_cases": _LISTS,
    "list_changes": _LISTS,
    "read_case": _SEES,
    "take_step": _SEES
    | {"county": NO, "city": NO},  # a remark as a step is nobody's; accept is the handler's
    "add_remark": _SEES | {"county": NO, "city": NO},
    "read_media": _SEES,
    "add_media": _SEES | {"county": NO, "other_county": NO, "city": NO},
    "list_classes": _REPORTS,
    "file_report": _REPORTS,
    "read_report": dict.fromkeys(_REPORTS, AWAY),  # of another system
    "list_webhooks": _LISTS,
    "add_webhook": _LISTS,
    "read_webhook": dict.fromkeys(_LISTS, AWAY) | {"plain": NO},
    "change_webhook": dict.fromkeys(_LISTS, AWAY) | {"plain": NO},
    "remove_webhook": dict.fromkeys(_LISTS, AWAY) | {"plain": NO},
    "rotate_secret": dict.fromkeys(_LISTS, AWAY) | {"plain": NO},
    "test_webhook": dict.fromkeys(_LISTS, AWAY) | {"plain": NO},
    "list_deliveries": dict.fromkeys(_LISTS, AWAY) | {"plain": NO},
    "replay_delivery": dict.fromkeys(_LISTS, AWAY) | {"plain": NO},
}


def test_every_operation_for_every_kind_of_system(anybody: Any, desk_city: City) -> None:
    from citybrain.desk.accounts.models import Organisation
    from citybrain.desk.systems.models import Webhook

    other_county, _ = Organisation.objects.get_or_create(
        code="DESK-COUNTY-2",
        defaults={"kind": "county", "name": "涡阳县", "county_code": "341621", "area_code": OTHER_VILLAGE},
    )
    kinds = {
        "own": caller(anybody, COMPANY, "property_company"),
        "other": caller(anybody, OTHER_COMPANY, "property_company"),
        "county": caller(anybody, "DESK-COUNTY-1", "county_admin"),
        "other_county": caller(anybody, other_county.code, "county_admin"),
        "city": caller(anybody, "data_resources", "dispatcher"),
        "plain": caller(anybody, "urban_management"),
    }
    stranger = caller(anybody, COMPANY, "property_company")
    hook = Webhook.objects.create(system=stranger.system, url="http://127.0.0.1:1/", events=["case.filed"])
    filed = report(stranger).json()["report"]
    operations = {
        operation["operationId"]: (method, path)
        for path, methods in anybody.get(f"{BASE}/openapi.json").json()["paths"].items()
        for method, operation in methods.items()
    }
    assert set(operations) == set(MATRIX)
    wrong = {}
    looked_at = desk_city.dispatched()
    for name, (method, path) in operations.items():
        for kind, expected in MATRIX[name].items():
            case = desk_city.dispatched() if name in ("take_step", "add_remark") else looked_at
            words = {
                "number": case.number,
                "media_id": desk_city.pictures(case)[0].pk,
                "report": filed,
                "webhook_id": hook.pk,
                "delivery_id": 1,
            }
            bodies: dict[str, Any] = {
                "take_step": {"action": "accept", "version": case.version},
                "add_remark": {"version": case.version, "text": "说明"},
                "add_webhook": {"url": "http://127.0.0.1:1/", "events": ["case.filed"]},
                "change_webhook": {"is_active": False},
            }
            by, short = kinds[kind], path.removeprefix(BASE).format_map(words)
            if name == "add_media":
                answer = by.form(short, {"file": sent_file(b"x" * 500)})
            elif name == "file_report":
                answer = report(by)
            else:
                send = {"get": by.get, "delete": by.delete}.get(method)
                body = bodies.get(name)
                answer = send(short) if send else {"post": by.post, "patch": by.patch}[method](short, body)
            # An address that is not listed and a file that is no picture are refused after the rights.
            got: int | str = (
                GOES if answer.status_code < 300 or answer.status_code == 422 else answer.status_code
            )
            if got != expected:
                wrong[f"{name} as {kind}"] = f"{got}, not {expected}: {answer.content[:200]!r}"
    assert wrong == {}


def test_a_system_holds_roles_of_cases_only(desk_city: City) -> None:
    from citybrain.desk.systems.keys import SystemRefusedError, give_roles, register, roles_for_systems

    assert not {"system_admin", "security_admin", "policy_officer"} & set(roles_for_systems())
    code = f"sys-{uuid.uuid4().hex[:8]}"
    with pytest.raises(SystemRefusedError, match="security_admin"):
        register(code, "某系统", COMPANY, 10, ["security_admin"])
    register(code, "某系统", COMPANY, 10)
    give_roles(code, ["property_company"])
    with pytest.raises(SystemRefusedError, match="treasury"):
        give_roles(code, ["treasury"])


def test_a_report_of_a_county_lies_where_its_organisation_does(anybody: Any, desk_city: City) -> None:
    from citybrain.events.models import Signal
    from citybrain.events.scope import as_system

    made = report(caller(anybody, COMPANY)).json()["report"]
    with as_system():
        assert Signal.objects.get(key=f"api:{made}").area_code == VILLAGE
