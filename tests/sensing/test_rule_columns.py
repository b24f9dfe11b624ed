"""What rules read stands in the contracts of the models: every column, and the right of the sensor."""

from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from ruamel.yaml import YAML

from citybrain.sensing.rule_file import RowsRule, RuleFile, classes_of, load_rule_file, rule_files
from citybrain.sensing.rule_parts import Condition
from citybrain.sensing.telling import clear_rounds_of
from citybrain.settings import DatabaseRole, get_settings


@cache
def models() -> dict[str, dict[str, Any]]:
    """Every model of dbt with its contract, by name."""
    files = sorted((get_settings().dbt_dir / "models" / "marts").rglob("*.yml"))
    reader = YAML(typ="safe")
    return {model["name"]: model for path in files for model in reader.load(path).get("models", [])}


def _tested(tests: list[Condition]) -> set[str]:
    return {test.column for test in tests if "." not in test.column and test.column != "reference"}


def reads_of(file: RuleFile) -> Iterator[tuple[str, set[str]]]:
    """Relations of a file and the columns it names of each."""
    place = file.place
    if place is not None:
        single = {place.subject, place.area, place.id, place.longitude, place.latitude}
        yield place.relation, {*place.name, *_tested(place.where), *single} - {None}
    if file.tracks is not None:
        tracks = file.tracks
        yield tracks.relation, {tracks.code, tracks.geometry, *_tested(tracks.lines), *_tested(tracks.places)}
        yield file.register.relation, {tracks.line_of_vehicle}
    for rule in file.rules:
        if isinstance(rule, RowsRule):
            single = {rule.clock, rule.class_by, rule.value, rule.longitude, rule.latitude} - {None}
            named = {*rule.subject, rule.at, rule.arrived, rule.area, *rule.name, *rule.detail}
            yield rule.relation, named | single | _tested(rule.where)
            if rule.within is not None:
                yield rule.relation, {rule.within.geometry}
                yield rule.within.relation, {rule.within.against, *_tested(rule.within.where)}
            continue
        rows = rule.input
        columns = {rows.subject, rows.at, rows.value, rows.arrived, rows.longitude, rows.latitude} - {None}
        yield rows.relation, columns | _tested(rows.where) | _tested(rule.while_)
        asked = {test.column for test in rule.while_}
        asked |= {hour for test in rule.while_ for hour in test.outside_hours or ()}
        asked |= {limit for limit in _limits(rule) if isinstance(limit, str)}
        if of_place := {name.removeprefix("place.") for name in asked if name.startswith("place.")}:
            yield file.register.relation, of_place
        if compare := getattr(rule, "compare", None):
            names = ("subject", "at", "value", "arrived", "longitude", "latitude")
            yield compare.relation, {getattr(compare, name) for name in names}


def _limits(rule: Any) -> Iterator[Any]:
    for level in getattr(rule, "levels", []):
        yield from (level.raise_at, level.hysteresis)
    yield from (getattr(rule, "minutes", None), getattr(rule, "minus", None))


@pytest.mark.parametrize("path", rule_files(get_settings()), ids=lambda path: path.parent.name)
def test_every_column_stands_in_the_contract_of_its_model(path: Any) -> None:
    for relation, columns in reads_of(load_rule_file(path)):
        schema, name = relation.split(".")
        if schema != "marts":
            continue
        model = models()[name]
        known = {column["name"] for column in model["columns"]}
        assert columns <= known, f"{relation} has no {', '.join(sorted(columns - known))}"
        assert DatabaseRole.SENSOR.login in model["config"]["meta"]["read_by"], relation


def test_the_end_of_a_spell_closes_the_cases_that_readings_close() -> None:
    """As many good readings as the class of the case asks for: else the case would stay open for ever."""
    from citybrain.events.case_classes import filing_in_file

    for path in rule_files(get_settings()):
        file = load_rule_file(path)
        for rule in file.rules:
            for class_code in classes_of(rule) if rule.tell == "case" else ():
                filing = filing_in_file(file.scenario, class_code)
                assert filing is not None, f"{file.id}/{rule.id}: no class {class_code}"
                if filing.rule.check == "readings":
                    assert clear_rounds_of(rule) >= filing.rule.clear_rounds, f"{file.id}/{rule.id}"
