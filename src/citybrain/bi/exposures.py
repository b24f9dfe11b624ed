"""dbt exposures written from the scenarios: who changes a model sees the dashboards that read it.

`dbt ls --select +exposure:air_quality` and `dbt ls --select state:modified+` then name dashboards, too.
"""

from pathlib import Path

from citybrain.bi.checks import Dashboards, metric_columns, tile_columns, tile_metrics
from citybrain.bi.spec import Scenario
from citybrain.settings import Settings

HEAD = """\
# Written by `citybrain bi exposures --write` from dashboards/scenarios/; change those files instead.
version: 2
exposures:
"""


def exposures_file(settings: Settings) -> Path:
    return settings.dbt_dir / "models" / "exposures.yml"


def _exposure(scenario: Scenario, owner: str) -> str:
    refs = "".join(f"      - ref('{mart}')\n" for mart in scenario.marts)
    return f"""\
  - name: {scenario.slug}
    label: {scenario.title}
    type: dashboard
    maturity: high
    description: {scenario.summary}
    owner: {{name: {owner}}}
    depends_on:
{refs}    config:
      meta: {{dashboard: /superset/dashboard/{scenario.slug}/, domain: {scenario.domain}}}
"""


def exposures_text(content: Dashboards) -> str:
    """The whole file. Every dashboard is one exposure that depends on the marts its tiles read."""
    return HEAD + "".join(
        _exposure(scenario, content.departments[scenario.owner]) for scenario in content.scenarios.values()
    )


def tiles_of(content: Dashboards, mart: str, column: str | None = None) -> list[str]:
    """Every tile (`<dashboard>/<tile>`) that reads a mart, or a column of it by itself or in a metric."""
    found = []
    for slug, scenario in content.scenarios.items():
        for tile in scenario.data_tiles:
            view = content.maps.maps.get(tile.mart)
            if mart not in ({view.values, view.outlines.mart} if view else {tile.mart}):
                continue
            named = {name for _, name in tile_columns(tile)}
            for metric in tile_metrics(tile):
                named |= metric_columns(content.metrics[metric])
            if view:
                named |= {view.key, view.outlines.key, view.outlines.geometry}
            if column is None or column in named:
                found.append(f"{slug}/{tile.id}")
    return found
