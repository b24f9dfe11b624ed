"""Looking up and dispatching on the phone: the same steps and guards as on the desk, and nobody finds a case
that is not theirs, whatever they ask for.
"""

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from desk_city import OTHER_VILLAGE, City, form_of, listed

pytestmark = pytest.mark.integration
Client = Callable[[Any], Any]
PLACE = "牡丹园小区九号楼东侧"


@pytest.fixture(scope="module")
def theirs(desk_city: City) -> Any:
    """A case of the other company in the other county."""
    return desk_city.dispatched(desk_city.other_company, OTHER_VILLAGE, place_name=PLACE)


def found(client: Any, words: str) -> list[str]:
    answer = client.get("/phone/find/", {"q": words})
    assert answer.status_code == 200
    return listed(answer.content.decode(), "li")


def send(client: Any, number: str, action: str, **words: Any) -> Any:
    """The form of a step as the phone's page carries it."""
    page = client.get(f"/phone/{number}/").content.decode()
    return client.post(
        f"/phone/{number}/do/{action}/", {"reason": "试", **form_of(page, f"form-{action}"), **words}
    )


def test_by_number_and_place(theirs: Any, desk_city: City, signed_in: Client) -> None:
    client = signed_in(desk_city.people["dispatcher"])
    for words in (
        theirs.number,
        theirs.number[-6:],
        theirs.number.lower(),
        "牡丹园小区九号楼",
        f"  {PLACE} ",
    ):
        assert theirs.number in found(client, words), words
    assert found(client, "牡丹园小区九十九号楼") == []
    nothing = client.get("/phone/find/", {"q": "牡丹园小区九十九号楼"}).content.decode()
    assert "没有相符的" in nothing


@pytest.mark.parametrize("role", ["property_company", "grid_worker", "department_handler", "county_admin"])
def test_nobody_finds_what_is_not_theirs(role: str, theirs: Any, desk_city: City, signed_in: Client) -> None:
    homes = {"department_handler": "urban_management"}  # another department than the one that leads the case
    person = desk_city.people[role]
    if role in homes:
        from citybrain.desk.accounts.models import Organisation

        person = desk_city.person(role, Organisation.objects.get(code=homes[role]))
    client = signed_in(person)
    for words in (theirs.number, PLACE, "%", "_", "' OR 1=1 --", "\x00"):
        assert theirs.number not in found(client, words), words
    for query in ("county=341621&show=all&q=牡丹园", "state=dispatched", "page=-1"):
        page = client.get(f"/phone/find/?{query}").content.decode()
        assert theirs.number not in page and PLACE not in page, query
    assert client.get(f"/phone/{theirs.number}/").status_code == 404
    words = {"version": theirs.version, "key": str(uuid.uuid4()), "reason": "试"}
    for action in ("redispatch", "return", "dispatch", "send_back"):
        sent = {**words, "handler": desk_city.company.pk}
        assert client.post(f"/phone/{theirs.number}/do/{action}/", sent).status_code == 404
    assert desk_city.now(theirs).version == theirs.version


def test_the_words_are_shown_as_words(desk_city: City, signed_in: Client) -> None:
    client = signed_in(desk_city.people["dispatcher"])
    page = client.get("/phone/find/", {"q": '"><script>alert(1)</script>'}).content.decode()
    assert "<script>alert" not in page and "&quot;&gt;&lt;script&gt;" in page


def test_dispatch_redispatch_and_return(desk_city: City, signed_in: Client) -> None:
    case = desk_city.filed()
    dispatcher, company = (signed_in(desk_city.people[role]) for role in ("dispatcher", "property_company"))
    assert send(dispatcher, case.number, "dispatch").status_code == 422  # nobody was chosen
    first = form_of(dispatcher.get(f"/phone/{case.number}/").content.decode(), "form-dispatch")
    sent = {**first, "handler": desk_city.company.pk}
    for _ in range(2):  # two taps
        answer = dispatcher.post(f"/phone/{case.number}/do/dispatch/", sent)
        assert answer.url == f"/phone/{case.number}/"
    assert desk_city.steps(case).count("dispatch") == 1
    returned = send(company, case.number, "return", reason="权属单位不明")
    assert returned.status_code == 302 and desk_city.now(case).state == "filed"
    assert company.get(returned.url).status_code == 200, "their tasks: the case is no longer theirs"
    send(dispatcher, case.number, "dispatch", handler=desk_city.company.pk)
    same = send(dispatcher, case.number, "redispatch", handler=desk_city.company.pk)
    assert same.status_code == 422 and desk_city.now(case).handler_id == desk_city.company.pk
    stale = {"handler": desk_city.other_company.pk, "version": first["version"]}
    answer = send(dispatcher, case.number, "redispatch", **stale)
    assert answer.status_code == 422 and "页面打开后案件已有变化" in answer.content.decode()
    silent = send(dispatcher, case.number, "redispatch", handler=desk_city.other_company.pk, reason=" ")
    assert silent.status_code == 422 and desk_city.now(case).handler_id == desk_city.company.pk
    assert send(dispatcher, case.number, "redispatch", handler=desk_city.other_company.pk).status_code == 302
    assert desk_city.now(case).handler_id == desk_city.other_company.pk
    assert company.get(f"/phone/{case.number}/").status_code == 404


@pytest.mark.parametrize("role", ["acceptor", "county_admin"])
def test_who_sees_a_case_does_not_dispatch_it(role: str, desk_city: City, signed_in: Client) -> None:
    case, client = desk_city.filed(), signed_in(desk_city.people[role])
    assert case.number in found(client, case.number)
    page = client.get(f"/phone/{case.number}/").content.decode()
    assert case.number in page and "form-dispatch" not in page and "承办单位</label>" not in page
    words = {"version": case.version, "key": str(uuid.uuid4()), "reason": "试"}
    for action in ("dispatch", "send_back"):
        sent = {**words, "handler": desk_city.company.pk}
        assert client.post(f"/phone/{case.number}/do/{action}/", sent).status_code == 422
    assert desk_city.now(case).version == case.version
