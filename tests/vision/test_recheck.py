"""A handler's photo: clear, occupied, unreadable, doubtful, and what nobody can judge."""

import time
from datetime import datetime, timedelta

import pytest
from patrol_city import BESIDE, IN_LANE, City, black, picture

from citybrain.vision.timetable import CITY_TIME

CAR = ("car", IN_LANE)


@pytest.mark.parametrize(
    ("photo", "verdict"),
    [
        (picture(), "clear"),
        (picture(("car", BESIDE)), "clear"),
        (picture(CAR), "occupied"),
        (picture(("lorry", IN_LANE)), "occupied"),
        (black(), "unreadable"),
        (picture(CAR)[:700], "unreadable"),
        (b"no picture at all", "unreadable"),
    ],
)
def test_a_verdict(city: City, photo: bytes, verdict: str) -> None:
    key = city.hand_in(photo)
    city.work()
    row = city.verdict(key)
    assert (row["state"], row["verdict"]) == ("done", verdict)
    assert row["done_at"] >= row["requested_at"]
    if verdict == "occupied":
        assert row["detail"]["model"].startswith("drawn@")
        assert row["detail"]["boxes"][0]["score"] == 0.9


@pytest.mark.parametrize(
    ("still", "verdict"), [(picture(CAR), "doubtful"), (picture(), "clear"), (black(), "clear")]
)
def test_a_clear_photo_against_a_still_taken_since(city: City, still: bytes, verdict: str) -> None:
    key = city.hand_in(picture())
    requested_at = city.verdict(key)["requested_at"]
    taken_at = (requested_at + timedelta(seconds=1)).replace(microsecond=0)
    city.put_still(taken_at, still)
    time.sleep(max((taken_at - datetime.now(CITY_TIME)).total_seconds(), 0) + 0.01)
    city.work()
    row = city.verdict(key)
    assert row["verdict"] == verdict
    if verdict == "doubtful":
        assert row["detail"]["still"]["boxes"][0]["class"] == "car"


def test_a_still_from_before_the_photo_says_nothing(city: City) -> None:
    city.put_still(datetime.now(CITY_TIME) - timedelta(minutes=2), picture(CAR))
    key = city.hand_in(picture())
    city.work()
    row = city.verdict(key)
    assert (row["verdict"], row["detail"]["still"]) == ("clear", {"missing": "none was taken since"})


@pytest.mark.parametrize(
    "changes",
    [
        {"zone": "nowhere"},
        {"camera": "unknown"},
        {"bucket": "somebody-elses-bucket"},
        {"object_key": "no/such.jpg"},
        {"sha256": "0" * 64},
    ],
)
def test_what_nobody_can_judge_has_failed(city: City, changes: dict[str, str]) -> None:
    key = city.hand_in(picture(), **changes)
    city.work()
    row = city.verdict(key)
    assert (row["state"], row["verdict"]) == ("failed", None)
    assert row["detail"]["error"]


def test_a_photo_that_breaks_every_attempt_has_failed(city: City) -> None:
    key = city.hand_in(picture())
    city.watcher.execute(
        "UPDATE vision.recheck SET attempts = 3, claimed_by = 'dead', claim_expires_at = now()"
    )
    city.work()
    assert (city.verdict(key)["state"], city.verdict(key)["verdict"]) == ("failed", None)


def test_photos_come_before_looks(city: City) -> None:
    city.ask(1)
    key = city.hand_in(picture())
    assert city.worker().work_once(city.watcher)
    assert city.verdict(key)["state"] == "done"
    assert city.outcomes() == []
