"""The demo city's devices as they report: readings published to the broker in each dataset's own form.

What there is, and what it measures, stands in sensors/kinds.yml.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count

import numpy as np
import orjson
from paho.mqtt.client import Client, ConnectFlags, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from citybrain.catalogue import Column, Dataset, active_datasets
from citybrain.catalogue.mqtt_topic import MqttTopic, broker_address
from citybrain.settings import Settings
from citybrain.simulate.ledger import ENTERPRISES_AT_SCALE_1, SimulationError
from citybrain.simulate.sensors.fleet import LEAST, device_ids
from citybrain.simulate.sensors.kinds import Metric, load_kinds

TICK_SECONDS = 0.05
PATIENCE_SECONDS = 60.0  # how long the last acknowledgements may take
MOST_UNACKNOWLEDGED = 5000


@dataclass(frozen=True)
class Sensor:
    """One metric of one device."""

    device_id: str
    kind: str
    metric: Metric


@dataclass(frozen=True)
class Reading:
    """What one message says; `observed_ms` since 1970, UTC."""

    device_kind: str
    device_id: str
    metric: str
    observed_ms: int
    value: float
    quality: str
    seq: int


@dataclass(frozen=True)
class Published:
    """Messages handed to the broker, those it acknowledged, those it refused, and the seconds it took."""

    messages: int
    acknowledged: int
    refused: int
    seconds: float


def sensors(enterprises: int) -> list[Sensor]:
    """Every sensor of a demo city with so many firms, under the ids of the register of devices."""
    found = []
    for kind in load_kinds():
        scale = 1.0 if kind.fixed else enterprises / ENTERPRISES_AT_SCALE_1
        devices = max(LEAST, round(kind.devices * scale))
        for device_id in device_ids(kind.letter, devices):
            found += [Sensor(device_id, kind.id, metric) for metric in kind.metrics]
    return found


def readings(seed: int, devices: Sequence[Sensor], first_seq: int) -> Iterator[Reading]:
    """Endless readings, one device after the other, as of the moment each is asked for."""
    random = np.random.default_rng([seed, first_seq])
    for seq in count(first_seq):
        for sensor, noise in zip(devices, random.standard_normal(len(devices)).tolist(), strict=True):
            metric = sensor.metric
            value = min(max(metric.mean + metric.alone + metric.spread * noise, metric.min), metric.max)
            quality = "good" if abs(noise) < 3 else "suspect"
            moment = time.time_ns() // 1_000_000
            value = round(value, metric.digits)
            yield Reading(sensor.kind, sensor.device_id, metric.id, moment, value, quality, seq)


class MessageForm:
    """A reading as a message of one dataset: some columns go into the topic, the others into the payload."""

    def __init__(self, dataset: Dataset, connector: MqttTopic) -> None:
        owner = {name: column for column in dataset.columns for name in column.accepted_headers}
        self._levels = [
            owner[level[1:-1]] if level.startswith("{") else level for level in connector.topic.split("/")
        ]
        in_topic = {level.name for level in self._levels if isinstance(level, Column)}
        self._payload = {
            column.accepted_headers[0]: column for column in dataset.columns if column.name not in in_topic
        }

    def message(self, reading: Reading) -> tuple[str, bytes]:
        """Topic and payload."""
        levels = [str(_value(reading, part)) if isinstance(part, Column) else part for part in self._levels]
        payload = {header: _value(reading, column) for header, column in self._payload.items()}
        return "/".join(levels), orjson.dumps(payload)


def _value(reading: Reading, column: Column) -> object:
    if column.name != "observed_at":
        return getattr(reading, column.name)
    if column.epoch is not None:
        return reading.observed_ms if column.epoch == "ms" else reading.observed_ms // 1000
    return datetime.fromtimestamp(reading.observed_ms / 1000, UTC)


def message_forms(settings: Settings) -> list[MessageForm]:
    """The forms of the datasets that take readings of the city's own broker."""
    told = {*Reading.__dataclass_fields__, "observed_at"} - {"observed_ms"}
    return [
        MessageForm(dataset, dataset.connector)
        for dataset in active_datasets(settings).values()
        if isinstance(dataset.connector, MqttTopic)
        and dataset.connector.url is None
        and {column.name for column in dataset.columns} <= told
        and not {"+", "#"} & set(dataset.connector.topic.split("/"))
    ]


def publish_readings(settings: Settings, rate: float, seconds: float) -> Published:
    """Publish `rate` readings a second for so long, with quality of service 1, and wait for the receipts.

    Raises SimulationError when there is no broker, it refuses the account, or no dataset takes readings.
    """
    forms = message_forms(settings)
    if not forms:
        raise SimulationError("no active dataset takes readings by MQTT: see dags/sources/")
    started = time.monotonic()
    feed = readings(settings.demo_seed, sensors(settings.demo_enterprises), int(time.time()))
    device = _Device(settings)
    sent, wanted = 0, max(1, round(rate * seconds))
    try:
        while sent < wanted:
            due = int((time.monotonic() - started) * rate) + 1
            for _ in range(min(due, wanted) - sent):
                topic, payload = forms[sent % len(forms)].message(next(feed))
                device.publish(topic, payload)
                sent += 1
            time.sleep(TICK_SECONDS)
        device.wait_for_receipts(sent)
    finally:
        device.leave()
    return Published(sent, device.acknowledged, device.refused, time.monotonic() - started)


class _Device:
    """A signed-in publisher that counts receipts; the client's own thread sends and sends again."""

    def __init__(self, settings: Settings) -> None:
        if settings.city_broker_url is None:
            raise SimulationError("MQTT is off here: install mosquitto or set CITYBRAIN_MQTT_URL")
        self.acknowledged = self.refused = 0
        self._answers: list[ReasonCode] = []
        account = settings.mqtt_publishers[0]
        host, port, tls = broker_address(settings.city_broker_url)
        self._client = client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTv5)
        client.username_pw_set(account, settings.secret(f"mqtt_{account}_password"))
        client.max_inflight_messages_set(MOST_UNACKNOWLEDGED)
        client.on_connect = self._connected
        client.on_publish = self._published
        if tls:
            client.tls_set(str(settings.mqtt_ca_file) if settings.mqtt_ca_file else None)
        try:
            client.connect(host, port)
        except OSError as error:
            raise SimulationError(f"the MQTT broker at {host}:{port} cannot be reached: {error}") from error
        client.loop_start()
        deadline = time.monotonic() + 10
        while not self._answers and time.monotonic() < deadline:
            time.sleep(0.01)
        if not self._answers or self._answers[0].is_failure:
            self.leave()
            said = self._answers[0] if self._answers else "no answer"
            raise SimulationError(f"the MQTT broker at {host}:{port} refuses {account}: {said}")

    def _connected(
        self,
        _client: Client,
        _data: object,
        _flags: ConnectFlags,
        reason: ReasonCode,
        _more: Properties | None,
    ) -> None:
        self._answers.append(reason)

    def _published(
        self, _client: Client, _data: object, _mid: int, reason: ReasonCode, _more: Properties
    ) -> None:
        if reason.is_failure:
            self.refused += 1
        else:
            self.acknowledged += 1

    def publish(self, topic: str, payload: bytes) -> None:
        self._client.publish(topic, payload, qos=1)

    def wait_for_receipts(self, sent: int) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while self.acknowledged + self.refused < sent and time.monotonic() < deadline:
            time.sleep(0.02)

    def leave(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()
