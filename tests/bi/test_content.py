"""Faults in `dashboards/` name their file, line and reason."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from typer.testing import CliRunner

from citybrain.bi.checks import Dashboards
from citybrain.bi.content import json_schemas, load_dashboards, load_scenario
from citybrain.bi.spec import Row
from citybrain.bi.wording import CHINESE
from citybrain.catalogue import ContentError
from citybrain.cli.bi import app
from citybrain.settings import Settings, get_settings

AIR = "scenarios/air_quality.yml"


def spoil(room: Settings, name: str, old: str, new: str) -> tuple[Path, int]:
    """Replace the first `old` in a file; the file and the line of the change."""
    path = room.dashboards_dir / name
    text = path.read_text(encoding="utf-8")
    assert old in text, f"{name} no longer holds {old!r}"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return path, text[: text.index(old)].count("\n") + 1


FAULTS = [
    pytest.param(AIR, "order: [-needs_attention, -aqi]", "order: [-ozone]", "no column 'ozone'", id="column"),
    pytest.param(AIR, "by: county_name", "by: township", "no column 'township'", id="dimension"),
    pytest.param(
        AIR, "{column: is_valid_day", "{column: is_valid_night", "no column 'is_valid_night'", id="condition"
    ),
    pytest.param(AIR, "metric: air_aqi_now,", "metric: air_aqi,", "no metric 'air_aqi'", id="metric"),
    pytest.param(AIR, "metric: air_aqi_now,", "metric: ent_tax,", "belongs to mart_enterprise", id="mart"),
    pytest.param(AIR, "mart: map_air_stations", "mart: map_of_moon", "no map 'map_of_moon'", id="map"),
    pytest.param(AIR, "kind: map_points", "kind: map_regions", "draws places", id="kind of map"),
    pytest.param(AIR, "tile: station_map", "tile: nothing", "no tile 'nothing' answers", id="question"),
    pytest.param(AIR, "tile: station_map", "tile: county_rank", "not on the first tab", id="first screen"),
    pytest.param(AIR, "more: [aqi_now,", "more: [", "aqi_now answers none of the questions", id="unasked"),
    pytest.param(AIR, "more: [aqi_now,", "more: [aqi_then,", "no tile 'aqi_then'", id="more"),
    pytest.param(AIR, "datasets: [air_quality_hour", "datasets: [air", "no dataset 'air'", id="dataset"),
    pytest.param(AIR, "kind: how", "kind: hou", "how", id="no how"),
    pytest.param(AIR, "domain: ecology", "domain: safety", "the catalogue says 'ecology'", id="catalogue"),
    pytest.param(
        AIR,
        "metric: air_good_day_rate",
        "metric: air_pm25_mean",
        "no tile shows air_good_day_rate",
        id="indicator",
    ),
    pytest.param(
        "scenarios/event_situation.yml", "link: case", "link: enterprise", "has no column 'uscc'", id="link"
    ),
    pytest.param("links.yml", "key: case_number", "key: case_code", "no mart has a column", id="link key"),
    pytest.param(AIR, "title: 全市 AQI", "title: AQI", "needs a Chinese text", id="english title"),
    pytest.param(AIR, "title: 各站点 AQI", "title: 全市 AQI", "another tile has the title", id="title twice"),
    pytest.param(AIR, "优: aqi.good", "优: aqi.perfect", "no colour 'aqi.perfect'", id="colour"),
    pytest.param(AIR, "column: county_name}", "column: village}", "no column", id="filter"),
    pytest.param(AIR, "refresh: PT5M", "refresh: often", "refresh", id="duration"),
    pytest.param(AIR, "kind: rank_table", "kind: gauge", "rank_table", id="unknown kind"),
    pytest.param(
        "metrics.yml", "sql: ROUND(AVG(aqi))", "sql: AVG(ozone)", "no column 'ozone'", id="metric sql"
    ),
    pytest.param("metrics.yml", "sql: ROUND(AVG(aqi))", "sql: aqi", "aggregate", id="no aggregate"),
    pytest.param("metrics.yml", "sql: ROUND(AVG(aqi))", "sql: AVG(((aqi", "not SQL", id="broken sql"),
    pytest.param("maps.yml", "colour: aqi.good", "colour: green", "no colour 'green'", id="band"),
    pytest.param("maps.yml", "    steps: 4", "    steps: 1", "steps", id="one step"),
    pytest.param("maps.yml", "geometry: geojson", "geometry: shape", "no column 'shape'", id="outline"),
    pytest.param("theme/tokens.yml", "#F6F8FB", "pale", "surface", id="token"),
]


@pytest.mark.parametrize(("name", "old", "new", "reason"), FAULTS)
def test_a_fault_names_file_line_and_reason(
    room: Settings, content: Dashboards, name: str, old: str, new: str, reason: str
) -> None:
    path, line = spoil(room, name, old, new)
    with pytest.raises(ContentError) as caught:
        if path.parent.name == "scenarios":
            load_scenario(path, content)  # the one file: reading all 24 would take a second each time
        else:
            load_dashboards(room, content.marts)
    assert caught.value.path == path
    assert reason in str(caught.value)
    if not reason.endswith("of the questions") and not reason.startswith("no tile shows"):
        # A fault of a whole tile stands at the tile, which opens at most a few lines above.
        assert any(0 <= line - at <= 6 for at, _ in caught.value.faults), caught.value.faults


def test_a_column_that_dbt_no_longer_declares_is_a_fault(small_room: Settings) -> None:
    path = next((small_room.dbt_dir / "models" / "marts").rglob("_mart_air_quality.yml"))
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("- name: attention_reason", "- name: attention_cause"), encoding="utf-8")
    with pytest.raises(ContentError, match=r"air_quality\.yml:\d+: .*no column 'attention_reason'"):
        load_dashboards(small_room)


def test_a_mart_column_without_a_chinese_label_is_a_fault(small_room: Settings) -> None:
    path = next((small_room.dbt_dir / "models" / "marts").rglob("_mart_air_quality.yml"))
    lines = path.read_text(encoding="utf-8").splitlines()
    at = next(number for number, line in enumerate(lines) if "label: {zh: 站点编码" in line)
    del lines[at]
    path.write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(ContentError, match=r"_mart_air_quality\.yml:\d+: .*meta\.label"):
        load_dashboards(small_room)


def test_slug_and_file_name_agree(small_room: Settings, content: Dashboards) -> None:
    path = small_room.dashboards_dir / AIR
    path.rename(path.with_name("air.yml"))
    with pytest.raises(ContentError, match=r"air\.yml:1: slug is 'air_quality'"):
        load_dashboards(small_room, content.marts)


@given(st.lists(st.integers(2, 12), min_size=1, max_size=6))
def test_a_row_is_exactly_twelve_wide(widths: list[int]) -> None:
    tiles = [
        {"id": f"t{index}", "kind": "text", "title": "说明", "body": "说明", "width": width}
        for index, width in enumerate(widths)
    ]
    if sum(widths) == 12:
        assert len(Row.model_validate({"height": 20, "tiles": tiles}).tiles) == len(widths)
    else:
        with pytest.raises(ValidationError, match="sum to 12"):
            Row.model_validate({"height": 20, "tiles": tiles})


def test_schemas_describe_every_kind_of_file() -> None:
    schemas = json_schemas()
    assert set(schemas) == {
        "scenarios/*.yml",
        "metrics.yml",
        "maps.yml",
        "links.yml",
        "theme/tokens.yml",
        "roles.yml",
        "rls.yml",
        "wall/*.yml",
    }
    assert "heatmap" in json.dumps(schemas["scenarios/*.yml"])


def test_validate_prints_the_fault_and_exits_1(small_room: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CITYBRAIN_PROJECT", str(small_room.project))
    monkeypatch.setenv("CITYBRAIN_HOME", str(small_room.home))
    get_settings.cache_clear()
    try:
        good = CliRunner().invoke(app, ["validate", "--json"])
        spoil(small_room, AIR, "order: [-needs_attention, -aqi]", "order: [-ozone]")
        bad = CliRunner().invoke(app, ["validate"])
    finally:
        get_settings.cache_clear()
    assert good.exit_code == 0, good.output
    assert json.loads(good.stdout)["dashboards"] == 3
    assert bad.exit_code == 1
    assert "ozone" in bad.output


def test_figures_show_their_sql(small_room: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CITYBRAIN_PROJECT", str(small_room.project))
    get_settings.cache_clear()
    try:
        shown = CliRunner().invoke(app, ["sql", "air_quality", "aqi_now"])
        unknown = CliRunner().invoke(app, ["sql", "moon"])
        no_column = CliRunner().invoke(app, ["uses", "mart_air_quality_now", "ozone"])
    finally:
        get_settings.cache_clear()
    assert "mart_air_quality_now" in shown.output
    assert CHINESE.search(shown.output)
    assert unknown.exit_code == 2
    assert no_column.exit_code == 2
