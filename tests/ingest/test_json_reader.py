"""Nested JSON: the rows that paths lead to, whatever else the document holds."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as effort
from hypothesis import strategies as st

from citybrain.catalogue import Dataset
from citybrain.ingest.readers import DeliveryRejectedError, RecordBatch, read_delivery
from citybrain.ingest.readers.json_walk import at_pointer, read_documents, rows_of, steps_of

VALUES = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
)
relaxed = effort(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def dataset(records: str, headers: dict[str, str], required: bool = True) -> Dataset:
    columns = [
        {
            "name": name,
            "type": "text",
            "headers": [path],
            "label": {"zh": name, "en": name},
            "required": required,
        }
        for name, path in headers.items()
    ]
    return Dataset.model_validate(
        {
            "id": "trial",
            "code": "2026UN9001",
            "title": {"zh": "试", "en": "Trial"},
            "description": "One row per trial.",
            "owner": "market_regulation",
            "family": "government",
            "origin": "synthetic",
            "source_note": "tests",
            "personal_data": "none",
            "connector": {"kind": "drop_folder", "path": "trial"},
            "format": {"kind": "json", "records": records},
            "columns": columns,
            "key": [next(iter(headers))],
            "delivers": "increment",
        }
    )


def read(folder: Path, content: bytes, described: Dataset) -> list[RecordBatch]:
    path = folder / "delivery.json"
    path.write_bytes(content)
    return list(read_delivery(described, path).batches)


def cells(batches: list[RecordBatch]) -> list[list[str | None]]:
    return [list(row) for batch in batches for row in batch.rows]


def text_of(value: Any) -> str | None:
    return None if value is None else value if isinstance(value, str) else json.dumps(value)


@given(
    table=st.lists(st.tuples(VALUES, VALUES), min_size=1, max_size=9), lines=st.booleans(), wide=st.booleans()
)
@relaxed
def test_records_read_back_as_they_were_written(
    tmp_path: Path, table: list[tuple[Any, Any]], lines: bool, wide: bool
) -> None:
    described = dataset("/data/rows", {"one": "a.b c", "two": "/x~1y/0"}, required=False)
    records = [{"a": {"b c": one}, "x/y": [two], "more": {"a": 1}} for one, two in table]
    parts = [records[:3], records[3:]] if lines else [records]
    documents = [
        json.dumps({"data": {"rows": part}}, indent=1 if wide and not lines else None) for part in parts
    ]
    found = read(tmp_path, "\n".join(documents).encode(), described)
    assert cells(found) == [[text_of(one), text_of(two)] for one, two in table]
    assert [line for batch in found for line in batch.lines] == list(range(1, len(table) + 1))


@given(st.lists(st.lists(VALUES, min_size=2, max_size=2), max_size=9))
@relaxed
def test_lists_side_by_side_are_rows(tmp_path: Path, table: list[list[Any]]) -> None:
    described = dataset("", {"place": "place", "one": "h.one[]", "two": "h.two[]"}, required=False)
    one, two = ([row[number] for row in table] for number in (0, 1))
    found = read(tmp_path, json.dumps({"place": "p", "h": {"one": one, "two": two}}).encode(), described)
    assert cells(found) == [["p", text_of(first), text_of(second)] for first, second in table]


def test_lists_of_objects_are_rows(tmp_path: Path) -> None:
    described = dataset("/s", {"site": "site", "at": "v.0.w[].t", "mark": "v.0.w[].q.0"}, required=False)
    record = {"site": "A", "v": [{"w": [{"t": 1, "q": ["P", "e"]}, {"t": 2, "q": []}]}]}
    found = read(tmp_path, json.dumps({"s": [record, {"site": "B", "v": []}]}).encode(), described)
    assert cells(found) == [["A", "1", "P"], ["A", "2", None]]


def test_uneven_lists_are_a_fault_and_leave_the_others(tmp_path: Path) -> None:
    described = dataset("/s", {"one": "one[]", "two": "two[]"})
    records = [{"one": [1], "two": [1, 2]}, {"one": [3], "two": [4]}, {"one": 5, "two": []}]
    (batch,) = read(tmp_path, json.dumps({"s": records}).encode(), described)
    assert (batch.lines, batch.rows) == ([2], [["3", "4"]])
    assert [(fault.line, "并列数组" in fault.reason) for fault in batch.faults] == [(1, True), (3, True)]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "空文件"),
        (b'{"rows": [1, ', "不是 JSON"),
        (b'{"rows": [{"a": 1, "a": 2}]}', "comes twice"),
        (b'{"rows": [{"a": NaN}]}', "NaN"),
        (b'{"rows": 5}', "没有记录"),
        (b'{"other": []}', "没有记录"),
        (b'{"rows": [{"b": 1}]}', "missing column one"),
        (b'{"rows": [{"a": 1}]}\n<html>', "不是 JSON"),
        (b'{"rows": [{"a": "\xff"}]}', "declared utf-8"),
        (b"[" * 100_000, "不是 JSON"),
    ],
)
def test_what_cannot_be_read_is_rejected(tmp_path: Path, content: bytes, reason: str) -> None:
    with pytest.raises(DeliveryRejectedError, match=reason):
        read(tmp_path, content, dataset("/rows", {"one": "a"}))


def test_numbers_keep_their_digits(tmp_path: Path) -> None:
    digits = ["1.10", "12345678901234567890", "1e400", "-0.0"]
    content = '{"rows": [' + ", ".join(f'{{"a": {text}}}' for text in digits) + "]}"
    assert cells(read(tmp_path, content.encode(), dataset("/rows", {"one": "a"}))) == [
        [text] for text in digits
    ]


@given(st.recursive(VALUES, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=12))
def test_any_document_can_be_walked(document: Any) -> None:
    (found,) = read_documents(json.dumps(document))
    assert at_pointer({"a": found}, "/a") is found
    for path in ("", "a.b", "/0/x", "a[]", "[]"):
        try:
            rows = list(rows_of(found, [steps_of(path)]))
        except ValueError:
            continue
        assert all(len(row) == 1 for row in rows)
