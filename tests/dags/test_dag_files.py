"""Every DAG loads, says who owns it and what it is for, and is wired to the assets that should wake it."""

import ast
import re
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from citybrain.catalogue import active_datasets
from citybrain.catalogue.department import load_departments
from citybrain.settings import Settings

DAG_FOLDER = Path(__file__).parents[2] / "dags"
DAG_FILES = sorted(DAG_FOLDER.glob("*.py"))
HAN = re.compile(r"[\u4e00-\u9fff]")
WITHOUT_DAG = {"source_faults.py"}
GENERATORS = {"ingest_sources.py": "ingest_"}
TAGS = {
    *(
        "数据接入",
        "质量门禁",
        "人工审核",
        "数据建模",
        "看板发布",
        "主流程",
        "政策匹配",
        "视频巡查",
        "感知规则",
    ),
    *("政务数据", "行业数据", "互联网数据", "卫星遥感", "视频数据", "物联网数据"),
    *("真实数据", "合成数据"),
}


@pytest.fixture(scope="module")
def dags(parsed: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return parsed["dags"]


@pytest.fixture(scope="module")
def datasets() -> set[str]:
    return set(active_datasets(Settings(enable_sources=[])))


def test_every_file_loads_in_two_seconds_of_the_processor(parsed: dict[str, Any]) -> None:
    assert parsed["errors"] == {}
    assert set(parsed["seconds"]) == {path.name for path in DAG_FILES}
    assert {name: seconds for name, seconds in parsed["seconds"].items() if seconds >= 2} == {}


def test_parsing_imports_nothing_heavy(parsed: dict[str, Any]) -> None:
    assert parsed["heavy"] == []


def test_the_main_dags_are_there(dags: dict[str, Any], datasets: set[str]) -> None:
    expected = {"gate_batches", "review_held_batch", "publish_dashboards", "city_refresh", "policy_match"}
    expected |= {
        "build_warehouse",
        "build_operations",
        "patrol_sweep",
        "sweep_rules",
        "share_marts",
        "apply_retention",
        "backfill",
        "satellite_change",
        "train_detector",
        "publish_model_docs",
    }
    assert set(dags) == expected | {f"ingest_{dataset}" for dataset in datasets}


@pytest.mark.parametrize("path", DAG_FILES, ids=lambda path: path.name)
def test_a_file_is_wiring_that_discovery_finds(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 120
    assert not path.name.startswith("dbt_")
    assert "airflow" in text.lower()
    assert "dag" in text.lower()
    assert not re.search(r"\b(select|insert|update|delete)\b.+\b(from|into|set)\b", text, re.IGNORECASE)
    tree = ast.walk(ast.parse(text))
    branches = [
        node.lineno for node in tree if isinstance(node, ast.If | ast.Try | ast.FunctionDef | ast.ClassDef)
    ]
    assert branches == [], "a DAG file holds no logic"
    assert "Variable" not in text


def test_a_file_is_named_after_its_dag(dags: dict[str, Any]) -> None:
    for dag in dags.values():
        if dag["file"] in GENERATORS:
            assert dag["dag_id"].startswith(GENERATORS[dag["file"]])
        else:
            assert dag["file"] == f"{dag['dag_id']}.py"
    assert {dag["file"] for dag in dags.values()} == {path.name for path in DAG_FILES} - WITHOUT_DAG


def test_every_dag_has_owner_start_title_help_and_tags(dags: dict[str, Any]) -> None:
    departments = load_departments()
    for dag_id, dag in dags.items():
        assert len(dag["owners"]) == 1, dag_id
        assert dag["owners"][0] in departments, dag_id
        assert datetime.fromisoformat(dag["start"]).tzinfo is not None, dag_id
        assert dag["timezone"] == "Asia/Shanghai", dag_id
        assert dag["catchup"] is False, dag_id
        assert HAN.search(dag["title"]), dag_id
        assert len(dag["doc"]) > 200, dag_id
        assert HAN.search(dag["doc"]), dag_id
        assert dag["tags"], dag_id
        assert set(dag["tags"]) <= TAGS, dag_id


def test_only_reviews_run_side_by_side(dags: dict[str, Any]) -> None:
    assert {dag_id for dag_id, dag in dags.items() if dag["max_active_runs"] != 1} == {"review_held_batch"}


def test_a_source_dag_follows_its_file(dags: dict[str, Any]) -> None:
    for dataset in active_datasets(Settings(enable_sources=[])).values():
        dag = dags[f"ingest_{dataset.id}"]
        assert dag["owners"] == [dataset.owner]
        assert dag["title"] == dataset.title.zh
        assert dag["schedule"] == (dataset.schedule or "None")
        assert dataset.source_note in dag["doc"]
        assert all(f"`{column.name}`" in dag["doc"] for column in dataset.columns)
        assert ("真实数据" if dataset.origin == "real" else "合成数据") in dag["tags"]


def test_each_stage_wakes_the_next(dags: dict[str, Any], datasets: set[str]) -> None:
    outlets = {name for dag in dags.values() for name in dag["outlets"]}
    assert {f"landed/{dataset}" for dataset in datasets} <= outlets
    assert set(dags["gate_batches"]["woken_by"]) == {f"landed/{dataset}" for dataset in datasets}
    assert dags["gate_batches"]["outlets"] == ["loaded"]
    assert set(dags["build_warehouse"]["woken_by"]) == {f"raw/{dataset}" for dataset in datasets}
    assert "marts/ready" in dags["build_warehouse"]["outlets"]
    assert dags["publish_dashboards"]["woken_by"] == ["marts/ready"]
    assert dags["policy_match"]["woken_by"] == ["marts/mart_enterprise_facts"]
    assert dags["policy_match"]["outlets"] == ["policy/matched"]


def test_a_consumer_also_runs_by_the_clock(dags: dict[str, Any]) -> None:
    for dag_id, dag in dags.items():
        if dag["woken_by"]:
            assert re.fullmatch(r"Asset or [\d*/, -]+", dag["schedule"]), dag_id


def test_the_main_job_wakes_nobody(dags: dict[str, Any]) -> None:
    """It does the whole chain itself: to announce what it landed and loaded would have all done twice.
    Only the models' documentation is left to be written after it.
    """
    assert set(dags["city_refresh"]["outlets"]) == {"published", "city/refreshed"}
    woken = {dag_id for dag_id, dag in dags.items() if "city/refreshed" in dag["woken_by"]}
    assert woken == {"publish_model_docs"}
    assert dags["city_refresh"]["schedule"] == "None"
    assert list(dags["city_refresh"]["params"]) == ["dry_run", "sources", "rebuild"]


def test_a_broken_source_file_costs_its_own_dag_only(
    parse: Any, other_project: Path, datasets: set[str]
) -> None:
    sources = other_project / "dags" / "sources"
    bad = {
        "water_stage": ('schedule: "*/15 * * * *"', 'schedule: "every now and then"'),
        "air_quality_hour": ("delivers: increment", "delivers: sometimes"),
        "division_county": ("id: division_county", "id: [division_county"),
        "enterprise_register": ("owner: market_regulation", "owner: nobody"),
    }
    lines = {}
    for dataset, (old, new) in bad.items():
        path = sources / f"{dataset}.yml"
        text = path.read_text(encoding="utf-8")
        assert text.count(old) == 1
        lines[dataset] = text[: text.index(old)].count("\n") + 1
        path.write_text(text.replace(old, new), encoding="utf-8")

    found = parse(other_project, CITYBRAIN_ENABLE_SOURCES='["usgs_stage"]')

    assert {name for name in found["dags"] if name.startswith("ingest_")} == {
        f"ingest_{dataset}" for dataset in (datasets | {"usgs_stage"}) - set(bad)
    }
    assert {"gate_batches", "build_warehouse", "city_refresh"} <= set(found["dags"])
    assert list(found["errors"]) == ["source_faults.py"]
    shown = found["errors"]["source_faults.py"]
    for dataset in set(bad) - {"division_county"}:
        assert f"{dataset}.yml:{lines[dataset]}:" in shown
    assert re.search(
        r"division_county\.yml:\d+:", shown
    )  # an unclosed bracket is found where the parser gives up
