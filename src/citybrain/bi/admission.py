"""Roles and row rules of ours in Superset, made exactly what the files say. What is not ours stays."""

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from citybrain.bi.access import OURS, RowRule, all_roles
from citybrain.bi.checks import Dashboards
from citybrain.bi.client import Superset, SupersetError
from citybrain.bi.datasets import CATALOG, DATABASE
from citybrain.bi.semantics import Role

AT_ONCE = 4  # Superset runs two workers; more would only wait in front of them
SQL_LAB = "sql_lab"  # Superset's own role: its permissions are what writing SQL takes


def _some_at_once(work: Iterable[Callable[[], object]]) -> None:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for done in [pool.submit(call) for call in work]:
            done.result()


def _schema_permissions(superset: Superset) -> dict[str, int]:
    """Ids of `schema_access` by schema; Superset makes one when a dataset of the schema arrives."""
    head = f"[{DATABASE}].[{CATALOG}].["
    kinds = superset.listed("security/permissions/", filters=[_filter("name", "eq", "schema_access")])
    return {
        str(row["view_menu"]["name"]).removeprefix(head).removesuffix("]"): int(row["id"])
        for kind in kinds
        for row in superset.listed(
            "security/permissions-resources/", filters=[_filter("permission", "rel_o_m", kind["id"])]
        )
        if row["view_menu"]["name"].startswith(head)
    }


def _filter(column: str, operator: str, value: object) -> dict[str, object]:
    return {"col": column, "opr": operator, "value": value}


def _permissions(role: Role, schemas: Mapping[str, int], sql_lab: Iterable[int]) -> list[int]:
    missing = set(role.schemas) - set(schemas)
    if missing:
        raise SupersetError(f"Superset knows no schema_access on {', '.join(sorted(missing))}")
    return sorted({*(schemas[name] for name in role.schemas), *(sql_lab if role.sql_lab else ())})


def apply_roles(superset: Superset, content: Dashboards) -> dict[str, int]:
    """Create our roles and give each exactly what it may; the ids of all roles by name.

    A role of ours that the files no longer name is deleted: whoever had it sees less from then on.
    """
    wanted = all_roles(content)
    known = {row["name"]: row for row in superset.listed("security/roles/search/")}
    schemas = _schema_permissions(superset)
    ids = {name: int(row["id"]) for name, row in known.items()}

    def bring_in_line(name: str, role: Role) -> None:
        if name not in ids:
            ids[name] = int(superset.create("security/roles/", {"name": name})["id"])
        permissions = _permissions(role, schemas, known[SQL_LAB]["permission_ids"])
        if sorted(known.get(name, {}).get("permission_ids", [])) != permissions:
            path = f"security/roles/{ids[name]}/permissions"
            superset.create(path, {"permission_view_menu_ids": permissions})

    _some_at_once(partial(bring_in_line, name, role) for name, role in wanted.items())
    gone = [name for name in known if name.startswith(OURS) and name not in wanted]
    _some_at_once(partial(superset.remove, f"security/roles/{ids[name]}") for name in gone)
    return ids


def standing_row_rules(superset: Superset) -> dict[str, dict[str, Any]]:
    """Row rules of ours as Superset has them, by name."""
    rows = superset.listed("rowlevelsecurity/")
    return {row["name"]: row for row in rows if row["name"].startswith(OURS)}


def _body(rule: RowRule, datasets: Mapping[str, int], roles: Mapping[str, int]) -> dict[str, Any]:
    return {
        "name": rule.name,
        "filter_type": rule.kind,
        "clause": rule.clause,
        "group_key": rule.group,
        "tables": sorted(datasets[name] for name in rule.datasets),
        "roles": sorted(roles[name] for name in rule.roles),
    }


def _stands(row: Mapping[str, Any], body: Mapping[str, Any]) -> bool:
    standing = {
        **{key: row[key] for key in ("name", "filter_type", "clause")},
        "group_key": row["group_key"] or "",
        "tables": sorted(table["id"] for table in row["tables"]),
        "roles": sorted(role["id"] for role in row["roles"]),
    }
    return standing == body


def row_rules_out_of_line(
    superset: Superset, rules: Iterable[RowRule], datasets: Mapping[str, int], roles: Mapping[str, int]
) -> tuple[list[str], list[str], list[str]]:
    """Names of row rules that an apply would create, change and delete.

    A rule on a dataset or for a role that Superset does not have yet differs, whatever it says.
    """
    standing = standing_row_rules(superset)
    wanted = {rule.name: rule for rule in rules}
    changed = []
    for name in wanted.keys() & standing.keys():
        rule = wanted[name]
        there = set(rule.datasets) <= set(datasets) and set(rule.roles) <= set(roles)
        if not there or not _stands(standing[name], _body(rule, datasets, roles)):
            changed.append(name)
    return sorted(wanted.keys() - standing.keys()), sorted(changed), sorted(standing.keys() - wanted.keys())


def apply_row_rules(
    superset: Superset, rules: Iterable[RowRule], datasets: Mapping[str, int], roles: Mapping[str, int]
) -> None:
    """Create, correct and delete row rules of ours, those that close a dataset first."""
    standing = standing_row_rules(superset)
    bodies = {rule.name: _body(rule, datasets, roles) for rule in rules}

    def bring_in_line(body: Mapping[str, Any]) -> None:
        row = standing.get(body["name"])
        if row is None:
            superset.create("rowlevelsecurity/", body)
        elif not _stands(row, body):
            superset.change(f"rowlevelsecurity/{row['id']}", body)

    for kind in ("Base", "Regular"):
        chosen = [body for body in bodies.values() if body["filter_type"] == kind]
        _some_at_once(partial(bring_in_line, body) for body in chosen)
    gone = [row["id"] for name, row in standing.items() if name not in bodies]
    _some_at_once(partial(superset.remove, f"rowlevelsecurity/{number}") for number in gone)
