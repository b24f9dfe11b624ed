"""The bundle that Superset imports: the content room compiled to YAML, byte for byte the same each time."""

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from citybrain.bi.checks import tile_metrics
from citybrain.bi.content import Dashboards
from citybrain.bi.datasets import DATABASE, TIME_ZONE, dataset
from citybrain.bi.identity import asset_uuid
from citybrain.bi.layout import dashboard
from citybrain.bi.queries import query_object
from citybrain.bi.spec import DataTile, Scenario
from citybrain.bi.tiles import chart_params
from citybrain.bi.wall import TWIN, dark_twins, load_halls, twin_slug
from citybrain.settings import DatabaseRole, Settings

ROOT = "citybrain"
FIXED_TIME = (
    "2026-01-01T00:00:00+00:00"  # Superset asks for a timestamp; a moving one would change every bundle
)
STATEMENT_TIMEOUT_MS = 30_000


@dataclass(frozen=True)
class Bundle:
    """File texts by path, and what they hold."""

    files: Mapping[str, str]
    dashboards: tuple[str, ...]  # uuids
    charts: Mapping[str, str]  # uuid to <slug>/<tile>
    reads: Mapping[str, tuple[str, ...]]  # uuid of a chart to the marts that its query reads
    datasets: tuple[str, ...]  # uuids

    @property
    def sha256(self) -> str:
        digest = hashlib.sha256()
        for path, text in sorted(self.files.items()):
            digest.update(path.encode() + b"\0" + text.encode() + b"\0")
        return digest.hexdigest()

    def digests(self) -> dict[str, str]:
        """SHA-256 over the files of each dashboard and its charts, by slug; twins have none of their own."""
        found = {}
        for path, text in self.files.items():
            slug = path.removeprefix("dashboards/").removesuffix(".yaml")
            if path.startswith("dashboards/") and not slug.endswith(TWIN):
                charts = (self.files[name] for name in self.files if name.startswith(f"charts/{slug}__"))
                found[slug] = hashlib.sha256("".join((text, *charts)).encode()).hexdigest()
        return found

    def zip_bytes(self) -> bytes:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            for path, text in sorted(self.files.items()):
                archive.writestr(zipfile.ZipInfo(f"{ROOT}/{path}", (2026, 1, 1, 0, 0, 0)), text)
        return buffer.getvalue()


def database_path() -> str:
    """Where the connection's file stands; the import takes its password under this name."""
    return f"databases/{DATABASE}.yaml"


def masked_uri(settings: Settings) -> str:
    """The reader's connection without its password."""
    parts = urlsplit(settings.dsn(DatabaseRole.BI_READER, "postgresql+psycopg2"))
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{parts.username}:XXXXXXXXXX@{host}"))


def _database(settings: Settings) -> dict[str, Any]:
    options = f"-c statement_timeout={STATEMENT_TIMEOUT_MS} -c timezone={TIME_ZONE}"
    return {
        "version": "1.0.0",
        "uuid": str(asset_uuid("database", DATABASE)),
        "database_name": DATABASE,
        "sqlalchemy_uri": masked_uri(settings),
        "cache_timeout": None,
        "expose_in_sqllab": True,
        "allow_run_async": False,
        "allow_ctas": False,
        "allow_cvas": False,
        "allow_dml": False,
        "allow_csv_upload": False,
        "extra": {
            "allows_virtual_table_explore": True,
            "engine_params": {"connect_args": {"options": options}},
            "metadata_params": {},
            "metadata_cache_timeout": {},
            "schemas_allowed_for_csv_upload": [],
        },
    }


def how_computed(tile: DataTile, content: Dashboards) -> str:
    """The chart's description: its note, how each metric is defined, and the mart as dbt describes it."""
    lines = [tile.note] if tile.note else []
    for name in tile_metrics(tile):
        metric = content.metrics[name]
        lines.append(f"{metric.label}：{metric.note or '按下式计算'}。{' '.join(metric.sql.split())}")
    view = content.maps.maps.get(tile.mart)
    mart = content.marts[view.values if view else tile.mart]
    lines.append(f"取自 {mart.zh}（marts.{mart.name}）：{mart.description}")
    return "\n\n".join(lines)


def chart(tile: DataTile, scenario: Scenario, content: Dashboards) -> dict[str, Any]:
    viz_type, params = chart_params(tile, scenario, content)
    context = {
        "datasource": {"id": 0, "type": "table"},
        "force": False,
        "queries": [query_object(tile)],
        "form_data": params,
        "result_format": "json",
        "result_type": "full",
    }
    return {
        "version": "1.0.0",
        "uuid": str(asset_uuid("chart", scenario.slug, tile.id)),
        "dataset_uuid": str(asset_uuid("dataset", tile.mart)),
        "slice_name": tile.title,
        "description": how_computed(tile, content),
        "viz_type": viz_type,
        "params": params,
        "query_context": json.dumps(context, ensure_ascii=False, sort_keys=True),
        "cache_timeout": None,
        "is_managed_externally": True,
    }


def _yaml(document: Mapping[str, Any]) -> str:
    """JSON, which is YAML too, and written and read ten times faster."""
    return json.dumps(document, ensure_ascii=False, sort_keys=True, indent=1) + "\n"


def marts_behind(name: str, content: Dashboards) -> tuple[str, ...]:
    """The marts that a dataset reads: a mart itself, or what a map sets beside outlines."""
    view = content.maps.maps.get(name)
    return (name,) if view is None else tuple(sorted({view.values, view.outlines.mart}))


def dataset_names(content: Dashboards) -> list[str]:
    """Every mart and map that some tile or filter reads."""
    names: set[str] = set()
    for scenario in content.scenarios.values():
        names |= {tile.mart for tile in scenario.data_tiles}
        names |= {chosen.mart for chosen in scenario.filters if chosen.kind == "select"}
    return sorted(names)


def compile_bundle(settings: Settings, content: Dashboards) -> Bundle:
    """The whole room as one bundle. It holds no password and no time of its making."""
    files: dict[str, Mapping[str, Any]] = {
        "metadata.yaml": {"version": "1.0.0", "type": "assets", "timestamp": FIXED_TIME},
        database_path(): _database(settings),
    }
    for name in dataset_names(content):
        files[f"datasets/{DATABASE}/{name}.yaml"] = dataset(name, content)
    charts, reads = {}, {}
    for slug, scenario in content.scenarios.items():
        for tile in scenario.data_tiles:
            entry = chart(tile, scenario, content)
            files[f"charts/{slug}__{tile.id}.yaml"] = entry
            charts[str(entry["uuid"])] = f"{slug}/{tile.id}"
            reads[str(entry["uuid"])] = marts_behind(tile.mart, content)
        files[f"dashboards/{slug}.yaml"] = dashboard(scenario, content, slug)
    twins = {
        twin_slug(slug): twin for slug, twin in dark_twins(load_halls(settings, content), content).items()
    }
    for slug, twin in twins.items():
        files[f"dashboards/{slug}.yaml"] = dashboard(twin, content, slug)
    return Bundle(
        files={path: _yaml(document) for path, document in files.items()},
        dashboards=tuple(str(asset_uuid("dashboard", slug)) for slug in (*content.scenarios, *twins)),
        charts=charts,
        reads=reads,
        datasets=tuple(str(asset_uuid("dataset", name)) for name in dataset_names(content)),
    )
