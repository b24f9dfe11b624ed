"""A message at a real broker becomes a signal before any table holds it, also when the bridge is killed."""

import json
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from mqtt_broker import Bridge, Party, needs_mosquitto, running_broker, until
from test_mqtt_bridge import EXPECTATIONS, SOURCE

from citybrain.settings import DatabaseRole, Settings
from citybrain.warehouse.connection import connect
from citybrain.warehouse.row_scope import SYSTEM, enter
from standing_in import standing_in
from trial_city import City

pytestmark = [pytest.mark.integration, needs_mosquitto]
RULES = """\
schema: citybrain/rules@1
id: gas_leak_monitoring
scenario: gas_leak_monitoring
title: {zh: 试验, en: Trial}
provenance: public
origin: synthetic
source_kind: iot
lateness_hours: 24
first_look_hours: 24
tell_within_hours: 24
place: {relation: marts.dim_trial, subject: device, name: [name], area: area}
rules:
  - id: methane
    kind: reading
    title: {zh: 试验, en: Trial}
    input: {relation: marts.fct_trial, subject: device, at: at, value: value, arrived: at}
    levels: [{class: level_3, raise_at: place.level_3, hysteresis: 2}]
    persist: {readings: 2}
    live: trial_reading
"""
DEVICE = "341602G77777"


@pytest.fixture
def watched(desk: Settings, city: City) -> Iterator[City]:
    """A broker, a dataset of messages, a rule over them and the register of one device."""
    (city.settings.sources_dir / "trial_reading.yml").write_text(SOURCE, encoding="utf-8")
    (city.settings.expectations_dir / "trial_reading.yml").write_text(EXPECTATIONS, encoding="utf-8")
    rules = city.settings.detectors_dir / "gas_leak_monitoring" / "rules.yml"
    rules.parent.mkdir(parents=True)
    rules.write_text(RULES, encoding="utf-8")
    register = {"dim_trial": "(device text, name text, area text, level_3 float8)"}
    with running_broker(city.settings), standing_in(city.settings, register, [DatabaseRole.SENSOR]) as dbt:
        dbt.execute("INSERT INTO marts.dim_trial VALUES (%s, '某井', '341602001001', 10)", (DEVICE,))
        yield city


def test_a_leak_is_told_at_its_second_message_though_the_bridge_was_killed_between(
    watched: City, tmp_path: Path
) -> None:
    bridge, now = Bridge(tmp_path / "bridge.log"), int(time.time() * 1000)
    bridge.start()
    device = Party(watched.settings, "device")
    try:
        until(lambda: "subscribed to city/#" in bridge.printed(), "the bridge's subscription")

        def publish(second: int, value: float) -> None:
            device.publish(
                f"city/gas/{DEVICE}", json.dumps({"t": now + second * 1000, "v": value, "s": second})
            )

        def told() -> list[str]:
            with connect(watched.settings, DatabaseRole.DESK) as desk:
                enter(desk, SYSTEM)
                rows = desk.execute("SELECT kind FROM ops.signal WHERE source_id = %s ORDER BY id", (DEVICE,))
                return [kind for (kind,) in rows]

        publish(0, 12)
        standing = "SELECT raised FROM sensing.live_standing WHERE subject = %s"
        until(lambda: watched.rows(standing, DEVICE), "what stands")
        assert told() == []
        bridge.kill()
        bridge.start()
        until(lambda: bridge.printed().count("subscribed to") == 2, "the second subscription")
        publish(1, 13)
        until(told, "the signal", 10)
        publish(2, 1)
        until(lambda: len(told()) == 2, "its end", 10)
        assert told() == ["detected", "cleared"]
        assert bridge.end(signal.SIGTERM) == 0
        assert watched.rows(standing, DEVICE) == []
    finally:
        device.leave()
        bridge.kill()
