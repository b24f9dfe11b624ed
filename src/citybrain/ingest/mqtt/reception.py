"""One session at one broker: receive, write into the lake, acknowledge; in this order, in one thread.

A kill at any point loses nothing: what was not acknowledged the broker sends again, what stood in the lake
already comes twice and is told apart by its key. Nothing is read while objects are written, so memory stays
bounded: the broker and the network hold the rest. Rules that cannot wait for the warehouse judge each message
on its way; they hold up nothing, and whatever they miss a sweep tells.
"""

import logging
import time
from datetime import UTC, datetime
from threading import Event

from paho.mqtt.client import Client, MQTTMessage

from citybrain.catalogue import Dataset
from citybrain.catalogue.mqtt_topic import CITY_ROOT, MqttTopic, topic_readers
from citybrain.ingest.connectors import SourceError
from citybrain.ingest.landing import land_bytes, set_aside
from citybrain.ingest.mqtt.broker import IN_FLIGHT, Broker, connect_session, new_client, subscribe
from citybrain.ingest.mqtt.message import MessageFormat, unusable_line
from citybrain.sensing.live import Watch
from citybrain.settings import Settings

log = logging.getLogger(__name__)
MOST_MESSAGES = IN_FLIGHT // 2  # the broker sends the other half while these are written
MOST_BYTES = 16 * 1024 * 1024
LONGEST_PAUSE_SECONDS = 30.0
UNMATCHED = "mqtt_unmatched"
UNMATCHED_SECONDS = 30.0


class Reception:
    """The messages of one broker for some datasets; on the city's own also those that no dataset reads."""

    def __init__(
        self, settings: Settings, broker: Broker, datasets: dict[str, Dataset], client_id: str, stop: Event
    ) -> None:
        self.settings = settings
        self.broker = broker
        self.connected = False
        self._datasets = datasets
        self._connectors = {
            name: dataset.connector
            for name, dataset in datasets.items()
            if isinstance(dataset.connector, MqttTopic)
        }
        self._formats = {
            name: MessageFormat(datasets[name], connector) for name, connector in self._connectors.items()
        }
        self._client_id = client_id
        self._stop = stop
        self._watch = Watch(settings, datasets)
        self._forget()

    def run(self) -> None:
        """Hold the session until `stop` is set; a broker that is away is asked again, ever more seldom."""
        pause = 1.0
        while not self._stop.is_set():
            started = time.monotonic()
            try:
                self._session()
            except SourceError as error:
                if time.monotonic() - started > LONGEST_PAUSE_SECONDS:
                    pause = 1.0  # it went well for a while
                log.warning("%s; again in %.0f s", error, pause)
            self._stop.wait(pause)
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
        self._watch.close()

    def _session(self) -> None:
        """One connection from its start to its end; what was received then stands in the lake."""
        client = new_client(self.settings, self.broker, self._client_id)
        client.on_message = self._receive
        self._watch.settle()  # the register first: the broker may send at once what it kept
        try:
            connect_session(client, self.broker, keep_session=True)
            subscribe(client, self.broker, self._filters())
            log.info("%s: subscribed to %s", self.broker, ", ".join(sorted(self._filters())))
            self.connected = True
            while not self._stop.is_set():
                code = client.loop(timeout=0.2)
                self._watch.settle()
                if self._due():
                    self._write_and_acknowledge(client)
                if code != 0:
                    raise SourceError(f"{self.broker} is gone: {code.name}")
        finally:
            self.connected = False
            # Also when the broker is gone: it may have lost its memory, and then only we have these messages.
            self._write_and_acknowledge(client)
            client.disconnect()

    def _filters(self) -> set[str]:
        everything = {f"{CITY_ROOT}/#"} if self.broker.is_citys else set()
        return everything or {connector.filter for connector in self._connectors.values()}

    def _forget(self) -> None:
        self._lines: dict[str, dict[bytes, None]] = {name: {} for name in self._datasets}
        self._unmatched: list[bytes] = []
        self._to_acknowledge: list[int] = []
        self._bytes = self._messages = 0
        self._due_at = float("inf")

    def _receive(self, _client: Client, _data: object, message: MQTTMessage) -> None:
        """Keep a message as lines of its datasets; the same line twice is the same reading sent again."""
        topic, payload = _topic_of(message), bytes(message.payload)
        seconds = UNMATCHED_SECONDS
        readers = list(topic_readers(self._connectors, topic))
        for name, fields in readers:
            line = self._formats[name].line(topic, fields, payload)
            self._watch.hear(name, fields, payload)
            self._lines[name][line] = None
            self._bytes += len(line)
            flush = self._connectors[name].flush
            # Acknowledgements keep the order of arrival, so one dataset that is due takes all others along.
            seconds = min(seconds, flush.seconds if len(self._lines[name]) < flush.rows else 0)
        if not readers:
            self._unmatched.append(
                unusable_line("没有数据集读取此主题 (no dataset reads this topic)", topic, payload)
            )
            self._bytes += len(payload)
        if message.qos > 0:
            self._to_acknowledge.append(message.mid)
        self._messages += 1
        self._due_at = min(self._due_at, time.monotonic() + seconds)

    def _due(self) -> bool:
        full = self._messages >= MOST_MESSAGES or self._bytes >= MOST_BYTES
        return full or time.monotonic() >= self._due_at

    def _write_and_acknowledge(self, client: Client) -> None:
        """Try until everything received stands in the lake, then acknowledge; on `stop` one try is enough."""
        pause = 1.0
        while self._messages:
            try:
                self._write()
                break
            except (
                Exception
            ):  # a lake or a database that is away; whatever it is, no message may be lost to it
                log.exception("%d messages cannot be written; again in %.0f s", self._messages, pause)
                if self._stop.wait(pause):
                    self._forget()  # nothing was acknowledged: the broker sends them to the next bridge
                    return
                pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
        for message_id in self._to_acknowledge:
            client.ack(message_id, 1)
        self._forget()

    def _write(self) -> None:
        now = datetime.now(UTC)
        for name, lines in self._lines.items():
            if lines:
                land_bytes(self.settings, self._datasets[name], b"\n".join(lines) + b"\n", now)
        if self._unmatched:
            content = b"\n".join(dict.fromkeys(self._unmatched)) + b"\n"
            reason = f"{len(self._unmatched)} 条消息没有数据集读取 (no dataset reads these messages)"
            set_aside(self.settings, UNMATCHED, content, now, reason)


def _topic_of(message: MQTTMessage) -> str:
    """The topic; empty for bytes that are no UTF-8, which a broker should have refused."""
    try:
        return message.topic
    except UnicodeDecodeError:
        return ""
