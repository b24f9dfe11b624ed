"""Every fault of the catalogue and of the source files that one file alone cannot show."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from citybrain.catalogue.area import AREAS_FILE, load_areas
from citybrain.catalogue.content_file import ContentError, line_of, read_yaml
from citybrain.catalogue.dataset import dataset_files, load_dataset
from citybrain.catalogue.department import DEPARTMENTS_FILE, Department, load_departments
from citybrain.catalogue.scenario import SCENARIOS_FILE, load_scenarios
from citybrain.settings import Settings

Content = TypeVar("Content")


@dataclass(frozen=True)
class Fault:
    path: Path
    line: int
    reason: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.reason}"


def _read(load: Callable[[Path], Content], path: Path, faults: list[Fault]) -> Content | None:
    """The content of `path`, or None with its faults added to the list."""
    try:
        return load(path)
    except ContentError as error:
        faults.extend(Fault(error.path, line, reason) for line, reason in error.faults)
        return None


def _scenario_faults(path: Path, departments: dict[str, Department], faults: list[Fault]) -> None:
    scenarios = _read(load_scenarios, path, faults)
    if scenarios is None:
        return
    tree = read_yaml(path)
    for kind, group in (("event_handling", scenarios.event_handling), ("display", scenarios.display)):
        for place, scenario in enumerate(group):
            if scenario.domain not in scenarios.domains:
                line = line_of(tree, (kind, place, "domain"))
                faults.append(Fault(path, line, f"{scenario.id}: no domain is called {scenario.domain!r}"))
    for place, event in enumerate(scenarios.event_handling):
        for rank, lead in enumerate(event.lead):
            if lead not in departments:
                line = line_of(tree, ("event_handling", place, "lead", rank))
                faults.append(Fault(path, line, f"{event.id}: no department is called {lead!r}"))


def check(
    settings: Settings,
    *,
    scenarios: Path = SCENARIOS_FILE,
    departments: Path = DEPARTMENTS_FILE,
    areas: Path = AREAS_FILE,
) -> list[Fault]:
    """Every fault of the catalogue and of `dags/sources/`; an empty list means that all of it can be used."""
    faults: list[Fault] = []
    _read(load_areas, areas, faults)
    known = _read(load_departments, departments, faults) or {}
    _scenario_faults(scenarios, known, faults)
    for path in dataset_files(settings):
        dataset = _read(load_dataset, path, faults)
        if dataset is not None and dataset.owner not in known:
            line = line_of(read_yaml(path), ("owner",))
            faults.append(Fault(path, line, f"no department is called {dataset.owner!r}"))
    return faults
