"""Plans are drilled twice a year by each county, once by the city; somebody is on duty day and night."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np
import orjson

from citybrain.catalogue import load_areas
from citybrain.simulate.csv_file import csv_bytes
from citybrain.simulate.delivery import SHANGHAI, Content
from citybrain.simulate.dirt import Defect, Row, one_of, plant, setting
from citybrain.simulate.noise import uniform
from citybrain.simulate.urban.spans import day_number

PLANS = {
    "flood": ("防汛抗旱应急预案", "water_affairs"),
    "fire": ("重大火灾应急预案", "fire_rescue"),
    "chemical": ("危险化学品事故应急预案", "emergency_management"),
    "gas": ("燃气事故应急预案", "urban_management"),
    "quake": ("地震应急预案", "emergency_management"),
    "epidemic": ("突发公共卫生事件应急预案", "health"),
    "road": ("道路交通事故应急预案", "traffic_police"),
    "power": ("大面积停电应急预案", "emergency_management"),
}
DONE_SHARE = {"341602": 0.94, "341621": 0.86, "341622": 0.80, "341623": 0.62, "": 0.90}
FIRST_YEAR_BEFORE = 2
HALF_YEAR_DAYS = 182
DRILL_DEFECTS = [
    Defect("plan_missing", 0.006, "plan_name", setting("plan_name", "")),
    Defect("planned_not_a_day", 0.006, "planned_on", one_of("planned_on", ["下半年", "2026-13-01"])),
    Defect("participants_negative", 0.006, "participants", setting("participants", -20)),
    Defect("sent_twice", 0.006, "drill_id", None),
]


def drill_delivery(seed: int, today: date) -> Content:
    """The register of drills on a day: those of two years and this, planned and held so far."""
    rows = [
        row
        for year in range(today.year - FIRST_YEAR_BEFORE, today.year + 1)
        for row in _drills_of_year(seed, year, today)
    ]
    keys = np.array([row.pop("key") for row in rows])
    truth = plant(seed, "emergency_drill", rows, keys, lambda row: str(row["drill_id"]), DRILL_DEFECTS)
    lines = [orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in rows]
    return b"".join(lines), len(rows), truth


def _drills_of_year(seed: int, year: int, today: date) -> list[Row]:
    rows = []
    counties = [county.code for county in load_areas().counties]
    for place, county in enumerate([*counties, ""]):
        for half in (1,) if county == "" else (1, 2):
            for number, (plan, (name, department)) in enumerate(PLANS.items()):
                key = ((year * 8 + place) * 2 + half - 1) * 16 + number
                when, done, late, people = uniform(seed, "drill", key * 4 + np.arange(4)).tolist()
                planned = date(year, 1 if half == 1 else 7, 1) + timedelta(
                    days=int(when * (HALF_YEAR_DAYS - 2))
                )
                held = planned + timedelta(days=int(30 * late**2)) if done < DONE_SHARE[county] else None
                was_held = held is not None and held <= today
                rows.append(
                    {
                        "key": key,
                        "drill_id": f"{county or '341600'}-{year}H{half}-{plan}",
                        "plan_name": name,
                        "department": department,
                        "county_code": county or None,
                        "planned_on": planned.isoformat(),
                        "held_on": held.isoformat() if held is not None and was_held else None,
                        "participants": 20 + int(180 * people) if was_held else None,
                    }
                )
    return rows


@dataclass(frozen=True)
class Desk:
    """A duty desk: a department of the city, or of a county."""

    department: str
    county: str


DESKS = (
    *(
        Desk(department, "")
        for department in (
            "emergency_management",
            "fire_rescue",
            "flood_control",
            "water_affairs",
            "health",
            "transport",
            "public_security",
            "urban_management",
        )
    ),
    *(Desk("emergency_management", county) for county in ("341602", "341621", "341622", "341623")),
)
GAP_DESK, GAP_BEFORE_START = len(DESKS) - 1, timedelta(days=30)
SHIFTS = {"白班": 8, "夜班": 18}  # and the hour it begins
ROLES = ("带班领导", "值班员")
ROSTER_AHEAD, ROSTER_BEFORE = timedelta(days=14), timedelta(days=60)
MISSED_SHARE = 0.015
DUTY_HEADERS = {
    "duty_on": "值班日期",
    "department": "部门",
    "county_code": "区县代码",
    "shift": "班次",
    "role": "岗位",
    "duty_phone": "值班电话",
    "signed_in_at": "签到时间",
}
DUTY_DEFECTS = [
    Defect("role_unknown", 0.003, "role", setting("role", "其他")),
    Defect("phone_malformed", 0.003, "duty_phone", one_of("duty_phone", ["12345", "见通讯录", "0558"])),
    Defect("sign_in_not_a_time", 0.002, "signed_in_at", one_of("signed_in_at", ["已签", "25:00"])),
    Defect("sent_twice", 0.003, "duty_on", None),
]


def duty_delivery(seed: int, first: date, last: date, now: datetime, started: datetime) -> Content:
    """The roster from `first` to `last`; who has signed in is known up to `now` (aware).

    The last of the counties leaves the nights of weekends unfilled from thirty days before `started` on.
    """
    local_now = now.astimezone(SHANGHAI).replace(tzinfo=None)
    rows: list[Row] = []
    keys: list[int] = []
    for number in range(day_number(first), day_number(last) + 1):
        day = date(1970, 1, 1) + timedelta(days=number)
        for desk_number, desk in enumerate(DESKS):
            for shift_number, (shift, hour) in enumerate(SHIFTS.items()):
                for role_number, role in enumerate(ROLES):
                    key = ((number * 16 + desk_number) * 2 + shift_number) * 2 + role_number
                    begins = datetime(day.year, day.month, day.day, hour)  # noqa: DTZ001 - as Beijing's clocks show it
                    gap = (
                        desk_number == GAP_DESK
                        and shift == "夜班"
                        and day.weekday() >= 5
                        and day >= (started - GAP_BEFORE_START).date()
                    )
                    keys.append(key)
                    rows.append(_duty(seed, key, day, desk, shift, role, begins, begins <= local_now, gap))
    truth = plant(
        seed,
        "duty_roster",
        rows,
        np.array(keys),
        lambda row: f"{row['duty_on']} {row['department']} {row['county_code']} {row['shift']} {row['role']}",
        DUTY_DEFECTS,
    )
    return csv_bytes(DUTY_HEADERS, rows), len(rows), truth


def _duty(
    seed: int, key: int, day: date, desk: Desk, shift: str, role: str, begins: datetime, over: bool, gap: bool
) -> Row:
    early, missed, line = uniform(seed, "duty", key * 4 + np.arange(3)).tolist()
    signed = (
        ""
        if gap or not over or missed < MISSED_SHARE
        else f"{begins - timedelta(minutes=int(25 * early)):%Y-%m-%d %H:%M}"
    )
    return {
        "duty_on": day.isoformat(),
        "department": desk.department,
        "county_code": desk.county or "341600",
        "shift": shift,
        "role": role,
        # no line of the city begins with 0: the numbers cannot be anybody's
        "duty_phone": "" if gap else f"0558-0{int(line * 1_000_000):06}",
        "signed_in_at": signed,
    }


def duty_story(started: datetime) -> dict[str, str]:
    return {
        "story": "weekend_nights_unfilled",
        "dataset": "duty_roster",
        "key": DESKS[GAP_DESK].county,
        "from": (started - GAP_BEFORE_START).date().isoformat(),
        "to": (started.date() + ROSTER_AHEAD).isoformat(),
        "what": "one county's emergency desk has nobody on the nights of weekends",
    }
