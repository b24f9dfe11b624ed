"""Plan: what an apply would change, by comparing Superset's own export with the bundle."""

import io
import json
import zipfile
from dataclasses import dataclass, field
from typing import Any

from ruamel.yaml import YAML

from citybrain.bi.access import row_rules
from citybrain.bi.admission import row_rules_out_of_line
from citybrain.bi.client import Superset
from citybrain.bi.edition import Edition
from citybrain.bi.provision import orphans, standing_objects

KINDS = ("databases/", "datasets/", "charts/", "dashboards/")
# Superset rewrites these on import or leaves them out of an export.
OWN = {
    "query_context": "holds numbers that differ by instance",
    "is_managed_externally": "not exported",
    "sqlalchemy_uri": "the password's mask is Superset's own",
    "theme_uuid": "set after the import",
}
REWRITTEN_PARAMS = ("datasource", "dashboards", "slice_id")


@dataclass
class Plan:
    """What differs, by the path of the bundle's file. Empty lists: Superset shows what the files say."""

    create: list[str] = field(default_factory=list)
    change: list[str] = field(default_factory=list)
    delete: list[str] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        return not (self.create or self.change or self.delete)


def _documents(archive: bytes) -> dict[str, dict[str, Any]]:
    """The exported objects by uuid."""
    reader = YAML(typ="safe")
    found: dict[str, dict[str, Any]] = {}
    with zipfile.ZipFile(io.BytesIO(archive)) as bundle:
        for name in bundle.namelist():
            if name.partition("/")[2].startswith(KINDS):
                document = reader.load(bundle.read(name).decode("utf-8"))
                found[str(document["uuid"])] = document
    return found


def _comparable(value: Any, path: str) -> Any:
    """`value` without what Superset makes up: chart numbers, dataset numbers, empty entries."""
    if isinstance(value, dict):
        kept = {}
        for key, inner in value.items():
            if key in ("chartId", "chartsInScope", "tabsInScope", "excluded", "id") or inner in (
                None,
                "",
                [],
                {},
            ):
                continue
            if path == "params" and key in REWRITTEN_PARAMS:
                continue
            kept[key] = _comparable(inner, path or key)
        return kept
    if isinstance(value, list):
        return [_comparable(inner, path) for inner in value]
    return value


def _differs(ours: dict[str, Any], theirs: dict[str, Any]) -> list[str]:
    """The top-level keys of our file that Superset has differently."""
    keys = []
    for key, value in ours.items():
        if key in OWN:
            continue
        mine, stands = _comparable(value, key), _comparable(theirs.get(key), key)
        if isinstance(mine, list) and key in ("columns", "metrics"):
            mine, stands = _by_name(mine), _by_name(stands or [])
            stands = {name: _only(entry, mine.get(name, entry)) for name, entry in stands.items()}
        elif key in ("metadata", "extra"):
            stands = _only(stands or {}, mine)
        if (mine or None) != (stands or None):
            keys.append(key)
    return keys


def _only(entry: dict[str, Any], wanted: dict[str, Any]) -> dict[str, Any]:
    """What Superset adds of its own is no difference."""
    return {name: value for name, value in entry.items() if name in wanted}


def _by_name(entries: list[dict[str, Any]]) -> dict[str, Any]:
    return {str(entry.get("column_name") or entry.get("metric_name")): entry for entry in entries}


def compare(superset: Superset, edition: Edition) -> Plan:
    """What an apply would create, change and delete: assets and row rules."""
    bundle, objects = edition.bundle, standing_objects(superset)
    standing = _documents(superset.exported_assets())
    plan = Plan(delete=[f"{item.kind} {item.name}" for item in orphans(objects, bundle)])
    for path, text in bundle.files.items():
        if not path.startswith(KINDS):
            continue
        ours = json.loads(text)
        theirs = standing.get(str(ours["uuid"]))
        if theirs is None:
            plan.create.append(path)
        elif keys := _differs(ours, json.loads(json.dumps(theirs, default=str))):
            plan.change.append(f"{path}: {', '.join(keys)}")
    datasets = {item.name: item.id for item in objects if item.kind == "dataset"}
    roles = {str(row["name"]): int(row["id"]) for row in superset.listed("security/roles/")}
    rules = row_rules_out_of_line(superset, row_rules(edition.content), datasets, roles)
    for listed, names in zip((plan.create, plan.change, plan.delete), rules, strict=True):
        listed += [f"row rule {name}" for name in names]
    return plan
