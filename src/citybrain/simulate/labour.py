"""Staff and social insurance by year, as JSON lines."""

import orjson

from citybrain.simulate.dirt import (
    Defect,
    Planted,
    Row,
    changing,
    one_of,
    plant,
    setting,
    wrong_check_character,
)
from citybrain.simulate.yearly import Year


def _more_insured_than_staff(row: Row, luck: float) -> None:
    row["insured_count"] = row["staff_count"] + 1 + int(luck * 40)


DEFECTS = [
    Defect("insured_above_staff", 0.0030, "insured_count", _more_insured_than_staff),
    Defect("uscc_check_character", 0.0016, "uscc", changing("uscc", wrong_check_character)),
    Defect("uscc_missing", 0.0006, "uscc", setting("uscc", None)),
    Defect("staff_not_a_number", 0.0012, "staff_count", one_of("staff_count", ["约20", "３５人", "二十"])),
    Defect("staff_negative", 0.0008, "staff_count", setting("staff_count", -3)),
    Defect("arrears_above_twelve", 0.0008, "arrears_months", setting("arrears_months", 99)),
    Defect("sent_twice", 0.0012, "uscc", None),
]


def labour_rows(year: Year) -> list[Row]:
    return [
        {
            "uscc": str(code),
            "year": year.year,
            "staff_count": int(staff),
            "insured_count": int(insured),
            "layoff_count": int(layoffs),
            "arrears_months": int(months),
        }
        for code, staff, insured, layoffs, months in zip(
            year.firms.codes, year.staff, year.insured, year.layoffs, year.arrears_months, strict=True
        )
    ]


def labour_delivery(seed: int, year: Year) -> tuple[bytes, int, list[Planted]]:
    """The file of one year, its rows and the truth about them."""
    rows = labour_rows(year)
    keys = year.firms.numbers * 4096 + year.year
    truth = plant(
        seed, "enterprise_labour_year", rows, keys, lambda row: f"{row['uscc']} {row['year']}", DEFECTS
    )
    return b"".join(orjson.dumps(row) + b"\n" for row in rows), len(rows), truth
