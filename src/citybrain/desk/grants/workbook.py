"""A list as an Excel workbook; no cell of it is ever computed."""

from collections.abc import Mapping, Sequence
from io import BytesIO

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell

from citybrain.catalogue import load_areas
from citybrain.desk.sheet import text_cell
from citybrain.policy.grants.models import GrantLine, GrantList
from citybrain.policy.grants.reading import Criterion

HEADER = ("序号", "企业名称", "统一社会信用代码", "县区", "金额（元）", "状态", "原因", "依据")
_MARK = {"met": "✓", "unmet": "—", "unknown": "?"}
_MONEY = "#,##0.00"


def workbook_bytes(
    grant_list: GrantList, lines: Sequence[GrantLine], reasons: Mapping[int, Sequence[Criterion]]
) -> bytes:
    """One sheet: what the list is, then a row a line."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet("名单")
    counties = {county.code: county.zh for county in load_areas().counties}
    for column, width in zip("ABCDEFGH", (6, 36, 22, 12, 16, 14, 30, 80), strict=True):
        sheet.column_dimensions[column].width = width
    sheet.append(
        [text_cell(sheet, f"{grant_list.title}（{grant_list.code}，{grant_list.get_state_display()}）")]
    )
    sheet.append([text_cell(sheet, title) for title in HEADER])
    for line in lines:
        amount = WriteOnlyCell(sheet, line.amount)
        amount.number_format = _MONEY
        sheet.append(
            [
                line.rank,
                text_cell(sheet, line.enterprise_name),
                text_cell(sheet, line.uscc),
                text_cell(sheet, counties.get(line.county_code, line.county_code)),
                amount,
                text_cell(sheet, line.get_state_display()),
                text_cell(sheet, line.reason),
                text_cell(sheet, "；".join(_sentence(one) for one in reasons.get(line.pk, ()))),
            ]
        )
    stream = BytesIO()
    book.save(stream)
    return stream.getvalue()


def _sentence(criterion: Criterion) -> str:
    value = f"（{criterion.shown}）" if criterion.shown else ""
    return f"{_MARK[criterion.outcome]} {criterion.sentence}{value}"
