"""The gate over one delivery of live readings: what is wrong stays out with its reason, the rest goes in."""

import json
import time
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from citybrain.catalogue import load_dataset
from citybrain.catalogue.mqtt_topic import MqttTopic
from citybrain.ingest import gate_landed_batches, land_dataset
from citybrain.ingest.landing import land_bytes
from citybrain.ingest.mqtt.message import MessageFormat
from citybrain.settings import DatabaseRole, Settings
from citybrain.simulate.live_devices import MessageForm, readings, sensors

pytestmark = pytest.mark.integration
GOOD = 2000
NOW = int(time.time() * 1000)
TOPIC = "city/gas/341602G00001"


def spoilt(topic: str = TOPIC, **change: Any) -> tuple[str, bytes]:
    content = {"t": NOW, "m": "methane_lel_percent", "v": 1.2, "q": "good", "s": 1} | change
    return topic, json.dumps({key: value for key, value in content.items() if value != "absent"}).encode()


SPOILT = {
    "device_format": spoilt("city/gas/341602G1"),
    "kind_known": spoilt("city/gaz/341602G00002"),
    "identified": spoilt(m=""),
    "values_readable": spoilt(v="high", s=2),
    "value_present": spoilt(v=None, s=3),
    "not_in_future": spoilt(t=NOW + 3_600_000, s=4),
    "value_range": spoilt(m="noise_db", v=20_000, s=5),
    "share_of_limit": spoilt(v=101, s=6),
    "quality_known": spoilt(q="fine", s=7),
    "seq_counts": spoilt(s=-1),
    "battery": spoilt(battery=80),
    "missing key": spoilt(v="absent"),
    "unexpected": (TOPIC, b"hello"),
}


def test_each_rule_keeps_out_its_own_and_nothing_else(clean_city: Settings) -> None:
    dataset = load_dataset(clean_city.sources_dir / "sensor_reading_live.yml")
    connector = dataset.connector
    assert isinstance(connector, MqttTopic)
    feed, form = readings(1, sensors(2000), 1), MessageForm(dataset, connector)
    messages = [*(form.message(next(feed)) for _ in range(GOOD)), *SPOILT.values()]
    written = MessageFormat(dataset, connector)
    lines = [written.line(topic, connector.fields_of(topic) or {}, payload) for topic, payload in messages]

    (batch,) = land_bytes(clean_city, dataset, b"\n".join(lines) + b"\n", datetime.now(UTC)).landed
    assert land_dataset(dataset.id).landed == [batch]
    (outcome,) = gate_landed_batches()
    assert (outcome.state, outcome.rows_loaded, outcome.rows_quarantined) == ("loaded", GOOD, len(SPOILT))
    with psycopg.connect(clean_city.dsn(DatabaseRole.OWNER), row_factory=dict_row) as connection:
        kept_out = connection.execute(
            "SELECT reasons, record FROM quarantine.rejected_row WHERE batch_id = %s ORDER BY line", (batch,)
        ).fetchall()
    for reason, row in zip(SPOILT, kept_out, strict=True):
        assert reason in json.dumps([row["reasons"], row["record"]], ensure_ascii=False)
