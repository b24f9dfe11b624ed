"""Monthly water quality of the monitored river sections. Sections are made up; the rivers are the gauges'."""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from citybrain.simulate.csv_file import csv_bytes
from citybrain.simulate.delivery import Content
from citybrain.simulate.dirt import Defect, Row, plant, setting
from citybrain.simulate.months import first_day, month_number
from citybrain.simulate.noise import normal, smooth
from citybrain.simulate.rivers.standard import CLASSES, LIMITS, classes_of
from citybrain.simulate.water import GAUGES

HEADERS = {
    "section_code": "断面编码",
    "section_name": "断面名称",
    "river": "河流",
    "month": "监测月份",
    "target_class": "目标水质",
    "quality_class": "水质类别",
    "dissolved_oxygen": "溶解氧",
    "permanganate_index": "高锰酸盐指数",
    "cod": "化学需氧量",
    "bod5": "五日生化需氧量",
    "ammonia_nitrogen": "氨氮",
    "total_phosphorus": "总磷",
    "fluoride": "氟化物",
}
OF_EACH_GAUGE = 4
# Typical figures in mg/L of a clean section here, and how far the dirtiest goes beyond
USUAL = {
    "permanganate_index": (3.6, 0.7),
    "cod": (13.2, 0.6),
    "bod5": (2.2, 0.7),
    "ammonia_nitrogen": (0.34, 1.6),
    "total_phosphorus": (0.1, 1.1),
    "fluoride": (0.6, 0.5),
}
DEFECTS = [
    Defect("class_unknown", 0.006, "quality_class", setting("quality_class", "良好")),
    Defect("negative_value", 0.006, "ammonia_nitrogen", setting("ammonia_nitrogen", -0.2)),
    Defect("not_a_number", 0.006, "cod", setting("cod", "未检出")),
    Defect("sent_twice", 0.004, "section_code", None),
]


@dataclass(frozen=True)
class Section:
    """A made-up section: its county's code, then S and three digits; `burden` is 0 (clean) to 1."""

    code: str
    name: str
    river: str
    target: int
    burden: float


SPILLING = 5  # the section below a works that fails; a clean one before
SPILL_DAYS = 100  # it fails so long before the city begins
SPILL = {"ammonia_nitrogen": 6.0, "total_phosphorus": 2.5, "cod": 1.6}


def load_sections() -> list[Section]:
    """Four on each gauged reach."""
    sections: list[Section] = []
    for place, gauge in enumerate(GAUGES):
        for number in range(OF_EACH_GAUGE):
            count = len(sections)
            burden = (count * 7 % 24) / 23
            target = 3 if burden > 0.8 else 2
            code = f"{gauge.code[:6]}S{place + 1:01}{number + 1:02}"
            sections.append(
                Section(code, f"{gauge.river}监测断面{count + 1:02}", gauge.river, target, burden)
            )
    return sections


def months_between(first: date, last: date) -> list[date]:
    """The first day of every month from that of `first` to that of `last`."""
    return [first_day(month) for month in range(month_number(first), month_number(last) + 1)]


def spill_month(begun: date) -> date:
    """The first whole month in which the works fails; `begun` is the day the city began."""
    return first_day(month_number(begun - timedelta(days=SPILL_DAYS)) + 1)


def section_delivery(seed: int, months: list[date], begun: date) -> Content:
    """All sections in `months` (first days), the rows and the truth about them."""
    sections = load_sections()
    numbers = np.array([month.year * 12 + month.month for month in months], dtype=np.int64)
    rows: list[Row] = []
    keys: list[int] = []
    for place, section in enumerate(sections):
        key = numbers * 64 + place
        summer = np.clip(np.cos(2 * np.pi * (numbers % 12 - 7.5) / 12), 0, 1)
        drift = smooth(seed, f"section/{section.river}", numbers, 5)
        values = {
            name: np.round(
                usual * np.exp(np.log1p(extra) * section.burden + 0.14 * drift + 0.12 * summer
                               + 0.16 * normal(seed, f"section/{name}", key)),
                3,
            )
            for name, (usual, extra) in USUAL.items()
        }  # fmt: skip
        if place == SPILLING:
            failing = np.array([month >= spill_month(begun) for month in months])
            for name, times in SPILL.items():
                values[name] = np.round(np.where(failing, values[name] * times, values[name]), 3)
        oxygen = 8.6 - 2.1 * summer - 1.6 * section.burden + 0.4 * normal(seed, "section/oxygen", key)
        values["dissolved_oxygen"] = np.round(np.clip(oxygen, 1.0, None), 2)
        classes = classes_of(values)
        for step, month in enumerate(months):
            rows.append(
                {
                    "section_code": section.code,
                    "section_name": section.name,
                    "river": section.river,
                    "month": month.isoformat(),
                    "target_class": CLASSES[section.target],
                    "quality_class": CLASSES[classes[step]],
                    **{name: float(values[name][step]) for name in ("dissolved_oxygen", *LIMITS)},
                }
            )
        keys += key.tolist()
    truth = plant(
        seed,
        "water_section_month",
        rows,
        np.array(keys),
        lambda row: f"{row['section_code']} {row['month']}",
        DEFECTS,
    )
    return csv_bytes(HEADERS, rows), len(rows), truth
