"""A message as a line of JSON lines: its payload as the device wrote it, led by what its topic says.

One key that no column knows would make a whole delivery unusable, and thousands of other devices' readings
with it. So a message that cannot become a row of its dataset is written as an array instead of an object,
with the reason, the topic and the payload: the gate quarantines that line and nothing else.
"""

import base64

import orjson

from citybrain.catalogue import Dataset
from citybrain.catalogue.mqtt_topic import MqttTopic

_LINE_ENDS = bytes.maketrans(b"\r\n", b"  ")


class MessageFormat:
    """How messages of one dataset become lines."""

    def __init__(self, dataset: Dataset, connector: MqttTopic) -> None:
        self._record = connector.record
        from_topic = set(connector.headers)
        self._known = {name for column in dataset.columns for name in column.accepted_headers}
        self._known |= set(dataset.ignored_headers)
        self._needed = [
            frozenset(column.accepted_headers)
            for column in dataset.columns
            if column.required and not from_topic.intersection(column.accepted_headers)
        ]

    def line(self, topic: str, fields: dict[str, str], payload: bytes) -> bytes:
        """The line without its end; `fields` is what the topic's levels say, by header."""
        try:
            content = self._content(payload)
        except ValueError as error:
            return unusable_line(str(error), topic, payload)
        # Numbers keep the digits they were written with, so the text is cut and not written anew. A line end
        # inside valid JSON stands between two values, never in one.
        rest = content.strip()[1:].translate(_LINE_ENDS)
        lead = orjson.dumps(fields)[1:-1]
        comma = b"," if lead and rest.strip() != b"}" else b""
        return b"{" + lead + comma + rest

    def _content(self, payload: bytes) -> bytes:
        """The record's bytes, an object whose keys fit the dataset. Raises ValueError with the reason."""
        record = orjson.loads(payload)
        if self._record is not None:
            if not isinstance(record, dict) or self._record not in record:
                raise ValueError(f"消息中没有 {self._record} (no key {self._record} in the payload)")
            record = record[self._record]
            payload = orjson.dumps(record)
        if not isinstance(record, dict):
            raise ValueError("消息不是 JSON 对象 (the payload is no JSON object)")
        unknown = [key for key in record if key not in self._known]
        if unknown:
            raise ValueError(f"未登记的字段 {'、'.join(unknown)[:120]} (unknown key)")
        lacking = ["|".join(sorted(names)) for names in self._needed if names.isdisjoint(record)]
        if lacking:
            raise ValueError(f"缺少字段 {'、'.join(lacking)} (missing key)")
        return payload


def unusable_line(reason: str, topic: str, payload: bytes) -> bytes:
    """`[reason, topic, payload]`; bytes that are no UTF-8 text in base64, as `{"base64": …}`."""
    return orjson.dumps([reason, topic, _readable(payload)])


def _readable(payload: bytes) -> str | dict[str, str]:
    try:
        return payload.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(payload).decode("ascii")}
