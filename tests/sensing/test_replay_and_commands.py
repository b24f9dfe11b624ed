"""A changed rule over history, what people had judged, and the commands around rules."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from brute_force import Limits
from test_sweeps import BEGIN, reading_rule
from typer.testing import CliRunner

from citybrain.cli import app
from citybrain.sensing.case_file import rule_faults
from citybrain.sensing.replay import replay
from citybrain.sensing.rule_file import RuleFile
from citybrain.sensing.sweep import sweep_rule
from citybrain.settings import DatabaseRole, Settings, get_settings
from citybrain.warehouse.row_scope import enter
from standing_in import standing_in

pytestmark = pytest.mark.integration
MARTS = {
    "fct_sensor_reading": "(device_id text, observed_at timestamptz, value float8, built_at timestamptz)",
    "dim_device": "(device_id text, name text, area text)",
}
SERIES = {"replay A": [1, 16, 17, 16, 1], "replay B": [1, 16, 30, 30, 1, 1, 40, 40], "replay C": [1, 2, 3]}


@pytest.fixture
def history(offices: Settings) -> Iterator[Settings]:
    with standing_in(offices, MARTS, [DatabaseRole.SENSOR]) as dbt:
        for device, values in SERIES.items():
            dbt.execute("INSERT INTO marts.dim_device VALUES (%s, %s, '341602')", (device, device))
            for place, value in enumerate(values):
                at = BEGIN + timedelta(minutes=10 * place)
                dbt.execute(
                    "INSERT INTO marts.fct_sensor_reading VALUES (%s, %s, %s, %s)", (device, at, value, at)
                )
        yield offices


def void(subject: str) -> None:
    """A dispatcher finds that there was nothing."""
    from django.db import connection, transaction

    from citybrain.desk.accounts.models import User
    from citybrain.events.acting import apply
    from citybrain.events.models import Case
    from citybrain.events.scope import as_system

    with as_system():
        case = Case.objects.get(source_id=subject)
        dispatcher = User.objects.select_related("organisation").get(username="dispatcher")
    with transaction.atomic(), connection.cursor() as cursor:
        enter(cursor, dispatcher.row_scope)
        apply(case, "void", dispatcher, reason="设备检修")


def test_a_changed_rule_is_held_against_the_live_one_and_what_people_judged(
    history: Settings, sensor: psycopg.Connection[Any]
) -> None:
    from citybrain.events.intake import take_in

    live, rule = reading_rule(Limits(15, 2, 10, 2, 1))
    take_in()
    assert sweep_rule(sensor, live, rule).detected == 3
    assert take_in()["opened"] == 2
    void("replay A")
    told = sensor.execute("SELECT count(*) FROM ops.signal").fetchone()
    changed, _ = reading_rule(Limits(20, 2, 10, 2, 1))
    (found,) = replay(history, live, changed, BEGIN, BEGIN + timedelta(days=1))
    assert found.live is not None and found.changed is not None
    assert len(found.live.alerts) == 3 and found.live.a_day() == {BEGIN.date(): 3}
    assert (found.live.right, found.live.wrong, found.live.precision) == (0, 1, 0.0)
    assert (len(found.changed.alerts), found.changed.precision) == (2, None)
    assert [alert.subject for alert in found.gone] == ["replay A"] and found.come == ()
    assert sensor.execute("SELECT count(*) FROM ops.signal").fetchone() == told


def test_a_fault_is_named_with_file_and_line(tmp_path: Path) -> None:
    live = get_settings().detectors_dir / "flood_waterlogging"
    folder = tmp_path / "detectors" / "flood_waterlogging"
    (folder / "rule_cases").mkdir(parents=True)
    text = (live / "rules.yml").read_text(encoding="utf-8")
    (folder / "rules.yml").write_text(text.replace("readings: 2}", "readings: none}"), encoding="utf-8")
    line = next(number for number, one in enumerate(text.splitlines(), 1) if "persist: {minutes: 15" in one)
    settings = get_settings().model_copy(update={"project": tmp_path})
    ((path, found, reason),) = list(rule_faults(settings))[:1]
    assert (path, found) == (folder / "rules.yml", line) and "readings" in reason
    (folder / "rules.yml").write_text(text, encoding="utf-8")
    ((path, _, reason),) = rule_faults(settings)
    assert "no cases below" in reason


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"scenario": "fire_in_the_moon"}, "no event scenario"),
        ({"provenance": "completion"}, "the catalogue says"),
        ({"id": "another"}, "lies in the folder"),
    ],
)
def test_a_file_that_the_catalogue_contradicts_is_refused(
    tmp_path: Path, changes: dict[str, str], reason: str
) -> None:
    from citybrain.catalogue import ContentError
    from citybrain.sensing.rule_file import load_rule_file

    text = (get_settings().detectors_dir / "gas_leak_monitoring" / "rules.yml").read_text(encoding="utf-8")
    for name, value in changes.items():
        text = "\n".join(
            f"{name}: {value}" if one.startswith(f"{name}:") else one for one in text.splitlines()
        )
    folder = tmp_path / "gas_leak_monitoring"
    folder.mkdir()
    (folder / "rules.yml").write_text(text, encoding="utf-8")
    with pytest.raises(ContentError, match=reason):
        load_rule_file(folder / "rules.yml")


@pytest.mark.parametrize(
    ("condition", "reason"),
    [
        ({"column": "value"}, "exactly one test"),
        ({"column": "value", "is": 1, "above": 2}, "exactly one test"),
        ({"column": "value; DROP TABLE ops.signal", "is": 1}, "pattern"),
    ],
)
def test_a_condition_is_one_test_of_a_named_column(condition: dict[str, Any], reason: str) -> None:
    file, _ = reading_rule(Limits(1, 0, 0, 1, 1))
    plain = json.loads(file.model_dump_json(by_alias=True, exclude_unset=True))
    plain["rules"][0]["input"]["where"] = [condition]
    with pytest.raises(ValueError, match=reason):
        RuleFile.model_validate(plain)


def test_hostile_values_stay_values(sensor: psycopg.Connection[Any], history: Settings) -> None:
    file, _ = reading_rule(Limits(1, 0, 0, 1, 1))
    plain = json.loads(file.model_dump_json(by_alias=True, exclude_unset=True))
    plain["rules"][0]["input"]["where"] = [{"column": "device_id", "is": "'; DROP TABLE sensing.spell; --"}]
    hostile = RuleFile.model_validate(plain)
    assert sweep_rule(sensor, hostile, hostile.rules[0]).state == "unchanged"
    assert sensor.execute("SELECT to_regclass('sensing.spell') IS NOT NULL").fetchone() == (True,)


def test_commands_tell_scripts_and_people(offices: Settings) -> None:
    runner = CliRunner()
    listed = runner.invoke(app, ["rules", "list", "--json"])
    assert listed.exit_code == 0, listed.output
    assert {row["detector"] for row in json.loads(listed.output)} >= {"flood_waterlogging", "bridge_health"}
    tested = runner.invoke(app, ["rules", "test", "gas_leak_monitoring"])
    assert (tested.exit_code, tested.output.strip()) == (0, "3 cases, 0 failed")
    ran = runner.invoke(app, ["rules", "run", "gas_leak_monitoring", "--json"])
    assert ran.exit_code == 0 and {row["rule"] for row in json.loads(ran.output)} == {"methane", "silent"}
    assert runner.invoke(app, ["rules", "run", "nothing"]).exit_code == 2
    schema = json.loads(runner.invoke(app, ["schema", "detector-rules"]).output)
    assert "SilenceRule" in schema["$defs"]
