"""A message of a dataset as the reading that a rule judges, before any table holds it.

Only what the gate would let in becomes a reading: everything else is the gate's to refuse and to name.
"""

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

import orjson

from citybrain.catalogue import Dataset
from citybrain.catalogue.mqtt_topic import MqttTopic
from citybrain.sensing.rule_file import ReadingRule
from citybrain.sensing.rule_parts import Condition


class Reading(NamedTuple):
    subject: str
    at: datetime
    value: float


class MessageReader:
    """Readings of one dataset's messages for one rule.

    Raises ValueError when the dataset has no column that the rule's input asks for: both name theirs alike.
    """

    def __init__(self, dataset: Dataset, rule: ReadingRule) -> None:
        columns, rows = {column.name: column for column in dataset.columns}, rule.input
        asked = {rows.subject, rows.at, rows.value, *(test.column for test in rows.where)}
        if lacking := sorted(asked - set(columns)):
            raise ValueError(f"live: {dataset.id} has no column {', '.join(lacking)}")
        self._subject, self._at, self._value = (
            columns[name].accepted_headers for name in (rows.subject, rows.at, rows.value)
        )
        self._tests = [(columns[test.column].accepted_headers, test) for test in rows.where]
        self._epoch = columns[rows.at].epoch

    def reading(self, told: Mapping[str, Any]) -> Reading | None:
        """None for a record (values by header) that is no reading of the rule's."""
        try:
            if not all(passes(test, _first(headers, told)) for headers, test in self._tests):
                return None
            subject = _first(self._subject, told)
            at, value = _moment(_first(self._at, told), self._epoch), float(_first(self._value, told))
        except (ValueError, TypeError, OverflowError, OSError):
            return None
        return Reading(str(subject), at, value) if subject and math.isfinite(value) else None


def record_of(dataset: Dataset, fields: Mapping[str, str], payload: bytes) -> dict[str, Any] | None:
    """A message's values by header, those of its topic among them; None for one that is no record."""
    connector = dataset.connector
    try:
        content = orjson.loads(payload)
        if isinstance(connector, MqttTopic) and connector.record is not None:
            content = content[connector.record]
        return {**content, **fields}
    except (ValueError, TypeError, KeyError):
        return None


def passes(test: Condition, value: Any) -> bool:
    """Whether a value passes a condition; an empty one passes `empty: true` alone."""
    if test.empty is not None:
        return (value is None) == test.empty
    if value is None:
        return False
    if test.is_ is not None:
        return bool(value == test.is_)
    if test.one_of is not None:
        return value in test.one_of
    if test.none_of is not None:
        return value not in test.none_of
    number = float(value)
    limits = (
        (test.above, number.__gt__),
        (test.at_least, number.__ge__),
        (test.below, number.__lt__),
        (test.at_most, number.__le__),
    )
    return all(holds(limit) for limit, holds in limits if limit is not None)


def _first(headers: list[str], told: Mapping[str, Any]) -> Any:
    return next((told[name] for name in headers if name in told), None)


def _moment(said: Any, epoch: str | None) -> datetime:
    """Raises ValueError, TypeError, OverflowError or OSError for what is no moment."""
    if isinstance(said, int) and not isinstance(said, bool) and epoch is not None:
        return datetime.fromtimestamp(said / (1000 if epoch == "ms" else 1), UTC)
    moment = datetime.fromisoformat(said)
    if moment.tzinfo is None:
        raise ValueError("a moment without its zone")
    return moment
