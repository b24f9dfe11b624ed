"""Dashboards on the running platform: applied, queried, drawn in a real browser, and loud when broken."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from supersetapiclient.databases import Database
from whole_city import RunningCity

from citybrain.bi.bundle import Bundle
from citybrain.bi.checks import Dashboards
from citybrain.bi.client import Superset, connect
from citybrain.bi.drift import compare
from citybrain.bi.edition import Edition, read_edition
from citybrain.bi.provision import apply, standing_objects
from citybrain.bi.publication import (
    edition_hash,
    last_publication,
    note_publication,
    why_publish,
)
from citybrain.bi.render import CHROMIUM, render
from citybrain.bi.verification import VerifyError, query_charts, verify
from citybrain.settings import DatabaseRole, Settings
from citybrain.warehouse.connection import connect as connect_warehouse
from citybrain.warehouse.mart_states import operations_marts
from citybrain.warehouse.refresh_need import OPERATIONS

pytestmark = [pytest.mark.browser, pytest.mark.integration]


@pytest.fixture(scope="module")
def city(running_city: RunningCity) -> Iterator[Settings]:
    """The running platform's settings, and the environment that they came from."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in running_city.environment.items():
            patch.setenv(name, value)
        yield running_city.settings


@pytest.fixture(scope="module")
def superset(city: Settings) -> Superset:
    return connect(city)


@pytest.fixture(scope="module")
def edition(city: Settings) -> Edition:
    return read_edition(city)


@pytest.fixture(scope="module")
def content(edition: Edition) -> Dashboards:
    return edition.content


@pytest.fixture(scope="module")
def bundle(edition: Edition) -> Bundle:
    return edition.bundle


def test_the_main_job_has_published_everything(superset: Superset, edition: Edition) -> None:
    bundle = edition.bundle
    assert {item.uuid for item in standing_objects(superset)} == {
        *bundle.dashboards,
        *bundle.charts,
        *bundle.datasets,
    }
    plan = compare(superset, edition)
    assert plan.clean, plan


def test_nothing_is_published_again_until_something_changed(city: Settings, edition: Edition) -> None:
    assert why_publish(city, edition) is None
    published = last_publication(city)
    assert published is not None
    assert published.edition == edition_hash(edition)
    try:
        note_publication(city, published.model_copy(update={"edition": "older files"}))
        assert "changed since" in (why_publish(city, edition) or "")
    finally:
        note_publication(city, published)


def test_operations_write_the_marts_whose_charts_are_asked_last(city: Settings) -> None:
    with connect_warehouse(city, DatabaseRole.TRANSFORMER, "test") as connection:
        written = connection.execute(
            "SELECT DISTINCT split_part(node, '.', 3) FROM meta.transform_result"
            " JOIN meta.transform_run USING (transform_run_id) WHERE kind = 'model' AND selection = %s",
            [OPERATIONS],
        ).fetchall()
    assert {name for (name,) in written} == operations_marts(city)


def test_applying_again_changes_nothing(city: Settings, superset: Superset, edition: Edition) -> None:
    before = {(item.kind, item.uuid, item.id) for item in standing_objects(superset)}
    themes = {row["theme_name"]: row["id"] for row in superset.listed("theme/")}
    report = apply(city, edition)
    assert {(item.kind, item.uuid, item.id) for item in standing_objects(superset)} == before
    assert {row["theme_name"]: row["id"] for row in superset.listed("theme/")} == themes
    assert report.pruned == []
    assert compare(superset, edition).clean


def test_every_chart_has_an_answer_that_the_next_reader_finds_ready(
    city: Settings, superset: Superset, bundle: Bundle
) -> None:
    before = datetime.now(UTC).replace(microsecond=0, tzinfo=None)
    report = verify(city, bundle.charts)
    assert report.errors == []
    assert report.charts > 20
    assert report.rows > report.charts
    for chart in [item for item in standing_objects(superset) if item.kind == "chart"]:
        (result, *_) = superset.fetch(f"chart/{chart.id}/data/", {"format": "json", "type": "full"})["result"]
        assert datetime.fromisoformat(result["cached_dttm"]) >= before, chart.name


SAMPLE = ("city_overview", "air_quality")  # dark and light; between them every kind of tile but the pie


@pytest.mark.parametrize(
    "slugs", [pytest.param(SAMPLE, id="sample"), pytest.param(None, id="all", marks=pytest.mark.slow)]
)
def test_every_tab_is_drawn_without_an_alert(
    city: Settings, content: Dashboards, tmp_path: Path, slugs: tuple[str, ...] | None
) -> None:
    if not CHROMIUM.exists():
        pytest.skip(f"{CHROMIUM} is missing: apt-get install chromium fonts-noto-cjk")
    pictures = render(city, content, tmp_path, slugs)
    drawn = [content.scenarios[slug] for slug in slugs or content.scenarios]
    assert len(pictures) == sum(len(scenario.tabs) for scenario in drawn)
    assert [error for picture in pictures for error in picture.errors] == []
    for picture in pictures:
        assert picture.data_calls >= 3
        assert picture.path.stat().st_size > 20_000, "an empty page is a small picture"


@pytest.mark.slow
def test_a_change_by_hand_is_seen_and_undone(city: Settings, superset: Superset, edition: Edition) -> None:
    chart = next(item for item in standing_objects(superset) if item.kind == "chart")
    superset.change(f"chart/{chart.id}", {"slice_name": "改过的标题"})
    plan = compare(superset, edition)
    assert len(plan.change) == 1, plan
    assert "slice_name" in plan.change[0]
    apply(city, edition)
    assert compare(superset, edition).clean


@pytest.mark.slow
def test_pruning_takes_our_orphans_and_leaves_what_people_made(
    city: Settings, superset: Superset, edition: Edition
) -> None:
    dataset = next(item for item in standing_objects(superset) if item.kind == "dataset")
    made = superset.create(
        "chart/",
        {
            "slice_name": "手工图表",
            "viz_type": "table",
            "datasource_id": dataset.id,
            "datasource_type": "table",
            "params": "{}",
        },
    )["id"]
    orphan = superset.create(
        "chart/",
        {
            "slice_name": "已删除的图表",
            "viz_type": "table",
            "datasource_id": dataset.id,
            "datasource_type": "table",
            "params": "{}",
            "uuid": "8d4b43c7-2c53-5f0e-9a53-0f0c2f0c8b11",  # a name-based uuid, as ours are
            "is_managed_externally": True,
        },
    )["id"]
    try:
        report = apply(city, edition)
        assert report.pruned == ["chart 已删除的图表"]
        standing = {row["id"] for row in superset.listed("chart/", ["id"])}
        assert made in standing
        assert orphan not in standing
    finally:
        superset.remove(f"chart/{made}")


@pytest.mark.slow
def test_a_dropped_column_is_reported_by_chart(
    city: Settings, superset: Superset, bundle: Bundle, content: Dashboards
) -> None:
    """A mart that loses a column between two builds: verify names the charts that need it."""
    mart, column = "mart_air_quality_now", "attention_reason"
    name = psycopg.sql.Identifier("marts", mart)
    with psycopg.connect(city.dsn(DatabaseRole.TRANSFORMER), autocommit=True) as owner:
        renamed = psycopg.sql.SQL("ALTER TABLE {} RENAME COLUMN {} TO {}")
        there, away = psycopg.sql.Identifier(column), psycopg.sql.Identifier("column_gone")
        owner.execute(renamed.format(name, there, away))
        try:
            report = query_charts(superset, bundle.charts)
            with pytest.raises(VerifyError, match="air_quality/attention"):
                verify(city, bundle.charts)
        finally:
            owner.execute(renamed.format(name, away, there))
    assert any(line.startswith("air_quality/attention:") for line in report.errors)
    untouched = {"air_quality/aqi_now", "enterprise_landscape/entities"}
    assert not untouched & {line.partition(":")[0] for line in report.errors}
    assert query_charts(superset, bundle.charts).errors == []


def test_the_repaired_calls_of_the_client(city: Settings, superset: Superset) -> None:
    """Fails on the day a new superset-client or Superset makes a repair needless, or breaks it."""
    found = superset.charts.find_one(slice_name="企业规模构成（最近申报年度）")
    before, found.slice_name = found.slice_name, "企业规模（改）"
    found.save()
    assert superset.charts.get(found.id).slice_name == "企业规模（改）"
    found.slice_name = before
    found.save()
    assert len(superset.read(f"chart/{found.id}")["result"]["dashboards"]) == 1

    database = Database(
        database_name="试验连接", sqlalchemy_uri=city.dsn(DatabaseRole.BI_READER, "postgresql+psycopg2")
    )
    number = superset.databases.add(database)
    try:
        assert superset.databases.get(number).database_name == "试验连接"
    finally:
        superset.remove(f"database/{number}")


def test_the_verbs_tell_scripts_what_they_did(running_city: RunningCity) -> None:
    plan = running_city.citybrain("bi", "plan", "--json")
    assert plan.returncode == 0, plan.stderr
    assert json.loads(plan.stdout) == {"create": [], "change": [], "delete": []}
    applied = running_city.citybrain("bi", "apply", "--json")
    assert applied.returncode == 0, applied.stderr
    assert json.loads(applied.stdout)["dashboards"] == 24
    verified = running_city.citybrain("bi", "verify", "--json")
    assert verified.returncode == 0, verified.stderr
    assert json.loads(verified.stdout)["errors"] == []
