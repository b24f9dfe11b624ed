"""Wardens are woken in order until one answers; addresses are data, and some have quiet hours."""

import itertools
import uuid
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fire_lane import VILLAGE, Spot
from webhook import Receiver

from citybrain.catalogue.content_file import ContentError
from citybrain.catalogue.working_day import SHANGHAI
from citybrain.settings import DatabaseRole, Settings
from citybrain.stack.ports import free_ports
from standing_in import standing_in

WATER = {"scenario": "flood_waterlogging", "class_code": "all", "source_kind": "iot", "area_code": VILLAGE}
_points = itertools.count(1)


def point(city: Settings) -> Spot:
    mark = f"{uuid.uuid4().hex[:6]}{next(_points):03}"
    return Spot(city, f"W{mark}", zone="", place_id=f"P{mark}")


def targets_file(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "notify_targets.yml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def receiver(city: Settings) -> Iterator[Receiver]:
    from citybrain.events.models import Notification, NotifyTarget, WakeUp
    from citybrain.events.scope import as_system

    with as_system():
        Notification.objects.filter(state="pending").update(state="sent")
        WakeUp.objects.update(state="ended", next_at=None)
    found = Receiver(free_ports(1)[0])
    try:
        yield found
    finally:
        found.close()
        with as_system():
            NotifyTarget.objects.update(is_active=False)
            Notification.objects.filter(state="pending").update(state="sent")


def wardens(tmp_path: Path, points: list[Spot], receiver: Receiver) -> None:
    """Two wardens for each point, each with a gateway's address of their own."""
    from citybrain.events.targets import import_targets

    lines = ["wardens:"]
    for one in points:
        for turn in (1, 2):
            code = f"{one.place_id}-{turn}"
            url = f"json://127.0.0.1:{receiver.server.server_port}/{code}"
            lines.append(
                f"  - {{warden: {code}, place: {one.place_id}, ordinal: {turn}, targets: [{{url: '{url}'}}]}}"
            )
    import_targets(targets_file(tmp_path, "\n".join(lines)))


def flood(points: list[Spot]) -> None:
    from citybrain.events.intake import take_in

    for one in points:
        one.send(at=datetime.now(SHANGHAI) - timedelta(minutes=1), **WATER)
    while take_in():
        pass


def minute_passes() -> None:
    from citybrain.events.models import WakeUp
    from citybrain.events.scope import as_system

    with as_system():
        for one in WakeUp.objects.filter(state="ringing"):
            one.next_at -= timedelta(minutes=1)
            one.save()


def rung() -> None:
    """What the desk's worker does: rings, then sends."""
    from citybrain.events.sending import send_due
    from citybrain.events.waking import ring_due

    ring_due()
    while send_due(500):
        pass


def line(case: Any) -> list[tuple[str, int]]:
    from citybrain.events.scope import as_system

    with as_system():
        return list(case.wake_ups.values_list("state", "rings"))


def rings(receiver: Receiver, case: Any) -> list[str]:
    """Which warden's turn each ring was, in the order in which they came: `ordinal:ring`."""
    mine = [key.split(":") for key in receiver.keys if key.startswith(f"{case.number}:")]
    return [f"{parts[3]}:{parts[4]}" for parts in mine if parts[2] == "wake" and parts[3] != "silent"]


def link_of(case: Any) -> str:
    from citybrain.events.scope import as_system

    with as_system():
        body = case.notifications.filter(reason__startswith="wake:").last().body
    return body.split("应答：")[1].split("（")[0].removeprefix("http://")


def test_the_second_warden_rings_when_the_first_stays_silent_and_both_silent_is_told(
    city: Settings, tmp_path: Path, receiver: Receiver
) -> None:
    from citybrain.events.scope import as_system

    one = point(city)
    wardens(tmp_path, [one], receiver)
    flood([one])
    case = one.case()
    for _ in range(10):
        rung()
        minute_passes()
    assert rings(receiver, case) == ["1:1", "1:2", "1:3", "2:1", "2:2", "2:3"]
    assert line(case) == [("silent", 3), ("silent", 3)]
    with as_system():
        told = case.notifications.filter(reason="wake:silent", channel="log")
        assert {row.organisation.code for row in told} == {"flood_control", "data_resources"}


def test_an_answer_through_the_messages_link_ends_the_ringing(
    city: Settings, tmp_path: Path, receiver: Receiver
) -> None:
    from django.test import Client

    one = point(city)
    wardens(tmp_path, [one], receiver)
    flood([one])
    case = one.case()
    rung()
    address = "/answer/" + link_of(case).split("/answer/")[1]
    client = Client(SERVER_NAME="127.0.0.1")
    page = client.get(address)
    assert page.status_code == 200 and "我已收到" in page.content.decode()
    assert line(case) == [("ringing", 1), ("waiting", 0)], "opening the link answers nothing"
    assert "已应答" in client.post(address).content.decode()
    assert line(case) == [("answered", 1), ("ended", 0)]
    assert "已应答" in client.post(address).content.decode(), "twice does no harm"
    minute_passes()
    rung()
    assert rings(receiver, case) == ["1:1"]
    assert client.get("/answer/1:forged/").status_code == 404


def test_nobody_is_woken_about_a_case_that_is_over(
    city: Settings, tmp_path: Path, receiver: Receiver
) -> None:
    from citybrain.events.intake import take_in

    one = point(city)
    wardens(tmp_path, [one], receiver)
    flood([one])
    for minute in (1, 2):
        one.send("cleared", at=datetime.now(SHANGHAI) + timedelta(seconds=minute), **WATER)
    take_in()
    assert one.case().state == "closed"
    rung()
    assert line(one.case()) == [("ended", 0), ("ended", 0)] and rings(receiver, one.case()) == []


@pytest.mark.parametrize(
    ("now", "until"),
    [
        ("2026-11-24 23:30", "2026-11-25 07:00"),
        ("2026-11-24 06:59", "2026-11-24 07:00"),
        ("2026-11-24 07:00", "2026-11-24 07:00"),
        ("2026-11-24 21:59", "2026-11-24 21:59"),
    ],
)
def test_quiet_hours_end_in_the_morning(desk: Settings, now: str, until: str) -> None:
    from datetime import time

    from citybrain.events.outbox import Address, quiet_until

    def at(text: str) -> datetime:
        return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)

    assert quiet_until(Address("json://x", time(22), time(7)), at(now)) == at(until)
    assert quiet_until(Address("json://x"), at(now)) == at(now)


def test_what_is_not_urgent_waits_for_the_end_of_the_quiet_hours(
    city: Settings, tmp_path: Path, receiver: Receiver, people: Callable[[str], Any]
) -> None:
    from citybrain.events.intake import take_in
    from citybrain.events.scope import as_system
    from citybrain.events.targets import import_targets

    port, hour = receiver.server.server_port, datetime.now(SHANGHAI)
    quiet = f"quiet_from: '{hour - timedelta(hours=1):%H:%M}', quiet_to: '{hour + timedelta(hours=1):%H:%M}'"
    lines = [
        f"  - {{organisation: {code}, targets: [{{url: 'json://127.0.0.1:{port}/{code}', {quiet}}}]}}"
        for code in ("housing_construction", "flood_control")
    ]
    import_targets(targets_file(tmp_path, "\n".join(["organisations:", *lines])))
    site, gauge = point(city), point(city)
    site.send(**(WATER | {"scenario": "construction_dust"}))
    gauge.send(**WATER)
    take_in()
    with as_system():
        calm = site.case().notifications.exclude(channel="log").filter(reason="file").get()
        urgent = gauge.case().notifications.exclude(channel="log").filter(reason="file").get()
    assert calm.next_at > datetime.now(SHANGHAI) + timedelta(minutes=50)
    assert urgent.next_at <= datetime.now(SHANGHAI)


@pytest.mark.parametrize(
    ("text", "line_number", "reason"),
    [
        (
            "organisations:\n  - organisation: flood_control\n    targets: [{url: 'nonsense'}]",
            3,
            "no such address",
        ),
        (
            "organisations:\n  - {organisation: nobody, targets: [{url: 'json://127.0.0.1'}]}",
            2,
            "no organisation",
        ),
        ("people:\n  - {person: nobody, targets: [{url: 'json://127.0.0.1'}]}", 2, "no person nobody"),
        ("wardens:\n  - {warden: FW999}", 2, "give `place`"),
    ],
)
def test_a_file_of_addresses_that_is_wrong_is_refused_by_line(
    city: Settings, tmp_path: Path, text: str, line_number: int, reason: str
) -> None:
    from citybrain.events.targets import import_targets

    with pytest.raises(ContentError, match=reason) as refused:
        import_targets(targets_file(tmp_path, text))
    assert refused.value.faults[0][0] == line_number


@pytest.mark.parametrize(
    "url",
    [
        "mailtos://example.com?user=desk&pass=x&from=desk@example.com",
        "dingtalk://abcdef0123456789abcdef0123456789",
        "wecombot://633a31f6-7f9c-4bc4-97a0-0ec1eefa5898",
        "feishu://token0123456789",
        "jsons://gateway.example.com/voice?:phone=13800000000&:kind=voice",
    ],
)
def test_the_formats_that_offices_use_are_addresses(url: str) -> None:
    from citybrain.events.targets import Target

    assert Target(url=url).url == url


@pytest.mark.slow
def test_a_storm_wakes_forty_four_wardens_in_order(
    city: Settings, tmp_path: Path, receiver: Receiver
) -> None:
    """22 points flood: a third answers at once, a third the second warden, a third nobody; then it falls."""
    from citybrain.events.intake import take_in
    from citybrain.events.scope import as_system
    from citybrain.events.waking import answer

    points = [point(city) for _ in range(22)]
    wardens(tmp_path, points, receiver)
    flood(points)
    cases = [one.case() for one in points]
    assert len({case.pk for case in cases}) == 22

    def answered(case: Any) -> None:
        assert answer(link_of(case).split("/answer/")[1].strip("/")) is not None

    for number in range(8):
        rung()
        for place, case in enumerate(cases):
            if (place % 3, number) in ((0, 0), (1, 3)):
                answered(case)
        minute_passes()
    for place, case in enumerate(cases):
        wanted = {
            0: (["1:1"], ["answered", "ended"]),
            1: (["1:1", "1:2", "1:3", "2:1"], ["silent", "answered"]),
            2: (["1:1", "1:2", "1:3", "2:1", "2:2", "2:3"], ["silent", "silent"]),
        }[place % 3]
        assert (rings(receiver, case), [state for state, _ in line(case)]) == wanted
        with as_system():
            escalated = case.notifications.filter(reason="wake:silent", channel="log").count()
        assert escalated == (2 if place % 3 == 2 else 0)
    for seconds in (1, 2):
        for one in points:
            one.send("cleared", at=datetime.now(SHANGHAI) + timedelta(seconds=seconds), **WATER)
    while take_in():
        pass
    assert {one.case().state for one in points} == {"closed"}
    rung()
    with as_system():
        waiting = sum(case.notifications.filter(state="pending").count() for case in cases)
    assert waiting == 0


def test_wardens_come_from_the_register_of_flood_points(city: Settings) -> None:
    from citybrain.desk.accounts.sync import sync
    from citybrain.events.models import Warden

    place = f"P{uuid.uuid4().hex[:8]}"
    columns = "(point_id text, warden_id text, warden_role text)"
    with standing_in(city, {"dim_flood_warden": columns}, [DatabaseRole.DESK]) as dbt:
        for code, role in ((f"{place}-B", "值守责任人"), (f"{place}-A", "点位责任人")):
            dbt.execute("INSERT INTO marts.dim_flood_warden VALUES (%s, %s, %s)", (place, code, role))
        sync(city)
        sync(city)
    found = Warden.objects.filter(place_id=place).values_list("ordinal", "code", "role")
    assert list(found) == [(1, f"{place}-A", "点位责任人"), (2, f"{place}-B", "值守责任人")]
