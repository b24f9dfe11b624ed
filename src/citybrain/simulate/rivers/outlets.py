"""The outlets into the rivers: found, surveyed, reviewed, and put right in time or late."""

from datetime import date, timedelta

import numpy as np

from citybrain.simulate.csv_file import csv_bytes
from citybrain.simulate.delivery import Content
from citybrain.simulate.dirt import Defect, Row, one_of, plant, setting
from citybrain.simulate.noise import uniform
from citybrain.simulate.places import load_villages
from citybrain.simulate.water import GAUGES

HEADERS = {
    "outlet_code": "排口编码",
    "outlet_name": "排口名称",
    "outlet_kind": "排口类型",
    "river": "受纳水体",
    "village_code": "所在社区代码",
    "found_on": "发现日期",
    "surveyed_on": "排查日期",
    "reviewed_on": "复核日期",
    "due_on": "整治期限",
    "put_right_on": "整治完成日期",
}
OUTLETS = 320
KINDS = ("工业排污口", "城镇污水处理厂排污口", "农业农村排口", "其他排口")
KIND_SHARES = (0.18, 0.07, 0.43, 0.32)
FOUND_WITHIN = 700  # days before the city's start
DEFECTS = [
    Defect("kind_unknown", 0.008, "outlet_kind", setting("outlet_kind", "待定")),
    Defect(
        "village_unknown", 0.008, "village_code", one_of("village_code", ["340000000000", "341602999999"])
    ),
    Defect("surveyed_before_found", 0.008, "surveyed_on", setting("surveyed_on", "2001-01-01")),
    Defect("sent_twice", 0.006, "outlet_code", None),
]


def _shown(when: date, today: date) -> str:
    """A day that has come, or nothing."""
    return when.isoformat() if when <= today else ""


def outlet_delivery(seed: int, started: date, today: date) -> Content:
    """The list as it stands on `today`, its rows and the truth about them."""
    places = load_villages()
    numbers = np.arange(OUTLETS, dtype=np.int64)
    share = np.cumsum(places.weights[""])
    villages = np.searchsorted(share / share[-1], uniform(seed, "outlet/village", numbers), side="right")
    kinds = np.searchsorted(np.cumsum(KIND_SHARES), uniform(seed, "outlet/kind", numbers), side="right")
    found = (uniform(seed, "outlet/found", numbers) * FOUND_WITHIN).astype(int)
    survey = 5 + (uniform(seed, "outlet/survey", numbers) * 90).astype(int)
    review = 15 + (uniform(seed, "outlet/review", numbers) * 150).astype(int)
    due = 120 + (uniform(seed, "outlet/due", numbers) * 240).astype(int)
    # most are put right before their time is over, some long after
    slowness = uniform(seed, "outlet/slow", numbers)
    rows: list[Row] = []
    for place in range(OUTLETS):
        village = villages[place]
        county = str(places.codes[village])[:6]
        rivers = sorted({gauge.river for gauge in GAUGES if gauge.code.startswith(county)})
        found_on = started - timedelta(days=int(found[place]))
        surveyed_on = found_on + timedelta(days=int(survey[place]))
        reviewed_on = surveyed_on + timedelta(days=int(review[place]))
        due_on = found_on + timedelta(days=int(due[place]))
        put_right_on = reviewed_on + timedelta(days=int(slowness[place] ** 2 * 400))
        rows.append(
            {
                "outlet_code": f"{county}K{place + 1:04}",
                "outlet_name": f"{places.names[village]}{place + 1:03}号排口",
                "outlet_kind": KINDS[kinds[place]],
                "river": rivers[place % len(rivers)],
                "village_code": str(places.codes[village]),
                "found_on": found_on.isoformat(),
                "surveyed_on": _shown(surveyed_on, today),
                "reviewed_on": _shown(reviewed_on, today),
                "due_on": due_on.isoformat(),
                "put_right_on": _shown(put_right_on, today),
            }
        )
    truth = plant(seed, "river_outlet", rows, numbers, lambda row: str(row["outlet_code"]), DEFECTS)
    return csv_bytes(HEADERS, rows), len(rows), truth
