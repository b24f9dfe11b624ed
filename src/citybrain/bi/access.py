"""Who sees which dashboards and which rows: roles.yml and rls.yml compiled to what Superset enforces.

Superset asks two kinds of row rule. A `Base` rule holds for everybody but the roles it names: ours is
`1 = 0`, so that a dataset is closed until a role is let in. A `Regular` rule narrows the roles it names.
Rules of one group are joined by OR, groups by AND: somebody of two counties sees both, somebody of a county
and of a department what is common to them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from psycopg import sql

from citybrain.bi.bundle import dataset_names
from citybrain.bi.checks import Dashboards
from citybrain.bi.semantics import Role
from citybrain.bi.spec import Scenario

ADMIN_ROLE = "Admin"  # Superset's own; publishing and verifying sign in with it
OURS = "cb_"  # what Superset's roles and row rules of ours begin with
CLOSED = "1 = 0"


@dataclass(frozen=True)
class RowRule:
    """One row rule as Superset keeps it; datasets and roles by name, in order."""

    name: str
    kind: Literal["Base", "Regular"]
    clause: str
    group: str
    datasets: tuple[str, ...]
    roles: tuple[str, ...]


def county_role(code: str) -> str:
    return f"{OURS}county_{code}"


def department_role(department: str) -> str:
    return f"{OURS}department_{department}"


def all_roles(content: Dashboards) -> dict[str, Role]:
    """Every role of ours by name: those of roles.yml, one a county, one a department.

    A department's role opens no schema: it reads what its dashboards read, through them.
    """
    counties, departments = content.rows.counties, content.departments
    return {
        **content.roles.roles,
        **{
            county_role(code): Role(title=f"{name}用户", schemas=counties.schemas)
            for code, name in counties.names.items()
        },
        **{
            department_role(department): Role(title=f"{name}用户", schemas=[])
            for department, name in departments.items()
        },
    }


def dashboard_roles(scenario: Scenario, content: Dashboards) -> tuple[str, ...]:
    """The roles that find a dashboard; everybody else is told that it does not exist."""
    shared = scenario.slug in content.rows.departments.dashboards
    departments = content.departments if shared else [scenario.owner]
    return (
        *content.rows.whole_city,
        *(county_role(code) for code in content.rows.counties.names),
        *(department_role(name) for name in departments),
    )


def datasets_read(scenario: Scenario, content: Dashboards) -> set[str]:
    """Datasets behind a dashboard: of tiles and filters, and the marts inside its maps."""
    names = {tile.mart for tile in scenario.data_tiles}
    names |= {chosen.mart for chosen in scenario.filters if chosen.kind == "select"}
    views = [content.maps.maps[name] for name in names if name in content.maps.maps]
    return names | {view.values for view in views} | {view.outlines.mart for view in views}


def _department_columns(scoped: list[str], content: Dashboards) -> dict[str, str]:
    """Datasets of which every department sees its own rows, with the column that names the department."""
    shared = [content.scenarios.get(slug) for slug in content.rows.departments.dashboards]
    read = {dataset for scenario in shared if scenario for dataset in datasets_read(scenario, content)}
    named = {}
    for dataset in scoped:
        columns = content.columns(dataset)
        column = next((name for name in content.rows.departments.columns if name in columns), None)
        if dataset in read and column:
            named[dataset] = column
    return named


def _equals(column: str, value: str) -> str:
    return sql.SQL("{} = {}").format(sql.Identifier(column), sql.Literal(value)).as_string()


def _closing(admitted_to: dict[str, set[str]], content: Dashboards) -> Iterator[RowRule]:
    """One rule for all datasets that let in the same departments."""
    sets: dict[tuple[str, ...], list[str]] = {}
    for dataset, admitted in admitted_to.items():
        sets.setdefault(tuple(sorted(admitted)), []).append(dataset)
    first = (ADMIN_ROLE, *content.rows.whole_city, *map(county_role, content.rows.counties.names))
    for departments, datasets in sets.items():
        name = "all departments" if len(departments) == len(content.departments) else ", ".join(departments)
        yield RowRule(
            name=f"{OURS}closed but to {name or 'no department'}",
            kind="Base",
            clause=CLOSED,
            group="",
            datasets=tuple(datasets),
            roles=(*first, *map(department_role, departments)),
        )


def row_rules(content: Dashboards) -> list[RowRule]:
    """Every row rule. A dataset without the county's column holds nothing to keep from anybody."""
    county, departments = content.rows.counties, content.rows.departments
    scoped = [name for name in dataset_names(content) if county.column in content.columns(name)]
    owners: dict[str, set[str]] = {name: set() for name in scoped}
    for scenario in content.scenarios.values():
        for dataset in datasets_read(scenario, content) & set(scoped):
            owners[dataset].add(scenario.owner)
    by_department = _department_columns(scoped, content)
    admitted_to = {
        name: set(content.departments) if name in by_department else owners[name] for name in scoped
    }
    rules = list(_closing(admitted_to, content))
    for code, name in county.names.items():
        rules.append(
            RowRule(
                name=f"{OURS}county {code} {name}",
                kind="Regular",
                clause=_equals(county.column, code),
                group="county",
                datasets=tuple(scoped),
                roles=(county_role(code),),
            )
        )
    for department in content.departments:
        for column in departments.columns:
            narrowed = [
                dataset
                for dataset, asked in by_department.items()
                if asked == column and department not in owners[dataset]
            ]
            if narrowed:
                rules.append(
                    RowRule(
                        name=f"{OURS}department {department} by {column}",
                        kind="Regular",
                        clause=_equals(column, department),
                        group="department",
                        datasets=tuple(narrowed),
                        roles=(department_role(department),),
                    )
                )
    return rules
