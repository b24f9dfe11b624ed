"""The registers behind the readings: every device, the places that flood with their wardens, the sites."""

import csv
import io
from dataclasses import replace

import numpy as np

from citybrain.simulate.delivery import Content
from citybrain.simulate.dirt import Defect, Planted, Row, one_of, plant, setting
from citybrain.simulate.noise import uniform
from citybrain.simulate.places import load_villages
from citybrain.simulate.sensors.fleet import Fleet, installed_on
from citybrain.simulate.sensors.signal import story_device

DEVICE_HEADERS = {
    "device_id": "设备编码",
    "device_kind": "设备类别",
    "place_name": "安装位置",
    "village_code": "所在社区代码",
    "lon": "经度",
    "lat": "纬度",
    "owner_department": "归口部门",
    "owner_unit": "权属单位",
    "installed_on": "安装日期",
    "status": "使用状态",
    "metric": "告警指标",
    "unit": "计量单位",
    "cadence_minutes": "上报间隔分钟",
    "level_1": "一级阈值",
    "level_2": "二级阈值",
    "level_3": "三级阈值",
    "hysteresis": "解除回差",
}
POINT_HEADERS = {
    "warden_id": "责任人编号",
    "point_id": "易涝点编号",
    "point_name": "易涝点名称",
    "village_code": "所在社区代码",
    "lon": "经度",
    "lat": "纬度",
    "device_id": "水位设备编码",
    "warden_role": "责任人类别",
    "shift": "班次",
}
SITE_HEADERS = {
    "site_id": "工地编号",
    "site_name": "工地名称",
    "village_code": "所在社区代码",
    "lon": "经度",
    "lat": "纬度",
    "device_id": "扬尘设备编码",
    "builder_unit": "施工单位",
    "stage": "施工阶段",
    "started_on": "开工日期",
}
STAGES = ("土方", "基础", "主体", "装修", "收尾")
DEFECTS = [
    Defect("kind_unknown", 0.003, "device_kind", setting("device_kind", "其他")),
    Defect(
        "village_unknown", 0.003, "village_code", one_of("village_code", ["341602999999", "340000000000"])
    ),
    Defect("installed_in_future", 0.003, "installed_on", setting("installed_on", "2099-01-01")),
    Defect("sent_twice", 0.002, "device_id", None),
]
UPSIDE_DOWN = Defect("levels_upside_down", 0.003, "level_3", setting("level_3", 99999))


def _csv(headers: dict[str, str], rows: list[Row], encoding: str = "utf-8") -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(headers.values())
    writer.writerows([row[name] for name in headers] for row in rows)
    return text.getvalue().encode(encoding)


def fleet_rows(seed: int, fleet: Fleet) -> list[Row]:
    """The register's rows of one kind. What stands in a home has no coordinates."""
    kind, places = fleet.kind, load_villages()
    days = installed_on(seed, fleet)
    alarm = kind.alarm
    rows: list[Row] = []
    for place in range(len(fleet.ids)):
        village = fleet.villages[place]
        name = f"{places.township_names[village]}{places.names[village]}{kind.place}"
        rows.append(
            {
                "device_id": str(fleet.ids[place]),
                "device_kind": kind.id,
                "place_name": kind.place if kind.at_home else f"{name}{place + 1:04}号",
                "village_code": str(places.codes[village]),
                "lon": "" if kind.at_home else f"{fleet.lon[place]:.6f}",
                "lat": "" if kind.at_home else f"{fleet.lat[place]:.6f}",
                "owner_department": kind.owner,
                "owner_unit": kind.units[place % len(kind.units)],
                "installed_on": days[place].isoformat(),
                "status": str(fleet.status[place]),
                "metric": kind.metric.id,
                "unit": kind.metric.unit,
                "cadence_minutes": kind.metric.minutes,
                "level_1": alarm.levels[0] if alarm else "",
                "level_2": alarm.levels[1] if alarm else "",
                "level_3": alarm.levels[2] if alarm else "",
                "hysteresis": alarm.hysteresis if alarm else "",
            }
        )
    return rows


def device_delivery(seed: int, fleets: tuple[Fleet, ...]) -> Content:
    """The register of devices, its rows and the truth about them.

    The devices of stories and flood points are spared: what is told must be seen.
    """
    rows = [row for fleet in fleets for row in fleet_rows(seed, fleet)]
    keys = np.concatenate([fleet.numbers for fleet in fleets])
    storied = [int(fleet.numbers[story_device(fleet)]) for fleet in fleets]
    flooding = next(fleet.numbers for fleet in fleets if fleet.kind.id == "water_level")
    levelled = np.array([row["level_3"] != "" for row in rows])
    spared = np.isin(keys, storied) | np.isin(keys, flooding)
    sent: list[Row] = []
    truth: list[Planted] = []
    for chosen, defects in (
        (levelled & ~spared, [*DEFECTS, UPSIDE_DOWN]),
        (~levelled & ~spared, DEFECTS),
        (spared, []),
    ):
        part = [row for row, taken in zip(rows, chosen, strict=True) if taken]
        found = plant(seed, "device_register", part, keys[chosen], _device_of, defects)
        truth += [replace(planted, row=planted.row + len(sent)) for planted in found]
        sent += part
    return _csv(DEVICE_HEADERS, sent, "gb18030"), len(sent), truth


def _device_of(row: Row) -> str:
    return str(row["device_id"])


def flood_point_delivery(fleets: tuple[Fleet, ...]) -> Content:
    """Two wardens for each of the 22 places that flood: one by day, one by night. Codes, no names."""
    places = load_villages()
    fleet = next(fleet for fleet in fleets if fleet.kind.id == "water_level")
    rows: list[Row] = []
    for place, device in enumerate(fleet.ids.tolist()):
        village = fleet.villages[place]
        for turn, (role, shift) in enumerate((("点位责任人", "白班"), ("值守责任人", "夜班"))):
            rows.append(
                {
                    "warden_id": f"FW{place * 2 + turn + 1:03}",
                    "point_id": device.replace("W", "P"),
                    "point_name": f"{places.names[village]}易涝点{place + 1:02}",
                    "village_code": str(places.codes[village]),
                    "lon": f"{fleet.lon[place]:.6f}",
                    "lat": f"{fleet.lat[place]:.6f}",
                    "device_id": device,
                    "warden_role": role,
                    "shift": shift,
                }
            )
    return _csv(POINT_HEADERS, rows), len(rows), []


def site_delivery(seed: int, fleets: tuple[Fleet, ...]) -> Content:
    """The 116 building sites that are monitored, one dust sensor each."""
    places = load_villages()
    fleet = next(fleet for fleet in fleets if fleet.kind.id == "dust")
    stage = (uniform(seed, "site/stage", fleet.numbers) * len(STAGES)).astype(int)
    begun = np.datetime64("2024-01-01") + (uniform(seed, "site/begun", fleet.numbers) * 700).astype(int)
    rows: list[Row] = [
        {
            "site_id": device.replace("T", "Y"),
            "site_name": f"{places.names[fleet.villages[place]]}{place + 1:03}号地块(示范)",
            "village_code": str(places.codes[fleet.villages[place]]),
            "lon": f"{fleet.lon[place]:.6f}",
            "lat": f"{fleet.lat[place]:.6f}",
            "device_id": device,
            "builder_unit": f"建筑施工{place % 17 + 1:02}公司(示范)",
            "stage": STAGES[stage[place]],
            "started_on": str(begun[place]),
        }
        for place, device in enumerate(fleet.ids.tolist())
    ]
    return _csv(SITE_HEADERS, rows), len(rows), []
