"""The content room `dashboards/` read whole and checked against the marts that dbt declares.

Every fault names its file, line and reason; the compiler may then trust every name.
"""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from citybrain.bi.checks import (
    Addresses,
    Dashboards,
    Fault,
    link_faults,
    map_faults,
    metric_faults,
    row_faults,
    scenario_faults,
)
from citybrain.bi.marts import Mart, load_marts
from citybrain.bi.semantics import Links, Maps, Metrics, Roles, RowSecurity, Tokens
from citybrain.bi.spec import Scenario
from citybrain.bi.wall import Hall, load_halls
from citybrain.catalogue import (
    ContentError,
    line_of,
    load_content,
    load_departments,
    load_scenarios,
    read_yaml,
)
from citybrain.settings import Settings

__all__ = ["Dashboards", "RoomError", "json_schemas", "load_dashboards", "load_scenario"]


class RoomError(ContentError):
    """Several files that cannot be used. As a ContentError it is the first of them; `str()` has them all."""

    def __init__(self, errors: list[ContentError]) -> None:
        super().__init__(errors[0].path, errors[0].faults)
        self.errors = errors

    def __str__(self) -> str:
        return "\n".join(str(error) for error in self.errors)


def _raise(path: Path, faults: Iterable[Fault]) -> None:
    """Raise ContentError for the faults, each at its line."""
    found = list(faults)
    if found:
        tree = read_yaml(path)
        lines = [
            (line_of(tree, where), f"{'.'.join(map(str, where))}: {reason}" if where else reason)
            for where, reason in found
        ]
        raise ContentError(path, lines)


def load_scenario(path: Path, content: Dashboards) -> Scenario:
    """One scenario, checked against the marts. Raises ContentError."""
    scenario = load_content(path, Scenario)
    if scenario.slug != path.stem:
        raise ContentError(path, [(1, f"slug is {scenario.slug!r}, but the file is called {path.name}")])
    _raise(path, scenario_faults(scenario, content))
    return scenario


def load_dashboards(settings: Settings, marts: dict[str, Mart] | None = None) -> Dashboards:
    """The whole room, checked against `marts` (default: what dbt declares).

    Raises ContentError with every fault of the first file that is wrong, or RoomError with those of all
    scenarios: who renames a column sees every tile that named it.
    """
    folder = settings.dashboards_dir
    if marts is None:
        marts = load_marts(settings)
    tokens = load_content(folder / "theme" / "tokens.yml", Tokens)
    metrics = load_content(folder / "metrics.yml", Metrics)
    _raise(folder / "metrics.yml", metric_faults(metrics, marts))
    maps = load_content(folder / "maps.yml", Maps)
    _raise(folder / "maps.yml", map_faults(maps, marts, tokens))
    roles = load_content(folder / "roles.yml", Roles)
    rows = load_content(folder / "rls.yml", RowSecurity)
    displays = {scenario.id: scenario for scenario in load_scenarios().display}
    _raise(folder / "rls.yml", row_faults(rows, roles, displays, marts))
    links = load_content(folder / "links.yml", Links)
    _raise(folder / "links.yml", link_faults(links, marts))
    content = Dashboards(
        scenarios={},
        metrics=metrics.metrics,
        maps=maps,
        tokens=tokens,
        roles=roles,
        rows=rows,
        marts=marts,
        links=links.links,
        datasets=frozenset(path.stem for path in settings.sources_dir.glob("*.yml")),
        displays=displays,
        departments={name: department.zh for name, department in load_departments().items()},
        addresses=Addresses(desk=settings.desk_url, pages=settings.pages_url),
    )
    errors = []
    for path in sorted((folder / "scenarios").glob("*.yml")):
        try:
            content.scenarios[path.stem] = load_scenario(path, content)
        except ContentError as error:
            errors.append(error)
    if errors:
        raise errors[0] if len(errors) == 1 else RoomError(errors)
    load_halls(settings, content)  # a fault of a wall is a fault of the room
    return content


MODELS: dict[str, Callable[[], dict[str, Any]]] = {
    "scenarios/*.yml": Scenario.model_json_schema,
    "metrics.yml": Metrics.model_json_schema,
    "maps.yml": Maps.model_json_schema,
    "links.yml": Links.model_json_schema,
    "theme/tokens.yml": Tokens.model_json_schema,
    "roles.yml": Roles.model_json_schema,
    "rls.yml": RowSecurity.model_json_schema,
    "wall/*.yml": Hall.model_json_schema,
}


def json_schemas() -> dict[str, dict[str, Any]]:
    """The JSON Schema of each kind of file in the room, for editors."""
    return {pattern: schema() for pattern, schema in MODELS.items()}
