"""What the compiler hands to Superset."""

import dataclasses
import io
import json
import os
import re
import subprocess
import sys
import zipfile
from typing import Any

import pytest
from ruamel.yaml import YAML

from citybrain.bi.bundle import Bundle, compile_bundle
from citybrain.bi.checks import Dashboards, tile_metrics
from citybrain.bi.content import load_scenario
from citybrain.bi.identity import layout_id
from citybrain.bi.wording import CHINESE
from citybrain.catalogue import load_scenarios
from citybrain.settings import SOURCE_TREE, DatabaseRole, Settings

OUTSIDE = re.compile(r"https?://|mapbox://|tile://|//[a-z0-9.-]+\.(com|org|net|cn)", re.IGNORECASE)


@pytest.fixture(scope="module")
def settings_of_our_own(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings(project=SOURCE_TREE, home=tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def bundle(settings_of_our_own: Settings, content: Dashboards) -> Bundle:
    return compile_bundle(settings_of_our_own, content)


@pytest.fixture(scope="module")
def documents(bundle: Bundle) -> dict[str, dict[str, Any]]:
    reader = YAML(typ="safe", pure=True)
    return {path: reader.load(text) for path, text in bundle.files.items()}


def of_kind(documents: dict[str, dict[str, Any]], kind: str) -> dict[str, dict[str, Any]]:
    return {path: document for path, document in documents.items() if path.startswith(f"{kind}/")}


def test_the_same_files_give_the_same_bytes(
    settings_of_our_own: Settings, content: Dashboards, bundle: Bundle
) -> None:
    again = compile_bundle(settings_of_our_own, content)
    assert again.zip_bytes() == bundle.zip_bytes()
    script = (
        "from pathlib import Path\n"
        "from citybrain.bi.bundle import compile_bundle\n"
        "from citybrain.bi.content import load_dashboards\n"
        "from citybrain.settings import Settings\n"
        f"settings = Settings(project=Path({str(SOURCE_TREE)!r}), "
        f"home=Path({str(settings_of_our_own.home)!r}))\n"
        "print(compile_bundle(settings, load_dashboards(settings)).sha256)\n"
    )
    own = {name: value for name, value in os.environ.items() if name.startswith("CITYBRAIN_")}
    printed = subprocess.run(
        [sys.executable, "-c", script],
        env=own | {"PYTHONHASHSEED": "1", "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert printed.strip() == bundle.sha256


def test_a_change_of_a_spec_changes_the_hash(
    room: Settings, settings_of_our_own: Settings, content: Dashboards, bundle: Bundle
) -> None:
    path = room.dashboards_dir / "scenarios" / "air_quality.yml"
    path.write_text(path.read_text(encoding="utf-8").replace("limit: 20", "limit: 19"), encoding="utf-8")
    scenarios = content.scenarios | {"air_quality": load_scenario(path, content)}
    changed = dataclasses.replace(content, scenarios=scenarios)
    assert compile_bundle(settings_of_our_own, changed).sha256 != bundle.sha256


def test_every_uuid_and_slug_is_unique(documents: dict[str, dict[str, Any]]) -> None:
    uuids = [document["uuid"] for document in documents.values() if "uuid" in document]
    assert len(uuids) == len(set(uuids))
    slugs = [document["slug"] for document in of_kind(documents, "dashboards").values()]
    assert len(slugs) == len(set(slugs)) >= 2


def test_nothing_from_outside(settings_of_our_own: Settings, bundle: Bundle) -> None:
    ours = (f"{settings_of_our_own.desk_url}/", f"{settings_of_our_own.pages_url}/")
    for path, text in bundle.files.items():
        for address in ours:
            text = text.replace(address, "")
        assert not OUTSIDE.search(text), path


def test_no_password_travels_in_the_bundle(settings_of_our_own: Settings, bundle: Bundle) -> None:
    password = settings_of_our_own.secret(f"{DatabaseRole.BI_READER.value}_password")
    archive = zipfile.ZipFile(io.BytesIO(bundle.zip_bytes()))
    for name in archive.namelist():
        assert password.encode() not in archive.read(name), name


def test_labels_come_from_dbt(documents: dict[str, dict[str, Any]], content: Dashboards) -> None:
    for path, document in of_kind(documents, "datasets").items():
        view = content.maps.maps.get(document["table_name"])
        mart = content.marts[view.values if view else document["table_name"]]
        shown = {column["column_name"]: column["verbose_name"] for column in document["columns"]}
        for name, column in mart.columns.items():
            assert shown[name] == column.label, path
        for label in shown.values():
            assert CHINESE.search(label) or label.startswith(("AQI", "PM")), label


def test_charts_ask_the_same_by_params_and_by_query_context(documents: dict[str, dict[str, Any]]) -> None:
    datasets = {document["uuid"]: document for document in of_kind(documents, "datasets").values()}
    for path, chart in of_kind(documents, "charts").items():
        params, context = chart["params"], json.loads(chart["query_context"])
        assert context["form_data"] == params, path
        (query,) = context["queries"]
        dataset = datasets[chart["dataset_uuid"]]
        columns = {column["column_name"] for column in dataset["columns"]}
        metrics = {metric["metric_name"] for metric in dataset["metrics"]}
        asked = {entry if isinstance(entry, str) else entry["label"] for entry in query["columns"]}
        assert asked <= columns, path
        assert set(query["metrics"] or []) <= metrics, path
        named = (
            set(params.get("metrics") or []) | {params["metric"]} - {None} if "metric" in params else set()
        )
        assert named <= metrics, path


def test_every_tile_stands_in_its_layout(documents: dict[str, dict[str, Any]], content: Dashboards) -> None:
    charts = {chart["uuid"] for chart in of_kind(documents, "charts").values()}
    placed: list[str] = []
    for slug, scenario in content.scenarios.items():
        position = documents[f"dashboards/{slug}.yaml"]["position"]
        nodes = {key: node for key, node in position.items() if isinstance(node, dict)}
        for key, node in nodes.items():
            assert node["id"] == key
            assert all(child in nodes for child in node.get("children", []))
            if node["type"] == "ROW":
                assert sum(nodes[child]["meta"]["width"] for child in node["children"]) == 12
        placed += [node["meta"]["uuid"] for node in nodes.values() if node["type"] == "CHART"]
        assert {layout_id("TAB", slug, tab.id) for tab in scenario.tabs} <= set(nodes)
    assert sorted(placed) == sorted(charts)


def test_a_filter_leaves_alone_the_charts_without_its_column(
    documents: dict[str, dict[str, Any]], content: Dashboards
) -> None:
    scenario = content.scenarios["air_quality"]
    position = documents["dashboards/air_quality.yaml"]["position"]
    numbers = {
        node["meta"]["chartId"]: node["meta"]["sliceName"]
        for node in position.values()
        if isinstance(node, dict) and node.get("type") == "CHART"
    }
    (county, station) = documents["dashboards/air_quality.yaml"]["metadata"]["native_filter_configuration"]
    without = {numbers[number] for number in county["scope"]["excluded"]}
    assert without == {
        tile.title for tile in scenario.data_tiles if "county_name" not in content.columns(tile.mart)
    }
    assert set(county["scope"]["excluded"]) < set(station["scope"]["excluded"])


def test_every_metric_is_shown_by_a_tile_or_gives_an_indicator(content: Dashboards) -> None:
    used = {
        name
        for scenario in content.scenarios.values()
        for tile in scenario.data_tiles
        for name in tile_metrics(tile)
    }
    used |= {
        name
        for scenario in load_scenarios().display
        for indicator in scenario.indicators
        for name in indicator.metrics
    }
    on_boards = {mart for scenario in content.scenarios.values() for mart in scenario.marts}
    assert used >= {name for name, metric in content.metrics.items() if metric.mart in on_boards}
