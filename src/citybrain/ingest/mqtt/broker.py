"""Which broker a dataset's messages come from, and how this platform signs in there."""

import secrets
import ssl
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from paho.mqtt.client import Client, ConnectFlags, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from citybrain.catalogue import Dataset, active_datasets
from citybrain.catalogue.mqtt_topic import MqttTopic, broker_address
from citybrain.ingest.connectors import SourceError
from citybrain.settings import Settings

BRIDGE_ACCOUNT = "bridge"
IN_FLIGHT = 20_000
"""Messages a broker sends before the first of them is acknowledged."""
SESSION_SECONDS = 7 * 24 * 3600  # how long a broker keeps messages for a bridge that is away
KEEP_ALIVE_SECONDS = 60
CONNECT_SECONDS = 10.0


@dataclass(frozen=True)
class Broker:
    """Where it listens and as whom we come; `is_citys`: it is the city's own."""

    host: str
    port: int
    tls: bool
    account: tuple[str, str] | None
    is_citys: bool

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


def citys_broker(settings: Settings) -> Broker | None:
    """The city's own broker; None where MQTT is off. Raises SourceError for an address that is none."""
    if settings.city_broker_url is None:
        return None
    host, port, tls = _address(settings.city_broker_url)
    return Broker(host, port, tls, (BRIDGE_ACCOUNT, settings.secret("mqtt_bridge_password")), True)


def broker_of(settings: Settings, connector: MqttTopic) -> Broker:
    """The broker of a dataset. Raises SourceError when there is none, or the settings do not allow it."""
    if connector.url is None:
        own = citys_broker(settings)
        if own is None:
            raise SourceError("MQTT is off here: install mosquitto or set CITYBRAIN_MQTT_URL")
        return own
    host, port, tls = _address(connector.url)
    name = f"{host}:{port}"
    if name not in settings.mqtt_allow:
        raise SourceError(f"{name} is not allowed: add it to CITYBRAIN_MQTT_ALLOW to subscribe there")
    account = settings.mqtt_accounts.get(name)
    if account is None:
        return Broker(host, port, tls, None, False)
    user, _, password = account.get_secret_value().partition(":")
    return Broker(host, port, tls, (user, password), False)


def _address(url: str) -> tuple[str, int, bool]:
    try:
        return broker_address(url)
    except ValueError as error:
        raise SourceError(str(error)) from error


def message_datasets(settings: Settings) -> dict[str, Dataset]:
    """The active datasets that are fed by messages, by id."""
    return {
        name: dataset
        for name, dataset in active_datasets(settings).items()
        if isinstance(dataset.connector, MqttTopic)
    }


def new_client(settings: Settings, broker: Broker, client_id: str) -> Client:
    """An MQTT 5 client that knows the account and checks certificates; it is not connected yet.

    It acknowledges nothing by itself, and never reconnects behind our back.
    """
    client = Client(CallbackAPIVersion.VERSION2, client_id, protocol=MQTTv5, manual_ack=True)
    client.connect_timeout = CONNECT_SECONDS
    if broker.account is not None:
        client.username_pw_set(*broker.account)
    if broker.tls:
        client.tls_set_context(ssl.create_default_context(cafile=settings.mqtt_ca_file))
    return client


def connect_session(client: Client, broker: Broker, keep_session: bool) -> None:
    """Connect and wait for the broker's yes. Raises SourceError when it says no or nothing."""
    answer: list[ReasonCode] = []

    def on_connect(
        _client: Client, _data: object, _flags: ConnectFlags, reason: ReasonCode, _more: Properties | None
    ) -> None:
        answer.append(reason)

    client.on_connect = on_connect
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    properties.ReceiveMaximum = IN_FLIGHT
    properties.SessionExpiryInterval = SESSION_SECONDS if keep_session else 0
    try:
        client.connect(
            broker.host, broker.port, KEEP_ALIVE_SECONDS, clean_start=not keep_session, properties=properties
        )
    except OSError as error:
        raise SourceError(f"{broker} cannot be reached: {error}") from error
    _wait_for(client, broker, answer, "connect")
    if answer[0].is_failure:
        raise SourceError(f"{broker} refuses us: {answer[0]}")


def subscribe(client: Client, broker: Broker, filters: Iterable[str]) -> None:
    """Subscribe with quality of service 1. Raises SourceError when the broker grants less."""
    answer: list[list[ReasonCode]] = []

    def on_subscribe(
        _client: Client, _data: object, _mid: int, reasons: list[ReasonCode], _more: Properties | None
    ) -> None:
        answer.append(reasons)

    client.on_subscribe = on_subscribe
    wanted = sorted(set(filters))
    client.subscribe([(name, 1) for name in wanted])
    _wait_for(client, broker, answer, "subscribe")
    for name, reason in zip(wanted, answer[0], strict=True):
        if reason.is_failure or reason.value < 1:
            raise SourceError(f"{broker} does not grant {name}: {reason}")


def _wait_for(client: Client, broker: Broker, answer: Sequence[object], what: str) -> None:
    """Serve the connection until `answer` holds something. Raises SourceError when it is lost or silent."""
    deadline = time.monotonic() + CONNECT_SECONDS
    while not answer:
        code = client.loop(timeout=0.2)
        if answer:
            return
        if code != 0:
            raise SourceError(f"{broker} closed the connection at {what}: {code.name}")
        if time.monotonic() > deadline:
            raise SourceError(f"{broker} does not answer within {CONNECT_SECONDS:.0f} s: {what}")


def answers(settings: Settings, broker: Broker) -> bool:
    """Whether the broker takes our account now; leaves no session behind."""
    client = new_client(settings, broker, f"citybrain-look-{secrets.token_hex(6)}")
    try:
        connect_session(client, broker, keep_session=False)
    except SourceError:
        return False
    finally:
        client.disconnect()
    return True
