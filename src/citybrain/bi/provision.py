"""Apply: make Superset show exactly what `dashboards/` says. Safe to repeat; what is not ours stays."""

import json
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlsplit
from uuid import UUID

from citybrain.bi.access import all_roles, dashboard_roles, row_rules
from citybrain.bi.admission import AT_ONCE, apply_roles, apply_row_rules
from citybrain.bi.bundle import Bundle, database_path
from citybrain.bi.client import Superset, connect
from citybrain.bi.content import Dashboards
from citybrain.bi.datasets import DATABASE
from citybrain.bi.edition import Edition
from citybrain.bi.identity import asset_uuid
from citybrain.bi.spec import Scenario
from citybrain.bi.theme import Appearance, theme_json, theme_name
from citybrain.bi.wall import dark_twins, load_halls, twin_slug, write_walls
from citybrain.settings import DatabaseRole, Settings

Progress = Callable[[str], None]


@dataclass
class ApplyReport:
    """What stands in Superset after an apply."""

    dashboards: int = 0
    charts: int = 0
    datasets: int = 0
    themes: int = 0
    roles: int = 0
    walls: int = 0
    pruned: list[str] = field(default_factory=list)
    bundle_sha256: str = ""


def apply_themes(superset: Superset, content: Dashboards) -> dict[Appearance, int]:
    """Create or correct our themes; their ids. (An assets import ignores themes.)"""
    known = {row["theme_name"]: row for row in superset.listed("theme/")}
    ids: dict[Appearance, int] = {}
    appearances: tuple[Appearance, ...] = ("light", "dark")
    for appearance in appearances:
        name = theme_name(appearance)
        body = {"theme_name": name, "json_data": theme_json(content.tokens, appearance)}
        if name not in known:
            superset.create("theme/", body)
            known = {row["theme_name"]: row for row in superset.listed("theme/")}
        elif json.loads(known[name]["json_data"]) != json.loads(body["json_data"]):
            superset.change(f"theme/{known[name]['id']}", body)
        ids[appearance] = int(known[name]["id"])
    return ids


def import_bundle(superset: Superset, settings: Settings, bundle: Bundle) -> None:
    """One transaction: connection, datasets, charts, dashboards. The password travels beside the bundle."""
    dsn = urlsplit(settings.dsn(DatabaseRole.BI_READER, "postgresql+psycopg2"))
    superset.import_assets(bundle.zip_bytes(), {database_path(): unquote(dsn.password or "")})


def dress_dashboards(
    superset: Superset,
    content: Dashboards,
    twins: Mapping[str, Scenario],
    themes: Mapping[Appearance, int],
    roles: Mapping[str, int],
) -> None:
    """Theme and roles, which are no part of an assets import; some dashboards at once.

    The list tells the roles. Only where they stand already is a dashboard asked for its theme.
    """
    standing = {row["slug"]: row for row in superset.listed("dashboard/", ["id", "slug", "roles.id"])}

    def bring_in_line(slug: str, theme: int, admitted: list[int]) -> None:
        row = standing[slug]
        if sorted(role["id"] for role in row["roles"]) == admitted:
            current = superset.read(f"dashboard/{row['id']}")["result"]
            if (current.get("theme") or {}).get("id") == theme:
                return
        superset.change(f"dashboard/{row['id']}", {"theme_id": theme, "roles": admitted})

    wanted = [
        (slug, themes[scenario.theme], sorted(roles[name] for name in dashboard_roles(scenario, content)))
        for slug, scenario in content.scenarios.items()
    ]
    whole_city = sorted(roles[name] for name in content.rows.whole_city)
    wanted += [(twin_slug(slug), themes[twin.theme], whole_city) for slug, twin in twins.items()]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(lambda dashboard: bring_in_line(*dashboard), wanted))


@dataclass(frozen=True)
class Standing:
    """One object that stands in Superset and is ours."""

    kind: str  # dashboard, chart or dataset: also the name of its endpoint
    uuid: str
    id: int
    name: str


def _ours(row: Mapping[str, Any]) -> bool:
    """Ours are marked as managed from outside and carry a name-based uuid; people's carry a random one."""
    return bool(row["is_managed_externally"]) and UUID(str(row["uuid"])).version == 5


def standing_objects(superset: Superset) -> list[Standing]:
    """Everything of ours in Superset, in the order in which it may be deleted."""
    datasets = [
        Standing("dataset", str(row["uuid"]), int(row["id"]), str(row["table_name"]))
        for row in superset.listed("dataset/", ["id", "uuid", "table_name", "database.uuid"])
        if str(row["database"]["uuid"]) == str(asset_uuid("database", DATABASE))
        and UUID(str(row["uuid"])).version == 5
    ]
    ids = {dataset.id for dataset in datasets}
    charts = [
        Standing("chart", str(row["uuid"]), int(row["id"]), str(row["slice_name"]))
        for row in superset.listed(
            "chart/", ["id", "uuid", "slice_name", "datasource_id", "is_managed_externally"]
        )
        if row["datasource_id"] in ids and _ours(row)
    ]
    dashboards = [
        Standing("dashboard", str(row["uuid"]), int(row["id"]), str(row["dashboard_title"]))
        for row in superset.listed("dashboard/", ["id", "uuid", "dashboard_title", "is_managed_externally"])
        if _ours(row)
    ]
    return [*dashboards, *charts, *datasets]


def orphans(standing: Iterable[Standing], bundle: Bundle) -> list[Standing]:
    """What of `standing` is no longer in the files."""
    wanted = {*bundle.dashboards, *bundle.charts, *bundle.datasets}
    return [item for item in standing if item.uuid not in wanted]


def prune(superset: Superset, standing: Iterable[Standing], bundle: Bundle) -> list[str]:
    """Delete our orphans; returns what went. Never touches what people made by hand."""
    gone = orphans(standing, bundle)
    for item in gone:
        superset.remove(f"{item.kind}/{item.id}")
    return [f"{item.kind} {item.name}" for item in gone]


def apply(settings: Settings, edition: Edition, progress: Progress = lambda _: None) -> ApplyReport:
    """Make Superset show what an edition says, to those it says: themes, bundle, roles, row rules, whom a
    dashboard is for; then prune and write the walls.

    Raises SupersetError when Superset refuses. The import itself is one transaction.
    """
    content, bundle = edition.content, edition.bundle
    superset = connect(settings)
    progress("themes")
    themes = apply_themes(superset, content)
    progress(f"bundle of {len(bundle.files)} files")
    import_bundle(superset, settings, bundle)
    standing = standing_objects(superset)
    progress("row rules")
    roles = apply_roles(superset, content)
    datasets = {item.name: item.id for item in standing if item.kind == "dataset"}
    apply_row_rules(superset, row_rules(content), datasets, roles)
    progress("dashboards' themes and roles")
    dress_dashboards(superset, content, dark_twins(load_halls(settings, content), content), themes, roles)
    progress("prune")
    pruned = prune(superset, standing, bundle)
    progress("walls")
    walls = write_walls(settings, content)
    return ApplyReport(
        dashboards=len(content.scenarios),
        charts=len(bundle.charts),
        datasets=len(bundle.datasets),
        themes=len(themes),
        roles=len(all_roles(content)),
        walls=len(walls),
        pruned=pruned,
        bundle_sha256=bundle.sha256,
    )
