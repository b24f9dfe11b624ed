"""`citybrain expectations …`."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from citybrain.cli.quality import app
from citybrain.settings import Settings


@pytest.fixture
def project(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Settings:
    """A project whose expectations a test may spoil."""
    real = Settings()
    (tmp_path / "dags").mkdir()
    (tmp_path / "dags" / "sources").symlink_to(real.sources_dir)
    (tmp_path / "expectations").mkdir()
    for path in real.expectations_dir.glob("*.yml"):
        (tmp_path / "expectations" / path.name).write_bytes(path.read_bytes())
    monkeypatch.setenv("CITYBRAIN_PROJECT", str(tmp_path))
    moved = Settings()
    monkeypatch.setattr("citybrain.settings.get_settings", lambda: moved)
    monkeypatch.setattr("citybrain.quality.expectations_file.get_settings", lambda: moved)
    return moved


def test_validate_names_every_fault(project: Settings) -> None:
    assert CliRunner().invoke(app, ["validate"]).exit_code == 0
    register = project.expectations_dir / "enterprise_register.yml"
    register.write_text(
        register.read_text(encoding="utf-8").replace("column: uscc", "column: uscd", 1), encoding="utf-8"
    )
    (project.expectations_dir / "water_stage.yml").unlink()
    (project.expectations_dir / "stray.yml").write_text("", encoding="utf-8")
    result = CliRunner().invoke(app, ["validate"])
    assert result.exit_code == 1
    assert f"{register}:9: enterprise_register has no column 'uscd'" in result.stderr
    assert "water_stage.yml:1:" in result.stderr
    assert "stray.yml:1: there is no dataset 'stray'" in result.stderr


def test_show_says_the_rules_in_chinese(project: Settings) -> None:
    shown = json.loads(CliRunner().invoke(app, ["show", "enterprise_register", "--json"]).stdout)
    rules = {rule["id"]: rule["rule"] for rule in shown["rules"]}
    assert rules["closed_has_day"].startswith("当 status 为 注销 时，若注销日期：缺失，该行隔离")
    assert "20.00% 红牌" in rules["uscc_check_digit"]
    assert CliRunner().invoke(app, ["show", "nope"]).exit_code == 1


def test_list_and_schema(project: Settings) -> None:
    listed = json.loads(CliRunner().invoke(app, ["list", "--json"]).stdout)
    assert {row["dataset"] for row in listed} == {path.stem for path in project.sources_dir.glob("*.yml")}
    schema = json.loads(CliRunner().invoke(app, ["schema"]).stdout)
    kinds = schema["properties"]["rules"]["items"]["discriminator"]["mapping"]
    assert {"not_null", "valid_uscc", "freshness"} <= set(kinds)


def test_the_room_and_its_commands_import_without_great_expectations() -> None:
    code = (
        "import sys, citybrain.quality, citybrain.cli.quality; sys.exit('great_expectations' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
