"""The cases that lie beside each file of rules, run by the room's own statements."""

from pathlib import Path
from typing import Any

import psycopg
import pytest

from citybrain.sensing.case_file import rule_faults, run_rule_cases
from citybrain.sensing.rule_file import rule_files
from citybrain.settings import get_settings

pytestmark = pytest.mark.integration


def test_every_file_of_rules_is_sound() -> None:
    assert list(rule_faults(get_settings())) == []


@pytest.mark.parametrize("path", rule_files(get_settings()), ids=lambda path: path.parent.name)
def test_cases_hold(sensor: psycopg.Connection[Any], path: Path) -> None:
    results = run_rule_cases(sensor, path)
    assert results and [result.reason for result in results if result.reason] == []
