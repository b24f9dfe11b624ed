"""What is kept for emergencies: teams, stores with their stock, shelters. A city has them whatever its scale.

No team, store or shelter is real. After the storm the flood stores of one county are short of sandbags and
pumps.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from citybrain.simulate.csv_file import csv_bytes
from citybrain.simulate.delivery import Content
from citybrain.simulate.dirt import Defect, Row, changing, one_of, plant, setting
from citybrain.simulate.noise import uniform
from citybrain.simulate.places import load_villages
from citybrain.simulate.urban.column_files import geojson_of_rows
from citybrain.simulate.urban.ground import load_ground, points_within

TEAM_KINDS = (
    "综合救援",
    "消防救援",
    "抗洪抢险",
    "医疗救护",
    "危化品处置",
    "供电抢修",
    "燃气抢修",
    "社会救援",
)
TEAMS = {"341602": 18, "341621": 14, "341622": 12, "341623": 9}
STORES = {"341602": 8, "341621": 6, "341622": 6, "341623": 5}
SHELTERS = {"341602": 26, "341621": 17, "341622": 15, "341623": 11}
SHELTER_KINDS = ("室内", "室外", "综合")
SHELTER_SITES = ("中心学校", "文化广场", "体育馆", "人民公园", "社区服务中心")
SHORT_COUNTY = "341622"
SHORT_ITEMS = ("编织袋", "排水泵")
SEAT_SHARE = 0.4  # stands in the middle of the county; the rest is spread over its villages


@dataclass(frozen=True)
class Item:
    """Something kept in stock: its unit and how many a store should hold."""

    name: str
    unit: str
    needed: int


ITEMS = (
    Item("编织袋", "条", 20_000),
    Item("排水泵", "台", 12),
    Item("救生衣", "件", 200),
    Item("冲锋舟", "艘", 4),
    Item("帐篷", "顶", 150),
    Item("棉被", "床", 600),
    Item("发电机", "台", 8),
    Item("应急照明灯", "台", 40),
    Item("灭火器", "具", 120),
)


@dataclass(frozen=True)
class Site:
    """Where one of them stands; `number` counts from 1 within its county, `key` over the city."""

    key: int
    county: str
    number: int
    village_code: str
    place: str
    lon: float
    lat: float


def sites(seed: int, kind: str, counts: dict[str, int]) -> list[Site]:
    """`counts` by county; the first of each county stand in its busiest villages."""
    villages, ground = load_villages(), load_ground()
    keys: list[int] = []
    chosen: list[int] = []
    for county, count in counts.items():
        own = np.flatnonzero(villages.county_codes[villages.counties] == county)
        busy = own[np.argsort(-villages.weights[""][own], kind="stable")]
        seats = round(count * SEAT_SHARE)
        numbers = len(keys) + np.arange(count)
        luck = uniform(seed, f"{kind}/site", numbers)
        chosen += busy[np.floor(luck[:seats] * 40).astype(int)].tolist()
        chosen += _spread(own, luck[seats:]).tolist()
        keys += numbers.tolist()
    lons, lats = points_within(seed, kind, ground.cells[chosen], np.array(keys))
    counties = [county for county, count in counts.items() for _ in range(count)]
    numbers_in_county = [number for count in counts.values() for number in range(1, count + 1)]
    return [
        Site(
            key,
            county,
            number,
            str(villages.codes[place]),
            str(villages.township_names[place]),
            float(lon),
            float(lat),
        )
        for key, county, number, place, lon, lat in zip(
            keys, counties, numbers_in_county, chosen, lons, lats, strict=True
        )
    ]


def _spread(own: NDArray[np.int64], luck: NDArray[np.float64]) -> NDArray[np.int64]:
    """One village out of each of equal stretches of the county's list, which is in order of townships."""
    stretch = len(own) / len(luck)
    chosen: NDArray[np.int64] = own[np.floor((np.arange(len(luck)) + luck) * stretch).astype(int)]
    return chosen


TEAM_HEADERS = {
    "team_code": "队伍编号",
    "team_name": "队伍名称",
    "team_kind": "队伍类别",
    "county_code": "区县代码",
    "village_code": "驻地村社区代码",
    "members": "在队人数",
    "vehicles": "车辆数",
    "on_call": "是否24小时值守",
    "longitude": "经度",
    "latitude": "纬度",
}
TEAM_DEFECTS = [
    Defect("members_not_a_number", 0.010, "members", one_of("members", ["二十余人", "约30"])),
    Defect("team_kind_unknown", 0.010, "team_kind", setting("team_kind", "其它队")),
    Defect("position_outside", 0.008, "latitude", setting("latitude", "0")),
]


def team_delivery(seed: int) -> Content:
    """The register of emergency teams."""
    rows = [_team(seed, site) for site in sites(seed, "team", TEAMS)]
    truth = plant(
        seed, "emergency_team", rows, np.arange(len(rows)), lambda row: str(row["team_code"]), TEAM_DEFECTS
    )
    return csv_bytes(TEAM_HEADERS, rows), len(rows), truth


def _team(seed: int, site: Site) -> Row:
    kind = TEAM_KINDS[(site.number - 1) % len(TEAM_KINDS)]
    size, vehicles, always = uniform(seed, "team/size", site.key * 4 + np.arange(3)).tolist()
    return {
        "team_code": f"{site.county}T{site.number:03}",
        "team_name": f"{site.place}{kind}队(示范)",
        "team_kind": kind,
        "county_code": site.county,
        "village_code": site.village_code,
        "members": 12 + int(45 * size),
        "vehicles": 1 + int(7 * vehicles),
        "on_call": "是" if kind in ("综合救援", "消防救援", "医疗救护") or always < 0.5 else "否",
        "longitude": f"{site.lon:.6f}",
        "latitude": f"{site.lat:.6f}",
    }


STOCK_HEADERS = {
    "store_code": "仓库编号",
    "store_name": "仓库名称",
    "county_code": "区县代码",
    "village_code": "所在村社区代码",
    "longitude": "经度",
    "latitude": "纬度",
    "item": "物资名称",
    "unit": "计量单位",
    "quantity": "现有数量",
    "needed": "定额数量",
    "checked_on": "盘点日期",
}
STOCK_DEFECTS = [
    Defect("quantity_negative", 0.006, "quantity", changing("quantity", lambda count: -count - 1)),
    Defect("quantity_not_a_number", 0.006, "quantity", one_of("quantity", ["充足", "见台账"])),
    Defect("needed_missing", 0.004, "needed", setting("needed", "")),
    Defect("sent_twice", 0.004, "item", None),
]


def stock_delivery(seed: int, checked_on: str) -> Content:
    """What each store holds, a line for each store and item, counted on the day given (ISO)."""
    rows = [
        _stock(seed, site, place, checked_on)
        for site in sites(seed, "store", STORES)
        for place in range(len(ITEMS))
    ]
    keys = np.arange(len(rows))
    truth = plant(
        seed, "emergency_store", rows, keys, lambda row: f"{row['store_code']} {row['item']}", STOCK_DEFECTS
    )
    return csv_bytes(STOCK_HEADERS, rows), len(rows), truth


def _stock(seed: int, site: Site, place: int, checked_on: str) -> Row:
    item = ITEMS[place]
    key = np.array([(site.key * 64 + place) * 131_072 + int(np.datetime64(checked_on[:7], "M").astype(int))])
    filled = 0.78 + 0.4 * float(uniform(seed, "store/filled", key)[0])
    if site.county == SHORT_COUNTY and item.name in SHORT_ITEMS:
        filled *= 0.3
    return {
        "store_code": f"{site.county}S{site.number:03}",
        "store_name": f"{site.place}应急物资库(示范)",
        "county_code": site.county,
        "village_code": site.village_code,
        "longitude": f"{site.lon:.6f}",
        "latitude": f"{site.lat:.6f}",
        "item": item.name,
        "unit": item.unit,
        "quantity": round(item.needed * filled),
        "needed": item.needed,
        "checked_on": checked_on,
    }


SHELTER_DEFECTS = [
    Defect("capacity_zero", 0.010, "capacity", setting("capacity", 0)),
    Defect("geometry_missing", 0.010, "geometry", setting("geometry", None)),
    Defect("shelter_kind_unknown", 0.008, "shelter_kind", setting("shelter_kind", "未定")),
]


def shelter_delivery(seed: int) -> Content:
    """The shelters as GeoJSON points."""
    rows = [_shelter(seed, site) for site in sites(seed, "shelter", SHELTERS)]
    truth = plant(
        seed,
        "emergency_shelter",
        rows,
        np.arange(len(rows)),
        lambda row: str(row["shelter_code"]),
        SHELTER_DEFECTS,
    )
    return geojson_of_rows(rows), len(rows), truth


def _shelter(seed: int, site: Site) -> Row:
    size, kind, name = uniform(seed, "shelter/size", site.key * 4 + np.arange(3)).tolist()
    area = int(800 + 19_000 * size**2)
    return {
        "shelter_code": f"{site.county}B{site.number:03}",
        "shelter_name": f"{site.place}{SHELTER_SITES[int(name * len(SHELTER_SITES))]}避难场所(示范)",
        "shelter_kind": SHELTER_KINDS[int(kind * len(SHELTER_KINDS))],
        "county_code": site.county,
        "village_code": site.village_code,
        "area_m2": area,
        "capacity": int(area / 1.7),
        "geometry": {"type": "Point", "coordinates": [site.lon, site.lat]},
    }
