"""Messages of an MQTT broker as a dataset: which topics it reads, and how a message becomes a record."""

import re
from collections.abc import Iterator
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from citybrain.catalogue.content_file import ContentModel

CITY_ROOT = "city"
"""First level of every topic on the city's own broker; its accounts reach nothing else."""

SCHEMES = {"mqtt": 1883, "mqtts": 8883}
_NAMED = re.compile(r"^\{([^{}]+)\}$")


class Flush(ContentModel):
    """When messages are written as one object: as soon as there are `rows`, or one is `seconds` old."""

    rows: int = Field(default=10_000, ge=1, le=10_000)
    seconds: float = Field(default=30, gt=0, le=3600)


class MqttTopic(ContentModel):
    """Messages below a topic, one JSON object each, received by the bridge with quality of service 1."""

    kind: Literal["mqtt"]
    topic: str = Field(
        description="levels divided by /: a text, {header} puts the level into the record,"
        " + is any level, # the rest"
    )
    url: str | None = Field(
        default=None,
        description="mqtt://host:port or mqtts://host:port of an outside broker that CITYBRAIN_MQTT_ALLOW"
        " names; unset: the city's own",
    )
    record: str | None = Field(
        default=None, description="key of the payload that holds the record; unset: the payload itself"
    )
    qos: Literal[1] = 1
    flush: Flush = Flush()

    @field_validator("topic")
    @classmethod
    def _levels(cls, value: str) -> str:
        levels = value.split("/")
        names = [match[1] for match in map(_NAMED.match, levels) if match]
        if len(set(names)) < len(names):
            raise ValueError("a header stands twice in the topic")
        for place, level in enumerate(levels):
            if level == "#" and place < len(levels) - 1:
                raise ValueError("# stands for the rest of a topic: it is the last level")
            if level not in ("+", "#") and not _NAMED.match(level) and set(level) & set("+#{}\0"):
                raise ValueError(f"{level!r} is no level: a text, {{header}}, + or #")
        if not value or value.startswith("$"):
            raise ValueError("a topic is not empty and does not start with $")
        return value

    @field_validator("url")
    @classmethod
    def _address(cls, value: str | None) -> str | None:
        if value is not None:
            broker_address(value)
        return value

    @model_validator(mode="after")
    def _below_the_citys_root(self) -> "MqttTopic":
        if self.url is None and self.topic.split("/")[0] != CITY_ROOT:
            raise ValueError(f"topics of the city's own broker start with {CITY_ROOT}/")
        return self

    @property
    def filter(self) -> str:
        """The topic filter to subscribe to."""
        return "/".join("+" if _NAMED.match(level) else level for level in self.topic.split("/"))

    @property
    def headers(self) -> list[str]:
        """The headers that the topic fills, in order of its levels."""
        return [match[1] for match in map(_NAMED.match, self.topic.split("/")) if match]

    def fields_of(self, topic: str) -> dict[str, str] | None:
        """What the levels of `topic` say by header; None when the dataset does not read the topic."""
        wanted, given = self.topic.split("/"), topic.split("/")
        rest = wanted[-1] == "#"
        if topic.startswith("$") or (len(given) < len(wanted) - 1 if rest else len(given) != len(wanted)):
            return None
        return (
            dict(found) if (found := _matched(wanted[:-1] if rest else wanted, given)) is not None else None
        )


def _matched(wanted: list[str], given: list[str]) -> list[tuple[str, str]] | None:
    found = []
    for pattern, level in zip(wanted, given, strict=False):
        if named := _NAMED.match(pattern):
            found.append((named[1], level))
        elif pattern not in ("+", level):
            return None
    return found


def broker_address(url: str) -> tuple[str, int, bool]:
    """Host, port and whether it speaks TLS, of `mqtt://host:port` or `mqtts://host:port`.

    Raises ValueError for anything else, an address with credentials among them.
    """
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError as error:
        raise ValueError(f"{url!r} has no TCP port: {error}") from error
    if parts.scheme not in SCHEMES or parts.hostname is None or parts.path.strip("/") or parts.query:
        raise ValueError(f"{url!r} is no broker's address: mqtt://host:port or mqtts://host:port")
    if parts.username is not None or parts.password is not None:
        raise ValueError("credentials of a broker belong into CITYBRAIN_MQTT_ACCOUNTS")
    return parts.hostname, port or SCHEMES[parts.scheme], parts.scheme == "mqtts"


def topic_readers(connectors: dict[str, "MqttTopic"], topic: str) -> Iterator[tuple[str, dict[str, str]]]:
    """The datasets that read `topic`, each with what the topic's levels say."""
    for dataset_id, connector in connectors.items():
        fields = connector.fields_of(topic)
        if fields is not None:
            yield dataset_id, fields
