"""Six fleets under supervision, the corridors they are given and the dumps they may use.

No vehicle or company is real: plates hold the letter O, which is never issued.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
import shapely
from numpy.typing import NDArray

from citybrain.simulate.delivery import Content
from citybrain.simulate.dirt import Defect, Row, changing, one_of, plant, plant_columns, setting
from citybrain.simulate.ledger import Ledger
from citybrain.simulate.noise import Floats, uniform
from citybrain.simulate.places import load_villages
from citybrain.simulate.urban.column_files import Columns, csv_of_columns, geojson_of_rows
from citybrain.simulate.urban.ground import METRES_A_DEGREE, load_ground, outlines

CORRIDORS_OF_COUNTY = 6
CORRIDOR_KM = (4.0, 11.0)


@dataclass(frozen=True)
class Window:
    """A stretch of the day in which a fleet works, as minutes of Beijing time; the end is not within it."""

    begin: int
    end: int
    workdays_only: bool = False


@dataclass(frozen=True)
class Fleet:
    """count: at scale 1; cadence: minutes between two points while at work; cruise in km/h."""

    name: str
    count: int
    cadence: int
    cruise: float
    limit: int
    windows: tuple[Window, ...]
    follows_corridor: bool


MUCK = "muck_truck"
FLEETS = {
    MUCK: Fleet("渣土车", 200, 1, 42, 60, (Window(540, 720), Window(1200, 1380)), True),
    "mixer": Fleet("混凝土搅拌车", 120, 5, 38, 60, (Window(540, 720), Window(810, 1080)), True),
    "dangerous_goods": Fleet("危险品运输车", 250, 5, 45, 70, (Window(540, 1020),), True),
    "school_bus": Fleet("校车", 500, 5, 28, 40, (Window(380, 480, True), Window(960, 1080, True)), False),
    "bus": Fleet("公交车", 700, 15, 22, 50, (Window(360, 1200),), False),
    "sanitation": Fleet("环卫车", 400, 15, 14, 40, (Window(270, 540), Window(780, 1020)), False),
}
LEAST_OF_FLEET = 4
COMPANIES = ("甲", "乙", "丙", "丁")
CHEATING_COMPANY = 0


@dataclass(frozen=True)
class Corridor:
    """A line of `lons` and `lats` (WGS84), `along` in km from its first point; a dump lies at its end."""

    code: str
    county: str
    lons: Floats
    lats: Floats
    along: Floats

    @property
    def km(self) -> float:
        return float(self.along[-1])


@cache
def load_corridors() -> tuple[Corridor, ...]:
    """Six in each county, from its middle outwards; the same for every seed."""
    random = np.random.default_rng([341600, 71])
    villages, ground = load_villages(), load_ground()
    corridors = []
    for county, outline in outlines().items():
        own = villages.counties == villages.county_codes.tolist().index(county)
        busiest = np.flatnonzero(own)[np.argmax(villages.weights[""][own])]
        start = (float(ground.longitudes[busiest]), float(ground.latitudes[busiest]))
        for number in range(CORRIDORS_OF_COUNTY):
            line = _line(
                random, outline, start, 2 * np.pi * (number + random.uniform(0, 0.6)) / CORRIDORS_OF_COUNTY
            )
            corridors.append(Corridor(f"{county}L{number + 1:02}", county, *line))
    return tuple(corridors)


def _line(
    random: np.random.Generator, outline: shapely.Geometry, start: tuple[float, float], bearing: float
) -> tuple[Floats, Floats, Floats]:
    """A bent line of some kilometres that ends before it leaves the county."""
    steps = 24
    length = random.uniform(*CORRIDOR_KM)
    bearings = bearing + np.cumsum(random.normal(0, 0.12, steps))
    narrow = METRES_A_DEGREE / 1000
    lats = start[1] + np.concatenate([[0.0], np.cumsum(np.sin(bearings) * length / steps / narrow)])
    lons = start[0] + np.concatenate(
        [[0.0], np.cumsum(np.cos(bearings) * length / steps / narrow / np.cos(np.radians(start[1])))]
    )
    inside = shapely.contains_xy(outline, lons, lats)
    kept = max(3, int(np.argmin(inside)) if not inside.all() else len(inside))
    lons, lats = np.round(lons[:kept], 6), np.round(lats[:kept], 6)
    return lons, lats, np.concatenate([[0.0], np.cumsum(kilometres(lons, lats))])


def kilometres(lons: Floats, lats: Floats) -> Floats:
    """Between each point and the next, on a plane: good to a part in a thousand within a county."""
    north = np.diff(lats) * METRES_A_DEGREE / 1000
    east = np.diff(lons) * METRES_A_DEGREE / 1000 * np.cos(np.radians(lats[:-1]))
    distance: Floats = np.hypot(north, east)
    return distance


CORRIDOR_DEFECTS = [
    Defect("geometry_missing", 0.01, "geometry", setting("geometry", None)),
    Defect("hour_impossible", 0.01, "permitted_until", setting("permitted_until", "27:00")),
]
PERMITTED = ("09:00", "23:00")
NAMES = {"corridor": "核准线路", "dump": "核准消纳场"}


def corridor_delivery(seed: int) -> Content:
    """Approved corridors as lines and approved dumps as points, with the hours in which they may be used."""
    rows: list[Row] = []
    for corridor in load_corridors():
        line = [[float(lon), float(lat)] for lon, lat in zip(corridor.lons, corridor.lats, strict=True)]
        for kind, code, geometry in (
            ("corridor", corridor.code, {"type": "LineString", "coordinates": line}),
            ("dump", corridor.code.replace("L", "D"), {"type": "Point", "coordinates": line[-1]}),
        ):
            rows.append(
                {
                    "corridor_code": code,
                    "corridor_kind": kind,
                    "corridor_name": f"{corridor.code[-2:]}号{NAMES[kind]}",
                    "county_code": corridor.county,
                    "permitted_from": PERMITTED[0],
                    "permitted_until": PERMITTED[1],
                    "length_km": round(corridor.km, 2) if kind == "corridor" else None,
                    "geometry": geometry,
                }
            )
    truth = plant(
        seed,
        "fleet_corridor",
        rows,
        np.arange(len(rows)),
        lambda row: str(row["corridor_code"]),
        CORRIDOR_DEFECTS,
    )
    return geojson_of_rows(rows), len(rows), truth


@dataclass(frozen=True)
class Vehicles:
    """One entry for each vehicle: its fleet, its corridor (an index) and its company of the fleet."""

    codes: NDArray[np.object_]
    fleets: NDArray[np.object_]
    corridors: NDArray[np.int64]
    companies: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.codes)

    def cheats(self) -> NDArray[np.bool_]:
        """The trucks of the muck company that keeps no rule."""
        return np.asarray((self.fleets == MUCK) & (self.companies == CHEATING_COMPANY))


def vehicles_of(ledger: Ledger) -> Vehicles:
    codes, fleets = [], []
    for fleet, facts in FLEETS.items():
        for number in range(1, ledger.scaled(facts.count, LEAST_OF_FLEET) + 1):
            codes.append(f"{fleet.upper()}{number:05}")
            fleets.append(fleet)
    keys = np.arange(len(codes))
    numbers = np.array([int(code[-5:]) - 1 for code in codes])
    corridors = np.floor(uniform(ledger.seed, "vehicle/corridor", keys) * len(load_corridors())).astype(
        np.int64
    )
    return Vehicles(
        np.array(codes, dtype=object), np.array(fleets, dtype=object), corridors, numbers % len(COMPANIES)
    )


VEHICLE_HEADERS = {
    "vehicle_code": "车辆编号",
    "plate": "车牌号",
    "fleet": "车队类别",
    "company": "所属企业",
    "county_code": "区县代码",
    "corridor_code": "核准线路",
    "speed_limit": "限速(公里/小时)",
    "licensed_until": "营运证有效期至",
}
VEHICLE_DEFECTS = [
    Defect("plate_malformed", 0.003, "plate", one_of("plate", ["皖S", "无牌", "S12345"])),
    Defect("fleet_unknown", 0.002, "fleet", setting("fleet", "其他车辆")),
    Defect("limit_not_a_number", 0.002, "speed_limit", one_of("speed_limit", ["六十", "不限"])),
    Defect(
        "licence_not_a_day", 0.002, "licensed_until", changing("licensed_until", lambda day: f"{day[:4]}年")
    ),
    Defect("sent_twice", 0.002, "vehicle_code", None),
]


def vehicle_delivery(ledger: Ledger) -> Content:
    """The register of vehicles under supervision: GB18030, Chinese headers."""
    vehicles = vehicles_of(ledger)
    columns, truth = plant_columns(
        ledger.seed,
        "fleet_vehicle",
        _columns(ledger, vehicles),
        np.arange(len(vehicles)),
        lambda row: str(row["vehicle_code"]),
        VEHICLE_DEFECTS,
    )
    return csv_of_columns(VEHICLE_HEADERS, columns, "gb18030"), len(columns["vehicle_code"]), truth


def _columns(ledger: Ledger, vehicles: Vehicles) -> Columns:
    corridors, keys = load_corridors(), np.arange(len(vehicles))
    days = np.floor(900 * uniform(ledger.seed, "vehicle/licence", keys)).astype("timedelta64[D]")
    until = np.datetime64(ledger.local_start.date()) - np.timedelta64(20, "D") + days
    kinds = [FLEETS[fleet] for fleet in vehicles.fleets]
    lines = [
        corridors[place].code if fleet.follows_corridor else ""
        for place, fleet in zip(vehicles.corridors, kinds, strict=True)
    ]
    companies = [
        f"{fleet.name}{COMPANIES[place]}公司(示范)"
        for fleet, place in zip(kinds, vehicles.companies, strict=True)
    ]
    columns = {
        "plate": [f"皖SO{key:04}" for key in keys.tolist()],
        "fleet": [fleet.name for fleet in kinds],
        "company": companies,
        "county_code": [corridors[place].county for place in vehicles.corridors],
        "corridor_code": lines,
        "speed_limit": [fleet.limit for fleet in kinds],
        "licensed_until": until.astype(str).tolist(),
    }
    found: Columns = {name: np.array(values, dtype=object) for name, values in columns.items()}
    return {"vehicle_code": vehicles.codes, **found}
