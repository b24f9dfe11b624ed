"""A payment file's bytes: CSV in GB18030, as banks and Excel in China read it; same lines, same bytes."""

import csv
from collections.abc import Sequence
from io import StringIO

from citybrain.policy.grants.models import GrantLine, GrantList

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
)
_STARTS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def file_bytes(grant_list: GrantList, number: int, lines: Sequence[GrantLine]) -> bytes:
    """One row a line, ordered by credit code. A second file of a list never has the bytes of the first."""
    text = StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(HEADER)
    for row, line in enumerate(sorted(lines, key=lambda line: line.uscc), start=1):
        cells = (line.uscc, line.enterprise_name, line.county_code, f"{line.amount:.2f}")
        of_list = (grant_list.item_id, grant_list.title, grant_list.period_year, grant_list.code, number)
        writer.writerow([row, *(plain(str(cell)) for cell in (*cells, *of_list))])
    return text.getvalue().encode(ENCODING)


def plain(text: str) -> str:
    """`text` as a spreadsheet shows it and never computes it: an apostrophe before what starts a formula."""
    text = text.replace("\x00", "").replace("\r", " ").replace("\n", " ")
    return f"'{text}" if text.lstrip().startswith(_STARTS_A_FORMULA) else text
