"""Messages of a real broker in the lake: none lost over kills, broken ones quarantined with the reason."""

import json
import os
import random
import signal
import subprocess
import sysconfig
import threading
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC
from pathlib import Path

import psutil
import pytest
from mqtt_broker import Bridge, Party, needs_mosquitto, running_broker, running_tls_broker, until

from citybrain.catalogue import load_dataset
from citybrain.ingest import SourceError, gate_landed_batches, land_dataset, waiting
from citybrain.ingest.mqtt.bridge import is_alive
from citybrain.ingest.mqtt.broker import Broker, broker_of, connect_session, new_client
from citybrain.lake import download
from citybrain.settings import Settings, get_settings
from trial_city import City, assert_accounted_for

CITYBRAIN = Path(sysconfig.get_path("scripts")) / "citybrain"

pytestmark = [pytest.mark.integration, needs_mosquitto]

SOURCE = """\
id: trial_reading
code: 2026UN9002
title: {zh: 试验读数, en: Trial readings}
description: One row per reading, for tests.
owner: data_resources
family: iot
origin: synthetic
source_note: published by the tests
personal_data: none
connector:
  kind: mqtt
  topic: city/{kind}/{device}
  flush: {rows: 400, seconds: 0.3}
format: {kind: jsonl}
delivers: increment
key: [device, at]
columns:
  - {name: device, type: text, label: {zh: 设备, en: Device}}
  - {name: kind, type: text, label: {zh: 类别, en: Kind}}
  - {name: at, type: timestamptz, headers: [t], epoch: ms, label: {zh: 时间, en: Time}}
  - {name: value, type: numeric, headers: [v], label: {zh: 数值, en: Value}}
  - {name: seq, type: bigint, headers: [s], required: false, label: {zh: 序号, en: Number}}
"""
EXPECTATIONS = """\
dataset: trial_reading
owner: data_resources
runbook: 联系设备厂商。
rules:
  - {id: readable, kind: well_typed, columns: [at, value, seq], why: 须为数字与时间}
  - {id: bounded, kind: between, column: value, min: 0, max: 1000, why: 试验}
"""
FIRST = 1_767_225_600_000  # 2026-01-01T00:00:00Z


@pytest.fixture
def broker(settings: Settings) -> Iterator[Settings]:
    with running_broker(settings):
        yield settings


@pytest.fixture
def trial(city: City) -> City:
    """A project with one dataset of messages."""
    (city.settings.sources_dir / "trial_reading.yml").write_text(SOURCE, encoding="utf-8")
    (city.settings.expectations_dir / "trial_reading.yml").write_text(EXPECTATIONS, encoding="utf-8")
    return city


@pytest.fixture
def readings(trial: City, broker: Settings) -> City:
    """The same with a broker that runs."""
    return trial


@pytest.fixture
def bridge(readings: City, tmp_path: Path) -> Iterator[Bridge]:
    """Started, and subscribed when the test begins."""
    found = Bridge(tmp_path / "bridge.log")
    found.start()
    until(lambda: "subscribed to city/#" in found.printed(), "the bridge's subscription")
    yield found
    found.kill()


@pytest.fixture
def device(broker: Settings) -> Iterator[Party]:
    found = Party(broker, "device")
    yield found
    found.leave()


def reading(number: int) -> str:
    return json.dumps({"t": FIRST + number, "v": 1.50, "s": number})


def landed_lines(city: City, folder: Path) -> list[str]:
    """Every line of every landed object, duplicates too."""
    lines = []
    for batch in city.rows("SELECT * FROM meta.batch WHERE dataset = 'trial_reading' ORDER BY batch_id"):
        path = folder / batch["sha256"]
        if not path.exists():
            download(city.settings, "landing", batch["object_key"], path, batch["sha256"])
        lines += path.read_text(encoding="utf-8").splitlines()
    return lines


def landed_numbers(city: City, folder: Path) -> Counter[int]:
    return Counter(json.loads(line)["s"] for line in landed_lines(city, folder))


def test_readings_become_rows(readings: City, bridge: Bridge, device: Party, tmp_path: Path) -> None:
    assert device.publish("city/gas/341602G00001", '{"t": 1767225600250, "v": 1.50, "s": 7}') == "Success"
    device.publish("city/gas/341602G00001", '{\n "t": "2026-01-01T08:00:01+08:00",\n "v": 2e1\n}')
    device.publish("city/gas/341602G00001", '{"t": 1767225600250, "v": 1.50, "s": 7}')  # sent again
    until(lambda: len(landed_lines(readings, tmp_path)) >= 2, "two lines in the lake")

    report = land_dataset("trial_reading")
    assert report.landed == [row["batch_id"] for row in readings.rows("SELECT batch_id FROM meta.batch")]
    assert waiting("trial_reading") == []
    outcomes = gate_landed_batches()
    assert {outcome.state for outcome in outcomes} == {"loaded"}
    rows = readings.rows(
        "SELECT DISTINCT device, kind, at, value::text, seq FROM raw.trial_reading ORDER BY at DESC"
    )
    shown = [
        (row["device"], row["kind"], row["at"].astimezone(UTC).isoformat(), row["value"], row["seq"])
        for row in rows
    ]
    assert shown == [
        ("341602G00001", "gas", "2026-01-01T00:00:01+00:00", "20", None),
        ("341602G00001", "gas", "2026-01-01T00:00:00.250000+00:00", "1.50", 7),
    ]
    assert land_dataset("trial_reading").landed == []
    assert_accounted_for(readings)
    until(lambda: is_alive(readings.settings), "the bridge's beat", 20)


@pytest.mark.parametrize("kills", [2, pytest.param(12, marks=pytest.mark.slow)])
def test_no_message_is_lost_when_bridges_are_killed(
    readings: City, bridge: Bridge, device: Party, tmp_path: Path, kills: int
) -> None:
    """Killed at random moments of receiving, writing and acknowledging, while devices go on."""
    dice, published = random.Random(kills), 0
    going = threading.Event()

    def publish() -> None:
        nonlocal published
        while not going.is_set():
            for _ in range(20):
                device.client.publish("city/gas/341602G00001", reading(published), qos=1)
                published += 1
            time.sleep(0.05)

    devices = threading.Thread(target=publish)
    devices.start()
    for kill in range(1, kills + 1):
        time.sleep(dice.uniform(0.0, 1.0))
        bridge.kill()
        bridge.start()
        until(lambda kill=kill: bridge.printed().count("subscribed to") > kill, "the next subscription")
    going.set()
    devices.join()
    until(lambda: len(device.receipts) == published, "the broker's receipts")
    until(lambda: len(landed_numbers(readings, tmp_path)) == published, "all readings in the lake", 90)
    assert bridge.end(signal.SIGTERM) == 0
    found = landed_numbers(readings, tmp_path)
    assert published > 100 * kills
    assert set(found) == set(range(published))
    batches = readings.rows("SELECT count(*) AS n FROM meta.batch")[0]["n"]
    assert 1 < batches < published / 10


def test_a_bridge_that_cannot_write_acknowledges_nothing(
    readings: City, bridge: Bridge, device: Party, tmp_path: Path
) -> None:
    readings.owner.execute("REVOKE INSERT ON meta.batch FROM citybrain_loader")
    try:
        for number in range(5):
            device.publish("city/gas/341602G00001", reading(number))
        until(lambda: "5 messages cannot be written" in bridge.printed(), "the bridge's complaint")
        assert landed_lines(readings, tmp_path) == []
        assert bridge.end(signal.SIGTERM) == 0
    finally:
        readings.owner.execute("GRANT INSERT ON meta.batch TO citybrain_loader")
    bridge.start()
    until(lambda: set(landed_numbers(readings, tmp_path)) == set(range(5)), "the messages of the broker")


def test_what_was_received_is_written_before_the_bridge_stops(
    readings: City, bridge: Bridge, device: Party, tmp_path: Path
) -> None:
    path = readings.settings.sources_dir / "trial_reading.yml"
    path.write_text(SOURCE.replace("seconds: 0.3", "seconds: 600"), encoding="utf-8")
    bridge.kill()
    bridge.start()
    until(lambda: bridge.printed().count("subscribed to") == 2, "the second subscription")
    device.publish("city/gas/341602G00001", reading(1))
    time.sleep(0.5)
    assert landed_lines(readings, tmp_path) == []
    assert bridge.end(signal.SIGTERM) == 0
    assert set(landed_numbers(readings, tmp_path)) == {1}


BROKEN = {
    b"pressure 3.2": "unexpected character",
    b"\xff\xfe\x00": "base64",
    b"": "empty document",
    b"[1, 2]": "no JSON object",
    b'"t"': "no JSON object",
    b'{"t": 1767225600001, "v": 1, "battery": 80}': "battery",
    b'{"t": 1767225600002}': "missing key",
    b'{"t": 1767225600003, "v": NaN}': "unexpected character",
    b'{"t": 1767225600004, "v": 1, "device": "341602G00009"}': "comes twice",
    b'{"t": 1767225600005, "v": 1, "v": 2}': "comes twice",
    b'{"t": 1767225600006, "v": "high"}': "value",
    b'{"t": 99999999999999999999, "v": 1}': "at",
    b'{"t": 1767225600007, "v": 5000}': "bounded",
}


def test_a_broken_message_is_quarantined_with_the_reason_and_keeps_no_other_out(
    readings: City, bridge: Bridge, device: Party, tmp_path: Path
) -> None:
    path = readings.settings.sources_dir / "trial_reading.yml"
    path.write_text(SOURCE.replace("rows: 400, seconds: 0.3", "rows: 10000, seconds: 2"), encoding="utf-8")
    bridge.kill()
    bridge.start()
    until(lambda: bridge.printed().count("subscribed to") == 2, "the second subscription")
    for number in range(400):
        device.client.publish("city/gas/341602G00001", reading(100 + number), qos=1)
    for payload in BROKEN:
        device.publish("city/gas/341602G00001", payload)
    until(lambda: len(landed_lines(readings, tmp_path)) == 413, "all lines in the lake")
    outcomes = gate_landed_batches()
    assert [outcome.state for outcome in outcomes] == ["loaded"] * len(outcomes), outcomes
    assert sum(outcome.rows_loaded for outcome in outcomes) == 400
    kept_out = [
        json.dumps([row["reasons"], row["record"]], ensure_ascii=False)
        for outcome in outcomes
        for row in readings.quarantined(outcome.batch_id)
    ]
    assert len(kept_out) == len(BROKEN)
    for told, row in zip(BROKEN.values(), kept_out, strict=True):
        assert told in row
    assert_accounted_for(readings)


def test_a_message_that_no_dataset_reads_is_kept(
    readings: City, bridge: Bridge, device: Party, tmp_path: Path
) -> None:
    device.publish("city/parking", b"17 free")
    device.publish("city/gas/341602G00001", reading(1))
    refused = "SELECT * FROM meta.delivery WHERE dataset = 'mqtt_unmatched'"
    until(lambda: readings.rows(refused), "a refused delivery")
    (delivery,) = readings.rows(refused)
    assert (delivery["outcome"], delivery["batch_id"]) == ("refused", None)
    assert "no dataset reads" in delivery["reason"]
    kept = download(readings.settings, "landing", delivery["source_name"], tmp_path / "kept").path
    assert [json.loads(line)[1:] for line in kept.read_text("utf-8").splitlines()] == [
        ["city/parking", "17 free"]
    ]


def test_a_changed_file_is_taken_over_without_a_restart(
    readings: City, bridge: Bridge, device: Party, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = SOURCE.replace("trial_reading", "trial_other").replace("city/{kind}", "city/{kind}/new")
    (readings.settings.sources_dir / "trial_other.yml").write_text(
        other.replace("2026UN9002", "2026UN9003"), encoding="utf-8"
    )
    until(lambda: bridge.printed().count("subscribed to") == 2, "the new subscription", 30)
    device.publish("city/gas/new/341602G00001", reading(1))
    landed = "SELECT count(*) AS n FROM meta.batch WHERE dataset = 'trial_other'"
    until(lambda: readings.rows(landed)[0]["n"] == 1, "the new dataset's object")


def test_only_accounts_get_in_and_each_does_its_part_only(broker: Settings) -> None:
    assert Party(broker, None).connected == ["Not authorized"]
    assert Party(broker, "device", "wrong").connected == ["Not authorized"]
    assert Party(broker, "stranger", "x").connected == ["Not authorized"]

    bridge, device, eavesdropper = (Party(broker, name) for name in ("bridge", "device", "device"))
    try:
        assert bridge.connected == device.connected == ["Success"]
        assert bridge.subscribe("city/#") == 1
        eavesdropper.subscribe("city/#")
        eavesdropper.subscribe("#")
        assert device.publish("city/gas/1", b"{}") == "Success"
        assert device.publish("elsewhere/gas/1", b"{}") == "Not authorized"
        assert bridge.publish("city/gas/2", b"{}") == "Not authorized"
        until(lambda: bridge.received, "the reading")
        time.sleep(0.5)
        assert bridge.received == [("city/gas/1", b"{}")]
        assert eavesdropper.received == []
    finally:
        for party in (bridge, device, eavesdropper):
            party.leave()


def test_the_broker_listens_on_loopback_only_and_not_as_root(broker: Settings) -> None:
    listening = [
        connection
        for connection in psutil.net_connections("tcp")
        if connection.status == psutil.CONN_LISTEN and connection.laddr.port == broker.mqtt_port
    ]
    assert [connection.laddr.ip for connection in listening] == ["127.0.0.1"]
    process = psutil.Process(listening[0].pid)
    assert process.name() == "mosquitto"
    if os.geteuid() == 0:
        assert process.username() == "mosquitto"
    folder = broker.data_dir / "mqtt"
    assert {path.stat().st_mode & 0o077 for path in (folder, *folder.rglob("*"))} == {0}
    secrets = {broker.secret("mqtt_device_password"), broker.secret("mqtt_bridge_password")}
    for path in folder.glob("*"):
        if path.is_file():
            assert not any(secret in path.read_text("utf-8") for secret in secrets), path


def test_an_outside_broker_is_opened_only_when_it_is_allowed(
    readings: City, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The broker of the test stands for an outside one, under the account of a subscriber."""
    settings = readings.settings
    address = f"localhost:{settings.mqtt_port}"
    topic = f"  url: mqtt://{address}\n  topic: city/{{kind}}/{{device}}"
    path = settings.sources_dir / "trial_reading.yml"
    path.write_text(SOURCE.replace("  topic: city/{kind}/{device}", topic), encoding="utf-8")
    with pytest.raises(SourceError, match="CITYBRAIN_MQTT_ALLOW"):
        land_dataset("trial_reading")

    monkeypatch.setenv("CITYBRAIN_MQTT", "off")
    assert not Settings().mqtt_bridged
    monkeypatch.setenv("CITYBRAIN_MQTT", "auto")
    monkeypatch.setenv("CITYBRAIN_MQTT_ALLOW", json.dumps([address]))
    account = f"bridge:{settings.secret('mqtt_bridge_password')}"
    monkeypatch.setenv("CITYBRAIN_MQTT_ACCOUNTS", json.dumps({address: account}))
    get_settings.cache_clear()
    outside = broker_of(get_settings(), load_dataset(path).connector)
    assert (str(outside), outside.is_citys) == (address, False)
    assert account.partition(":")[2] not in str(get_settings())

    bridge, device = Bridge(tmp_path / "outside.log"), Party(settings, "device")
    bridge.start()
    try:
        until(lambda: f"{address}: subscribed to city/+/+" in bridge.printed(), "the subscription")
        device.publish("city/gas/341602G00001", reading(3))
        until(lambda: set(landed_numbers(readings, tmp_path)) == {3}, "the reading")
    finally:
        bridge.kill()
        device.leave()


def test_without_mqtt_nothing_fails_and_devices_are_told(
    readings: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CITYBRAIN_MQTT", "off")
    get_settings.cache_clear()
    assert land_dataset("trial_reading").landed == []
    result = subprocess.run(
        [CITYBRAIN, "simulate", "devices", "--seconds", "1"], capture_output=True, text=True, check=False
    )
    assert result.returncode == 1
    assert "MQTT is off" in result.stderr or "takes readings by MQTT" in result.stderr


def test_what_devices_sent_outlives_a_restart_of_the_broker(trial: City, tmp_path: Path) -> None:
    settings = trial.settings
    bridge = Bridge(tmp_path / "bridge.log")
    with running_broker(settings):
        bridge.start()
        until(lambda: "subscribed to" in bridge.printed(), "the subscription")
        bridge.kill()
        device = Party(settings, "device")
        for number in range(20):
            device.publish("city/gas/341602G00001", reading(number))
        device.leave()
    with running_broker(settings, fresh=False):
        bridge.start()
        try:
            until(lambda: set(landed_numbers(trial, tmp_path)) == set(range(20)), "what was kept")
        finally:
            bridge.kill()


def test_an_outside_broker_is_believed_only_with_a_certificate_we_trust(
    settings: Settings, tmp_path: Path
) -> None:
    with running_tls_broker(settings.home / "tls") as (port, authority):
        broker = Broker("localhost", port, True, None, False)
        trusting = settings.model_copy(update={"mqtt_ca_file": authority})
        client = new_client(trusting, broker, "trusting")
        connect_session(client, broker, keep_session=False)
        client.disconnect()
        with pytest.raises(SourceError, match="certificate verify failed"):
            connect_session(new_client(settings, broker, "doubting"), broker, keep_session=False)
        elsewhere = Broker("127.0.0.1", port, True, None, False)
        with pytest.raises(SourceError, match="certificate verify failed"):
            connect_session(new_client(trusting, elsewhere, "misled"), elsewhere, keep_session=False)
