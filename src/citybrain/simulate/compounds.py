"""The demo city's residential compounds and the camera before each one's fire lane.

29 compounds, of which 28 are connected: one has no camera yet. Where they stand is the same for every seed,
since the detectors' zones are drawn for these cameras. No compound, company or camera is real.
"""

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cache

import numpy as np
import shapely
import shapely.geometry

from citybrain.catalogue import gcj02_to_wgs84
from citybrain.simulate.delivery import Delivery, dropped
from citybrain.simulate.dirt import Planted
from citybrain.simulate.ledger import Ledger
from citybrain.simulate.places import DATA, division_rows

PLACES_SEED = 341600
COMPOUNDS_OF_COUNTY = {"341602": 11, "341621": 6, "341622": 7, "341623": 5}
NOT_CONNECTED = "341623C005"
NAMES = (
    *(
        "合欢苑",
        "药都花园",
        "芍药居",
        "梅城新村",
        "涡水湾",
        "魏武佳园",
        "白鹭园",
        "桂香里",
        "清河坊",
        "望月台",
    ),
    *(
        "银杏里",
        "福满园",
        "紫荆雅苑",
        "老子故里小区",
        "天静花园",
        "高炉新村",
        "涡北家园",
        "石弓苑",
        "龙山小区",
    ),
    *(
        "庄子家园",
        "漆园新村",
        "逍遥苑",
        "尉迟花园",
        "蒙城人家",
        "北冢家园",
        "鲲鹏里",
        "文州花园",
        "阚疃新居",
        "西淝河畔",
    ),
)
COMPANIES = (
    "安居物业(示范)",
    "和顺物业(示范)",
    "邻里物业(示范)",
    "康泰物业(示范)",
    "众家物业(示范)",
    "谯韵物业(示范)",
)
COMPOUND_HEADERS = {
    "compound_id": "小区编号",
    "compound_name": "小区名称",
    "village_code": "社区代码",
    "community_name": "社区名称",
    "property_company_id": "物业企业编号",
    "property_company_name": "物业企业名称",
    "connected": "是否接入",
    "lon": "经度",
    "lat": "纬度",
}
CAMERA_HEADERS = {
    "camera_id": "摄像机编号",
    "camera_name": "摄像机名称",
    "compound_id": "小区编号",
    "scenario": "应用场景",
    "lon": "经度",
    "lat": "纬度",
    "snapshot_url": "抓图地址",
    "owner_department": "归口部门",
    "enabled": "是否启用",
}
SCENARIO = "fire_lane_occupancy"


@dataclass(frozen=True)
class Compound:
    """A residential compound; `number` is that of its yard, `lon` and `lat` are WGS84 degrees."""

    number: int
    compound_id: str
    name: str
    village_code: str
    community: str
    company: int
    lon: float
    lat: float

    @property
    def connected(self) -> bool:
        return self.compound_id != NOT_CONNECTED

    @property
    def camera_id(self) -> str:
        return self.compound_id.replace("C", "F")

    @property
    def camera_name(self) -> str:
        return f"{self.name}消防通道"


@cache
def load_compounds() -> tuple[Compound, ...]:
    """All 29, in the order of their codes."""
    random = np.random.default_rng([PLACES_SEED, 17])
    outlines = _outlines()
    compounds: list[Compound] = []
    for county, count in COMPOUNDS_OF_COUNTY.items():
        communities = _communities(county)
        chosen = random.choice(len(communities), size=count, replace=False)
        for within, place in enumerate(sorted(chosen), 1):
            code, community = communities[int(place)]
            lon, lat = _inside(random, outlines[county])
            number = len(compounds)
            company = int(random.integers(len(COMPANIES)))
            compound_id = f"{county}C{within:03}"
            compounds.append(Compound(number, compound_id, NAMES[number], code, community, company, lon, lat))
    return tuple(compounds)


def _communities(county: str) -> list[tuple[str, str]]:
    """Communities of the county's sub-districts; Lixin's seat is a town by its code."""
    seats = ("341623100",) if county == "341623" else ()
    return [
        (row["code"], row["name"])
        for row in division_rows("division_village")
        if row["areaCode"] == county
        and (row["streetCode"][6] == "0" or row["streetCode"] in seats)
        and "社区" in row["name"]
    ]


def _outlines() -> dict[str, shapely.Geometry]:
    """The counties' outlines in GCJ-02, as they are shipped."""
    collection = json.loads((DATA / "county_boundary.geojson").read_text(encoding="utf-8"))
    codes = {row["name"]: row["code"] for row in division_rows("division_county")}
    return {
        codes[feature["properties"]["name"]]: shapely.geometry.shape(feature["geometry"])
        for feature in collection["features"]
    }


def _inside(random: np.random.Generator, outline: shapely.Geometry) -> tuple[float, float]:
    """A WGS84 point within four kilometres of the county's middle and inside its outline."""
    middle = outline.representative_point()
    while True:
        lon, lat = middle.x + random.uniform(-0.04, 0.04), middle.y + random.uniform(-0.035, 0.035)
        if outline.covers(shapely.Point(lon, lat)):
            wgs = gcj02_to_wgs84(np.array([[lon, lat]]))[0]
            return round(float(wgs[0]), 6), round(float(wgs[1]), 6)


def compound_delivery() -> tuple[bytes, int, list[Planted]]:
    """The register of compounds, its rows, and no planted defect: the patrol leans on it."""
    rows = [
        {
            "compound_id": compound.compound_id,
            "compound_name": compound.name,
            "village_code": compound.village_code,
            "community_name": compound.community,
            "property_company_id": f"PM{compound.company + 1:02}",
            "property_company_name": COMPANIES[compound.company],
            "connected": "是" if compound.connected else "否",
            "lon": f"{compound.lon:.6f}",
            "lat": f"{compound.lat:.6f}",
        }
        for compound in load_compounds()
    ]
    return _csv(COMPOUND_HEADERS, rows), len(rows), []


def camera_delivery() -> tuple[bytes, int, list[Planted]]:
    """The register of cameras: one for each connected compound."""
    rows = [
        {
            "camera_id": compound.camera_id,
            "camera_name": compound.camera_name,
            "compound_id": compound.compound_id,
            "scenario": SCENARIO,
            "lon": f"{compound.lon:.6f}",
            "lat": f"{compound.lat:.6f}",
            "snapshot_url": f"folder:stills/{compound.camera_id}",
            "owner_department": "fire_rescue",
            "enabled": "是",
        }
        for compound in load_compounds()
        if compound.connected
    ]
    return _csv(CAMERA_HEADERS, rows), len(rows), []


def _csv(headers: dict[str, str], rows: list[dict[str, str]]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(headers), lineterminator="\r\n")
    writer.writerow(headers)
    writer.writerows(rows)
    return text.getvalue().encode("utf-8")


def compound_deliveries(_ledger: Ledger, local: datetime) -> Iterator[Delivery]:
    """The two registers, once a month."""
    for name, make in (("compound_register", compound_delivery), ("camera_register", camera_delivery)):
        yield dropped(name, f"{name}_{local:%Y%m}.csv", local, 2, make)
