"""The list of seriously dishonest enterprises: who is on it, since when and why."""

from datetime import date, timedelta

import numpy as np

from citybrain.simulate.csv_file import csv_bytes
from citybrain.simulate.dirt import Defect, Planted, Row, changing, one_of, plant, wrong_check_character
from citybrain.simulate.firms import Firms
from citybrain.simulate.noise import uniform

HEADERS = {
    "uscc": "统一社会信用代码",
    "reason": "列入事由",
    "listed_on": "列入日期",
    "removed_on": "移出日期",
}
LISTED = 0.015  # of all firms ever registered
REASONS = ("拖欠劳动报酬", "提供虚假材料取得登记", "严重税收违法", "食品安全严重违法", "骗取财政资金")
DEFECTS = [
    Defect("uscc_check_character", 0.006, "uscc", changing("uscc", wrong_check_character)),
    Defect("reason_missing", 0.004, "reason", one_of("reason", ["", "-"])),
    Defect("sent_twice", 0.004, "uscc", None),
]


def dishonest_rows(seed: int, firms: Firms, day: date) -> tuple[list[Row], list[int]]:
    listed = np.flatnonzero(uniform(seed, "dishonest", firms.numbers) < LISTED)
    numbers = firms.numbers[listed]
    ages = uniform(seed, "dishonest/age", numbers)
    reasons = uniform(seed, "dishonest/reason", numbers)
    removed = uniform(seed, "dishonest/removed", numbers) < 0.3
    rows: list[Row] = []
    for place, age, reason, gone in zip(listed, ages, reasons, removed, strict=True):
        since = day.replace(day=1) - timedelta(days=30 + int(age * 1000))
        rows.append(
            {
                "uscc": str(firms.codes[place]),
                "reason": REASONS[int(reason * len(REASONS))],
                "listed_on": since.isoformat(),
                "removed_on": (since + timedelta(days=25)).isoformat() if gone else "",
            }
        )
    return rows, numbers.tolist()


def dishonest_delivery(seed: int, firms: Firms, day: date) -> tuple[bytes, int, list[Planted]]:
    """The list as it stands on `day`, its rows and the truth about them."""
    rows, keys = dishonest_rows(seed, firms, day)
    truth = plant(seed, "dishonest_enterprise", rows, np.array(keys), lambda row: row["uscc"], DEFECTS)
    return csv_bytes(HEADERS, rows), len(rows), truth
