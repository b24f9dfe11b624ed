"""The disabled real sources against small answers of their documented shape: landed, gated, typed rows."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

import pytest
from http_source import Answer, HttpServer, as_json

from citybrain.catalogue import Dataset, load_dataset
from citybrain.catalogue.connector import HttpPull
from citybrain.ingest import gate_landed_batches, land_dataset
from citybrain.ingest.connectors.http_address import destination
from citybrain.settings import SOURCE_TREE, Settings, get_settings
from trial_city import City

pytestmark = pytest.mark.integration

ENDPOINTS = {
    "weather_forecast_open_meteo": "api.open-meteo.com:443",
    "air_quality_open_meteo": "air-quality-api.open-meteo.com:443",
    "sentinel2_item": "earth-search.aws.element84.com:443",
    "usgs_gauge_reading": "waterservices.usgs.gov:443",
}
DAY = date(2026, 3, 18)
HOURS = ["2026-03-17T23:00", "2026-03-18T00:00", "2026-03-18T01:00"]


def forecast(_path: str, _query: dict[str, str]) -> Answer:
    """Open-Meteo: hours and each variable side by side; a variable that lacks is null in its place."""
    hourly = {
        "time": HOURS,
        "temperature_2m": [7.4, 7.0, 99.0],
        "relative_humidity_2m": [61, 63, 66],
        "precipitation": [0.0, 0.3, None],
        "surface_pressure": [1018.2, 1018.0, 1017.5],
        "wind_speed_10m": [2.41, 2.2, 1.98],
        "wind_direction_10m": [84, 95, 360],
    }
    return as_json(
        {
            "latitude": 33.875,
            "longitude": 115.75,
            "generationtime_ms": 0.0611,
            "utc_offset_seconds": 28800,
            "timezone": "Asia/Shanghai",
            "timezone_abbreviation": "GMT+8",
            "elevation": 38.0,
            "hourly_units": {"time": "iso8601", **{name: "" for name in hourly if name != "time"}},
            "hourly": hourly,
        }
    )


def air(_path: str, _query: dict[str, str]) -> Answer:
    hourly = {
        "time": HOURS,
        "pm10": [58.1, 60.0, 61.2],
        "pm2_5": [33.9, 34.5, None],
        "carbon_monoxide": [412.0, 430.0, 455.0],
        "nitrogen_dioxide": [21.5, 20.1, 19.7],
        "sulphur_dioxide": [6.2, 6.0, 6.1],
        "ozone": [80.0, 78.0, -5.0],
    }
    head = {"latitude": 33.8, "longitude": 115.8, "generationtime_ms": 0.2, "utc_offset_seconds": 28800}
    return as_json(
        {**head, "timezone": "Asia/Shanghai", "elevation": 38.0, "hourly_units": {}, "hourly": hourly}
    )


def scene(number: int, cloud: float) -> dict[str, Any]:
    """A STAC item as the catalogue gives it, cut to a few of its properties and assets."""
    name = f"S2B_50SLC_202603{number:02d}_0_L2A"
    asset = "https://sentinel-cogs.s3.us-west-2.amazonaws.com/sentinel-s2-l2a-cogs/50/S/LC"
    return {
        "type": "Feature",
        "stac_version": "1.0.0",
        "id": name,
        "collection": "sentinel-2-l2a",
        "bbox": [115.7, 33.2, 116.9, 34.3],
        "geometry": {
            "type": "Polygon",
            "coordinates": [[[115.7, 33.2], [116.9, 33.2], [116.9, 34.3], [115.7, 33.2]]],
        },
        "properties": {
            "datetime": f"2026-03-{number:02d}T03:02:11.024000Z",
            "created": "2026-03-19T00:00:00.000Z",
            "updated": "2026-03-19T01:02:03.456Z",
            "platform": "sentinel-2b",
            "grid:code": "MGRS-50SLC",
            "eo:cloud_cover": cloud,
        },
        "assets": {
            band: {
                "href": f"{asset}/{name}/{file}.tif",
                "type": "image/tiff; application=geotiff",
                "roles": ["data"],
            }
            for band, file in (("red", "B04"), ("nir", "B08"), ("scl", "SCL"))
        },
        "links": [{"rel": "self", "href": f"https://earth-search.aws.element84.com/v1/{name}"}],
    }


def scenes(server: HttpServer, query: dict[str, str]) -> Answer:
    """Two pages: stac-server hands the search on with a token in a GET link."""
    links: list[dict[str, str]] = [{"rel": "root", "href": f"http://{server.host}/v1"}]
    if "next" not in query:
        href = f"http://{server.host}/v1/search?collections=sentinel-2-l2a&limit=100&next=2026-03-10T03%3A02"
        links.append({"rel": "next", "title": "Next page of Items", "method": "GET", "href": href})
    features = [scene(15, 12.34), scene(12, 88.0)] if "next" not in query else [scene(10, 0)]
    context = {"limit": 100, "matched": 3, "returned": len(features)}
    return as_json(
        {
            "type": "FeatureCollection",
            "features": features,
            "links": links,
            "context": context,
            "numberMatched": 3,
        }
    )


def series(code: str, unit: str, values: list[tuple[str, str, list[str]]]) -> dict[str, Any]:
    site = {"value": "01589330", "network": "NWIS", "agencyCode": "USGS"}
    return {
        "sourceInfo": {
            "siteName": "DEAD RUN AT FRANKLINTOWN, MD",
            "siteCode": [site],
            "geoLocation": {"geogLocation": {"srs": "EPSG:4326", "latitude": 39.3110, "longitude": -76.7166}},
            "siteProperty": [],
        },
        "variable": {
            "variableCode": [
                {"value": code, "network": "NWIS", "vocabulary": "NWIS:UnitValues", "default": True}
            ],
            "variableName": "Gage height, ft" if code == "00065" else "Streamflow",
            "unit": {"unitCode": unit},
            "noDataValue": -999999.0,
        },
        "values": [
            {
                "value": [
                    {"value": value, "qualifiers": marks, "dateTime": moment}
                    for moment, value, marks in values
                ],
                "qualifier": [{"qualifierCode": "P", "qualifierDescription": "Provisional data"}],
                "method": [{"methodDescription": "", "methodID": 69744}],
            }
        ],
        "name": f"USGS:01589330:{code}:00000",
    }


def gauge(_path: str, _query: dict[str, str]) -> Answer:
    moments = ["2026-03-17T20:00:00.000-04:00", "2026-03-17T20:05:00.000-04:00"]
    stage = [(moments[0], "1.22", ["P"]), (moments[1], "-999999", ["P", "Ice"])]
    discharge = [(moments[0], "3.41", ["A"])]
    return as_json(
        {
            "name": "ns1:timeSeriesResponseType",
            "declaredType": "org.cuahsi.waterml.TimeSeriesResponseType",
            "scope": "javax.xml.bind.JAXBElement$GlobalScope",
            "value": {
                "queryInfo": {"queryURL": "http://waterservices.usgs.gov/nwis/iv/", "note": []},
                "timeSeries": [series("00060", "ft3/s", discharge), series("00065", "ft", stage)],
            },
            "nil": False,
            "globalScope": True,
            "typeSubstituted": False,
        }
    )


@pytest.fixture
def served(city: City, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[City, HttpServer]]:
    """The four files as they stand, but for the host; the paths of their addresses lead to the answers."""
    server = HttpServer(lambda _path, _query: (404, {}, b""))
    ways = {
        "/v1/forecast": forecast,
        "/v1/air-quality": air,
        "/v1/search": lambda _path, query: scenes(server, query),
        "/nwis/iv/": gauge,
    }
    server.answer = lambda path, query: ways[path](path, query) if path in ways else (404, {}, b"")
    monkeypatch.setenv("CITYBRAIN_HTTP_ALLOW", json.dumps([server.host]))
    get_settings.cache_clear()
    for name in ENDPOINTS:
        text = (SOURCE_TREE / "dags" / "sources" / f"{name}.yml").read_text(encoding="utf-8")
        host = urlsplit(str(connector_of(real(name)).url)).netloc
        local = text.replace(f"https://{host}/", f"http://{server.host}/")
        (city.settings.sources_dir / f"{name}.yml").write_text(local, encoding="utf-8")
        rules = (SOURCE_TREE / "expectations" / f"{name}.yml").read_text(encoding="utf-8")
        (city.settings.expectations_dir / f"{name}.yml").write_text(rules, encoding="utf-8")
    yield city, server
    server.close()


def real(name: str) -> Dataset:
    return load_dataset(SOURCE_TREE / "dags" / "sources" / f"{name}.yml")


def connector_of(dataset: Dataset) -> HttpPull:
    assert isinstance(dataset.connector, HttpPull)
    return dataset.connector


def test_answers_become_typed_rows(served: tuple[City, HttpServer]) -> None:
    city, server = served
    for name in ENDPOINTS:
        assert len(land_dataset(name, DAY).landed) == 1, name
    outcomes = {outcome.dataset: outcome for outcome in gate_landed_batches()}
    counts = {name: (o.state, o.rows_loaded, o.rows_quarantined) for name, o in outcomes.items()}
    held = {name: [row["reasons"] for row in city.quarantined(o.batch_id)] for name, o in outcomes.items()}
    reasons = {name: outcome.reason for name, outcome in outcomes.items()}
    assert counts == {
        "weather_forecast_open_meteo": ("held", 0, 0),  # a third of its hours are too hot to be true
        "air_quality_open_meteo": ("held", 0, 0),
        "sentinel2_item": ("loaded", 3, 0),
        "usgs_gauge_reading": ("loaded", 3, 0),
    }, (held, reasons)

    days = {path: query for path, query in server.asked if "next" not in query}
    assert (days["/v1/forecast"]["start_date"], days["/v1/forecast"]["end_date"]) == (
        "2026-03-17",
        "2026-03-25",
    )
    assert days["/v1/search"]["datetime"] == "2026-02-16T00:00:00Z/2026-03-18T23:59:59Z"
    assert days["/nwis/iv/"]["startDT"] == "2026-03-17T00:00Z"

    first = {row["item_id"]: row for row in city.raw("sentinel2_item")}["S2B_50SLC_20260315_0_L2A"]
    assert first["taken_at"] == datetime(2026, 3, 15, 3, 2, 11, 24000, tzinfo=UTC)
    assert first["cloud_pct"] == Decimal("12.34")
    assert first["tile"] == "MGRS-50SLC"
    assert first["red_url"].endswith("/B04.tif")
    assert json.loads(first["footprint"]) == scene(15, 0)["geometry"]

    readings = city.raw("usgs_gauge_reading")
    assert [(row["quantity_code"], row["reading"], row["qualifier"], row["unit"]) for row in readings] == [
        ("00060", Decimal("3.41"), "A", "ft3/s"),
        ("00065", Decimal("1.22"), "P", "ft"),
        ("00065", None, "P", "ft"),
    ]
    assert {row["gauge_code"] for row in readings} == {"01589330"}
    assert {row["latitude"] for row in readings} == {Decimal("39.311")}
    assert readings[0]["observed_at"] == datetime(2026, 3, 18, tzinfo=UTC)


def test_side_by_side_arrays_become_rows_of_an_hour(
    served: tuple[City, HttpServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    city, server = served
    whole = server.answer

    def sensible(path: str, query: dict[str, str]) -> Answer:
        status, headers, body = whole(path, query)
        return status, headers, body.replace(b"99.0", b"6.80").replace(b"-5.0", b"76.0")

    server.answer = sensible
    for name in ("weather_forecast_open_meteo", "air_quality_open_meteo"):
        land_dataset(name, DAY)
    assert {outcome.state for outcome in gate_landed_batches()} == {"loaded"}
    hours = city.raw("weather_forecast_open_meteo")
    assert [row["valid_at"] for row in hours] == [
        datetime(2026, 3, 17, 23) + timedelta(hours=number)  # noqa: DTZ001 - the city's own time
        for number in range(3)
    ]
    assert [row["temperature_c"] for row in hours] == [Decimal("7.4"), Decimal("7.0"), Decimal("6.80")]
    assert [row["precipitation_mm"] for row in hours] == [Decimal("0.0"), Decimal("0.3"), None]
    assert {(row["latitude"], row["elevation_m"]) for row in hours} == {(Decimal("33.875"), Decimal("38.0"))}
    assert [row["pm25"] for row in city.raw("air_quality_open_meteo")] == [
        Decimal("33.9"),
        Decimal("34.5"),
        None,
    ]


def test_enabling_a_source_takes_one_setting() -> None:
    for name, host in ENDPOINTS.items():
        dataset = real(name)
        assert not dataset.enabled
        assert (dataset.origin, connector_of(dataset).public_host) == ("real", host)
        found = destination(Settings(enable_sources=[name]), dataset, connector_of(dataset).url)
        assert (f"{found.host}:{found.port}", found.trust) == (host, "public")
