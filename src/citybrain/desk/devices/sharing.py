"""Who else uses a device: departments of the scenarios whose rules read its kind, or whose camera it is."""

from functools import cache

from citybrain.events.case_classes import load_case_classes
from citybrain.sensing.rule_file import load_rule_files
from citybrain.settings import get_settings

_REGISTER = "marts.dim_device"


@cache
def users_of_kinds() -> dict[str, list[str]]:
    """Department ids by the kind of device that enabled rules of their scenarios read."""
    found: dict[str, set[str]] = {}
    for file in load_rule_files(get_settings()).values():
        if file.place is None or file.place.relation != _REGISTER:
            continue
        for condition in file.place.where:
            if condition.column == "device_kind":
                kinds = [condition.is_] if condition.is_ is not None else condition.one_of or []
                for kind in kinds:
                    found.setdefault(str(kind), set()).update(users_of_scenarios().get(file.scenario, []))
    return {kind: sorted(departments) for kind, departments in found.items()}


@cache
def users_of_scenarios() -> dict[str, list[str]]:
    """Department ids by scenario: who leads its cases, and who handles them."""
    found: dict[str, set[str]] = {}
    for one in load_case_classes().filled_in().classes:
        departments = {one.lead, one.handler_department} - {None, ""}
        found.setdefault(one.scenario, set()).update(str(department) for department in departments)
    return {scenario: sorted(departments) for scenario, departments in found.items()}


def used_by(department: str) -> tuple[list[str], list[str]]:
    """The kinds of sensors and the scenarios of cameras that a department uses."""
    kinds = [kind for kind, departments in users_of_kinds().items() if department in departments]
    scenarios = [one for one, departments in users_of_scenarios().items() if department in departments]
    return kinds, scenarios
