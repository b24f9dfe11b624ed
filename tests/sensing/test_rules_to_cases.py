"""Each scenario from its rows to a case: opened by what is wrong, noted when it is over, not by less."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from citybrain.catalogue.content_file import load_content
from citybrain.sensing.case_file import SUBJECT, Case, RuleCases, case_files, play
from citybrain.sensing.rule_file import RuleFile, load_rule_file, rule_files
from citybrain.settings import Settings, get_settings

pytestmark = pytest.mark.integration
FILES = [path for path in rule_files(get_settings()) if load_rule_file(path).enabled]


@pytest.fixture(autouse=True)
def _no_tables_left(sensor: psycopg.Connection[Any]) -> Iterator[None]:
    """What a case is played from is gone after it: the connection is every test's."""
    yield
    sensor.execute("DISCARD TEMP")


def cases_of(path: Path) -> tuple[RuleFile, list[Case]]:
    """The file, and its cases of rules that make cases (health is another thing)."""
    file = load_rule_file(path)
    telling = {rule.id for rule in file.rules if rule.tell == "case"}
    cases = [case for one in case_files(path) for case in load_content(one, RuleCases).cases]
    return file, [case for case in cases if case.rule in telling]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.parent.name)
def test_rows_become_a_case_and_a_near_miss_becomes_none(
    sensor: psycopg.Connection[Any], offices: Settings, path: Path
) -> None:
    from citybrain.events.intake import take_in
    from citybrain.events.models import Case as DeskCase
    from citybrain.events.scope import as_system

    def opened() -> int:
        with as_system():
            return DeskCase.objects.filter(scenario=file.scenario).count()

    file, cases = cases_of(path)
    take_in()
    before = opened()
    wrong = next(case for case in cases if case.expect)
    near = next(case for case in cases if not case.expect)
    assert [signal for signal in play(sensor, file, near) if signal.subject == SUBJECT] == []
    assert sum(take_in().values()) == 0 and opened() == before
    told = play(sensor, file, wrong)
    done = take_in()
    assert done["opened"] >= 1 and done["dropped"] == 0, told
    assert opened() == before + done["opened"]
    with as_system():
        case = DeskCase.objects.filter(scenario=file.scenario).order_by("-id").first()
        assert case.place_name and case.lead_id
        if {signal.kind for signal in told} == {"detected", "cleared"} and done["opened"] == 1:
            cleared = {signal.class_code for signal in told if signal.kind == "cleared"}
            if cleared == {signal.class_code for signal in told}:
                assert case.cleared_at == max(signal.observed_at for signal in told)
