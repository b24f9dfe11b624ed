"""What the stack refuses before it starts anything, and whether the text names what to change."""

import os
import socket
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from citybrain.settings import Settings
from citybrain.stack import postgres
from citybrain.stack.errors import StackError
from citybrain.stack.ports import free_ports, is_free, require_free_ports, service_ports
from citybrain.stack.supervision import Supervisor, configuration
from citybrain.stack.up import make_folders, require_space

MakeSettings = Callable[..., Settings]


@pytest.mark.parametrize(
    ("service", "setting", "offset"),
    [
        ("postgres", "CITYBRAIN_POSTGRES_PORT", 0),
        ("s3", "CITYBRAIN_S3_FILER_PORT", 0),
        ("s3", "CITYBRAIN_S3_MASTER_PORT + 10000", 0),
        ("airflow-api", "CITYBRAIN_AIRFLOW_PORT", 0),
        ("superset", "CITYBRAIN_SUPERSET_PORT", 0),
        ("feeds", "CITYBRAIN_FEEDS_PORT", 0),
        ("mqtt", "CITYBRAIN_MQTT_PORT", 0),
    ],
)
def test_a_port_in_use_names_its_setting_and_holder(
    own_settings: MakeSettings, service: str, setting: str, offset: int
) -> None:
    settings = own_settings()
    port = service_ports(settings, service)[setting] + offset
    require_free_ports(settings, service)
    with socket.create_server(("127.0.0.1", port)), pytest.raises(StackError) as refused:
        require_free_ports(settings, service)
    assert setting in str(refused.value)
    assert str(port) in str(refused.value)
    assert f"pid {os.getpid()}" in str(refused.value)


def test_an_s3_port_whose_twin_is_no_port_is_refused(own_settings: MakeSettings) -> None:
    settings = own_settings(s3_port=60_000)
    with pytest.raises(StackError, match=r"70000 \(CITYBRAIN_S3_PORT \+ 10000\) is not a TCP port"):
        require_free_ports(settings, "s3")


def test_free_ports_differ_and_are_free_with_their_twins() -> None:
    ports = free_ports(9)
    assert len(set(ports)) == 9
    assert all(is_free(port) and is_free(port + 10_000) for port in ports)


def test_two_processes_are_never_given_the_same_port() -> None:
    taken = set(free_ports(300))
    program = "from citybrain.stack.ports import free_ports; print(*free_ports(300))"
    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    others = {int(port) for port in printed.stdout.split()}
    assert len(others) == 300
    assert not taken & others


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs PostgreSQL as another user")
def test_a_home_below_a_closed_folder_is_refused_and_the_folder_stays_closed(
    own_home: Path, own_settings: MakeSettings
) -> None:
    closed = own_home / "closed"
    closed.mkdir(mode=0o700)
    settings = own_settings(home=closed / "home")
    with pytest.raises(StackError, match=r"CITYBRAIN_HOME") as refused:
        postgres.initialise(settings)
    assert str(closed) in str(refused.value)
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700
    assert not postgres.data_folder(settings).exists()


def test_a_disk_without_room_names_the_home_setting(own_settings: MakeSettings) -> None:
    settings = own_settings()
    require_space(settings, needed=1)
    with pytest.raises(StackError, match=r"CITYBRAIN_HOME"):
        require_space(settings, needed=1 << 62)


def test_a_home_too_long_for_a_socket_is_refused(own_home: Path, own_settings: MakeSettings) -> None:
    settings = own_settings(home=own_home / ("x" * 90))
    make_folders(settings)
    with pytest.raises(StackError, match=r"CITYBRAIN_HOME to a shorter path"):
        Supervisor(settings).start()


def test_no_secret_stands_in_the_supervisors_configuration(own_settings: MakeSettings) -> None:
    settings = own_settings(
        database_url="postgresql://someone:hidden-password@127.0.0.1:1/postgres",
        s3_endpoint="127.0.0.1:2",
        s3_access_key="hidden-access",
        s3_secret_key="hidden-secret",
    )
    text = configuration(settings)
    assert "[program:airflow-api]" in text
    assert "hidden" not in text
    assert "[program:postgres]" not in text
    assert "[program:s3]" not in text


def test_secrets_are_for_their_owner_alone_and_stay_the_same(own_settings: MakeSettings) -> None:
    settings = own_settings()
    make_folders(settings)
    first = settings.secret("superset_admin_password")
    assert settings.secret("superset_admin_password") == first
    assert len(first) >= 43
    assert stat.S_IMODE(settings.secrets_dir.stat().st_mode) == 0o700
    assert stat.S_IMODE(settings.run_dir.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in settings.secrets_dir.iterdir()} == {0o600}
