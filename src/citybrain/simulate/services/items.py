"""The catalogue of service items: what each asks of people, and how long it may take."""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from citybrain.simulate.csv_file import csv_bytes
from citybrain.simulate.delivery import Content
from citybrain.simulate.dirt import Defect, Row, one_of, plant, setting
from citybrain.simulate.noise import uniform
from citybrain.simulate.services.content import load_services

HEADERS = {
    "item_code": "事项编码",
    "item_name": "事项名称",
    "department": "主管部门",
    "item_kind": "事项类型",
    "service_object": "服务对象",
    "is_online": "是否上线",
    "online_level": "网办深度",
    "visits": "到现场次数",
    "legal_days": "法定办结工作日",
    "promised_days": "承诺办结工作日",
}
ONLINE_LEVELS = ("互联网咨询", "互联网收件", "互联网预审", "全程网办")
DEFECTS = [
    Defect("name_missing", 0.0015, "item_name", setting("item_name", "")),
    Defect("kind_unknown", 0.0020, "item_kind", one_of("item_kind", ["行政服务", "其它"])),
    Defect("visits_not_a_number", 0.0020, "visits", one_of("visits", ["最多一次", "一次"])),
    Defect("promise_negative", 0.0015, "promised_days", setting("promised_days", -1)),
    Defect("sent_twice", 0.0020, "item_code", None),
]


@cache
def item_rows(seed: int) -> tuple[Row, ...]:
    """Every item of the city, department by department; the same for every scale."""
    services = load_services()
    rows: list[Row] = []
    for place, department in enumerate(services.departments, 1):
        names = [(subject, action) for subject in department.subjects for action in services.actions]
        keys = place * 10_000 + np.arange(1, len(names) + 1)
        # Departments differ in how far they have come, by a level of their own
        ahead = float(uniform(seed, "item/ahead", np.array([place]))[0])
        online, level, visit, person, length = (
            uniform(seed, f"item/{name}", keys) for name in ("online", "level", "visit", "person", "length")
        )
        for number, (subject, action) in enumerate(names):
            is_online = online[number] < 0.88 + 0.11 * ahead
            depth = min(3, int(4 * level[number] ** (0.25 + 0.45 * (1 - ahead)))) if is_online else 0
            visits = 0 if depth == 3 else 1 + int(visit[number] > 0.80 + 0.15 * ahead)
            promised = round(department.days * action.days * (0.5 + length[number]))
            rows.append(
                {
                    "item_code": f"3416-{place:02d}-{number + 1:04d}",
                    "item_name": f"{subject}{action.zh}",
                    "department": department.id,
                    "item_kind": action.kind,
                    "service_object": "自然人" if person[number] < 0.45 else "法人",
                    "is_online": "是" if is_online else "否",
                    "online_level": ONLINE_LEVELS[depth] if is_online else "",
                    "visits": visits,
                    "legal_days": max(1, round(promised * (2 + 1.5 * length[number]))),
                    "promised_days": promised,
                }
            )
    return tuple(rows)


def item_keys(rows: tuple[Row, ...] | list[Row]) -> NDArray[np.int64]:
    """A number for each item that stays the same: its code without the city's."""
    return np.array([int(row["item_code"][5:].replace("-", "")) for row in rows], dtype=np.int64)


def item_delivery(seed: int) -> Content:
    """The catalogue as it stands, GB18030, its rows and the truth about them."""
    rows = [dict(row) for row in item_rows(seed)]
    keys = item_keys(rows)
    truth = plant(seed, "gov_service_item", rows, keys, lambda row: row["item_code"], DEFECTS)
    return csv_bytes(HEADERS, rows).decode().encode("gb18030"), len(rows), truth
