"""What the newer kinds of tile become: attention lists, sources, how figures are computed, empty states."""

import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from citybrain.bi.bundle import Bundle, chart, compile_bundle
from citybrain.bi.checks import Dashboards
from citybrain.bi.layout import empty_states, how_text, label_colours
from citybrain.bi.legend import map_legends
from citybrain.bi.render import changed_since_drawn, note_drawn
from citybrain.bi.semantics import MapView
from citybrain.bi.spec import AttentionTable, DataTile, How, MapTile, Sources
from citybrain.settings import SOURCE_TREE, Settings


def tile_of(content: Dashboards, slug: str, name: str) -> DataTile:
    return next(tile for tile in content.scenarios[slug].data_tiles if tile.id == name)


def test_an_attention_table_begins_with_the_link_to_its_case(content: Dashboards) -> None:
    scenario = content.scenarios["city_lifeline"]
    made = chart(tile_of(content, "city_lifeline", "attention"), scenario, content)
    assert made["params"]["all_columns"][0] == "link_case"
    (query,) = json.loads(made["query_context"])["queries"]
    assert query["columns"][0] == "link_case"
    assert query["orderby"] == [["gravest_level", True], ["started_at", False]]


def test_an_attention_table_with_a_clock_is_ordered_by_it(content: Dashboards) -> None:
    made = chart(tile_of(content, "event_situation", "urgent"), content.scenarios["event_situation"], content)
    assert made["params"]["query_mode"] == "aggregate"
    assert made["params"]["timeseries_limit_metric"] == "ev_minutes_over"
    (query,) = json.loads(made["query_context"])["queries"]
    assert query["orderby"] == [["ev_minutes_over", False]]
    assert query["metrics"] == ["ev_time_left"]  # words are shown, minutes give the order


def test_an_order_beside_the_clock_is_refused() -> None:
    with pytest.raises(ValidationError, match="with metrics the order is"):
        AttentionTable.model_validate(
            {
                "id": "urgent",
                "kind": "attention_table",
                "title": "案件",
                "mart": "mart_event_situation",
                "columns": ["case_title"],
                "metrics": ["ev_minutes_over"],
                "order": ["case_title"],
                "empty": "没有案件",
                "width": 12,
            }
        )


def test_sources_ask_for_their_datasets_only(content: Dashboards) -> None:
    for slug, scenario in content.scenarios.items():
        for tile in scenario.data_tiles:
            if isinstance(tile, Sources):
                (query,) = json.loads(chart(tile, scenario, content)["query_context"])["queries"]
                assert query["filters"] == [{"col": "dataset", "op": "IN", "val": tile.datasets}], slug
                assert "origin_label" in query["columns"], slug


def test_every_chart_says_how_it_is_computed(content: Dashboards) -> None:
    for scenario in content.scenarios.values():
        for tile in scenario.data_tiles:
            description = chart(tile, scenario, content)["description"]
            view = content.maps.maps.get(tile.mart)
            mart = content.marts[view.values if view else tile.mart]
            assert mart.zh in description, f"{scenario.slug}/{tile.id}"
            assert mart.description in description, f"{scenario.slug}/{tile.id}"
    good_days = chart(tile_of(content, "air_quality", "good_rate"), content.scenarios["air_quality"], content)
    assert "is_valid_day" in good_days["description"]


def test_how_leads_to_the_page_of_every_mart(content: Dashboards) -> None:
    for scenario in content.scenarios.values():
        (tile,) = [tile for tile in scenario.tiles if isinstance(tile, How)]
        text = how_text(tile, scenario, content)
        for mart in scenario.marts:
            assert f"/dbt/#!/model/model.citybrain.{mart})" in text


def test_an_empty_list_says_what_that_means(content: Dashboards) -> None:
    for scenario in content.scenarios.values():
        css = empty_states(scenario, content)
        for tile in scenario.data_tiles:
            if isinstance(tile, AttentionTable):
                assert f'[data-test-chart-name="{tile.title}"]' in css
                assert tile.empty in css


def test_only_what_changed_is_drawn_again(content: Dashboards, tmp_path: Path) -> None:
    bundle = compile_bundle(Settings(project=SOURCE_TREE, home=tmp_path), content)
    assert changed_since_drawn(bundle, tmp_path) == list(content.scenarios)
    note_drawn(bundle, tmp_path, content.scenarios)
    assert changed_since_drawn(bundle, tmp_path) == []
    path = next(name for name in bundle.files if name.startswith("charts/air_quality__"))
    other = Bundle(
        files={**bundle.files, path: bundle.files[path] + " "},
        dashboards=bundle.dashboards,
        charts=bundle.charts,
        reads=bundle.reads,
        datasets=bundle.datasets,
    )
    assert changed_since_drawn(other, tmp_path) == ["air_quality"]


def test_a_map_of_amounts_takes_its_steps_from_the_data(content: Dashboards) -> None:
    scenario = content.scenarios["city_overview"]
    tile = tile_of(content, "city_overview", "county_map")
    params = chart(tile, scenario, content)["params"]
    assert params["color_scheme_type"] == "linear_palette"
    assert params["num_buckets"] == content.maps.maps[tile.mart].steps
    assert params["legend_format"] == ",d"
    assert scenario.theme == "dark"
    assert params["linear_color_scheme"] == list(content.tokens.scales["amount_on_dark"].values())
    assert map_legends(scenario, content) == ""  # Superset draws it: only the data knows the limits


def test_a_map_has_bands_or_steps(content: Dashboards) -> None:
    known = content.maps.maps["map_overview_counties"].model_dump()
    bands = content.maps.maps["map_economy_counties"].model_dump()["bands"]
    places = content.maps.maps["map_water_gauges"].model_dump()["places"]
    for spoilt, reason in (
        (known | {"steps": None}, "two bands or more, or steps"),
        (known | {"bands": bands}, "two bands or more, or steps"),
        (known | {"places": places}, "places are drawn in bands"),
    ):
        with pytest.raises(ValidationError, match=reason):
            MapView.model_validate(spoilt)


def test_townships_are_drawn_where_a_mart_knows_them(content: Dashboards) -> None:
    drawn = {
        scenario.slug
        for scenario in content.scenarios.values()
        for tile in scenario.data_tiles
        if isinstance(tile, MapTile) and content.maps.maps[tile.mart].places and "township" in tile.mart
    }
    assert {"education_security", "population_divisions"} <= drawn


def test_a_series_has_its_colour_under_every_name_behind_its_label(content: Dashboards) -> None:
    """Superset colours by the name behind a label, which may be a column labelled as the metric is."""
    scenario = content.scenarios["education_security"]
    colours = label_colours(scenario, content)
    assert colours["edu_insured_month"] == colours["insured_rate"] == content.tokens.light.brand
    alone = label_colours(content.scenarios["gov_service_performance"], content)
    assert alone["gov_mean_handling_days"] == alone["gov_satisfaction_rate"] == content.tokens.light.brand


def test_metrics_beside_each_other_keep_their_order(content: Dashboards) -> None:
    ageing = tile_of(content, "event_situation", "ageing")
    made = chart(ageing, content.scenarios["event_situation"], content)
    assert made["params"]["sort_series_type"] is None
    assert made["params"]["metrics"] == ["ev_stage_1h", "ev_stage_4h", "ev_stage_24h", "ev_stage_longer"]
