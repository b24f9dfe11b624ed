"""The commands of events and cases, and the page that the rules print."""

import json
from collections.abc import Callable
from typing import Any

from fire_lane import Spot
from typer.testing import CliRunner

from citybrain.cli import app
from citybrain.events.counting import case_counts
from citybrain.events.states_page import states_page
from citybrain.settings import SOURCE_TREE


def run(*arguments: str) -> Any:
    result = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_the_page_of_states_is_the_rules_own() -> None:
    page = (SOURCE_TREE / "docs/reference/case-states.md").read_text(encoding="utf-8")
    assert page == states_page()


def test_one_round_takes_in_and_tells_and_is_counted(spot: Spot) -> None:
    before = case_counts(spot.settings)
    spot.send()
    done = run("events", "intake", "--once", "--json")
    assert done["signals"] == {"opened": 1}
    assert done["notifications"]["sent"] >= 2
    after = run("events", "counts", "--json")
    assert after["signals"] == before["signals"] + 1
    assert after["cases_open"] == before["cases_open"] + 1
    assert after["cases_closed"] == before["cases_closed"]
    assert after["notifications_waiting"] <= before["notifications_waiting"]


def test_a_case_is_shown_with_its_history(
    spot: Spot, people: Callable[[str], Any], asked_by: Callable[[Any], Any]
) -> None:
    spot.send()
    run("events", "intake", "--once", "--json")
    number = spot.case().number
    assert run("cases", "list", "--state", "dispatched", "--json")[0]["number"] == number
    found = run("cases", "show", number, "--json")
    assert [step["action"] for step in found["history"]] == ["register", "confirm", "file", "dispatch"]
    assert CliRunner().invoke(app, ["cases", "show", "BZ-20000101-000000"]).exit_code == 1
