"""Role by county on the real Superset: every user sees the rows of the rules, and no other.

`CITYBRAIN_TEST_PLATFORM=<home> pytest tests/access -n0` asks a platform that stands.
"""

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest

from citybrain.bi.access import row_rules
from citybrain.bi.admission import apply_roles, apply_row_rules
from citybrain.bi.checks import Dashboards
from citybrain.bi.client import Superset, SupersetError, connect
from citybrain.bi.edition import Edition
from citybrain.bi.identity import asset_uuid
from citybrain.bi.provision import Standing, standing_objects
from citybrain.settings import DatabaseRole, Settings

pytestmark = [pytest.mark.slow, pytest.mark.integration, pytest.mark.timeout(900)]

COUNTIES = ("341602", "341621", "341622", "341623")
# Everybody beside Gamma; what each sees of mart_municipal_assets, whose rows all lie in a county.
USERS: dict[str, tuple[list[str], set[str]]] = {
    "nobody": ([], set()),
    "analyst": (["cb_analyst"], set(COUNTIES)),
    "hall": (["cb_whole_city"], set(COUNTIES)),
    **{f"county_{code}": ([f"cb_county_{code}"], {code}) for code in COUNTIES},
    "two_counties": (["cb_county_341602", "cb_county_341623"], {"341602", "341623"}),
    "bureau": (["cb_department_urban_management"], set(COUNTIES)),
    "county_bureau": (["cb_department_urban_management", "cb_county_341621"], {"341621"}),
    "other_bureau": (["cb_department_education"], set()),
}


@dataclass(frozen=True)
class Signed:
    """A user who is signed in, and where things stand."""

    superset: Superset
    dashboards: dict[str, int]  # of all, by slug
    charts: dict[str, Standing]  # by uuid
    datasets: dict[str, int]

    def rows(self, dashboard: str, tile: str, mart: str, column: str) -> dict[str, int]:
        """Rows of the mart by `column`, asked as the browser asks for a chart of a dashboard."""
        chart = self.charts[str(asset_uuid("chart", dashboard, tile))]
        source = {"id": self.datasets[mart], "type": "table"}
        count = {"expressionType": "SQL", "sqlExpression": "COUNT(*)", "label": "rows"}
        query = {"columns": [column], "metrics": [count], "row_limit": 1000, "filters": []}
        answer = self.superset.create(
            "chart/data",
            {
                "datasource": source,
                "queries": [query],
                "form_data": {
                    "dashboardId": self.dashboards[dashboard],
                    "slice_id": chart.id,
                    "datasource": f"{source['id']}__table",
                },
                "result_type": "results",
                "force": True,
            },
        )
        return {str(row[column]): row["rows"] for row in answer["result"][0]["data"]}

    def slugs(self) -> set[str]:
        """Dashboards this user finds."""
        return {str(row["slug"]) for row in self.superset.listed("dashboard/", ["slug"])}


@pytest.fixture(scope="module")
def city(platform: Settings) -> Settings:
    return platform


@pytest.fixture(scope="module")
def admin(city: Settings) -> Superset:
    return connect(city)


@pytest.fixture(scope="module")
def content(edition: Edition) -> Dashboards:
    return edition.content


@pytest.fixture(scope="module")
def signed(city: Settings, admin: Superset) -> Iterator[Callable[[str], Signed]]:
    """Signs in test users, each made with its roles once and deleted in the end."""
    roles = {row["name"]: row["id"] for row in admin.listed("security/roles/")}
    standing = standing_objects(admin)
    slugs = {row["slug"]: row["id"] for row in admin.listed("dashboard/", ["id", "slug"])}
    charts = {item.uuid: item for item in standing if item.kind == "chart"}
    datasets = {item.name: item.id for item in standing if item.kind == "dataset"}
    password = city.secret("superset_test_user_password")
    once = secrets.token_hex(4)
    made: dict[str, int] = {}
    known: dict[str, Signed] = {}

    def sign_in(name: str) -> Signed:
        if name not in known:
            made[name] = admin.create(
                "security/users/",
                {
                    "username": f"test_{name}_{once}",
                    "first_name": "测试",
                    "last_name": name,
                    "email": f"{name}.{once}@example.invalid",
                    "active": True,
                    "password": password,
                    "roles": [roles["Gamma"], *(roles[role] for role in USERS[name][0])],
                },
            )["id"]
            superset = Superset(city.superset_url, f"test_{name}_{once}", password)
            known[name] = Signed(superset, slugs, charts, datasets)
        return known[name]

    try:
        yield sign_in
    finally:
        for number in made.values():
            try:
                admin.remove(f"security/users/{number}")
            except SupersetError:  # Superset keeps who has run SQL
                admin.change(f"security/users/{number}", {"active": False})


@pytest.fixture(scope="module")
def truth(city: Settings) -> dict[str, int]:
    """Rows of mart_municipal_assets by county, from the warehouse itself."""
    with psycopg.connect(city.dsn(DatabaseRole.BI_READER), autocommit=True) as reader:
        rows = reader.execute(
            "SELECT county_code, count(*) FROM marts.mart_municipal_assets GROUP BY county_code"
        ).fetchall()
    found = {str(code): int(count) for code, count in rows}
    assert set(found) == set(COUNTIES)
    return found


@pytest.mark.parametrize("name", USERS)
def test_everybody_sees_the_counties_of_their_roles(
    signed: Callable[[str], Signed], truth: dict[str, int], name: str
) -> None:
    user = signed(name)
    expected = {code: count for code, count in truth.items() if code in USERS[name][1]}
    try:
        found = user.rows("municipal_assets", "components", "mart_municipal_assets", "county_code")
    except SupersetError as error:
        assert not expected, error  # refused before any row rule is asked
        assert "403" in str(error) or "404" in str(error)
    else:
        assert found == expected


def test_a_map_of_a_county_shows_its_own_outline(signed: Callable[[str], Signed]) -> None:
    for name, expected in (("county_341622", {"蒙城县"}), ("hall", {"谯城区", "涡阳县", "蒙城县", "利辛县"})):
        found = signed(name).rows("education_security", "county_map", "map_education_counties", "place")
        assert set(found) == expected, name
        outlines = signed(name).rows("air_quality", "station_map", "map_air_stations", "place")
        assert expected <= set(outlines), name


def test_a_department_sees_its_rows_of_a_shared_dashboard(
    signed: Callable[[str], Signed], city: Settings
) -> None:
    asked = ("shared_capability", "systems", "mart_shared_capability", "department")
    assert set(signed("other_bureau").rows(*asked)) == {"education"}
    everybody = set(signed("analyst").rows(*asked))
    assert len(everybody) > 10
    assert "education" in everybody


def test_dashboards_are_found_by_those_they_are_for(
    signed: Callable[[str], Signed], content: Dashboards
) -> None:
    every = set(content.scenarios)
    shared = set(content.rows.departments.dashboards) & every
    assert signed("nobody").slugs() & every == set()
    assert signed("analyst").slugs() >= every
    assert signed("county_341621").slugs() >= every
    assert signed("other_bureau").slugs() & every == {"education_security"} | shared
    with pytest.raises(SupersetError, match=r"40[34]"):
        signed("other_bureau").superset.read("dashboard/health_resources")


def _run_sql(superset: Superset, admin: Superset, sql: str) -> Any:
    (database,) = [
        row["id"]
        for row in admin.listed("database/", ["id", "database_name"])
        if row["database_name"] == "citybrain"
    ]
    body = {"database_id": database, "sql": sql, "schema": "marts", "runAsync": False, "client_id": "t1"}
    return superset.create("sqllab/execute/", body)


def test_sql_is_for_analysts_of_the_whole_city_and_on_marts_only(
    signed: Callable[[str], Signed], admin: Superset
) -> None:
    asked = "SELECT count(*) AS n FROM marts.mart_municipal_assets"
    answer = _run_sql(signed("analyst").superset, admin, asked)
    assert answer["data"][0]["n"] > 0
    for name in ("county_341602", "hall", "bureau", "nobody"):
        with pytest.raises(SupersetError, match="403"):
            _run_sql(signed(name).superset, admin, asked)
    for table in ("staging.stg_meta__dataset", "raw.enterprise_register", "pg_catalog.pg_roles"):
        with pytest.raises(SupersetError):
            _run_sql(signed("analyst").superset, admin, f"SELECT * FROM {table} LIMIT 1")


def test_nobody_is_let_in_without_signing_in(city: Settings, admin: Superset) -> None:
    import httpx

    public = next(row for row in admin.listed("security/roles/search/") if row["name"] == "Public")
    assert public["permission_ids"] == []
    for path in ("dashboard/", "chart/", "dataset/"):
        answer = httpx.get(f"{city.superset_url}/api/v1/{path}", trust_env=False)
        assert answer.status_code == 401, path


def test_a_rule_changed_by_hand_is_put_back(admin: Superset, content: Dashboards) -> None:
    rule = next(
        row for row in admin.listed("rowlevelsecurity/") if row["name"].startswith("cb_county 341602")
    )
    admin.change(f"rowlevelsecurity/{rule['id']}", {"clause": "1 = 1"})
    datasets = {item.name: item.id for item in standing_objects(admin) if item.kind == "dataset"}
    apply_row_rules(admin, row_rules(content), datasets, apply_roles(admin, content))
    back = next(row for row in admin.listed("rowlevelsecurity/") if row["id"] == rule["id"])
    assert back["clause"] == "\"county_code\" = '341602'"
