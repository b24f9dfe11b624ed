"""Walls: their files, their pages, and what the banner knows."""

import json
import re

import pytest

from citybrain.bi.bundle import compile_bundle
from citybrain.bi.checks import Dashboards
from citybrain.bi.wall import dark_twins, hall_page, load_halls, page_url, twin_slug
from citybrain.catalogue import ContentError
from citybrain.settings import Settings


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("scenario: city_overview", "scenario: moon", "no dashboard 'moon'"),
        ("tab: now", "tab: yesterday", "no tab 'yesterday'"),
        ("seconds: 40", "seconds: 4", "seconds"),
        ("hall: command_hall", "hall: cellar", "the file is called"),
        ("scenario: city_overview", "scenario: event_situation", "played twice"),
    ],
)
def test_a_fault_of_a_wall_names_its_line(
    room: Settings, content: Dashboards, old: str, new: str, reason: str
) -> None:
    path = room.dashboards_dir / "wall" / "command_hall.yml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ContentError, match=reason) as caught:
        load_halls(room, content)
    assert caught.value.path == path


def test_the_command_hall_begins_with_the_whole_city(room: Settings, content: Dashboards) -> None:
    halls = {hall.hall: hall for hall in load_halls(room, content)}
    assert halls["command_hall"].pages[0].scenario == "city_overview"


def test_a_page_holds_its_playlist_and_asks_nobody_else(room: Settings, content: Dashboards) -> None:
    twins = dark_twins(load_halls(room, content), content)
    for hall in load_halls(room, content):
        page = hall_page(room, hall, content)
        (written,) = re.findall(r"const hall = (\{.*?\n\});", page, re.DOTALL)
        shown = json.loads(written)
        assert [entry["scenario"] for entry in shown["pages"]] == [entry.scenario for entry in hall.pages]
        first = hall.pages[0]
        twin = twins.get(first.scenario)
        slug = first.scenario if twin is None else twin_slug(first.scenario)
        scenario = twin or content.scenarios[first.scenario]
        assert shown["pages"][0]["url"] == page_url(room, scenario, slug, first.tab)
        assert "standalone=3" in shown["pages"][0]["url"]
        assert not re.findall(r"__[A-Z]+__", page)
        assert set(re.findall(r"https?://[^/\"'`]+", page)) == {room.superset_url}


def test_halls_are_dark_and_analysts_keep_the_light(room: Settings, content: Dashboards) -> None:
    """What a hall plays is dark: made so, or by a twin of the same charts without filters."""
    files = {path: json.loads(text) for path, text in compile_bundle(room, content).files.items()}
    twins = dark_twins(load_halls(room, content), content)
    assert "city_overview" not in twins
    light, dark = content.tokens.light, content.tokens.dark
    for slug, twin in twins.items():
        made, made_light = files[f"dashboards/{twin_slug(slug)}.yaml"], files[f"dashboards/{slug}.yaml"]
        assert made["uuid"] != made_light["uuid"]
        assert made["metadata"]["native_filter_configuration"] == []
        assert dark.surface in made["css"]
        assert light.surface in made_light["css"]
        charts = {node["meta"]["uuid"] for node in made["position"].values() if _is_chart(node)}
        assert charts <= {node["meta"]["uuid"] for node in made_light["position"].values() if _is_chart(node)}
        assert len(charts) == len(twin.data_tiles)


def _is_chart(node: object) -> bool:
    return isinstance(node, dict) and node["type"] == "CHART"
