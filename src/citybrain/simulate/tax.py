"""The tax bureau's yearly workbook."""

from datetime import datetime

from citybrain.simulate.dirt import (
    FULL_WIDTH,
    Defect,
    Planted,
    Row,
    changing,
    one_of,
    plant,
    wrong_check_character,
)
from citybrain.simulate.workbook import workbook_bytes
from citybrain.simulate.yearly import Year

SHEET = "年度汇总"
HEADERS = {
    "uscc": "纳税人识别号",
    "tax_year": "所属年度",
    "revenue_wan": "营业收入(万元)",
    "assets_wan": "资产总额(万元)",
    "tax_paid_wan": "实缴税额(万元)",
    "rd_expense_wan": "研发费用(万元)",
}
DEFECTS = [
    Defect("uscc_check_character", 0.0018, "uscc", changing("uscc", wrong_check_character)),
    Defect("uscc_missing", 0.0006, "uscc", one_of("uscc", ["", "-"])),
    Defect("revenue_negative", 0.0018, "revenue_wan", changing("revenue_wan", lambda money: -money - 1)),
    Defect(
        "revenue_not_a_number", 0.0012, "revenue_wan", one_of("revenue_wan", ["待核", "约120", "#VALUE!"])
    ),
    Defect(
        "assets_full_width",
        0.0008,
        "assets_wan",
        changing("assets_wan", lambda money: f"{money}元".translate(FULL_WIDTH)),
    ),
    Defect("year_in_future", 0.0008, "tax_year", changing("tax_year", lambda year: year + 30)),
    Defect("tax_negative", 0.0008, "tax_paid_wan", changing("tax_paid_wan", lambda money: -money - 1)),
    Defect("sent_twice", 0.0012, "uscc", None),
]


def tax_rows(year: Year) -> list[Row]:
    research = [
        float(money) if declared else "未申报"
        for money, declared in zip(year.research, year.research_declared, strict=True)
    ]
    return [
        {
            "uscc": str(code),
            "tax_year": year.year,
            "revenue_wan": float(revenue),
            "assets_wan": float(assets),
            "tax_paid_wan": float(tax),
            "rd_expense_wan": rd_expense,
        }
        for code, revenue, assets, tax, rd_expense in zip(
            year.firms.codes, year.revenue, year.assets, year.tax, research, strict=True
        )
    ]


def tax_delivery(seed: int, year: Year, moment: datetime) -> tuple[bytes, int, list[Planted]]:
    """The workbook of one year, dated `moment`, its rows and the truth about them."""
    rows = tax_rows(year)
    keys = year.firms.numbers * 4096 + year.year
    truth = plant(
        seed, "enterprise_tax_year", rows, keys, lambda row: f"{row['uscc']} {row['tax_year']}", DEFECTS
    )
    return workbook_bytes(SHEET, HEADERS, rows, moment), len(rows), truth
