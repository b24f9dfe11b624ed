"""The files of the state machine: what their models refuse, and that they hang together with the code."""

from pathlib import Path

import pytest

from citybrain.catalogue.content_file import ContentError
from citybrain.events.case_classes import CLASSES_FILE, filing_in_file, load_case_classes
from citybrain.events.rules import RULES_FILE, load_rules
from citybrain.settings import Settings


@pytest.mark.parametrize(
    ("old", "new", "line_holds", "reason"),
    [
        ("to: confirmed", "to: somewhere", "to: somewhere", "should be 'detected'"),
        ("[place_known, before_photo]", "[place_know]", "guards: [place_know]", "place_known"),
        ("{stop: [accept]}", "{stop: [acept]}", "transitions:", "unknown clocks: acept"),
        ("from: [suspended]", "from: [closed]", "transitions:", "where a case ends"),
        ("follow: request_check", "follow: approve", "transitions:", "no step of the platform"),
        ("{reason} 请在", "{reasons} 请在", "核查未通过", "no word of a message"),
        ("{number} 已立案", "{number.__class__} 已立案", "已立案", "no word of a message"),
        ("to: accepted", "to: dispatched", "transitions:", "no case can reach: accepted"),
        ("answers: extension", "machine: false", "transitions:", "petitions without a step"),
        ("permission: events.void_case", "surprise: 1", "surprise", "Extra inputs"),
    ],
)
def test_a_broken_file_is_refused_by_line(
    tmp_path: Path, old: str, new: str, line_holds: str, reason: str
) -> None:
    text = RULES_FILE.read_text(encoding="utf-8")
    assert old in text
    broken = tmp_path / "transitions.yml"
    broken.write_text(text.replace(old, new, 2 if "answers" in old else 1), encoding="utf-8")
    with pytest.raises(ContentError) as caught:
        load_rules(broken)
    lines = broken.read_text(encoding="utf-8").splitlines()
    told = [(lines[line - 1], said) for line, said in caught.value.faults]
    assert any(
        reason in said and (line_holds in line or line_holds == "transitions:") for line, said in told
    ), told


def test_a_limit_without_a_class_is_refused(tmp_path: Path) -> None:
    text = CLASSES_FILE.read_text(encoding="utf-8")
    broken = tmp_path / "case_classes.yml"
    kept = [line for line in text.splitlines() if "class_code: level_2" not in line]
    broken.write_text("\n".join(kept), encoding="utf-8")
    with pytest.raises(ContentError, match="bridge_health/level_2"):
        load_case_classes(broken)


def test_a_scenario_of_one_class_takes_every_kind_a_detector_tells() -> None:
    car, lorry = filing_in_file("fire_lane_occupancy", "car"), filing_in_file("fire_lane_occupancy", "truck")
    assert car == lorry is not None
    assert filing_in_file("street_order", "anything") is None
    assert filing_in_file("air_quality", "all") is None


def test_permissions_guards_and_states_are_those_of_the_code(desk: Settings) -> None:
    from citybrain.desk.accounts.roles import load_roles
    from citybrain.events.effects import EFFECTS
    from citybrain.events.guards import GUARDS
    from citybrain.events.models import ENDED, Case, State

    rules = load_rules()
    known = {f"events.{codename}" for codename, _ in Case._meta.permissions}
    used = {step.permission for step in rules.transitions if step.permission}
    assert used == known
    granted = {name for role in load_roles().values() for name in role.may}
    assert used <= granted  # every step has somebody who may take it
    assert {guard for step in rules.transitions for guard in step.guards} == set(GUARDS)
    assert {effect for step in rules.transitions for effect in step.effects} == set(EFFECTS)
    assert {name: rule.zh for name, rule in rules.states.items()} == dict(State.choices)
    assert {name for name, rule in rules.states.items() if rule.ends} == set(ENDED)
