"""What every model, column and source of the dbt project owes its readers."""

from copy import deepcopy
from datetime import date, timedelta
from fnmatch import fnmatch
from itertools import chain
from pathlib import Path
from typing import Any

import chinese_calendar
import pytest
import yaml
from project_rules import RULES, models

from citybrain.catalogue import load_datasets
from citybrain.settings import Settings, get_settings
from citybrain.warehouse.calendar_seed import calendar_seed, calendar_seed_path
from citybrain.warehouse.dbt_sources import source_files

EXCEPTIONS = yaml.safe_load(Path(__file__).with_name("rule_exceptions.yml").read_text(encoding="utf-8"))
PERIOD_MINUTES = {"minute": 1, "hour": 60, "day": 1440}

pytestmark = pytest.mark.integration


def served(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    """Models that people read: dimensions, facts and display marts."""
    return [node for node in models(manifest).values() if node["schema"] in ("marts", "marts_build")]


def test_source_files_follow_from_the_catalogue() -> None:
    settings = get_settings()
    for path, text in source_files(settings, load_datasets(settings)).items():
        assert path.read_text(encoding="utf-8") == text, f"run `citybrain transform sources`: {path}"


def test_the_calendar_seed_is_what_the_library_says() -> None:
    assert calendar_seed_path(get_settings()).read_text(encoding="utf-8") == calendar_seed()


@pytest.mark.parametrize("name", RULES)
def test_a_rule_of_the_project_holds(manifest: dict[str, Any], name: str) -> None:
    broken = set(RULES[name](manifest))
    allowed = [exception["name"] for exception in EXCEPTIONS.get(name, [])]
    assert [found for found in sorted(broken) if not any(fnmatch(found, of) for of in allowed)] == []
    assert [of for of in allowed if not any(fnmatch(found, of) for found in broken)] == [], "needed no more"


def test_exceptions_name_a_rule_and_a_reason() -> None:
    assert set(EXCEPTIONS) <= set(RULES)
    for exception in chain.from_iterable(EXCEPTIONS.values()):
        assert set(exception) == {"name", "why"}
        assert len(exception["why"]) > 20, exception


def _break(manifest: dict[str, Any], rule: str) -> None:
    """Change the manifest so that `rule` finds one thing more in it."""
    key, mart = "model.citybrain.fct_case", "model.citybrain.mart_city_overview"
    node, staging = manifest["nodes"][key], "model.citybrain.stg_ops__case"
    source = next(iter(manifest["parent_map"][staging]))
    exposure = {"name": "trial", "depends_on": {"nodes": [key]}}
    match rule:
        case "direct_join_to_source" | "downstream_models_dependent_on_source":
            manifest["parent_map"][key].append(source)
        case "multiple_sources_joined":
            manifest["parent_map"][staging].append("source.citybrain.raw.trial")
        case "source_fanout":
            manifest["child_map"][source].append(key)
        case "duplicate_sources":
            manifest["sources"]["source.citybrain.raw.trial"] = manifest["sources"][source]
        case "unused_sources":
            manifest["child_map"][source] = []
        case "root_models":
            manifest["parent_map"][key] = []
        case "rejoining_of_upstream_concepts":
            manifest["child_map"][staging] = [key]
            manifest["parent_map"][staging] = manifest["parent_map"][key][:1]
            manifest["parent_map"][key].append(staging)
        case "hard_coded_references":
            node["raw_code"] += " union all select * from marts.fct_case"
        case "staging_dependent_on_staging":
            manifest["parent_map"][staging].append("model.citybrain.stg_ops__signal")
        case "staging_dependent_on_downstream":
            manifest["parent_map"][staging].append(mart)
        case "undocumented_models":
            node["columns"]["case_id"]["description"] = ""
        case "undocumented_sources":
            manifest["sources"][source]["description"] = ""
        case "untested_primary_keys":
            node["config"]["indexes"] = [{"columns": ["handled_at"], "unique": True}]
        case "sources_without_freshness":
            manifest["sources"][source] |= {"schema": "raw", "freshness": None}
        case "model_naming_conventions":
            node["name"] = "case_facts"
        case "model_directories":
            manifest["nodes"][staging]["original_file_path"] = "models/staging/policy/stg_ops__case.sql"
        case "source_directories":
            manifest["sources"][source]["original_file_path"] = "models/sources.yml"
        case "test_directories":
            node["patch_path"] = "citybrain://models/marts/_all.yml"
        case "chained_views":
            for position in range(5):
                manifest["nodes"][f"model.citybrain.view{position}"] = {
                    "resource_type": "model",
                    "name": f"view{position}",
                    "config": {"materialized": "view"},
                }
                manifest["parent_map"][f"model.citybrain.view{position}"] = [
                    f"model.citybrain.view{position - 1}"
                ]
        case "exposures_dependent_on_views":
            manifest["exposures"]["trial"] = exposure | {"depends_on": {"nodes": [staging]}}
        case "exposures_dependent_on_private_models":
            manifest["exposures"]["trial"] = exposure
            node["access"] = "private"
        case "public_models_without_contracts":
            node["config"]["contract"]["enforced"] = False


@pytest.mark.parametrize("name", RULES)
def test_a_rule_finds_what_breaks_it(manifest: dict[str, Any], name: str) -> None:
    changed = deepcopy(manifest)
    before = sorted(RULES[name](changed))
    _break(changed, name)
    assert len(list(RULES[name](changed))) > len(before)


def test_display_marts_are_leaves(manifest: dict[str, Any]) -> None:
    for node in models(manifest).values():
        above = [name for name in node["depends_on"]["nodes"] if name.split(".")[-1].startswith("mart_")]
        assert above == [], f"{node['name']} reads {above}, which is swapped in after the build"


def test_descriptions_begin_with_the_grain(manifest: dict[str, Any]) -> None:
    nodes = [*models(manifest).values(), *manifest["sources"].values()]
    nodes += [n for n in manifest["nodes"].values() if n["resource_type"] in ("seed", "snapshot")]
    for node in nodes:
        assert node["description"].startswith("One row per "), node["name"]


def test_served_models_have_labels(manifest: dict[str, Any]) -> None:
    for node in served(manifest):
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
