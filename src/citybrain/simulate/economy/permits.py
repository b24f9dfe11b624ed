"""The planning bureau's building permits as GeoJSON polygons in WGS84: major projects and other buildings."""

import json
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from functools import cache, partial

import numpy as np
import orjson
import shapely
import shapely.geometry
from numpy.typing import NDArray

from citybrain.catalogue import gcj02_to_wgs84, load_areas
from citybrain.simulate.delivery import SHANGHAI, Content, Delivery, dropped
from citybrain.simulate.dirt import Defect, Row, changing, plant, setting
from citybrain.simulate.economy.major import AT_SCALE_1 as MAJORS_AT_SCALE_1
from citybrain.simulate.economy.major import LEAST as LEAST_MAJORS
from citybrain.simulate.economy.major import UNPERMITTED, majors
from citybrain.simulate.ledger import Ledger
from citybrain.simulate.noise import uniform
from citybrain.simulate.places import DATA, division_rows

AT_SCALE_1, LEAST = 2400, 120  # ordinary buildings permitted in the three years before the city begins
BEFORE_DAYS = 3 * 365
KINDS = ("建设工程规划许可证", "乡村建设规划许可证")
USES = ("住宅", "厂房", "商业", "仓储", "公共服务")
TRIES = 24  # points drawn until one lies within the county
DEFECTS = [
    Defect("permit_number_malformed", 0.008, "permit_no", setting("permit_no", "见附件")),
    Defect("county_unknown", 0.006, "county_code", setting("county_code", "341699")),
    Defect(
        "ends_before_it_begins",
        0.008,
        "valid_until",
        changing("valid_until", lambda day: f"{int(day[:4]) - 20}{day[4:]}"),
    ),
    Defect("point_for_polygon", 0.006, "geometry", changing("geometry", lambda shape: _corner(shape))),
    Defect("sent_twice", 0.006, "permit_no", None),
]


def _corner(shape: Row) -> Row:
    return {"type": "Point", "coordinates": shape["coordinates"][0][0]}


@cache
def _counties() -> dict[str, shapely.Geometry]:
    """The counties' outlines in GCJ-02 as they are shipped, drawn in by a kilometre."""
    collection = json.loads((DATA / "county_boundary.geojson").read_text(encoding="utf-8"))
    codes = {row["name"]: row["code"] for row in division_rows("division_county")}
    return {
        codes[feature["properties"]["name"]]: shapely.geometry.shape(feature["geometry"]).buffer(-0.01)
        for feature in collection["features"]
    }


def _plot(seed: int, key: int, county: str, hectares: float) -> Row:
    """A turned rectangle inside the county, in WGS84, closed and counter-clockwise (RFC 7946)."""
    outline = _counties()[county]
    west, south, east, north = outline.bounds
    tries = key * TRIES + np.arange(TRIES)
    lon = west + (east - west) * uniform(seed, "permit/lon", tries)
    lat = south + (north - south) * uniform(seed, "permit/lat", tries)
    inside = np.flatnonzero(shapely.contains_xy(outline, lon, lat))
    middle = outline.representative_point()
    x, y = (lon[inside[0]], lat[inside[0]]) if len(inside) else (middle.x, middle.y)
    draw = uniform(seed, "permit/shape", key * 2 + np.arange(2))
    width = np.sqrt(hectares * 10_000 * (0.6 + draw[0]))
    depth = hectares * 10_000 / width
    angle = np.pi * draw[1]
    corners = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1), (-1, -1)]) / 2 * (width, depth)
    turn = np.array([(np.cos(angle), np.sin(angle)), (-np.sin(angle), np.cos(angle))])
    metres = corners @ turn
    degrees = np.array([x, y]) + metres / (111_320 * np.cos(np.radians(y)), 110_900)
    ring: NDArray[np.float64] = np.round(gcj02_to_wgs84(degrees), 6)
    return {"type": "Polygon", "coordinates": [ring.tolist()]}


def _row(seed: int, key: int, county: str, hectares: float, begins: date, days: int) -> Row:
    draw = uniform(seed, "permit/kind", key * 2 + np.arange(2))
    return {
        "permit_no": f"建字第{county}{begins.year}{key:06d}号",
        "permit_kind": KINDS[int(draw[0] < 0.3)],
        "project_code": None,
        "project_name": f"{USES[int(draw[1] * len(USES))]}建设（示范{key:05d}）",
        "county_code": county,
        "land_area_m2": round(hectares * 10_000),
        "valid_from": begins.isoformat(),
        "valid_until": (begins + timedelta(days=days)).isoformat(),
        "geometry": _plot(seed, key, county, hectares),
    }


def permit_rows(
    seed: int, count: int, major_count: int, first: date, day: date
) -> tuple[list[Row], list[int], list[Row]]:
    """Permits given up to `day`: of ordinary buildings with a number for each, and of major projects."""
    known = np.arange(int(count * (1 + (day - first).days / BEFORE_DAYS)) + 2)
    begins = ((known + uniform(seed, "permit/day", known)) * BEFORE_DAYS / count).astype(int)
    where = uniform(seed, "permit/county", known)
    size = uniform(seed, "permit/size", known)
    counties = load_areas().counties
    ordinary: list[Row] = []
    keys: list[int] = []
    for number in known.tolist():
        given = first - timedelta(days=BEFORE_DAYS - int(begins[number]))
        if given <= day:
            county = counties[int(where[number] * len(counties))].code
            ordinary.append(_row(seed, number + 1, county, 0.05 + 3 * float(size[number]) ** 3, given, 730))
            keys.append(number)
    large: list[Row] = []
    for major in majors(seed, major_count, first):
        given = major.start - timedelta(days=45)
        if major.number == UNPERMITTED or given > day:
            continue
        key = 900_000 + major.number
        days = (major.finish - given).days + 365
        row = _row(seed, key, major.county, 2 + major.total_wan / 12_000, given, days)
        large.append(row | {"permit_kind": KINDS[0], "project_code": major.code, "project_name": major.name})
    return ordinary, keys, large


def permit_delivery(seed: int, count: int, major_count: int, first: date, day: date) -> Content:
    """The permits of `day`, their rows and the truth about them.

    Those of major projects are not spoilt: a project whose permit is held would look like one without.
    """
    rows, keys, large = permit_rows(seed, count, major_count, first, day)
    truth = plant(
        seed, "building_permit", rows, np.array(keys), lambda row: f"{row['project_name']}", DEFECTS
    )
    rows += large
    features = [orjson.dumps(_feature(row)) for row in rows]
    content = b'{"type":"FeatureCollection","features":[\n' + b",\n".join(features) + b"\n]}\n"
    return content, len(rows), truth


def _feature(row: Row) -> Row:
    properties = {name: value for name, value in row.items() if name != "geometry"}
    return {"type": "Feature", "geometry": row["geometry"], "properties": properties}


def permit_deliveries(ledger: Ledger, local: datetime) -> Iterator[Delivery]:
    """The permits once a month."""
    first = ledger.started.astimezone(SHANGHAI).date()
    count, major_count = ledger.scaled(AT_SCALE_1, LEAST), ledger.scaled(MAJORS_AT_SCALE_1, LEAST_MAJORS)
    make = partial(permit_delivery, ledger.seed, count, major_count, first, local.date())
    yield dropped("building_permit", f"building_permit_{local:%Y%m}.geojson", local, 1, make)
