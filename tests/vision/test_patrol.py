"""The patrol over stills and a database: dwell over rounds, signals once, stills that say nothing."""

import json
import resource
import zlib
from datetime import timedelta

import pytest
from patrol_city import BESIDE, DETECTOR, FIVE, IN_LANE, LANE, START, City, black, picture
from PIL import Image
from typer.testing import CliRunner

from citybrain.cli import app
from citybrain.lake import download
from citybrain.settings import DatabaseRole
from citybrain.vision.camera_address import MissingStillError
from citybrain.vision.patrol import NoWorkerError, request_looks, rounds_due, wait_for_looks
from citybrain.vision.signals import Signal
from citybrain.vision.stills import newest_still
from citybrain.vision.timetable import newest_tick, newest_ticks
from citybrain.warehouse.connection import connect

CAR = ("car", IN_LANE)


def test_a_vehicle_that_stands_long_enough_is_told_once_with_a_picture(city: City) -> None:
    city.patrol(*(picture(CAR, grain=number) for number in range(3)))
    assert city.outcomes() == [("occupied", "")] * 3
    assert city.told() == [("detected", "car", 5)]
    (signal,) = city.signals()
    assert (signal["scenario"], signal["zone"], signal["source_kind"]) == (DETECTOR, LANE, "video")
    assert (signal["place_id"], signal["place_name"], signal["area_code"]) == (
        "341602C001",
        "合欢苑",
        "341602001001",
    )
    assert (signal["origin"], signal["state"], float(signal["score"])) == ("synthetic", "pending", 0.9)
    assert signal["model"].startswith("drawn@")
    assert signal["detail"]["first_seen"] == START.isoformat()
    assert signal["detail"]["second_look_score"] == 0.9
    (evidence,) = signal["evidence"]
    assert (evidence["kind"], evidence["width"], evidence["height"]) == ("before", 640, 360)
    assert evidence["bucket"] == city.settings.bucket("evidence")
    path = city.settings.home / "data" / f"{signal['key'].replace(':', '_')}.jpg"
    fetched = download(city.settings, "evidence", evidence["key"], path, evidence["sha256"])
    with Image.open(fetched.path) as frame:
        assert "合欢苑" in frame.info["comment"].decode()


def test_it_has_gone_after_two_stills_without_it(city: City) -> None:
    city.patrol(
        *(picture(*([CAR] if number < 2 else []), grain=number) for number in range(5)),
    )
    assert city.outcomes() == [("occupied", "")] * 2 + [("clean", "")] * 3
    assert city.told() == [("detected", "car", 5), ("cleared", "car", 15)]
    assert [signal["evidence"][0]["kind"] for signal in city.signals()] == ["before", "recheck"]
    (thing,) = city.objects()
    assert (thing["state"], thing["hits"], thing["misses"]) == ("gone", 2, 2)
    assert thing["scores"] == [0.9, 0.9, 0, 0]


def test_beside_the_lane_is_no_occupation(city: City) -> None:
    city.patrol(*(picture(("car", BESIDE), grain=number) for number in range(4)))
    assert city.outcomes() == [("clean", "")] * 4
    assert city.told() == []


def test_two_classes_are_two_signals(city: City) -> None:
    lorry = ("lorry", (0.45, 0.3, 0.65, 0.35))
    city.patrol(*(picture(CAR, lorry, grain=number) for number in range(3)))
    assert city.told() == [("detected", "car", 5), ("detected", "lorry", 5)]


def test_the_same_still_twice_adds_no_dwell(city: City) -> None:
    city.patrol(picture(CAR), None)  # the second round finds the first one's still, five minutes old
    assert city.outcomes() == [("occupied", ""), ("unusable", "repeated")]
    assert city.told() == []
    city.patrol(picture(CAR), first=2)  # a new file with the same bytes: the camera hangs
    assert city.outcomes()[2] == ("unusable", "frozen")
    assert city.told() == [("health", "frozen", 10)]
    assert city.objects()[0]["hits"] == 1


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        (black(), "black"),
        (picture(CAR)[:900], "truncated"),
        (b"<html>not found</html>", "not_a_picture"),
        (None, "absent"),
    ],
)
def test_a_still_that_shows_nothing_is_neither_a_miss_nor_clean(
    city: City, broken: bytes | None, reason: str
) -> None:
    if broken is None:
        city.ask(3)
        city.work()
        assert city.outcomes() == [("missing", "absent")] * 3
        assert city.told() == [("health", "absent", 0)]
        return
    city.patrol(picture(CAR, grain=1), picture(CAR, grain=2))
    before = city.objects()
    city.patrol(broken, broken + b" ", broken + b"  ", first=2)
    assert city.outcomes()[2:] == [("unusable", reason)] * 3
    assert city.objects() == before
    assert city.told() == [("detected", "car", 5), ("health", reason, 10)]
    city.patrol(picture(CAR, grain=3), first=5)
    assert city.told()[2:] == [("health", "normal", 25)]
    assert city.objects()[0]["hits"] == 3


def test_an_old_still_is_missing_and_the_vehicle_is_not_gone(city: City) -> None:
    city.patrol(picture(CAR, grain=1), picture(CAR, grain=2))
    city.ask(4, first=2)
    city.work()
    assert city.outcomes()[2:] == [("unusable", "repeated")] * 2 + [("missing", "stale")] * 2
    assert city.told() == [("detected", "car", 5), ("health", "stale", 20)]
    assert city.objects()[0]["misses"] == 0


def test_a_picture_of_gigabytes_is_refused_before_it_is_decoded(city: City) -> None:
    """A PNG of 16000 x 16000 pixels takes 768 MB to decode, and a few hundred kilobytes to send."""
    side = 16_000
    scanline = b"\0" + b"\x80" * side
    header = side.to_bytes(4, "big") * 2 + bytes((8, 0, 0, 0, 0))
    packer = zlib.compressobj(9)
    body = b"".join(packer.compress(scanline) for _ in range(side)) + packer.flush()
    chunks = b"".join(
        len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")
        for kind, data in ((b"IHDR", header), (b"IDAT", body), (b"IEND", b""))
    )
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    city.patrol(b"\x89PNG\r\n\x1a\n" + chunks)
    grown_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert city.outcomes() == [("unusable", "too_large")]
    assert grown_kib < 100 * 1024


def test_rounds_are_asked_for_once_and_done_in_order(city: City) -> None:
    city.show(*(picture(CAR, grain=number) for number in range(3)))
    city.ask(1, first=2)
    city.ask(2)
    city.ask(3)
    city.work()
    assert city.told() == [("detected", "car", 5)]
    city.ask(3)
    city.work()
    assert len(city.outcomes()) == 3


def test_a_round_that_comes_late_changes_nothing(city: City) -> None:
    city.show(*(picture(CAR, grain=number) for number in range(3)))
    city.ask(1, first=2)
    city.work()
    city.ask(1, first=0)
    city.work()
    assert len(city.outcomes()) == 1
    states = city.watcher.execute("SELECT state FROM vision.look_request ORDER BY due_at").fetchall()
    assert states == [("superseded",), ("done",)]


def test_a_look_that_breaks_down_is_tried_again_and_then_given_up(city: City) -> None:
    city.show(picture(CAR))
    city.ask(1)
    worker = city.worker()

    def broken(_image: object) -> list[object]:
        raise RuntimeError("the network fell over")

    tools = worker.tools
    worker.tools = type(tools)(
        lambda detector: type(tools.sight_of(detector))(broken, "broken", "0" * 64, "cpu"), tools.draw
    )
    for _ in range(3):
        assert worker.work_once(city.watcher)
        city.watcher.execute("UPDATE vision.look_request SET claim_expires_at = now() - interval '1 s'")
    assert not worker.work_once(city.watcher)
    row = city.watcher.execute("SELECT state, attempts, error FROM vision.look_request").fetchone()
    assert row == ("failed", 3, "RuntimeError: the network fell over")
    assert city.outcomes() == []
    done = wait_for_looks(city.settings, city.detector, START, timedelta(seconds=1))
    assert (done["looks"], done["failed"]) == (0, 1)


def test_a_photo_that_was_taken_for_clear_does_not_silence_the_patrol(city: City) -> None:
    city.patrol(picture(CAR, grain=1), picture(CAR, grain=2))
    key = city.hand_in(picture(grain=7))
    city.work()
    assert city.verdict(key)["verdict"] == "clear"
    shown = START + 2 * FIVE - timedelta(minutes=1)
    with connect(city.settings, DatabaseRole.OWNER, autocommit=True) as owner:
        owner.execute("UPDATE vision.recheck SET requested_at = %s WHERE key = %s", (shown, key))
    city.patrol(picture(CAR, grain=3), picture(CAR, grain=4), first=2)
    assert city.told() == [("detected", "car", 5), ("detected", "car", 10)]
    assert city.signals()[1]["detail"]["still_there_after_photo"] is True


def test_the_desk_makes_one_case_of_it_and_notes_the_camera(city: City) -> None:
    from citybrain.desk.accounts.sync import sync
    from citybrain.events.intake import take_in
    from citybrain.events.models import Case, DeviceHealth
    from citybrain.events.scope import as_system

    sync(city.settings)
    city.patrol(*(picture(CAR, grain=number) for number in range(3)), black())
    take_in()
    with as_system():
        (case,) = Case.objects.filter(source_id=city.camera)
        assert (case.zone, case.place_name, case.evidence.count()) == (LANE, "合欢苑", 1)
        assert DeviceHealth.objects.get(source_id=city.camera).condition == "black"


def test_due_rounds_follow_the_detectors_clock(city: City) -> None:
    detector = city.detector
    moment = START + timedelta(minutes=12, seconds=30)
    assert newest_tick(detector.schedule, moment) == START + 2 * FIVE
    assert newest_tick(detector.schedule, START) == START
    assert newest_ticks(detector.schedule, moment, 3) == [START, START + FIVE, START + 2 * FIVE]
    assert rounds_due(city.settings, detector, moment, first=3) == [START, START + FIVE, START + 2 * FIVE]
    request_looks(city.settings, detector, START + FIVE)
    assert rounds_due(city.settings, detector, moment, first=3) == [START + 2 * FIVE]
    request_looks(city.settings, detector, START + 2 * FIVE)
    assert rounds_due(city.settings, detector, moment, first=3) == []


def test_waiting_without_a_worker_says_so(city: City) -> None:
    request_looks(city.settings, city.detector, START)
    with pytest.raises(NoWorkerError, match="3 looks wait"):
        wait_for_looks(city.settings, city.detector, START, timedelta(seconds=0.1))


def test_a_stills_place_cannot_leave_the_drop_folder(city: City) -> None:
    with pytest.raises(MissingStillError, match="outside the drop folder"):
        newest_still(city.settings, "folder:../../etc", START, FIVE)
    with pytest.raises(MissingStillError, match="HTTP_ALLOW"):
        newest_still(city.settings, "http://169.254.169.254/latest", START, FIVE)


def test_a_camera_without_a_zone_is_named(city: City) -> None:
    path = city.settings.detectors_dir / DETECTOR / "detector.yml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text[: text.index(f"  {city.cameras[2]}:")], encoding="utf-8")
    asked = request_looks(city.settings, city.detector, START)
    assert (asked.cameras, asked.without_zone) == (city.cameras[:2], [city.cameras[2]])


def test_the_verbs(city: City) -> None:
    city.patrol(picture(CAR, grain=1))
    planned = CliRunner().invoke(app, ["vision", "sweep", "--at", "2026-11-26T08:05", "--dry-run", "--json"])
    assert json.loads(planned.stdout)["would_look_at"] == city.cameras
    assert len(city.outcomes()) == 1
    shown = CliRunner().invoke(app, ["vision", "rounds", "--camera", city.camera, "--json"])
    assert [row["outcome"] for row in json.loads(shown.stdout)] == ["occupied"]
    swept = CliRunner().invoke(
        app, ["vision", "sweep", "--at", "2026-11-26T08:00", "--camera", city.camera, "--json"]
    )
    assert json.loads(swept.stdout)["occupied"] == 1
    status = CliRunner().invoke(app, ["vision", "status", "--json"])
    assert (status.exit_code, json.loads(status.stdout)["waiting"]) == (0, 0)
    nobody = CliRunner().invoke(app, ["vision", "sweep", "--camera", "nobody", "--json"])
    assert nobody.exit_code == 2


def test_a_signals_key_is_the_looks_own(city: City) -> None:
    """The worst case of a claim that was taken twice: the same signal again adds nothing."""
    from citybrain.vision import signals
    from citybrain.vision.cameras import camera

    place = camera(city.watcher, DETECTOR, city.camera)
    assert place is not None
    signal = Signal("same", "car", "detected", LANE, START)
    for _ in range(2):
        signals.add(city.watcher, city.detector, place, signal)
    assert len(city.signals()) == 1


def test_a_camera_of_a_street_is_a_place_of_its_own(city: City) -> None:
    from citybrain.vision.cameras import camera, cameras_of

    known = {one.camera_id for one in cameras_of(city.watcher, DETECTOR)}
    with connect(city.settings, DatabaseRole.TRANSFORMER) as dbt:
        dbt.execute(
            "UPDATE marts.dim_camera SET compound_id = NULL, area_code = NULL,"
            " camera_id = '341602' || camera_id WHERE camera_id = %s",
            [city.camera],
        )
    street = camera(city.watcher, DETECTOR, f"341602{city.camera}")
    assert street is not None
    assert (street.place_id, street.place_name, street.area_code) == (
        street.camera_id,
        street.camera_name,
        "341602",
    )
    assert {one.camera_id for one in cameras_of(city.watcher, DETECTOR)} == known - {city.camera} | {
        street.camera_id
    }
