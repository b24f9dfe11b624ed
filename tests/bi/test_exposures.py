"""Exposures stand as the scenarios say, and a column leads to its tiles."""

import pytest

from citybrain.bi.checks import Dashboards
from citybrain.bi.content import RoomError, load_dashboards
from citybrain.bi.exposures import exposures_file, exposures_text, tiles_of
from citybrain.settings import SOURCE_TREE, Settings


def test_the_file_is_what_the_scenarios_give(content: Dashboards) -> None:
    standing = exposures_file(Settings(project=SOURCE_TREE)).read_text(encoding="utf-8")
    assert standing == exposures_text(content), "run citybrain bi exposures --write"


def test_a_renamed_column_fails_with_every_tile_that_named_it(
    small_room: Settings, content: Dashboards
) -> None:
    """A mart that two dashboards read: both are told at once."""
    mart, column = "mart_event_situation", "state_label"
    tiles = tiles_of(content, mart, column)
    assert {"city_overview/attention", "event_situation/urgent"} <= set(tiles)
    path = next((small_room.dbt_dir / "models" / "marts").rglob("_mart_event.yml"))
    text = path.read_text(encoding="utf-8")
    at = text.index(f"- name: {column}", text.index(f"- name: {mart}\n"))
    path.write_text(text[:at] + text[at:].replace(column, "state_words", 1), encoding="utf-8")
    with pytest.raises(RoomError) as caught:
        load_dashboards(small_room)
    for name in tiles:
        slug, _, tile = name.partition("/")
        assert f"{slug}.yml:" in str(caught.value)
        assert f"tile {tile}: {mart} has no column '{column}'" in str(caught.value)


def test_a_metric_counts_as_a_use_of_its_columns(content: Dashboards) -> None:
    assert "air_quality/attention_count" in tiles_of(content, "mart_air_quality_now", "needs_attention")
    assert "air_quality/aqi_now" not in tiles_of(content, "mart_air_quality_now", "needs_attention")
