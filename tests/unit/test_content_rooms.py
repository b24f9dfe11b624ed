"""`citybrain validate`: the checkout's rooms hold, and each kind of fault is told with file and line."""

import json
import re
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from citybrain.cli import app
from citybrain.settings import SOURCE_TREE, get_settings

ROOMS = ("dags/sources", "expectations", "dashboards", "policies", "detectors", "dbt_project/models")


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the content rooms that a test may break."""
    for room in ROOMS:
        shutil.copytree(SOURCE_TREE / room, tmp_path / room)
    monkeypatch.setenv("CITYBRAIN_PROJECT", str(tmp_path))
    get_settings.cache_clear()
    yield tmp_path
    get_settings.cache_clear()


def faults() -> tuple[int, list[dict[str, object]]]:
    result = CliRunner().invoke(app, ["validate", "--json"])
    return result.exit_code, json.loads(result.stdout)["faults"]


def test_the_checkout_holds(checkout: Path) -> None:
    assert faults() == (0, [])


@pytest.mark.parametrize(
    ("file", "old", "new", "line_holds", "reason"),
    [
        ("dags/sources/water_stage.yml", "owner: water_affairs", "owner: nobody", "owner: nobody", "nobody"),
        ("dags/sources/water_stage.yml", "key: [gauge_code, observed_at]", "key: [gauge]", "key:", "gauge"),
        (
            "dags/sources/water_stage.yml",
            "delivers: increment",
            "delivers: increment\nsurprise: 1",
            "surprise",
            "surprise",
        ),
        (
            "expectations/water_stage.yml",
            "dataset: water_stage",
            "dataset: water_stage\nsurprise: 1",
            "surprise",
            "surprise",
        ),
        ("dashboards/metrics.yml", "metrics:", "surprise: 1\nmetrics:", "surprise", "surprise"),
    ],
)
def test_a_fault_names_file_line_and_reason(
    checkout: Path, file: str, old: str, new: str, line_holds: str, reason: str
) -> None:
    path = checkout / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")

    exit_code, found = faults()

    assert exit_code == 1
    named = [fault for fault in found if fault["file"] == str(path)]
    assert named, found
    assert reason in str(named[0]["reason"])
    line = path.read_text(encoding="utf-8").splitlines()[int(str(named[0]["line"])) - 1]
    assert (
        line_holds in line or old == "key: [gauge_code, observed_at]"
    )  # the model's own check has no key to point at


def test_a_dataset_without_expectations_is_a_fault(checkout: Path) -> None:
    (checkout / "expectations/water_stage.yml").unlink()
    exit_code, found = faults()
    assert exit_code == 1
    assert any("water_stage has no expectations file" in str(fault["reason"]) for fault in found)


def test_the_how_to_for_a_new_source_gives_valid_files(checkout: Path) -> None:
    page = (SOURCE_TREE / "docs/how-to/add-a-source.md").read_text(encoding="utf-8")
    source, expectations = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    (checkout / "dags/sources/public_toilet.yml").write_text(source, encoding="utf-8")
    (checkout / "expectations/public_toilet.yml").write_text(expectations, encoding="utf-8")
    assert faults() == (0, [])
