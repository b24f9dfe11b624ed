"""`python -m citybrain.stack.launch <service>`: becomes the real program, with only the environment it needs.

The supervisor starts every program through this module, so no secret stands in its configuration. Before
it becomes the program it writes `<home>/run/<service>.pid`, by which a later start finds what a killed
supervisor left behind.
"""

import os
import pwd
import sys
from pathlib import Path
from typing import NamedTuple

from citybrain.settings import Settings, get_settings
from citybrain.stack import airflow, desk, mosquitto, postgres, seaweedfs, superset, vision
from citybrain.stack.processes import write_note
from citybrain.stack.services import AIRFLOW_SERVICES, DESK_SERVICES


class Program(NamedTuple):
    """What to become: argument list, environment, working directory, the user to run as (None: the same)."""

    arguments: list[str]
    environment: dict[str, str]
    folder: Path
    user: str | None = None


def program(service: str, settings: Settings) -> Program:
    """The program behind a service name. Raises KeyError for an unknown name."""
    plain = {"PATH": os.defpath, "LANG": "C.UTF-8"}
    if service == "postgres":
        return Program(postgres.command(settings), plain, Path("/"), postgres.system_user())
    if service == "s3":
        home = {"HOME": str(seaweedfs.config_folder(settings))}
        return Program(seaweedfs.command(settings), plain | home, settings.run_dir)
    if service == "mqtt":
        return Program(mosquitto.command(settings), plain, Path("/"), mosquitto.system_user())
    if service == "mqtt-bridge":
        bridge = [sys.executable, "-m", "citybrain.ingest.mqtt"]
        return Program(bridge, desk.platform_environment(settings), settings.run_dir)
    if service in AIRFLOW_SERVICES:
        return Program(airflow.command(service), airflow.environment(settings), settings.data_dir / "airflow")
    if service == "superset":
        return Program(
            superset.command(settings), superset.environment(settings), superset.data_folder(settings)
        )
    if service in DESK_SERVICES:
        return Program(desk.command(service, settings), desk.environment(settings), settings.run_dir)
    if service == "vision":
        return Program(vision.command(settings), vision.environment(settings), settings.run_dir)
    port = {"feeds": settings.feeds_port, "pages": settings.pages_port}[service]
    arguments = [
        *(sys.executable, "-m", "uvicorn", "--factory", f"citybrain.stack.sites:{service}"),
        *("--host", settings.bind_host, "--port", str(port), "--no-access-log", "--no-server-header"),
    ]
    folders = {"CITYBRAIN_HOME": str(settings.home), "CITYBRAIN_PROJECT": str(settings.project)}
    return Program(arguments, plain | folders, settings.run_dir)


def launch(service: str) -> None:
    """Replace this process by the service's program. Does not return."""
    settings = get_settings()
    if service == "s3":
        seaweedfs.initialise(settings)
    if service == "mqtt":
        mosquitto.initialise(settings)
    if service == "vision":
        vision.require_environment(settings)
    target = program(service, settings)
    target.folder.mkdir(parents=True, exist_ok=True)
    write_note(settings.run_dir / f"{service}.pid", os.getpid())
    os.chdir(target.folder)
    if target.user is not None:
        account = pwd.getpwnam(target.user)
        os.initgroups(account.pw_name, account.pw_gid)
        os.setgid(account.pw_gid)
        os.setuid(account.pw_uid)
    os.execve(target.arguments[0], target.arguments, target.environment)  # noqa: S606  # our own argument list


if __name__ == "__main__":
    launch(sys.argv[1])
