"""DAG runs on small deliveries, over the real PostgreSQL, S3 and Airflow metadata, in a project of its own.

Its two sources are two files and no Python: a gauge whose readings are dropped, and a feed nobody serves.
"""

import shutil
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest

from citybrain.settings import DatabaseRole, Settings

pytestmark = pytest.mark.integration
PROJECT = Path(__file__).parents[2]

GAUGE = """
id: test_gauge
code: 2026UN9002
title: {zh: 测试水尺, en: Test gauge}
description: One row per gauge and minute.
owner: water_affairs
family: iot
origin: synthetic
source_note: written by a test
personal_data: none
schedule: "*/15 * * * *"
connector: {kind: drop_folder, path: test_gauge, pattern: "*.csv"}
format: {kind: csv}
delivers: increment
key: [gauge]
columns:
  - {name: gauge, type: text, label: {zh: 编号, en: Gauge}}
  - {name: level, type: numeric, label: {zh: 水位, en: Level}}
"""
FEED = GAUGE.replace("test_gauge", "test_feed").replace(
    'kind: drop_folder, path: test_feed, pattern: "*.csv"', "kind: http, url: /nothing.csv"
)
OTHER_FEED = FEED.replace("test_feed", "test_page").replace("family: iot", "family: internet")
EXPECTATIONS = """
dataset: test_gauge
owner: water_affairs
runbook: 核对读数
rules:
  - {id: level_readable, kind: well_typed, column: level, why: 水位须为数字, red_above: 0.3}
"""
GOOD = "gauge,level\n" + "".join(f"a{n},{n}.5\n" for n in range(10)) + "a10,dry\n"
RED = "gauge,level\nb1,1.5\nb2,dry\nb3,broken\nb4,2.5\n"
ALSO_RED = RED.replace("b", "c")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    folder.parent.chmod(0o755)
    shutil.copytree(PROJECT / "dags", folder / "dags", ignore=shutil.ignore_patterns("*.yml", "__pycache__"))
    shutil.copytree(PROJECT / "docs" / "reference" / "dags", folder / "docs" / "reference" / "dags")
    for path, text in {
        "dags/sources/test_gauge.yml": GAUGE,
        "dags/sources/test_feed.yml": FEED,
        "dags/sources/test_page.yml": OTHER_FEED,
        "expectations/test_gauge.yml": EXPECTATIONS,
    }.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text.lstrip(), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def story(run_dags: Any, settings: Settings, project: Path) -> dict[str, dict[str, Any]]:
    """What became of each run, in one process: Airflow's start costs more than all the runs."""
    drop = settings.drops / "test_gauge"
    drop.mkdir(parents=True)
    for name, text in {"1_good.csv": GOOD, "2_red.csv": RED, "3_red.csv": ALSO_RED}.items():
        (drop / name).write_text(text, encoding="utf-8")

    def person(name: str, option: str) -> dict[str, str]:
        password = settings.secret(f"airflow_{name}_password")
        return {"username": name, "password": password, "option": option, "note": f"{name} says so"}

    today = datetime.now(ZoneInfo("Asia/Shanghai")).date()
    yesterday = today - timedelta(days=1)  # the runs may take us past midnight
    window = {"dataset": "test_gauge", "from": yesterday.isoformat(), "to": today.isoformat()}
    requests = {
        "dry run": {"dag_id": "city_refresh", "conf": {"dry_run": True}},
        "landing": {"dag_id": "ingest_test_gauge"},
        "landing again": {"dag_id": "ingest_test_gauge"},
        "gate": {"dag_id": "gate_batches"},
        "gate again": {"dag_id": "gate_batches"},
        "release": {
            "dag_id": "review_held_batch",
            "conf": {"batch_id": 2},
            "answers": [
                person("viewer", "放行"),
                person("engineer", "也许"),
                person("engineer", "放行"),
                person("admin", "退回"),
            ],
        },
        "release again": {"dag_id": "review_held_batch", "conf": {"batch_id": 2}},
        "refuse": {
            "dag_id": "review_held_batch",
            "conf": {"batch_id": 3},
            "answers": [person("engineer", "退回")],
        },
        "backfill planned": {"dag_id": "backfill", "conf": {**window, "dry_run": True}},
        "backfill": {"dag_id": "backfill", "conf": {**window, "dry_run": False}},
        "main job": {
            "dag_id": "city_refresh",
            "conf": {"dry_run": False},
            "mark_success": "decide_build|refresh_outlines|read_tickets|parse_models|build|sync_desk"
            "|match_policies|make_grant_lists|write_case_history|plan_rounds|write_first_stills|write_stills|request_looks|wait_for_looks|sweep_rules|settle_cases"
            "|decide_operations|build_operations|check_build|publish|verify_standing|verify",
        },
    }
    return dict(zip(requests, run_dags(project, *requests.values()), strict=True))


def one(settings: Settings, query: str) -> tuple[Any, ...]:
    with psycopg.connect(settings.dsn(DatabaseRole.LOADER)) as connection:
        row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return row


def test_a_dry_run_runs_its_plan_only(story: Any) -> None:
    assert story["dry run"]["state"] == "success"
    tasks = dict(story["dry run"]["tasks"])
    assert tasks.pop("plan") == "success"
    assert set(tasks.values()) == {"skipped"}
    assert story["landing"]["returned"]["land"]["duplicates"] == 0, "the dry run landed nothing"


def test_landing_announces_what_is_new_and_nothing_else(story: Any) -> None:
    assert story["landing"]["returned"]["land"]["landed"] == [1, 2, 3]
    assert story["landing"]["events"] == ["landed/test_gauge"]
    assert story["landing again"]["tasks"] == {"land": "skipped"}
    assert story["landing again"]["state"] == "success"
    assert story["landing again"]["events"] == []


def test_the_gate_loads_announces_and_opens_a_review_for_each_held_batch(story: Any) -> None:
    outcomes = {outcome["batch_id"]: outcome for outcome in story["gate"]["returned"]["gate"]}
    assert [outcomes[batch]["state"] for batch in (1, 2, 3)] == ["loaded", "held", "held"]
    assert (outcomes[1]["rows_in"], outcomes[1]["rows_loaded"], outcomes[1]["rows_quarantined"]) == (
        11,
        10,
        1,
    )
    assert story["gate"]["events"] == ["raw/test_gauge"]
    tasks = story["gate"]["tasks"]
    assert tasks["open_review[batch_2]"] == tasks["open_review[batch_3]"] == "success"
    assert story["gate"]["state"] == "success"


def test_a_held_batch_gets_one_review(story: Any) -> None:
    assert story["gate again"]["returned"]["find_held_batches"] == []
    assert story["gate again"]["tasks"]["open_review"] == "skipped"
    assert story["gate again"]["events"] == []


def test_a_viewer_may_not_answer_and_an_answer_stands(story: Any) -> None:
    assert story["release"]["answers"] == [403, 400, 200, 409]


def test_what_is_asked_names_dataset_file_rows_and_reasons(story: Any) -> None:
    asked = story["release"]["returned"]["describe"]
    assert "测试水尺" in asked["subject"]
    for part in ("2_red.csv", "| 行数 | 4 |", "水位：无法识别为数值", "http://", "放行", "退回"):
        assert part in asked["body"], part


def test_a_release_loads_the_good_rows_in_the_persons_name(story: Any, settings: Settings) -> None:
    outcome = story["release"]["returned"]["apply"]
    assert (outcome["state"], outcome["rows_loaded"], outcome["rows_quarantined"]) == ("loaded", 2, 2)
    assert one(settings, "SELECT count(*) FROM raw.test_gauge WHERE gauge IN ('b1', 'b4')") == (2,)
    assert one(settings, "SELECT decision, decided_by, note FROM meta.batch_decision WHERE batch_id = 2") == (
        "release",
        "engineer",
        "engineer says so",
    )


def test_a_batch_that_is_decided_is_not_asked_about_again(story: Any) -> None:
    assert set(story["release again"]["tasks"].values()) == {"skipped"}


def test_a_refused_batch_stays_out(story: Any, settings: Settings) -> None:
    outcome = story["refuse"]["returned"]["apply"]
    assert (outcome["state"], outcome["rows_loaded"], outcome["rows_rejected"]) == ("refused", 0, 4)
    assert one(settings, "SELECT count(*) FROM raw.test_gauge WHERE gauge LIKE 'c%'") == (0,)


def test_a_backfill_judges_again_what_was_kept_out(story: Any) -> None:
    planned = story["backfill planned"]["returned"]["backfill"]
    assert [(step["batch_id"], step["state"]) for step in planned] == [(1, "loaded"), (2, "loaded")]
    report = story["backfill"]["returned"]["backfill"]
    assert (story["backfill"]["state"], report["failures"]) == ("success", {})
    assert [(outcome["batch_id"], outcome["rows_quarantined"]) for outcome in report["outcomes"]] == [
        (1, 1),
        (2, 2),
    ]


def test_a_failing_source_turns_the_main_job_red_and_stops_nothing(story: Any) -> None:
    run = story["main job"]
    tasks = run["tasks"]
    assert tasks["land[internet]"] == tasks["land[iot]"] == "failed"  # one with, one without another source
    assert tasks["gate"] == tasks["publish"] == "success"
    assert tasks["summary"] == run["state"] == "failed"
    figures = run["returned"]["summary"]
    assert figures["failed_tasks"] == ["land_0", "land_1"]
    assert figures["sources"] == 1
    assert run["events"] == []
