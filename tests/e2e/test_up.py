"""`citybrain up` as a person meets it: every service, the main job, the figures, the logins, and nothing
open to others.
"""

import json
import re

import httpx
import psutil
import pytest
from whole_city import RunningCity

from citybrain.stack import airflow
from citybrain.stack.processes import noted_group
from citybrain.stack.services import services

pytestmark = [pytest.mark.slow, pytest.mark.integration]
SERVICES = {"postgres", "s3", "feeds", "pages", "superset", "desk", "desk-worker", "vision"} | set(
    airflow.AIRFLOW_COMMANDS
)
IDLE_BYTES = 4 << 30
# Of the newest match run: once facts are published anew, what was granted meanwhile is not found again.
UNSTEADY = {"items_matched", "firms_found", "yuan_proposed"}


def status(city: RunningCity) -> dict[str, object]:
    return json.loads(city.citybrain("status", "--json").stdout)


def token(city: RunningCity, account: str) -> dict[str, str]:
    password = city.settings.secret(airflow.ACCOUNTS[account][1])
    answer = httpx.post(
        f"{city.settings.airflow_url}/auth/token",
        json={"username": account, "password": password},
        timeout=30,
    )
    answer.raise_for_status()
    return {"Authorization": f"Bearer {answer.json()['access_token']}"}


def processes(city: RunningCity) -> list[psutil.Process]:
    noted = [noted_group(path) for path in city.settings.run_dir.glob("*.pid")]
    leaders = {process.pid: process for group in noted for process in group}
    for process in list(leaders.values()):
        leaders |= {child.pid: child for child in process.children(recursive=True)}
    return list(leaders.values())


def test_everything_runs_and_the_figures_add_up(running_city: RunningCity) -> None:
    found = status(running_city)
    states = {service["name"]: service["state"] for service in found["services"]}
    assert states == dict.fromkeys((program.name for program in services(running_city.settings)), "running")
    assert set(states) >= SERVICES
    counts = found["counts"]
    assert counts["landed"] == counts["loaded"] + counts["quarantined"] + counts["rejected"]
    assert counts["loaded"] > 5_000
    assert counts["quarantined"] > 0
    assert counts["models"] > 5
    assert counts["tests"] > 5
    assert counts["dashboards"] >= 4
    assert counts["items_matched"] > 5
    assert counts["firms_found"] > 0
    assert counts["yuan_proposed"] > 0
    assert counts["rounds"] >= 3 * 27, "one for each camera and round, at least those that have stills"
    assert counts["cases"] >= 5
    assert counts["cases_closed"] >= 3, "the demo city's companies but one have done their part"
    for name, count in counts.items():
        printed = re.search(rf"\b{name}\W+([\d,]+)", running_city.printed)
        assert printed, name
        # Hourly sources and the patrol go on by the clock since the summary was printed.
        assert int(printed[1].replace(",", "")) <= count or name in UNSTEADY, name


def test_no_password_is_printed_where_no_person_looks(running_city: RunningCity) -> None:
    for path in running_city.settings.secrets_dir.iterdir():
        if path.is_file():
            assert path.read_text(encoding="ascii").strip() not in running_city.printed


def test_a_second_run_finds_nothing_new(running_city: RunningCity) -> None:
    before = status(running_city)
    again = running_city.citybrain("up")
    assert again.returncode == 0, again.stderr
    after = status(running_city)
    for name, count in before["counts"].items():
        assert after["counts"][name] >= count or name in UNSTEADY, name
    for name in ("models", "tests", "dashboards"):
        assert after["counts"][name] == before["counts"][name], name
    assert [service["pid"] for service in after["services"]] == [
        service["pid"] for service in before["services"]
    ]


def test_nothing_listens_beyond_loopback(running_city: RunningCity) -> None:
    ours = {process.pid for process in processes(running_city)}
    listening = [
        found
        for found in psutil.net_connections("inet")
        if found.pid in ours
        and found.laddr
        and not found.raddr
        and found.status in (psutil.CONN_LISTEN, "NONE")
    ]
    assert len(listening) >= 14  # PostgreSQL 1, S3 8, Airflow 1, Superset 1, feeds 1, pages 1, desk 1
    assert {found.laddr.ip for found in listening} == {"127.0.0.1"}


def test_an_idle_stack_stays_below_its_memory(running_city: RunningCity) -> None:
    total = 0
    for process in processes(running_city):
        try:
            total += process.memory_full_info().pss
        except psutil.NoSuchProcess:
            continue
    assert total < IDLE_BYTES


def test_airflow_roles(running_city: RunningCity) -> None:
    url = f"{running_city.settings.airflow_url}/api/v2"
    run = {"logical_date": None}
    viewer, engineer, admin = (token(running_city, name) for name in ("viewer", "engineer", "admin"))
    for headers in (viewer, engineer, admin):
        assert httpx.get(f"{url}/dags/gate_batches", headers=headers, timeout=30).status_code == 200
    assert (
        httpx.post(f"{url}/dags/gate_batches/dagRuns", json=run, headers=viewer, timeout=30).status_code
        == 403
    )
    assert (
        httpx.post(f"{url}/dags/gate_batches/dagRuns", json=run, headers=engineer, timeout=30).status_code
        == 200
    )
    users = f"{running_city.settings.airflow_url}/auth/fab/v1/users"
    assert httpx.get(users, headers=viewer, timeout=30).status_code == 403
    assert httpx.get(users, headers=engineer, timeout=30).status_code == 403
    assert httpx.get(users, headers=admin, timeout=30).status_code == 200
    assert httpx.get(f"{url}/dags", timeout=30).status_code == 401


def test_superset_lets_its_admin_in_and_nobody_else(running_city: RunningCity) -> None:
    url = f"{running_city.settings.superset_url}/api/v1"
    login = {"username": "admin", "provider": "db", "password": "wrong"}
    assert httpx.post(f"{url}/security/login", json=login, timeout=30).status_code == 401
    login["password"] = running_city.settings.secret("superset_admin_password")
    assert httpx.post(f"{url}/security/login", json=login, timeout=30).status_code == 200
    assert httpx.get(f"{url}/dashboard/", timeout=30).status_code in (401, 403)
    page = httpx.get(f"{running_city.settings.superset_url}/login/", timeout=30)
    policy = page.headers["Content-Security-Policy"]
    pages = running_city.settings.pages_url  # the walls there show dashboards in frames
    assert "http" not in policy.replace(f"frame-ancestors 'self' {pages}", "frame-ancestors 'self'")


def test_feeds_answer_a_known_version_with_304(running_city: RunningCity) -> None:
    feed = next(path for path in running_city.settings.feeds_dir.rglob("*") if path.is_file())
    url = f"{running_city.settings.feeds_base_url}/{feed.relative_to(running_city.settings.feeds_dir)}"
    first = httpx.get(url)
    assert first.status_code == 200
    assert first.content == feed.read_bytes()
    for header, value in (
        ("If-None-Match", first.headers["ETag"]),
        ("If-Modified-Since", first.headers["Last-Modified"]),
    ):
        assert httpx.get(url, headers={header: value}).status_code == 304
    assert httpx.get(f"{running_city.settings.feeds_base_url}/../secrets/s3_secret_key").status_code == 404
