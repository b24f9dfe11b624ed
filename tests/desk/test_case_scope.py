"""Nobody reads or moves a case of another company or county, however they ask."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from desk_city import OTHER_VILLAGE, City, listed, photo, sent_file

pytestmark = pytest.mark.integration
Client = Callable[[Any], Any]


@pytest.fixture(scope="module")
def theirs(desk_city: City) -> Any:
    """A case of the other company in the other county, begun."""
    case = desk_city.dispatched(desk_city.other_company, OTHER_VILLAGE)
    desk_city.people["their_guard"] = desk_city.person("property_company", desk_city.other_company)
    return desk_city.step(case, "accept", "their_guard")


# Who may see no part of the case, though their role opens the pages.
OUTSIDERS = ("property_company", "grid_worker", "county_admin")


@pytest.mark.parametrize("role", OUTSIDERS)
def test_another_ones_case_is_not_there(role: str, theirs: Any, desk_city: City, signed_in: Client) -> None:
    client = signed_in(desk_city.people[role])
    (picture,) = desk_city.pictures(theirs)
    words = {"version": theirs.version, "key": str(uuid.uuid4()), "reason": "试"}
    for address in (f"/cases/{theirs.number}/", f"/cases/{theirs.number}/picture/{picture.pk}/"):
        assert client.get(address).status_code == 404
    for query in ("show=all", f"q={theirs.number}", "county=341621&show=all"):
        assert theirs.number not in listed(client.get(f"/cases/?{query}").content.decode())
    for action in ("start", "handle", "return", "void", "suspend", "redispatch"):
        sent = {**words, "photo": sent_file(photo()), "handler": desk_city.company.pk}
        assert client.post(f"/cases/{theirs.number}/do/{action}/", sent).status_code == 404
    assert desk_city.now(theirs).version == theirs.version and len(desk_city.pictures(theirs)) == 1


@pytest.mark.parametrize("role", ["property_company", "grid_worker"])
def test_nor_on_the_phone(role: str, theirs: Any, desk_city: City, signed_in: Client) -> None:
    client = signed_in(desk_city.people[role])
    assert client.get(f"/phone/{theirs.number}/").status_code == 404
    assert theirs.number not in client.get("/phone/").content.decode()
    words = {"version": theirs.version, "key": str(uuid.uuid4()), "photo": sent_file(photo())}
    assert client.post(f"/phone/{theirs.number}/do/handle/", words).status_code == 404
    assert desk_city.now(theirs).version == theirs.version and len(desk_city.pictures(theirs)) == 1


def test_a_picture_is_not_reached_through_a_case_of_ones_own(
    theirs: Any, desk_city: City, signed_in: Client
) -> None:
    mine = desk_city.dispatched()
    (picture,) = desk_city.pictures(theirs)
    for person in (desk_city.people["property_company"], desk_city.people["dispatcher"]):
        assert signed_in(person).get(f"/cases/{mine.number}/picture/{picture.pk}/").status_code == 404


def test_who_leads_sees_but_does_not_handle(theirs: Any, desk_city: City, signed_in: Client) -> None:
    client = signed_in(desk_city.people["department_handler"])
    page = client.get(f"/cases/{theirs.number}/").content.decode()
    assert theirs.number in page and 'id="actions"' not in page
    for address in (f"/cases/{theirs.number}/do/start/", f"/phone/{theirs.number}/do/handle/"):
        words = {"version": theirs.version, "key": str(uuid.uuid4()), "photo": sent_file(photo())}
        answer = client.post(address, words)
        assert answer.status_code == 422 and "不由您的单位承办" in answer.content.decode()
    assert desk_city.now(theirs).version == theirs.version and len(desk_city.pictures(theirs)) == 1


@pytest.mark.parametrize(
    ("role", "action"),
    [
        *(("acceptor", action) for action in ("dispatch", "start", "approve", "suspend")),
        *(("dispatcher", action) for action in ("confirm", "file", "accept", "start", "handle")),
        *(("auditor", action) for action in ("void", "start", "suspend")),
        *(("command_centre", action) for action in ("void", "start", "approve")),
        *(("property_company", action) for action in ("void", "suspend", "redispatch")),
        *(("property_company", action) for action in ("request_check", "pass_check", "register", "nothing")),
    ],
)
def test_a_step_of_another_post_is_refused(
    role: str, action: str, desk_city: City, signed_in: Client
) -> None:
    case = desk_city.step(desk_city.dispatched(), "accept", "property_company")
    words = {"version": case.version, "key": str(uuid.uuid4()), "reason": "试", "photo": sent_file(photo())}
    words["handler"] = str(desk_city.other_company.pk)
    answer = signed_in(desk_city.people[role]).post(f"/cases/{case.number}/do/{action}/", words)
    assert answer.status_code in (403, 422)
    assert desk_city.now(case).version == case.version and len(desk_city.pictures(case)) == 1


def test_bulk_steps_need_their_post(desk_city: City, signed_in: Client) -> None:
    case = desk_city.filed()
    words = {
        "key": str(uuid.uuid4()),
        "case": f"{case.pk}:{case.version}",
        "handler": desk_city.company.pk,
    }
    for role in ("acceptor", "property_company", "auditor", "command_centre", "county_admin"):
        answer = signed_in(desk_city.people[role]).post("/cases/bulk/dispatch/", words)
        assert answer.status_code == 403
    assert desk_city.now(case).state == "filed"


def test_a_report_is_its_reporters_own(desk_city: City, signed_in: Client) -> None:
    person = desk_city.person("grid_worker", desk_city.community)
    sent = {
        "kind": "street_order/exposed_rubbish",
        "place": "西门",
        "text": "垃圾",
        "key": str(uuid.uuid4()),
        "photo": sent_file(photo()),
    }
    address = signed_in(person).post("/phone/report/", sent).url
    assert signed_in(person).get(address).status_code == 200
    assert signed_in(desk_city.people["grid_worker"]).get(address).status_code == 404
