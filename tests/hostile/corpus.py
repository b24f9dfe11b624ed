"""One corpus of hostile deliveries: what arrives, and what must become of it. A new fault is a row of `CASES`.

Every case is one file for one of the trial datasets. It ends as a card or as quarantine rows, and what was loaded
before stays. `loaded` and `quarantined` are exact; `reason` must stand in the batch's reason or in the quarantine.
"""
# ruff: noqa: E501  # one case a line

import csv
import io
import json
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq

from trial_city import credit_code, with_check_character

COLUMNS = ("统一社会信用代码", "名称", "人数", "资本", "成立")
Row = Sequence[str | None]


def firm(number: int, **changed: str | None) -> list[str | None]:
    """A good row."""
    row = {
        "uscc": credit_code(number),
        "name": f"第{number}公司",
        "staff": "12",
        "capital": "100.50",
        "opened": "2001-02-03",
    }
    return list({**row, **changed}.values())


FILL = [firm(number) for number in range(1000, 1020)]


def as_csv(rows: Sequence[Row], header: Sequence[str] = COLUMNS, delimiter: str = ",") -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter)
    writer.writerow(header)
    writer.writerows(["" if cell is None else cell for cell in row] for row in rows)
    return text.getvalue().encode()


def as_lines(*lines: str, fill: int = 20) -> bytes:
    """CSV from literal lines after a good header, with good rows behind them."""
    good = [",".join(cell or "" for cell in row) for row in FILL[:fill]]
    return "\n".join([",".join(COLUMNS), *lines, *good, ""]).encode()


def as_jsonl(*lines: str) -> bytes:
    good = [json.dumps(dict(zip(COLUMNS, row, strict=True)), ensure_ascii=False) for row in FILL]
    return "\n".join([*lines, *good, ""]).encode()


def json_line(number: int, **changed: Any) -> str:
    return json.dumps({**dict(zip(COLUMNS, firm(number), strict=True)), **changed}, ensure_ascii=False)


def as_geojson(*features: Any) -> bytes:
    good = [feature(row, {"type": "Point", "coordinates": [115.8, 33.8]}) for row in FILL]
    return json.dumps({"type": "FeatureCollection", "features": [*features, *good]}).encode()


def feature(row: Row, geometry: Any) -> dict[str, Any]:
    return {"type": "Feature", "properties": dict(zip(COLUMNS, row, strict=True)), "geometry": geometry}


def as_parquet(rows: Sequence[Row] = FILL, **changed: Any) -> bytes:
    columns: dict[str, Any] = dict(zip(COLUMNS, map(list, zip(*rows, strict=True)), strict=True))
    columns["人数"] = pa.array([int(value) for value in columns["人数"]])
    sink = io.BytesIO()
    pq.write_table(pa.table({**columns, **changed}), sink)
    return sink.getvalue()


def as_excel(*rows: Sequence[Any], sheet: str = "数据", header: Sequence[str] = COLUMNS) -> bytes:
    workbook = openpyxl.Workbook()
    page = workbook.active
    assert page is not None
    page.title = sheet
    for row in (header, *rows, *FILL):
        page.append(list(row))
    sink = io.BytesIO()
    workbook.save(sink)
    return sink.getvalue()


def zipped(name: str, content: bytes) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return sink.getvalue()


@dataclass(frozen=True)
class Case:
    """`dataset`: one of `DATASETS`. `values`, if given, must hold for the first loaded row by its line."""

    name: str
    dataset: str
    content: Callable[[], bytes]
    state: str
    loaded: int = 0
    quarantined: int = 0
    reason: str = ""
    rows_in: int | None = None
    line: int = 0
    values: tuple[tuple[str, object], ...] = ()


DATASETS: dict[str, dict[str, str]] = {
    "trial_csv": {"kind": "csv"},
    "trial_gbk": {"kind": "csv", "options": ", encoding: gb18030"},
    "trial_jsonl": {"kind": "jsonl"},
    "trial_geojson": {"kind": "geojson", "geometry": "place"},
    "trial_parquet": {"kind": "parquet"},
    "trial_excel": {"kind": "excel", "options": ", sheet: 数据"},
}
YESTERDAY: dict[str, Callable[[], bytes]] = {
    "trial_csv": lambda: as_csv(FILL),
    "trial_gbk": lambda: as_csv(FILL).decode().encode("gb18030"),
    "trial_jsonl": as_jsonl,
    "trial_geojson": as_geojson,
    "trial_parquet": as_parquet,
    "trial_excel": as_excel,
}

TOMORROW = (date.today() + timedelta(days=2)).isoformat()  # noqa: DTZ011
CODE = credit_code(1)
BAD_DIGIT = CODE[:17] + ("0" if CODE[17] != "0" else "1")
LETTER = with_check_character("N2341602MA2ABCDEF")


def _csv_line(**changed: str) -> str:
    return ",".join(cell or "" for cell in firm(1, **changed))


def rejected(name: str, dataset: str, content: Callable[[], bytes], reason: str, rows_in: int = 0) -> Case:
    return Case(name, dataset, content, "rejected", reason=reason, rows_in=rows_in)


def one_bad(name: str, dataset: str, content: Callable[[], bytes], reason: str) -> Case:
    """A delivery of 21 records of which one is kept out."""
    return Case(name, dataset, content, "loaded", 20, 1, reason)


def fine(title: str, dataset: str, content: Callable[[], bytes], at: int = 2, **values: object) -> Case:
    """A delivery of 21 good rows; `values` hold for the row on line `at`."""
    return Case(title, dataset, content, "loaded", 21, line=at, values=tuple(values.items()))


CASES = [
    # The file as a whole
    rejected("empty file", "trial_csv", lambda: b"", "the file is empty"),
    rejected("blank lines only", "trial_csv", lambda: b"\n\n\r\n", "the file holds no line"),
    rejected("header only", "trial_csv", lambda: as_csv([]), "no rows below the header"),
    rejected("zip as CSV", "trial_csv", lambda: zipped("a.csv", as_csv(FILL)), "zip archive"),
    rejected("workbook as CSV", "trial_csv", as_excel, "Excel workbook"),
    rejected("Parquet as CSV", "trial_csv", as_parquet, "Parquet"),
    rejected("CSV as workbook", "trial_excel", lambda: as_csv(FILL), "not an .xlsx workbook"),
    rejected("zip that is no workbook", "trial_excel", lambda: zipped("a.csv", b"x"), "not an .xlsx workbook"),
    rejected("CSV as Parquet", "trial_parquet", lambda: as_csv(FILL), "not Parquet"),
    rejected("truncated Parquet", "trial_parquet", lambda: as_parquet()[:-20], "cut off"),
    rejected("empty Parquet", "trial_parquet", lambda: b"", "the file is empty"),
    rejected("truncated GeoJSON", "trial_geojson", lambda: as_geojson()[:-20], "cut off"),
    rejected("GeoJSON that is a list", "trial_geojson", lambda: b"[1]", "FeatureCollection"),
    rejected("feature collection without features", "trial_geojson", lambda: b'{"type":"FeatureCollection","features":[]}', "no rows"),
    rejected("truncated workbook", "trial_excel", lambda: as_excel()[:-200], "not an .xlsx workbook"),
    rejected("other sheet", "trial_excel", lambda: as_excel(sheet="封面"), "no sheet '数据'"),
    # Encoding and delimiter
    rejected("GBK where UTF-8 was declared", "trial_csv", lambda: as_csv(FILL).decode().encode("gbk"), "looks like gb18030"),
    rejected("UTF-8 where GB 18030 was declared", "trial_gbk", lambda: as_csv(FILL), "looks like utf-8"),
    rejected("UTF-16 where UTF-8 was declared", "trial_csv", lambda: as_csv(FILL).decode().encode("utf-16"), "looks like utf-16"),
    rejected("GBK in JSON lines", "trial_jsonl", lambda: as_jsonl().decode().encode("gbk"), "looks like gb18030"),
    rejected("wrong delimiter", "trial_csv", lambda: as_csv(FILL, delimiter=";"), "looks like ';'", 20),
    rejected("tabs", "trial_csv", lambda: as_csv(FILL, delimiter="\t"), "looks like '\\t'", 20),
    fine("byte-order mark", "trial_csv", lambda: b"\xef\xbb\xbf" + as_csv([firm(1), *FILL]), uscc=CODE),
    fine("GB 18030 as declared", "trial_gbk", lambda: as_csv([firm(1, name="𠮷祥公司"), *FILL]).decode().encode("gb18030"), name="𠮷祥公司"),
    fine("old Mac line ends", "trial_csv", lambda: as_csv([firm(2), *FILL]).replace(b"\r\n", b"\r"), uscc=credit_code(2)),
    fine("no newline at the end", "trial_csv", lambda: as_csv([firm(3), *FILL]).rstrip(), uscc=credit_code(3)),
    # Columns
    rejected("added column", "trial_csv", lambda: as_csv([[*row, "x"] for row in FILL], [*COLUMNS, "新列"]), "+ 新列", 20),
    rejected("removed column", "trial_csv", lambda: as_csv([row[:4] for row in FILL], COLUMNS[:4]), "missing column opened_on", 20),
    rejected("renamed column", "trial_csv", lambda: as_csv(FILL, ["代码", *COLUMNS[1:]]), "+ 代码", 20),
    rejected("doubled column", "trial_csv", lambda: as_csv([[*row, "x"] for row in FILL], [*COLUMNS, "name"]), "comes 2 times", 20),
    rejected("SQL as a header", "trial_csv", lambda: as_csv([[*row, "x"] for row in FILL], [*COLUMNS, 'x"); DROP SCHEMA raw; --']), "unknown column", 20),
    rejected("no header", "trial_csv", lambda: as_csv(FILL[1:], [cell or "" for cell in FILL[0]]), "missing column", 19),
    rejected("added key in JSON lines", "trial_jsonl", lambda: as_jsonl(json_line(1, 新列="x")), "+ 新列", 21),
    rejected("removed key in JSON lines", "trial_jsonl", lambda: as_jsonl().replace("资本".encode(), "资金".encode()), "missing column capital", 20),
    rejected("added Parquet column", "trial_parquet", lambda: as_parquet(新列=pa.array(["x"] * 20)), "+ 新列", 20),
    rejected("Parquet column of lists", "trial_parquet", lambda: as_parquet(名称=pa.array([["x"]] * 20)), "lists", 20),
    rejected("renamed column in a workbook", "trial_excel", lambda: as_excel(header=("代码", *COLUMNS[1:])), "+ 代码", 20),
    fine("ignored column", "trial_csv", lambda: as_csv([["x", *row] for row in [firm(4), *FILL]], ["备注", *COLUMNS]), uscc=credit_code(4)),
    fine("reordered columns", "trial_csv", lambda: as_csv([row[::-1] for row in [firm(5), *FILL]], COLUMNS[::-1]), uscc=credit_code(5), staff=12),
    fine("headers by their other names", "trial_csv", lambda: as_csv([firm(6), *FILL], ["uscc", "name", "staff", "capital", "opened_on"]), uscc=credit_code(6)),
    fine("missing optional column", "trial_parquet", lambda: as_parquet([firm(7), *FILL]), at=1, uscc=credit_code(7), place=None),
    Case("retyped column", "trial_csv", lambda: as_csv([firm(n, staff="十二") for n in range(20)]), "held", reason="取值与列类型不符", rows_in=20),
    Case("Parquet with another type", "trial_parquet", lambda: as_parquet(人数=pa.array([1.5] * 20)), "held", reason="取值与列类型不符", rows_in=20),
    # Rows
    one_bad("too many cells", "trial_csv", lambda: as_lines(_csv_line() + ",x"), "6 cells, expected 5"),
    one_bad("too few cells", "trial_csv", lambda: as_lines("a,b"), "2 cells, expected 5"),
    one_bad("10-MB cell", "trial_csv", lambda: as_lines(_csv_line(name="长" * 3_500_000)), "record longer than"),
    one_bad("10-MB cell in JSON lines", "trial_jsonl", lambda: as_jsonl(json_line(1, 名称="x" * 10_000_000)), "record longer than"),
    one_bad("10-MB cell in Parquet", "trial_parquet", lambda: as_parquet([firm(1, name="x" * 10_000_000), *FILL]), "record longer than"),
    one_bad("NUL byte", "trial_csv", lambda: as_lines(_csv_line(name="a\x00b")), "NUL"),
    one_bad("NUL in JSON lines", "trial_jsonl", lambda: as_jsonl(json_line(1, 名称="a\x00b")), "NUL"),
    one_bad("quote that never closes", "trial_csv", lambda: as_lines(_csv_line(name='"甲')), "quotes do not match"),
    one_bad("doubled key", "trial_csv", lambda: as_csv([*FILL, FILL[0]]), "the key stands in line 2 already"),
    one_bad("broken line", "trial_jsonl", lambda: as_jsonl('{"统一社会信用代码": "9'), "not a JSON object"),
    one_bad("line that is a list", "trial_jsonl", lambda: as_jsonl("[1, 2]"), "not a JSON object"),
    one_bad("key given twice", "trial_jsonl", lambda: as_jsonl('{"名称": "a", "名称": "b"}'), "comes twice"),
    one_bad("NaN in JSON", "trial_jsonl", lambda: as_jsonl('{"资本": NaN}'), "is not JSON"),
    one_bad("half a surrogate pair", "trial_jsonl", lambda: as_jsonl(json_line(1).replace("第1公司", "\\ud83d")), "surrogate"),
    one_bad("very deep JSON", "trial_jsonl", lambda: as_jsonl("[" * 100_000), "not a JSON object"),
    one_bad("feature that is none", "trial_geojson", lambda: as_geojson({"type": "Point"}), "not a GeoJSON Feature"),
    one_bad("formula without a stored value", "trial_excel", lambda: as_excel([*firm(1)[:2], "=1+1", 5, "2001-01-01"]), "without a stored value"),
    one_bad("cells beyond the header", "trial_excel", lambda: as_excel([*firm(1), "x"]), "beyond the header"),
    fine("null geometry", "trial_geojson", lambda: as_geojson(feature(firm(8), None)), at=1, uscc=credit_code(8), place=None),
    fine("dates and numbers of a workbook", "trial_excel", lambda: as_excel([credit_code(9), "甲", 12, 0.1, date(2001, 2, 3)]), uscc=credit_code(9), staff=12, opened_on=date(2001, 2, 3)),
    fine("quoted line break", "trial_csv", lambda: as_lines(_csv_line(name='"甲\n乙"')), name="甲\n乙"),
    fine("quote inside a cell", "trial_csv", lambda: as_lines(_csv_line(name='5" 管')), name='5" 管'),
    # Values
    *[
        fine(f"formula-looking cell {text!r}", "trial_csv", lambda text=text: as_csv([firm(10, name=text), *FILL]), name=text)  # type: ignore[misc]
        for text in ('=HYPERLINK("http://x.invalid","y")', "@SUM(1)", "+1+1", "-2", "＝1", "\tx", "'); DROP TABLE raw.trial_csv; --", "\\N")
    ],
    fine("formula-looking text in a workbook", "trial_jsonl", lambda: as_jsonl(json_line(11, 名称="=1+1")), at=1, name="=1+1"),
    one_bad("credit code with a bad check digit", "trial_csv", lambda: as_csv([firm(1, uscc=BAD_DIGIT), *FILL]), "[code]"),
    fine("credit code that starts with a letter", "trial_csv", lambda: as_csv([firm(1, uscc=LETTER), *FILL]), uscc=LETTER),
    one_bad("date in the future", "trial_csv", lambda: as_csv([firm(1, opened=TOMORROW), *FILL]), "[opened]"),
    one_bad("key missing", "trial_csv", lambda: as_csv([firm(1, uscc=""), *FILL]), "key column uscc is empty"),
    *[
        one_bad(f"{column} {text!r}", "trial_csv", lambda column=column, text=text: as_csv([firm(1, **{column: text}), *FILL]), "is not of type")  # type: ignore[misc]
        for column, text in (
            ("opened", "today"), ("opened", "infinity"), ("opened", "2001-02-30"), ("opened", "03/04/2001"), ("opened", "2001-02-03 11:12:13"),
            ("staff", "99999999999"), ("staff", "１２"), ("staff", "0x1F"), ("staff", "1_000"), ("staff", "12.0"),
            ("capital", "NaN"), ("capital", "Infinity"), ("capital", "1,5"), ("capital", "一百"),
        )
    ],
    fine("midnight behind a date", "trial_csv", lambda: as_csv([firm(12, opened="2001-02-03 00:00:00"), *FILL]), opened_on=date(2001, 2, 3)),
]  # fmt: skip
