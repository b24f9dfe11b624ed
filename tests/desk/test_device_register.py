"""The register of devices: everybody's cameras and sensors, each as far as the person's view reaches."""

import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from io import BytesIO
from typing import Any

import pytest
from desk_city import OTHER_VILLAGE, VILLAGE, City
from openpyxl import load_workbook

from citybrain.catalogue.working_day import SHANGHAI
from citybrain.settings import DatabaseRole, Settings
from citybrain.warehouse.connection import connect
from standing_in import standing_in

pytestmark = pytest.mark.integration
FIRST, SECOND = VILLAGE[:6], OTHER_VILLAGE[:6]
MARTS = {
    "dim_device": "(device_id text, device_kind text, device_kind_label text, place_name text,"
    " county_code text,"
    " owner_department text, owner_unit text, is_in_service boolean, cadence_minutes integer, metric text,"
    " origin text)",
    "fct_sensor_day": "(device_id text, metric text, day date, last_observed_at timestamptz,"
    " is_delivered boolean)",
    "dim_camera": "(camera_id text, camera_name text, county_code text, owner_department text, scenario text,"
    " enabled boolean, origin text)",
}


@pytest.fixture(scope="module")
def register(desk: Settings, desk_city: City) -> Iterator[None]:
    """Seven devices; what the warehouse would have built of them."""
    now = datetime.now(SHANGHAI)
    with (
        standing_in(desk, MARTS, [DatabaseRole.DESK]) as dbt,
        connect(desk, DatabaseRole.WATCHER, autocommit=True) as watcher,
    ):
        for row in (
            ("W-1", "water_level", "易涝点水位", "人民路下穿", FIRST, "flood_control", "排水公司", True, 5),
            (
                "W-2",
                "water_level",
                "易涝点水位",
                "=cmd|calc!A1",
                SECOND,
                "flood_control",
                "排水公司",
                True,
                5,
            ),
            ("G-1", "gas", "燃气", "建安路阀井", FIRST, "urban_management", "燃气公司", True, 60),
            ("G-2", "gas", "燃气", "老站阀井", FIRST, "urban_management", "燃气公司", False, 60),
        ):
            dbt.execute(
                "INSERT INTO marts.dim_device VALUES (%s,%s,%s,%s,%s,%s,%s,%s,%s,'m','synthetic')", row
            )
        for device, age in (("W-1", timedelta(minutes=3)), ("W-2", timedelta(hours=5))):
            read = (device, now.date(), now - age)
            dbt.execute("INSERT INTO marts.fct_sensor_day VALUES (%s, 'm', %s, %s, false)", read)
        for camera in (
            ("C-1", "合欢苑东门", FIRST, "fire_rescue", "fire_lane_occupancy", True),
            ("C-2", "和顺园西门", SECOND, "fire_rescue", "fire_lane_occupancy", True),
            ("C-3", "<script>alert(1)</script>", SECOND, "fire_rescue", "street_order", True),
        ):
            dbt.execute("INSERT INTO marts.dim_camera VALUES (%s, %s, %s, %s, %s, %s, 'synthetic')", camera)
        for looked, minutes in (("C-1", 4), ("C-2", 300)):
            at = now - timedelta(minutes=minutes)
            watcher.execute(
                "INSERT INTO vision.round (detector, camera_id, at, still_at, outcome, reason, seconds)"
                " VALUES ('register', %s, %s, %s, 'unusable', 'blurred', 0.1)",
                (looked, at, at),
            )
        desk_city.signal("C-3", OTHER_VILLAGE, kind="health", class_code="black", scenario="street_order")
        from citybrain.events.intake import take_in

        take_in()
        yield


def listed(page: str) -> dict[str, str]:
    return dict(re.findall(r'data-device="([^"]+)" data-state="([^"]+)"', page))


@pytest.fixture
def opened(signed_in: Callable[[Any], Any], desk_city: City, register: None) -> Callable[..., str]:
    def open_as(role: str, **query: str) -> str:
        answer = signed_in(desk_city.people[role]).get("/devices/", query)
        assert answer.status_code == 200
        text: str = answer.content.decode()
        return text

    return open_as


def test_every_device_with_its_health_and_silence(opened: Callable[..., str]) -> None:
    page = opened("command_centre")
    assert listed(page) == {
        "C-3": "fault",
        "G-1": "silent",
        "W-2": "silent",
        "C-2": "silent",
        "C-1": "normal",
        "W-1": "normal",
        "G-2": "out",
    }
    assert [*listed(page)][:1] == ["C-3"] and [*listed(page)][-1:] == ["G-2"]
    for words in ("画面全黑", "从未上报", "5 小时", "合成数据"):
        assert words in page
    assert "<script>alert" not in page and "&lt;script&gt;" in page


def test_each_sees_as_far_as_the_view_reaches(opened: Callable[..., str]) -> None:
    assert set(listed(opened("county_admin"))) == {"W-1", "G-1", "G-2", "C-1"}
    # The fire department owns the cameras, and uses nobody's sensors.
    assert set(listed(opened("department_handler"))) == {"C-1", "C-2", "C-3"}
    assert listed(opened("department_handler"))["C-3"] == "fault"


def test_a_department_sees_what_is_shared_with_it(
    signed_in: Callable[[Any], Any], desk_city: City, register: None
) -> None:
    from citybrain.desk.accounts.models import Organisation
    from citybrain.desk.devices.sharing import users_of_kinds, users_of_scenarios

    assert "urban_management" in users_of_scenarios()["street_order"]
    assert "flood_control" in users_of_kinds()["water_level"]
    streets = desk_city.person("department_handler", Organisation.objects.get(code="urban_management"))
    page = signed_in(streets).get("/devices/").content.decode()
    assert {"G-1", "G-2", "C-3"} <= set(listed(page)) and "C-1" not in listed(page)


def test_filters_tabs_and_search(opened: Callable[..., str]) -> None:
    assert set(listed(opened("dispatcher", kind="camera"))) == {"C-1", "C-2", "C-3"}
    assert set(listed(opened("dispatcher", owner="flood_control", county=SECOND))) == {"W-2"}
    assert set(listed(opened("dispatcher", state="silent"))) == {"G-1", "W-2", "C-2"}
    assert set(listed(opened("dispatcher", q="燃气公司"))) == {"G-1", "G-2"}
    assert listed(opened("dispatcher", q="%")) == {} and listed(opened("dispatcher", q="' OR 1=1 --")) == {}
    assert len(listed(opened("dispatcher", state="nonsense", page="99"))) == 7
    assert "静默（3）" in opened("dispatcher") and "没有找到" in opened("dispatcher", q="火星")


def test_the_workbook_holds_the_same_rows_and_computes_nothing(
    signed_in: Callable[[Any], Any], desk_city: City, register: None
) -> None:
    client = signed_in(desk_city.people["county_admin"])
    answer = client.get("/devices/export/", {"q": "W-"})
    sheet = load_workbook(BytesIO(answer.content)).active
    rows = [[cell.value for cell in row] for row in sheet.iter_rows()]
    assert [row[0] for row in rows] == ["设备编号", "W-1"] and rows[1][2] == "人民路下穿"
    everything = signed_in(desk_city.people["auditor"]).get("/devices/export/")
    sheet = load_workbook(BytesIO(everything.content)).active
    cells = [cell for row in sheet.iter_rows() for cell in row if cell.value == "=cmd|calc!A1"]
    assert len(cells) == 1 and cells[0].data_type == "s" and cells[0].quotePrefix


def test_a_city_without_marts_says_so(
    signed_in: Callable[[Any], Any], desk_city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("citybrain.desk.devices.rows.MARTS", ("dim_device", "not_built_yet"))
    page = signed_in(desk_city.people["dispatcher"]).get("/devices/").content.decode()
    assert "设备名录还没有入库" in page
    assert signed_in(desk_city.people["grid_worker"]).get("/devices/").status_code == 403
