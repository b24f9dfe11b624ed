"""Messages as lines: whatever a device sends becomes one line, and a good payload keeps its digits."""

import base64
import json
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from citybrain.catalogue import load_dataset
from citybrain.catalogue.dataset import Dataset
from citybrain.catalogue.mqtt_topic import MqttTopic
from citybrain.ingest.mqtt.message import MessageFormat
from citybrain.ingest.readers import read_delivery
from citybrain.settings import SOURCE_TREE
from citybrain.simulate.live_devices import MessageForm, Reading, readings, sensors
from citybrain.simulate.sensors.kinds import load_kinds

LIVE = load_dataset(SOURCE_TREE / "dags" / "sources" / "sensor_reading_live.yml")
TOPIC = "city/gas/341602G00001"


def connector(dataset: Dataset = LIVE) -> MqttTopic:
    assert isinstance(dataset.connector, MqttTopic)
    return dataset.connector


def line(payload: bytes, dataset: Dataset = LIVE) -> bytes:
    found = connector(dataset)
    fields = found.fields_of(TOPIC)
    assert fields is not None
    return MessageFormat(dataset, found).line(TOPIC, fields, payload)


def cells(path: Path, *lines: bytes) -> list[list[str | None]]:
    path.write_bytes(b"\n".join(lines) + b"\n")
    reading = read_delivery(LIVE, path)
    return [list(row) for batch in reading.batches for row in batch.rows]


@given(st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
def test_whatever_is_sent_is_one_line_of_text_that_keeps_it(payload: bytes) -> None:
    written = line(payload)
    assert b"\n" not in written
    assert b"\r" not in written
    found = json.loads(written.decode())
    if isinstance(found, list):
        kept = found[2]
        back = base64.b64decode(kept["base64"]) if isinstance(kept, dict) else kept.encode()
        assert (found[1], back) == (TOPIC, payload)


JSON_SPACE = st.text(" \t\r\n", max_size=3)


@given(
    st.integers(0, 253_402_300_799_999),
    st.decimals(-1000, 1000, places=3),
    st.booleans(),
    JSON_SPACE,
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_reading_keeps_its_digits_and_its_moment(
    tmp_path: Path, moment: int, value: object, as_text: bool, space: str
) -> None:
    written_time = f'"{moment}"' if as_text else str(moment)
    payload = f'{space}{{{space}"m":{space}"x",{space}"t":{written_time},"v":{value:f}{space}}}{space}'
    ((device, kind, metric, at, number, quality, seq),) = cells(tmp_path / "d", line(payload.encode()))
    assert (device, kind, metric, number) == ("341602G00001", "gas", "x", f"{value:f}")
    assert (quality, seq) == (None, None)
    assert at is not None
    assert datetime.fromisoformat(at) == datetime.fromtimestamp(moment // 1000, UTC).replace(
        microsecond=moment % 1000 * 1000
    )


def test_a_time_of_another_form_is_left_to_the_column(tmp_path: Path) -> None:
    texts = ["2026-01-01T08:00:00+08:00", "yesterday", "-5", "99999999999999999", "1767225600.5"]
    lines = [line(orjson.dumps({"m": "x", "t": text, "v": 1})) for text in texts]
    assert [row[3] for row in cells(tmp_path / "d", *lines)] == texts


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b'{"t": 1, "m": "x", "v": 1, "battery": 3}', "battery"),
        (b'{"t": 1, "m": "x"}', "missing key"),
        (b"{}", "missing key"),
        (b"7", "no JSON object"),
        (b"\xef\xbb\xbf{}", "byte order mark"),
    ],
)
def test_a_message_that_is_no_row_says_why(payload: bytes, reason: str) -> None:
    found = json.loads(line(payload))
    assert isinstance(found, list)
    assert reason in found[0]


def test_a_record_may_stand_inside_the_payload() -> None:
    changed = connector().model_copy(update={"record": "VP"})
    dataset = LIVE.model_copy(update={"connector": changed})
    inside = json.loads(line(b'{"VP": {"t": 5, "m": "x", "v": 1.5}, "other": 1}', dataset))
    assert inside == {"device_kind": "gas", "device_id": "341602G00001", "t": 5, "m": "x", "v": 1.5}
    assert "no key VP" in json.loads(line(b'{"t": 5}', dataset))[0]
    assert "no JSON object" in json.loads(line(b'{"VP": []}', dataset))[0]


def test_devices_of_the_demo_city_report_in_the_declared_form(tmp_path: Path) -> None:
    found = sensors(20_000)
    assert len({(sensor.device_id, sensor.metric.id) for sensor in found}) == len(found)
    assert {sensor.kind for sensor in found} == {kind.id for kind in load_kinds()}
    feed = readings(1, found, 100)
    form = MessageForm(LIVE, connector())
    sent = [next(feed) for _ in range(len(found) + 5)]
    assert [reading.seq for reading in sent] == [100] * len(found) + [101] * 5
    lines = []
    for reading in sent:
        topic, payload = form.message(reading)
        fields = connector().fields_of(topic)
        assert fields is not None
        lines.append(MessageFormat(LIVE, connector()).line(topic, fields, payload))
    rows = cells(tmp_path / "d", *lines)
    assert len(rows) == len(sent)
    assert [row[:3] for row in rows] == [[r.device_id, r.device_kind, r.metric] for r in sent]
    again = readings(1, found, 100)
    assert [next(again).value for _ in sent] == [reading.value for reading in sent]


def test_an_iso_column_is_sent_as_iso() -> None:
    columns = [
        column.model_copy(update={"epoch": None}) if column.name == "observed_at" else column
        for column in LIVE.columns
    ]
    form = MessageForm(LIVE.model_copy(update={"columns": columns}), connector())
    reading = Reading("gas", "341602G00001", "x", 1_767_225_600_250, 1.5, "good", 7)
    topic, payload = form.message(reading)
    assert topic == TOPIC
    assert json.loads(payload)["t"] == "2026-01-01T00:00:00.250000+00:00"
