"""Topics of datasets: what they match, what they fill, and what a file may not say."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from citybrain.catalogue import load_dataset
from citybrain.catalogue.dataset import Dataset
from citybrain.catalogue.mqtt_topic import MqttTopic, broker_address
from citybrain.settings import SOURCE_TREE

LEVEL = st.text(st.characters(blacklist_characters="/+#{}\0$", blacklist_categories=["Cs"]), max_size=8)


def topic(text: str, **more: object) -> MqttTopic:
    return MqttTopic.model_validate({"kind": "mqtt", "topic": text, **more})


@given(st.lists(LEVEL, min_size=2, max_size=2))
def test_levels_fill_the_headers_they_stand_for(levels: list[str]) -> None:
    connector = topic("city/{device_kind}/{device_id}")
    assert connector.filter == "city/+/+"
    found = connector.fields_of("/".join(["city", *levels]))
    assert found == dict(zip(("device_kind", "device_id"), levels, strict=True))
    assert connector.fields_of("/".join(["town", *levels])) is None
    assert connector.fields_of("/".join(["city", *levels, "more"])) is None


@pytest.mark.parametrize(
    ("pattern", "given", "found"),
    [
        ("city/gas/+", "city/gas/7", {}),
        ("city/gas/+", "city/leak/7", None),
        ("city/{kind}/#", "city/gas/7/8", {"kind": "gas"}),
        ("city/{kind}/#", "city/gas", {"kind": "gas"}),
        ("city/{kind}/#", "city", None),
        ("city/#", "$SYS/broker", None),
    ],
)
def test_a_topic_is_read_or_not(pattern: str, given: str, found: dict[str, str] | None) -> None:
    assert topic(pattern).fields_of(given) == found


@pytest.mark.parametrize(
    ("text", "more", "reason"),
    [
        ("city/#/gas", {}, "last level"),
        ("city/gas+", {}, "is no level"),
        ("city/{a}/{a}", {}, "twice"),
        ("$SYS/#", {}, "start with"),
        ("", {}, "not empty"),
        ("elsewhere/{a}", {}, "start with city/"),
        ("a/b", {"url": "http://example.org"}, "no broker's address"),
        ("a/b", {"url": "mqtt://somebody@example.org"}, "CITYBRAIN_MQTT_ACCOUNTS"),
        ("a/b", {"url": "mqtt://example.org:99999"}, "port"),
        ("city/a", {"qos": 2}, "Input should be 1"),
        ("city/a", {"flush": {"rows": 0}}, "greater than or equal"),
    ],
)
def test_a_wrong_connector_is_refused(text: str, more: dict[str, object], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        topic(text, **more)


def test_addresses_of_brokers() -> None:
    assert broker_address("mqtt://example.org") == ("example.org", 1883, False)
    assert broker_address("mqtts://example.org") == ("example.org", 8883, True)
    assert broker_address("mqtts://example.org:443/") == ("example.org", 443, True)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"format": {"kind": "csv"}}, "increments of JSON lines"),
        ({"delivers": "snapshot"}, "increments of JSON lines"),
        ({"connector": {"kind": "mqtt", "topic": "city/{who}"}}, "no column takes: who"),
    ],
)
def test_a_dataset_of_messages_is_consistent(change: dict[str, object], reason: str) -> None:
    dataset = load_dataset(SOURCE_TREE / "dags" / "sources" / "sensor_reading_live.yml")
    with pytest.raises(ValidationError, match=reason):
        Dataset.model_validate(dataset.model_dump() | change)


def test_only_moments_are_counted_from_1970() -> None:
    dataset = load_dataset(SOURCE_TREE / "dags" / "sources" / "sensor_reading_live.yml").model_dump()
    dataset["columns"][4]["epoch"] = "ms"
    with pytest.raises(ValidationError, match="only a timestamptz"):
        Dataset.model_validate(dataset)
