"""A warden's board on the phone: my places, my wake-ups, asking for help; and the page that sends it."""

import json
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from desk_city import City
from flood_city import OTHER_VILLAGE, Place, Water, water_in

from citybrain.settings import DatabaseRole
from citybrain.warehouse.connection import connect

pytestmark = pytest.mark.integration
Client = Callable[[Any], Any]


@pytest.fixture
def water(desk_city: City) -> Iterator[Water]:
    with water_in(desk_city) as found:
        yield found


def warden_of(city: City, place: Place, which: int = 0) -> Any:
    person = city.person("flood_warden", None)
    person.warden_code = place.wardens[which]
    person.save()
    return person


def ask(client: Any, case: Any, **changes: Any) -> Any:
    sent = {"key": str(uuid.uuid4()), "kind": "stock", "count": "2", "words": "下穿桥积水", **changes}
    return client.post(f"/phone/flood/ask/{case.number}/", sent, follow=True)


def state_of(client: Any) -> dict[str, Any]:
    return dict(json.loads(client.get("/command/state/").content))


def send(client: Any, case: Any, code: str, count: int = 1, key: str = "") -> Any:
    sent = {"case": case.number, "force": code, "count": str(count), "key": key or str(uuid.uuid4())}
    return client.post("/command/send/", sent)


def test_a_warden_sees_their_own_places_the_gravest_first(
    desk_city: City, signed_in: Client, water: Water
) -> None:
    calm, deep, theirs = water.place([3, 3, 3, 3]), water.place([20, 22, 29, 31]), water.place([50])
    person = warden_of(desk_city, calm)
    water.dbt.execute(
        "UPDATE marts.dim_flood_warden SET warden_id = %s WHERE warden_id = %s",
        (calm.wardens[0], deep.wardens[0]),
    )
    page = signed_in(person).get("/phone/flood/").content.decode()
    assert page.index(deep.point) < page.index(calm.point) and theirs.point not in page
    assert "31 cm" in page and "2 级" in page and "1 小时上涨 9 cm" in page
    assert "1 小时内平稳" in page and "未到警戒" in page


def test_a_community_sees_the_places_that_lie_in_it(desk_city: City, signed_in: Client, water: Water) -> None:
    mine, far = water.place([3]), water.place([3], OTHER_VILLAGE)
    page = (
        signed_in(desk_city.person("flood_warden", desk_city.community)).get("/phone/flood/").content.decode()
    )
    assert mine.point in page and far.point not in page
    nobody = signed_in(desk_city.person("flood_warden", None)).get("/phone/flood/").content.decode()
    assert "还没有防汛责任人编号" in nobody and mine.point not in nobody


def test_a_warden_answers_their_own_wake_up_and_nobody_elses(
    desk_city: City, signed_in: Client, water: Water
) -> None:
    from citybrain.events.models import WakeUp
    from citybrain.events.scope import as_system

    place, other = water.place([30]), water.place([30])
    case, elsewhere = water.case_at(place), water.case_at(other)
    with as_system():
        rung = WakeUp.objects.get(case_id=case.pk, ordinal=1)
        not_mine = WakeUp.objects.get(case_id=elsewhere.pk, ordinal=1)
    client = signed_in(warden_of(desk_city, place))
    assert f"/phone/flood/answer/{rung.pk}/" in client.get("/phone/flood/").content.decode()
    said = client.post(f"/phone/flood/answer/{not_mine.pk}/", follow=True).content.decode()
    assert "无需应答" in said
    for _ in range(2):
        said = client.post(f"/phone/flood/answer/{rung.pk}/", follow=True).content.decode()
        assert "已应答" in said
    with as_system():
        states = dict(WakeUp.objects.filter(case_id=case.pk).values_list("ordinal", "state"))
        not_mine.refresh_from_db()
    assert states == {1: "answered", 2: "ended"} and not_mine.state == "ringing"


def test_help_is_asked_for_and_sent_and_the_ledger_has_both(
    desk_city: City, signed_in: Client, water: Water
) -> None:
    place = water.place([30])
    case = water.case_at(place)
    far, near = water.force("team", "远队", 1, 116.9), water.force("team", "近队", 1, 115.79)
    pumps = water.force("stock", "谯城库排水泵", 3, 115.80)
    warden, commander = signed_in(warden_of(desk_city, place)), signed_in(desk_city.people["command_centre"])
    key = str(uuid.uuid4())
    for _ in range(2):
        said = ask(warden, case, key=key).content.decode()
    assert "已请求：需要排水泵 2 台：下穿桥积水" in said
    assert desk_city.steps(case).count("ask_resource") == 1, "twice counts once"

    (told,) = [one for one in state_of(commander)["flood"]["points"] if one["id"] == place.point]
    assert told["case"]["asked"] == ["需要排水泵 2 台：下穿桥积水"] and told["urgency"] == "late"
    assert [one["code"] for one in told["near"]] == [near, far, pumps], "the nearest of each kind"

    key = str(uuid.uuid4())
    for _ in range(2):
        assert send(commander, case, pumps, 2, key).status_code == 200
    short = send(commander, case, pumps, 2)
    assert short.status_code == 422 and "现有 1 台" in short.json()["said"]
    assert send(commander, case, near).status_code == 200
    again = send(commander, case, near)
    assert again.status_code == 422 and f"已调派至案件 {case.number}" in again.json()["said"]
    assert send(commander, case, "nothing").status_code == 422
    assert desk_city.steps(case).count("send_resource") == 2

    (told,) = [one for one in state_of(commander)["flood"]["points"] if one["id"] == place.point]
    assert told["case"]["asked"] == [] and len(told["case"]["sent"]) == 2
    assert near not in [one["code"] for one in told["near"]], "a team is at one case at a time"
    assert "调派谯城库排水泵 2 台" in warden.get("/phone/flood/").content.decode()
    history = commander.get(f"/cases/{case.number}/").content.decode()
    assert "调派力量" in history and "请求支援" in history and "账本无记录" not in history
    with connect(desk_city.settings, DatabaseRole.DESK) as connection:
        rows = connection.execute(
            "SELECT payload ->> 'action' FROM ledger.entry WHERE subject = %s ORDER BY entry_id",
            (f"case:{case.number}",),
        ).fetchall()
    assert [action for (action,) in rows][-3:] == ["ask_resource", "send_resource", "send_resource"]


def test_help_is_for_the_wardens_place_alone(desk_city: City, signed_in: Client, water: Water) -> None:
    place, other = water.place([30]), water.place([30])
    case = water.case_at(other)
    client = signed_in(warden_of(desk_city, place))
    assert ask(client, case).status_code == 404
    mine = water.case_at(place)
    for wrong in ({"kind": "tank"}, {"count": "0"}, {"count": "x"}, {"words": "水" * 201}, {"key": ""}):
        assert "已请求支援" not in ask(client, mine, **wrong).content.decode()
    assert "ask_resource" not in desk_city.steps(mine) + desk_city.steps(case)
    kept = client.post(
        f"/phone/flood/ask/{mine.number}/",
        {"key": str(uuid.uuid4()), "kind": "team", "count": "1"},
        headers={"x-kept-form": "yes"},
    )
    assert kept.status_code == 204 and desk_city.steps(mine).count("ask_resource") == 1


def test_the_state_stands_until_something_happens(desk_city: City, signed_in: Client, water: Water) -> None:
    place, other_county = water.place([30]), water.place([45], OTHER_VILLAGE)
    water.case_at(place)
    client = signed_in(desk_city.people["dispatcher"])
    first = client.get("/command/state/")
    told = json.loads(first.content)
    assert {one["id"] for one in told["flood"]["points"]} >= {place.point, other_county.point}
    assert sum(one["cases"] for one in told["domains"]) >= 1 and told["health"][1]["known"] == 2
    if client.get("/command/state/", headers={"if-none-match": first["ETag"]}).status_code != 304:
        first = client.get("/command/state/")  # a minute of a limit passed meanwhile
        assert client.get("/command/state/", headers={"if-none-match": first["ETag"]}).status_code == 304
    county = state_of(signed_in(desk_city.people["county_admin"]))
    assert [one["id"] for one in county["flood"]["points"]] == [place.point]
    assert county["health"][1]["known"] == 1
    outlines = json.loads(client.get("/outlines/counties/").content)
    assert [one["properties"]["name"] for one in outlines["features"]] == ["谯城区", "谯城区"]


def test_a_new_city_has_an_empty_page(desk_city: City, signed_in: Client) -> None:
    """Before the warehouse has built anything every page of this room still opens."""
    assert state_of(signed_in(desk_city.people["dispatcher"]))["flood"]["points"] == []
    page = signed_in(desk_city.person("flood_warden", None)).get("/phone/flood/")
    assert page.status_code == 200 and "易涝点" in page.content.decode()
    assert signed_in(desk_city.people["property_company"]).get("/phone/lanes/").status_code == 200
