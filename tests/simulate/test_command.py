"""`citybrain simulate` as people and scripts call it."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from citybrain.cli.simulate import app
from citybrain.settings import Settings

from .conftest import settings_of_city

AT = ["--at", "2026-03-18T10:07"]


@pytest.fixture
def own(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The process's settings are those of a city of its own."""
    own = settings_of_city(settings, tmp_path, "command-")
    monkeypatch.setattr("citybrain.cli.simulate.get_settings", lambda: own)
    return own


@pytest.mark.integration
def test_dry_run_then_real_then_nothing_left(own: Settings) -> None:
    runner = CliRunner()
    small = ["--enterprises", "400", "--seed", "9", "--json"]
    plan = json.loads(runner.invoke(app, ["city", *AT, *small, "--dry-run"]).stdout)["would_send"]
    assert not own.drops.exists()
    result = runner.invoke(app, ["city", *AT, *small])
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    assert report["moment"] == "2026-03-18T10:07:00+08:00"
    paths = {
        sent["name"] if sent["dataset"] != "air_quality_hour" else "latest.geojson" for sent in report["sent"]
    }
    assert paths == {Path(entry["path"]).name for entry in plan}
    assert {entry["place"] for entry in plan} == {"drop", "feed", "inbox", "exchange"}
    for entry in plan:
        if entry["place"] in ("drop", "feed"):
            folder = own.drops if entry["place"] == "drop" else own.feeds_dir
            assert (folder / entry["path"]).is_file()
    again = runner.invoke(app, ["city", *AT, *small])
    assert json.loads(again.stdout)["sent"] == []
    other = runner.invoke(app, ["city", *AT])
    assert other.exit_code == 1
    assert "CITYBRAIN_DEMO_SEED" in other.output

    score = json.loads(runner.invoke(app, ["score", "--json"]).stdout)
    assert (score["planted"], len(score["datasets"])) == (0, len({entry["dataset"] for entry in plan}))
    assert sum(len(dataset["waiting"]) for dataset in score["datasets"]) == len(plan)


@pytest.mark.parametrize("text", ["nonsense", "2026-13-01", "tomorrow"])
def test_a_time_that_is_none_is_refused(text: str) -> None:
    result = CliRunner().invoke(app, ["city", "--at", text])
    assert result.exit_code == 2
    assert "ISO 8601" in result.output
