"""A payment file's rows and bytes: CSV in GB18030, as banks and Excel in China read it, always the same.

A row is one part of a line: a firm of an item that is paid in stages, or by several budgets, has several.
"""

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from io import StringIO

from citybrain.policy.grants.models import GrantLine, GrantList, Payer
from citybrain.policy.parts import Part

ENCODING = "gb18030"
HEADER = (
    "序号",
    "统一社会信用代码",
    "企业名称",
    "县区代码",
    "金额（元）",
    "项目编号",
    "项目名称",
    "年度",
    "名单",
    "文件序号",
    "阶段",
    "出资",
)
_STARTS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_PAYERS = list(Payer.values)


@dataclass(frozen=True)
class FileRow:
    line: GrantLine
    part: Part


def in_order(rows: Iterable[FileRow]) -> list[FileRow]:
    """The order of the file: credit code, stage, payer from the nation down. Row numbers count it from 1."""
    return sorted(rows, key=lambda row: (row.line.uscc, row.part.number, _PAYERS.index(row.part.payer)))


def file_bytes(grant_list: GrantList, number: int, rows: Sequence[FileRow]) -> bytes:
    """One line a row, in order. A second file of a list never has the bytes of the first."""
    text = StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(HEADER)
    for place, row in enumerate(in_order(rows), start=1):
        line, part = row.line, row.part
        cells = (line.uscc, line.enterprise_name, line.county_code, f"{part.amount:.2f}")
        of_list = (grant_list.item_id, grant_list.title, grant_list.period_year, grant_list.code, number)
        of_part = (part.label, Payer(part.payer).label)
        writer.writerow([place, *(plain(str(cell)) for cell in (*cells, *of_list, *of_part))])
    return text.getvalue().encode(ENCODING)


def plain(text: str) -> str:
    """`text` as a spreadsheet shows it and never computes it: an apostrophe before what starts a formula."""
    text = text.replace("\x00", "").replace("\r", " ").replace("\n", " ")
    return f"'{text}" if text.lstrip().startswith(_STARTS_A_FORMULA) else text
