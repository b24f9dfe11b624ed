"""The content room `dashboards/` read whole and checked against the marts that dbt declares.

Every fault names its file, line and reason; the compiler may then trust every name.
"""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from citybrain.bi.checks import Dashboards, Fault, map_faults, metric_faults, scenario_faults
from citybrain.bi.marts import Mart, load_marts
from citybrain.bi.semantics import Maps, Metrics, Roles, Tokens
from citybrain.bi.spec import Scenario
from citybrain.catalogue import ContentError, line_of, load_content, read_yaml
from citybrain.settings import Settings

__all__ = ["Dashboards", "json_schemas", "load_dashboards", "load_scenario"]


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

    Raises ContentError with every fault of the first file that is wrong.
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
    content = Dashboards({}, metrics.metrics, maps, tokens, roles, marts)
    for path in sorted((folder / "scenarios").glob("*.yml")):
        content.scenarios[path.stem] = load_scenario(path, content)
    return content


MODELS: dict[str, Callable[[], dict[str, Any]]] = {
    "scenarios/*.yml": Scenario.model_json_schema,
    "metrics.yml": Metrics.model_json_schema,
    "maps.yml": Maps.model_json_schema,
    "theme/tokens.yml": Tokens.model_json_schema,
    "roles.yml": Roles.model_json_schema,
}


def json_schemas() -> dict[str, dict[str, Any]]:
    """The JSON Schema of each kind of file in the room, for editors."""
    return {pattern: schema() for pattern, schema in MODELS.items()}
