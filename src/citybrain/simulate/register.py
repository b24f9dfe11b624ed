"""The enterprise register as its keeper sends it: all of it, every day, GB18030, Chinese headers."""

import csv
import io
from datetime import date, timedelta
from functools import partial

import numpy as np

from citybrain.simulate.dirt import (
    FULL_WIDTH,
    LEGAL,
    Defect,
    Planted,
    Row,
    changing,
    one_of,
    plant,
    setting,
    wrong_check_character,
)
from citybrain.simulate.firms import ENTITY, Firms
from citybrain.simulate.industries import load_industries
from citybrain.simulate.places import load_villages

HEADERS = {
    "uscc": "统一社会信用代码",
    "name": "企业名称",
    "entity_kind": "主体类型",
    "industry_code": "行业代码",
    "status": "登记状态",
    "established_on": "成立日期",
    "closed_on": "注销日期",
    "registered_capital_wan": "注册资本(万元)",
    "village_code": "所在村社区代码",
    "address": "住所",
}


def _future(day: date, row: Row, luck: float) -> None:
    row["established_on"] = (day + timedelta(days=30 + int(luck * 400))).isoformat()


def _closed_first(row: Row, luck: float) -> None:
    established = date.fromisoformat(row["established_on"])
    row["closed_on"] = (established - timedelta(days=1 + int(luck * 900))).isoformat()
    row["status"] = "注销"


def defects(day: date) -> list[Defect]:
    """About 1 % of the rows. `day` is the day of the register."""
    return [
        Defect("uscc_check_character", 0.0016, "uscc", changing("uscc", wrong_check_character)),
        Defect("uscc_full_width", 0.0006, "uscc", changing("uscc", lambda code: code.translate(FULL_WIDTH))),
        Defect("name_missing", 0.0010, "name", one_of("name", ["", "-", "无"])),
        Defect(
            "industry_code_wrong",
            0.0010,
            "industry_code",
            one_of("industry_code", ["C15", "1512", "Z9999", "C15I2", "酒"]),
        ),
        Defect("established_in_future", 0.0010, "established_on", partial(_future, day)),
        Defect("closed_before_established", 0.0008, "closed_on", _closed_first),
        Defect(
            "capital_not_a_number",
            0.0010,
            "registered_capital_wan",
            one_of("registered_capital_wan", ["伍佰万", "约100", "100万元", "详见章程"]),
        ),
        Defect(
            "village_code_unknown",
            0.0010,
            "village_code",
            one_of("village_code", ["341602999999", "341621777001", "341699001001"]),
        ),
        Defect(
            "village_code_malformed",
            0.0006,
            "village_code",
            one_of("village_code", ["3416020010", "34160200100A", "谯城区"]),
        ),
        Defect(
            "capital_negative", 0.0004, "registered_capital_wan", setting("registered_capital_wan", "-50")
        ),
        Defect("sent_twice", 0.0010, "uscc", None),
    ]


def register_rows(firms: Firms, day: date) -> list[Row]:
    """One row for each firm as it stood at the end of `day`, in the order of their founding."""
    trades, places = load_industries(), load_villages()
    today = np.datetime64(day)
    villages = np.where(firms.moved <= today, firms.villages_after, firms.villages)
    capital = np.where(firms.raised <= today, firms.capital_after, firms.capital)
    gone = firms.closed <= today
    rows = []
    for place in range(len(firms)):
        village = villages[place]
        status = ("吊销" if firms.revoked[place] else "注销") if gone[place] else "存续"
        area = f"{places.county_names[places.counties[village]]}{places.township_names[village]}"
        rows.append(
            {
                "uscc": str(firms.codes[place]),
                "name": str(firms.names[place]),
                "entity_kind": ENTITY[firms.forms[place]][1],
                "industry_code": str(trades.codes[firms.industries[place]]),
                "status": status,
                "established_on": str(firms.established[place]),
                "closed_on": str(firms.closed[place]) if gone[place] else "",
                "registered_capital_wan": f"{capital[place]:.2f}",
                "village_code": str(places.codes[village]),
                "address": f"{area}{places.names[village]}{firms.house_numbers[place]}号",
            }
        )
    return rows


def register_delivery(seed: int, firms: Firms, day: date) -> tuple[bytes, int, list[Planted]]:
    """The file of one day, its rows and the truth; letters that may lead a code are noted as legal."""
    rows = register_rows(firms, day)
    truth = plant(seed, "enterprise_register", rows, firms.numbers, lambda row: row["uscc"], defects(day))
    spoilt = {planted.row for planted in truth}
    truth += [
        Planted(place, row["uscc"], f"{LEGAL}_leading_letter", "uscc", row["uscc"])
        for place, row in enumerate(rows, 1)
        if row["uscc"][0].isalpha() and place not in spoilt
    ]
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(HEADERS), lineterminator="\r\n")
    writer.writerow(HEADERS)
    writer.writerows(rows)
    return text.getvalue().encode("gb18030"), len(rows), truth
