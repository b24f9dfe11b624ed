"""Two deliveries of everything the rules read: first what is wrong beside what is nearly so, then its end.

Registers are those that the demo city sends; what happens is written by hand, in each dataset's own format.
Of every pair the first one is wrong and the second one nearly so.
"""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as pq

from citybrain.catalogue import Dataset, load_dataset
from citybrain.ingest.mqtt.message import MessageFormat
from citybrain.settings import Settings
from citybrain.simulate.hotline.calls import PhoneCall, calls_of_day
from citybrain.simulate.hotline.rates import load_rates
from citybrain.simulate.hotline.tickets import ticket_delivery
from citybrain.simulate.ledger import Ledger
from citybrain.simulate.plan import owed
from citybrain.simulate.satellite.landscape import TILES, Building, to_wgs84
from citybrain.simulate.satellite.scenes import scenes
from citybrain.simulate.sensors.fleet import load_fleets
from citybrain.simulate.urban.fleets import PERMITTED, Corridor, load_corridors

CITY_TIME = ZoneInfo("Asia/Shanghai")
REGISTERS = (
    *("division_county", "division_township", "division_village", "county_boundary", "device_register"),
    *("flood_point", "monitored_site", "fleet_vehicle", "fleet_corridor", "management_line"),
    *("gov_service_item", "street_address"),
)
Row = Mapping[str, Any]
Readings = dict[int, float]  # minute to value
METRICS = {
    "gas": "methane_lel_percent",
    "bridge": "strain_microstrain",
    "water_level": "depth_cm",
    "manhole": "tilt_degree",
    "dust": "pm10_ug_m3",
    "smart_meter": "water_litre",
}
QUARTERS = (-1440, -1080, -720, -360, 0)  # of a day, as meters report
CALM = dict.fromkeys((-120, -60, 0), 120.0)
# What each kind's wrong device and its near-miss say first, and what ends it.
SAID: dict[str, tuple[Readings, Readings, Readings]] = {
    "gas": ({-120: 1, -60: 12, 0: 12}, {-120: 1, -60: 12, 0: 1}, {60: 1, 120: 1, 180: 1}),
    "bridge": (CALM | {-60: 250, 0: 250}, CALM | {-60: 250}, {60: 120, 120: 120, 180: 120}),
    "water_level": (
        {-45: 9, -30: 16, -15: 19, 0: 21},
        {-45: 12, -30: 16, -15: 12, 0: 11},  # one wave of a lorry
        {15: 5, 30: 2, 45: 1, 60: 0},
    ),
    "manhole": ({-60: 1, 0: 35}, {-60: 1, 0: 29}, {60: 2}),
    "dust": ({-60: 200, 0: 210}, {-60: 140, 0: 140}, {60: 60, 120: 60}),
    "smart_meter": (
        {-1800: 10, **dict.fromkeys(QUARTERS, 0.0)},
        {-1800: 10, **dict.fromkeys(QUARTERS, 0.0), -360: 3},
        {360: 12},
    ),
}
OTHER_BRIDGES = 4  # a median of fewer than five says nothing
LAGGING, ON_TIME = "ZD99000001", "ZD99000002"
LATE_DESK, BUSY_DESK = ("market_regulation", "341602"), ("market_regulation", "341621")
FIRES = ((33.05123, 116.33123), (33.12123, 116.71123))


@dataclass(frozen=True)
class Day:
    """A day that begins now; minutes count from `zero`, a whole hour that leaves time for the end."""

    settings: Settings
    now: datetime
    ledger: Ledger = field(init=False)

    def __post_init__(self) -> None:
        ledger = Ledger(seed=341600, enterprises=600, started=self.now, reached=self.now)
        object.__setattr__(self, "ledger", ledger)

    @property
    def zero(self) -> datetime:
        return self.now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=7)

    @cached_property
    def registers(self) -> dict[str, bytes]:
        return {
            delivery.dataset: delivery.make()[0]
            for delivery in owed(self.ledger, self.now)
            if delivery.dataset in REGISTERS
        }

    @cached_property
    def devices(self) -> dict[str, list[str]]:
        """Ids in service, by kind."""
        found = {}
        for fleet in load_fleets(self.ledger.seed, self.ledger.enterprises):
            found[fleet.kind.id] = [str(one) for one in fleet.ids[fleet.status == "在用"]]
        known = {row["设备编码"] for row in self._rows_of("device_register", "gb18030")}
        return {kind: [one for one in ids if one in known] for kind, ids in found.items()}

    @cached_property
    def trucks(self) -> list[tuple[str, Corridor]]:
        """Two muck trucks, each with its corridor: one whose line and hours came as they are."""
        features = json.loads(self.registers["fleet_corridor"])["features"]
        hours = {
            one["properties"]["corridor_code"]: one["properties"]["permitted_until"]
            for one in features
            if one["geometry"]
        }
        lines = {one.code: one for one in load_corridors() if hours.get(one.code) == PERMITTED[1]}
        rows = self._rows_of("fleet_vehicle", "gb18030")
        return [
            (row["车辆编号"], lines[row["核准线路"]])
            for row in rows
            if row["车队类别"] == "渣土车" and row["核准线路"] in lines
        ][:2]

    @cached_property
    def calls(self) -> list[PhoneCall]:
        """What the city calls about on the day when a compound's water was cut."""
        before = load_rates().stories.water_cut.days_before
        return calls_of_day(self.ledger, (self.ledger.local_start - timedelta(days=before)).date())

    @property
    def ticket_groups(self) -> tuple[str, str]:
        """The ticket that most calls of the day are about, and one that nobody else called about."""
        groups: dict[int, int] = {}
        for call in self.calls:
            groups[call.same] = groups.get(call.same, 0) + 1
        most = max(groups, key=lambda same: groups[same])
        alone = next(same for same, count in groups.items() if count == 1)
        return f"HL{most:011}", f"HL{alone:011}"

    @property
    def buildings(self) -> tuple[Building, Building]:
        """Of the first tile: the one outside the river's line, and the one inside it, which has a permit."""
        inside, _, outside = TILES[0].buildings
        return outside, inside

    def place_of(self, building: Building) -> tuple[float, float]:
        """Longitude and latitude of its middle."""
        lon, lat = to_wgs84(TILES[0], TILES[0].corners(building).mean(axis=0, keepdims=True))[0].tolist()
        return lon, lat

    def first(self) -> Iterator[tuple[str, str, bytes]]:
        """Datasets, file names and bytes of what is wrong, and nearly so."""
        for name in REGISTERS:
            extension = self._dataset(name).format.kind.replace("excel", "xlsx")
            yield name, f"{name}.{extension}", self.registers[name]
        yield self._file("air_quality_hour", list(self._stations()))
        yield self._file("vehicle_track", list(self._drives_away()))
        yield self._file("satellite_hotspot", list(self._hot_spots()))
        yield self._file("building_permit", list(self._permits()))
        yield self._file("major_project", list(self._projects()))
        yield self._file("major_project_milestone", list(self._milestones()))
        yield self._file("major_project_progress", list(self._progress(100)))
        yield self._file("gov_service_record", list(self._records(None)))
        day = self.ledger.started - timedelta(days=load_rates().stories.water_cut.days_before + 1)
        moments = (day, day + timedelta(days=3), max(call.received_at for call in self.calls))
        yield "hotline_ticket", "tickets.jsonl", ticket_delivery(self.ledger, *moments)[0]
        for scene in scenes(self.now, self.now):
            if scene.tile is TILES[0]:
                yield from self._scene(f"{scene.scene_id}")

    def second(self) -> Iterator[tuple[str, str, bytes]]:
        """What ends it."""
        yield self._file("vehicle_track", list(self._comes_back()))
        yield self._file("major_project_progress", list(self._progress(9_000)))
        yield self._file("gov_service_record", list(self._records(self.now - timedelta(minutes=5))))

    def messages(self, over: bool) -> bytes:
        """What devices publish, as the bridge writes it."""
        dataset = self._dataset("sensor_reading_live")
        form, lines = MessageFormat(dataset, dataset.connector), []  # type: ignore[arg-type]
        for kind, (wrong, near, end) in SAID.items():
            ids = self.devices[kind]
            said = {ids[0]: end, ids[1]: end} if over else {ids[0]: wrong, ids[1]: near}
            if kind == "bridge":
                said |= dict.fromkeys(ids[2 : 2 + OTHER_BRIDGES], end if over else CALM)
            for device, readings in said.items():
                fields = {"device_kind": kind, "device_id": device}
                for number, (minute, value) in enumerate(readings.items()):
                    at = int((self.zero + timedelta(minutes=minute)).timestamp() * 1000)
                    payload = json.dumps({"t": at, "m": METRICS[kind], "v": value, "q": "good", "s": number})
                    lines.append(form.line(f"city/{kind}/{device}", fields, payload.encode()))
        return b"\n".join(lines) + b"\n"

    def _stations(self) -> Iterator[Row]:
        for hour in range(-4, 4):
            at = (self.zero + timedelta(hours=hour)).astimezone(CITY_TIME)
            for number, lon in enumerate((115.78, 115.85)):
                values = dict.fromkeys(("aqi", "pm25", "so2", "no2", "co", "o3", "o3_8h"), 40)
                yield values | {
                    "station_code": f"{3000 + number}A",
                    "station_name": f"{number}号站",
                    "city_name": "亳州市",
                    "observed_at": f"{at:%Y-%m-%d %H:%M:%S}",
                    "pm10": 100,
                    "geometry": {"type": "Point", "coordinates": [lon, 33.85]},
                }

    def _night(self, minute: float) -> datetime:
        """A minute after two o'clock of the last night, in city time."""
        local = self.zero.astimezone(CITY_TIME)
        return local.replace(hour=2, minute=0) - timedelta(days=1) + timedelta(minutes=minute)

    def _drives_away(self) -> Iterator[Row]:
        """One truck leaves its corridor by night and stands there; the other keeps to it by day."""
        (cheat, its_line), (honest, line) = self.trucks
        for minute in range(30):
            away = min(minute, 12) * 0.0015  # degrees of latitude: 167 m a minute
            speed = 10.0 if minute < 12 else 0.0
            yield self._point(cheat, self._night(minute), its_line, speed, away)
            yield self._point(honest, self._night(8 * 60 + minute), line, 40.0, engine_on=minute < 29)

    def _comes_back(self) -> Iterator[Row]:
        (cheat, line), _ = self.trucks
        for minute in range(10):
            yield self._point(cheat, self._night(9 * 60 + minute), line, 30.0, engine_on=minute < 9)

    def _point(
        self,
        vehicle: str,
        at: datetime,
        line: Corridor,
        speed: float,
        north: float = 0.0,
        engine_on: bool = True,
    ) -> Row:
        """A point `north` degrees of where the line begins."""
        return {
            "vehicle_code": vehicle,
            "observed_at": at,
            "longitude": float(line.lons[0]),
            "latitude": round(float(line.lats[0]) + north, 6),
            "speed_kmh": speed,
            "engine_on": engine_on,
        }

    def _hot_spots(self) -> Iterator[Row]:
        day = self.now.astimezone(UTC).date() - timedelta(days=1)
        for (lat, lon), confidence in zip(FIRES, ("nominal", "low"), strict=True):
            yield {
                **{"latitude": lat, "longitude": lon, "bright_ti4": 331.2, "scan": 0.4, "track": 0.4},
                **{"acq_date": day.isoformat(), "acq_time": "0548", "satellite": "N20"},
                **{"instrument": "VIIRS", "confidence": confidence, "version": "2.0NRT"},
                **{"bright_ti5": 301.0, "frp": 4.2, "daynight": "D"},
            }

    def _permits(self) -> Iterator[Row]:
        _, permitted = self.buildings
        lon, lat = self.place_of(permitted)
        around = [(-1, -1), (1, -1), (1, 1), (-1, 1), (-1, -1)]
        ring = [[lon + 0.0012 * east, lat + 0.001 * north] for east, north in around]
        today = self.now.date()
        for number, project in enumerate((None, LAGGING, ON_TIME), 1):
            yield {
                "permit_no": f"建字第341602{today.year}{number:06d}号",
                "permit_kind": "建设工程规划许可证",
                "project_code": project,
                "project_name": "示范工程",
                "county_code": "341602",
                "land_area_m2": 20_000,
                "valid_from": f"{today - timedelta(days=600)}",
                "valid_until": f"{today + timedelta(days=600)}",
                "geometry": {
                    "type": "Polygon",
                    "coordinates": [[[x + (0 if project is None else 0.05), y] for x, y in ring]],
                },
            }

    def _projects(self) -> Iterator[Row]:
        today = self.now.date()
        for code in (LAGGING, ON_TIME):
            yield {
                **{"project_code": code, "project_name": f"示范项目{code[-1]}", "county_code": "341602"},
                **{"sector": "产业", "owner_unit": "示范单位", "total_wan": 10_000},
                "planned_start_on": f"{today - timedelta(days=365)}",
                "planned_finish_on": f"{today + timedelta(days=365)}",
            }

    def _milestones(self) -> Iterator[Row]:
        for code in (LAGGING, ON_TIME):
            planned = self.now.date() + timedelta(days=90)
            yield {"project_code": code, "milestone": "竣工验收", "planned_on": f"{planned}", "actual_on": ""}

    def _progress(self, last: float) -> Iterator[Row]:
        """Twelve months of money; the lagging project's last month is `last`."""
        month = self.now.astimezone(CITY_TIME).date().replace(day=1)
        for back in range(1, 13):
            month = (month - timedelta(days=1)).replace(day=1)
            for code, wan in ((LAGGING, last if back == 1 else 30), (ON_TIME, 400)):
                yield {"project_code": code, "month": f"{month}", "invested_wan": wan, "note": "按计划"}

    def _records(self, finished: datetime | None) -> Iterator[Row]:
        """Five overdue records of one desk, four of another; they are finished, or not yet."""
        (item, *_) = (
            row
            for row in self._rows_of("gov_service_item", "gb18030")
            if row["主管部门"] == LATE_DESK[0] and row["事项编码"].startswith("3416-")
        )
        local = self.now.astimezone(CITY_TIME).replace(tzinfo=None, second=0, microsecond=0)
        done = (
            None if finished is None else finished.astimezone(CITY_TIME).replace(tzinfo=None, microsecond=0)
        )
        numbers = iter(range(1, 100))
        for (department, county), count in ((LATE_DESK, 5), (BUSY_DESK, 4)):
            for _ in range(count):
                yield {
                    **{"record_no": f"BJ{next(numbers):012d}", "item_code": item["事项编码"]},
                    **{"department": department, "county_code": county, "channel": "窗口"},
                    "accepted_at": local - timedelta(days=40),
                    "promised_due_at": local - timedelta(days=20),
                    "finished_at": done,
                    **{"satisfaction": None, "applicant_phone": "138****0000"},
                }
        yield {  # what tells the moment that the records speak of
            **{"record_no": f"BJ{next(numbers):012d}", "item_code": item["事项编码"]},
            **{"department": LATE_DESK[0], "county_code": "341622", "channel": "窗口"},
            "accepted_at": local - timedelta(minutes=30 if finished is None else 4),
            "promised_due_at": local + timedelta(days=30),
            "finished_at": None,
            **{"satisfaction": None, "applicant_phone": "138****0000"},
        }

    def _scene(self, scene_id: str) -> Iterator[tuple[str, str, bytes]]:
        """A scene as it was stated last."""
        names = {delivery.name: delivery for delivery in self._scene_deliveries}
        name = f"{scene_id}_r2.tif" if f"{scene_id}_r2.tif" in names else f"{scene_id}.tif"
        yield "satellite_scene", f"{scene_id}.tif", names[name].make()[0]

    @cached_property
    def _scene_deliveries(self) -> list[Any]:
        return [one for one in owed(self.ledger, self.now) if one.dataset == "satellite_scene"]

    def _rows_of(self, dataset: str, encoding: str) -> list[dict[str, str]]:
        return list(csv.DictReader(io.StringIO(self.registers[dataset].decode(encoding))))

    def _dataset(self, name: str) -> Dataset:
        return load_dataset(self.settings.sources_dir / f"{name}.yml")

    def _file(self, name: str, rows: list[Row]) -> tuple[str, str, bytes]:
        dataset = self._dataset(name)
        return name, f"{name}.{dataset.format.kind}", file_of(dataset, rows)


def file_of(dataset: Dataset, rows: Iterable[Row]) -> bytes:
    """Rows, by the names of the columns, in the format and under the headers of a dataset."""
    headers = {column.name: column.accepted_headers[0] for column in dataset.columns}
    named = [{headers[name]: row.get(name) for name in headers} for row in rows]
    match dataset.format.kind:
        case "csv":
            text = io.StringIO(newline="")
            writer = csv.DictWriter(text, list(headers.values()), lineterminator="\r\n")
            writer.writeheader()
            writer.writerows(named)
            return text.getvalue().encode(getattr(dataset.format, "encoding", None) or "utf-8")
        case "jsonl":
            return b"".join(json.dumps(row, ensure_ascii=False).encode() + b"\n" for row in named)
        case "geojson":
            geometry = headers[str(dataset.geometry_column)]
            features = [
                {
                    "type": "Feature",
                    "geometry": row[geometry],
                    "properties": {name: value for name, value in row.items() if name != geometry},
                }
                for row in named
            ]
            return json.dumps({"type": "FeatureCollection", "features": features}).encode()
        case "parquet":
            content = io.BytesIO()
            pq.write_table(pa.Table.from_pylist(named), content)
            return content.getvalue()
        case other:
            raise ValueError(f"no rows become a file of {other}")
