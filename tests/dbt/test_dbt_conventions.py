"""What every model, column and source of the dbt project owes its readers."""

from datetime import date, timedelta
from typing import Any

import chinese_calendar
import pytest

from citybrain.catalogue import load_datasets
from citybrain.settings import Settings, get_settings
from citybrain.warehouse.calendar_seed import calendar_seed, calendar_seed_path
from citybrain.warehouse.dbt_sources import source_files

PREFIXES = {
    "staging": ("stg_",),
    "intermediate": ("int_",),
    "marts/core": ("dim_", "fct_"),
    "marts": ("mart_",),
}
PERIOD_MINUTES = {"minute": 1, "hour": 60, "day": 1440}

pytestmark = pytest.mark.integration


def models(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    return [node for node in manifest["nodes"].values() if node["resource_type"] == "model"]


def served(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    """Models that people read: dimensions, facts and display marts."""
    return [node for node in models(manifest) if node["schema"] in ("marts", "marts_build")]


def test_source_files_follow_from_the_catalogue() -> None:
    settings = get_settings()
    for path, text in source_files(settings, load_datasets(settings)).items():
        assert path.read_text(encoding="utf-8") == text, f"run `citybrain transform sources`: {path}"


def test_the_calendar_seed_is_what_the_library_says() -> None:
    assert calendar_seed_path(get_settings()).read_text(encoding="utf-8") == calendar_seed()


def test_names_follow_the_layers(manifest: dict[str, Any]) -> None:
    for node in models(manifest):
        folder = node["original_file_path"].removeprefix("models/").rsplit("/", 1)[0]
        layer = next(name for name in PREFIXES if folder.startswith(name))
        assert node["name"].startswith(PREFIXES[layer]), node["original_file_path"]
        if layer == "staging":
            owner = folder.split("/")[1]
            assert node["name"].startswith(f"stg_{owner}__"), node["original_file_path"]


def test_layers_read_only_what_stands_before_them(manifest: dict[str, Any]) -> None:
    for node in models(manifest):
        sources = [name for name in node["depends_on"]["nodes"] if name.startswith("source.")]
        if not node["name"].startswith("stg_"):
            assert sources == [], f"{node['name']} reads {sources}: only staging reads sources"


def test_display_marts_are_leaves(manifest: dict[str, Any]) -> None:
    for node in models(manifest):
        above = [name for name in node["depends_on"]["nodes"] if name.split(".")[-1].startswith("mart_")]
        assert above == [], f"{node['name']} reads {above}, which is swapped in after the build"


def test_descriptions_begin_with_the_grain(manifest: dict[str, Any]) -> None:
    nodes = [*models(manifest), *manifest["sources"].values()]
    nodes += [n for n in manifest["nodes"].values() if n["resource_type"] in ("seed", "snapshot")]
    for node in nodes:
        assert node["description"].startswith("One row per "), node["name"]


def test_served_models_have_contracts_labels_and_a_tested_key(manifest: dict[str, Any]) -> None:
    tested = {
        parent
        for node in manifest["nodes"].values()
        if node["resource_type"] == "test"
        and node["test_metadata"]["name"] in ("unique", "unique_combination")
        for parent in node["depends_on"]["nodes"]
    }
    for node in served(manifest):
        assert node["config"]["contract"]["enforced"], node["name"]
        assert node["unique_id"] in tested, f"{node['name']}: no test holds its grain"
        assert set(node["config"]["meta"]["label"]) == {"zh", "en"}, node["name"]
        for column in node["columns"].values():
            where = f"{node['name']}.{column['name']}"
            assert column["description"], where
            assert column["data_type"], where
            assert set(column["config"]["meta"]["label"]) == {"zh", "en"}, where
            assert column["config"]["meta"]["personal_data"] in ("none", "low", "high"), where


def test_display_marts_say_whether_their_data_are_real(manifest: dict[str, Any]) -> None:
    for node in served(manifest):
        if node["name"].startswith("mart_"):
            assert {"origin", "origin_label"} <= set(node["columns"]), node["name"]


def test_no_display_mart_holds_personal_data(manifest: dict[str, Any]) -> None:
    for node in served(manifest):
        for column in node["columns"].values():
            assert column["config"]["meta"]["personal_data"] != "high", f"{node['name']}.{column['name']}"


def test_every_dataset_has_a_source_with_its_arrival_limit(manifest: dict[str, Any], city: Settings) -> None:
    sources = {node["name"]: node for node in manifest["sources"].values()}
    disabled = {node["name"]: node for nodes in manifest["disabled"].values() for node in nodes}
    for name, dataset in load_datasets(city).items():
        source = sources[name] if dataset.enabled else disabled[name]
        assert source["loaded_at_field"] == "_loaded_at", name
        warn = source["freshness"]["warn_after"]
        minutes = warn["count"] * PERIOD_MINUTES[warn["period"]]
        assert timedelta(minutes=minutes) == (dataset.arrival_sla or timedelta(days=366)), name
        assert set(source["columns"]) >= {column.name for column in dataset.columns}, name


def test_nothing_is_fetched_and_nobody_is_told(city: Settings) -> None:
    assert not (city.dbt_dir / "packages.yml").exists()
    assert not (city.dbt_dir / "dependencies.yml").exists()
    project = (city.dbt_dir / "dbt_project.yml").read_text(encoding="utf-8")
    assert "send_anonymous_usage_stats: false" in project


def test_a_make_up_day_of_the_library_is_in_the_seed() -> None:
    assert chinese_calendar.is_workday(date(2026, 2, 14))  # a Saturday
    assert "2026-02-14,makeup_workday,春节\n" in calendar_seed()
