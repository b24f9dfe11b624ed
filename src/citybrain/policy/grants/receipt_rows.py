"""What a bank or the treasury returns for a payment file: CSV, one row a payment made or not made.

A row says which one it is by the credit code, and by the number of the row in the payment file (`序号`) where
an enterprise has several.
"""

import csv
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from io import StringIO

HEADER = ("统一社会信用代码", "金额（元）", "结果", "流水号", "日期", "原因")
NUMBER, ACCOUNT = "序号", "收款账号"
RESULTS = {"成功": True, "失败": False}
MOST_ROWS = 100_000
MOST_YUAN = Decimal(10) ** 16  # what a line of a list holds


class ReceiptError(ValueError):
    """A return that is not taken in, none of it. `str()` is one line a fault, with its row."""


@dataclass(frozen=True)
class ReceiptRow:
    """One payment. `reason` is empty when it was made; `number` is None when the return has no numbers, and
    `account`, the digits of whom it went to, empty when it names none."""

    number: int | None
    uscc: str
    amount: Decimal
    paid: bool
    reference: str
    on: date
    reason: str
    account: str = ""


def read_receipts(content: bytes) -> list[ReceiptRow]:
    """UTF-8 or GB18030, columns in any order. Raises ReceiptError with every fault."""
    text = _text(content)
    reader = csv.DictReader(StringIO(text))
    missing = [name for name in HEADER if name not in (reader.fieldnames or ())]
    if missing:
        raise ReceiptError(f"缺少列：{'、'.join(missing)}")
    rows: list[ReceiptRow] = []
    faults: list[str] = []
    for number, row in enumerate(reader, 2):
        if number > MOST_ROWS + 1:
            raise ReceiptError(f"超过 {MOST_ROWS} 行")
        try:
            rows.append(_row(row))
        except ValueError as error:
            faults.append(f"第 {number} 行：{error}")
    faults += _doubled(rows)
    if faults:
        raise ReceiptError("\n".join(faults))
    if not rows:
        raise ReceiptError("文件没有数据行")
    return rows


def _text(content: bytes) -> str:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise ReceiptError("文件既不是 UTF-8 也不是 GB18030 编码")


def _row(row: dict[str, str]) -> ReceiptRow:
    cells = {name: (row[name] or "").strip().lstrip("'") for name in HEADER}
    if cells["结果"] not in RESULTS:
        raise ValueError(f"结果须为“成功”或“失败”，不是“{cells['结果']}”")
    paid = RESULTS[cells["结果"]]
    try:
        amount = Decimal(cells["金额（元）"])
    except InvalidOperation as error:
        raise ValueError(f"金额“{cells['金额（元）']}”不是数字") from error
    plausible = amount.is_finite() and 0 < amount < MOST_YUAN
    if not plausible or amount != amount.quantize(Decimal("0.01")):
        raise ValueError(f"金额“{cells['金额（元）']}”不是以分为止的正数")
    if not cells["流水号"] or len(cells["流水号"]) > 64:
        raise ValueError("须有流水号（64 字以内）")
    if not paid and not cells["原因"]:
        raise ValueError("失败的须写原因")
    try:
        on = date.fromisoformat(cells["日期"])
    except ValueError as error:
        raise ValueError(f"日期“{cells['日期']}”须写作 2026-06-30") from error
    code, reason = cells["统一社会信用代码"], "" if paid else cells["原因"][:500]
    return ReceiptRow(_number(row), code, amount, paid, cells["流水号"], on, reason, _account(row))


def _account(row: dict[str, str]) -> str:
    return "".join(sign for sign in row.get(ACCOUNT) or "" if sign.isascii() and sign.isdigit())


def _number(row: dict[str, str]) -> int | None:
    text = (row.get(NUMBER) or "").strip()
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise ValueError(f"序号“{text}”不是拨付文件中的序号")
    return int(text)


def _doubled(rows: list[ReceiptRow]) -> Iterator[str]:
    for name, values in (
        ("统一社会信用代码", [row.uscc for row in rows if row.number is None]),
        ("序号", [str(row.number) for row in rows if row.number is not None]),
        ("流水号", [row.reference for row in rows]),
    ):
        twice = sorted(value for value, times in Counter(values).items() if times > 1)
        if twice:
            yield f"{name}重复：{'、'.join(twice[:5])}"
