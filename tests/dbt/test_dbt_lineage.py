"""`citybrain lineage`: a row of a mart walked back to the objects and lines behind it."""

import json

import pytest
from typer.testing import CliRunner

from citybrain.cli import app
from citybrain.settings import Settings
from citybrain.warehouse.lineage import LineageError, trace
from citybrain.warehouse.transform import TransformReport

pytestmark = pytest.mark.integration


def test_a_station_leads_to_its_own_lines(city: Settings, built: TransformReport) -> None:
    origins = {
        origin.dataset: origin for origin in trace(city, "mart_air_quality_now", {"station_code": "2312A"})
    }
    air = origins["air_quality_hour"]
    assert air.picked_by == {"station_code": "2312A"}
    (trail,) = air.trails
    assert trail.object_key.startswith("landing/air_quality_hour/")
    assert trail.rows == 51  # 56 hours, the newest five missing
    assert len(trail.lines) == 5


def test_a_column_that_staging_renames_still_picks(city: Settings, built: TransformReport) -> None:
    key = {"uscc": "91341602MA0000001X"}
    origins = {origin.dataset: origin for origin in trace(city, "mart_enterprise_facts", key)}
    assert origins["enterprise_tax_year"].trails[0].rows == 2
    assert origins["enterprise_register"].trails[0].rows == 1
    assert origins["division_village"].picked_by == {}


@pytest.mark.parametrize(
    ("mart", "key", "reason"),
    [
        ("mart_of_nothing", {"a": "1"}, "no model 'mart_of_nothing'"),
        ("mart_air_quality", {"ozone": "1"}, "no column ozone"),
        ("mart_air_quality", {"station_code": "9999X"}, "no row with station_code=9999X"),
        ("mart_air_quality", {"day": "yesterweek"}, "does not fit its column"),
    ],
)
def test_a_way_that_cannot_be_walked_says_why(
    city: Settings, built: TransformReport, mart: str, key: dict[str, str], reason: str
) -> None:
    with pytest.raises(LineageError, match=reason):
        trace(city, mart, key)


def test_the_command_prints_the_way(city: Settings, built: TransformReport) -> None:
    run = CliRunner().invoke
    found = json.loads(run(app, ["lineage", "mart_air_quality", "station_code=2311A", "--json"]).stdout)
    assert "air_quality_hour" in {origin["dataset"] for origin in found}
    assert run(app, ["lineage", "mart_air_quality", "2311A"]).exit_code == 2
    assert (
        "landing/air_quality_hour" in run(app, ["lineage", "mart_air_quality", "station_code=2311A"]).stdout
    )
