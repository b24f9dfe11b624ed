"""Airflow as a set of processes: its whole configuration is environment, built here from our settings."""

import json
import os
import sys
import sysconfig
from pathlib import Path

from citybrain.settings import DatabaseRole, Settings

AIRFLOW_COMMANDS = {
    "airflow-api": ["api-server"],
    "airflow-scheduler": ["scheduler", "--skip-serve-logs"],  # else its log server listens on every address
    "airflow-dag-processor": ["dag-processor"],
    "airflow-triggerer": ["triggerer", "--skip-serve-logs"],
}
FORKS_OUR_CODE = ("airflow-scheduler", "airflow-dag-processor")
"""They fork a process for each task or DAG file; see citybrain.orchestration.airflow_program."""

# User name -> (role, name of the secret that holds the password). Roles are those of
# citybrain.orchestration.accounts.
ACCOUNTS = {
    "admin": ("Admin", "airflow_admin_password"),
    "engineer": ("DataEngineer", "airflow_engineer_password"),
    "viewer": ("Viewer", "airflow_viewer_password"),
}

_PASSED_ON = ("PATH", "HOME", "USER", "LANG", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE")
_PROXIES = ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY")


def program() -> Path:
    """The `airflow` command of this environment."""
    return Path(sysconfig.get_path("scripts")) / "airflow"


def command(service: str) -> list[str]:
    """The argument list of one of the four Airflow programs."""
    if service in FORKS_OUR_CODE:
        return [sys.executable, "-m", "citybrain.orchestration.airflow_program", *AIRFLOW_COMMANDS[service]]
    return [str(program()), *AIRFLOW_COMMANDS[service]]


def accounts_command() -> list[str]:
    """Migrates the metadata, brings roles and accounts up to date; reads `accounts_input` on stdin."""
    return [sys.executable, "-m", "citybrain.orchestration.accounts"]


def accounts_input(settings: Settings) -> str:
    """The accounts as JSON, passwords included: handed over a pipe, so they stand in no argument list."""
    return json.dumps(
        [
            {"username": username, "role": role, "password": settings.secret(secret)}
            for username, (role, secret) in ACCOUNTS.items()
        ]
    )


def environment(settings: Settings) -> dict[str, str]:
    """The environment of every Airflow process: ours, Airflow's settings, nothing else of the shell's.

    Tasks call our own verbs, so `CITYBRAIN_*` is passed on.
    """
    inherited = {
        name: value
        for name, value in os.environ.items()
        if name in _PASSED_ON or name in _PROXIES or name.startswith("CITYBRAIN_")
    }
    if any(name in inherited for name in _PROXIES):
        inherited["NO_PROXY"] = inherited["no_proxy"] = "127.0.0.1,localhost"
    home = settings.data_dir / "airflow"
    sections = {
        "core": {
            "auth_manager": "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager",
            "executor": "LocalExecutor",
            "parallelism": "5",
            "max_active_runs_per_dag": "1",
            "dags_folder": str(settings.project / "dags"),
            "load_examples": "False",
            "dags_are_paused_at_creation": "False",
            "default_timezone": "Asia/Shanghai",
            "fernet_key": settings.secret("airflow_fernet_key") + "=",  # 32 bytes in padded base64
            "execution_api_server_url": f"{settings.airflow_url}/execution/",
        },
        "database": {"sql_alchemy_conn": settings.dsn(DatabaseRole.AIRFLOW, "postgresql+psycopg")},
        "api": {
            "host": settings.bind_host,
            "port": str(settings.airflow_port),
            "base_url": settings.airflow_url,
            "workers": "1",
            "secret_key": settings.secret("airflow_secret_key"),
            "expose_config": "False",
        },
        "api_auth": {
            # HS512 wants at least 64 bytes; one secret has 43 characters.
            "jwt_secret": settings.secret("airflow_jwt_secret") + settings.secret("airflow_jwt_secret_tail"),
        },
        # Twice a second: ten times took a tenth of two cores, from the work that it starts (ADR 30).
        "scheduler": {"scheduler_idle_sleep_time": "0.5", "catchup_by_default": "False"},
        "dag_processor": {
            "parsing_processes": "1",
            "refresh_interval": "60",
            # A DAG file that changed is read at once. Reading all of them takes five seconds of a core: every
            # minute, that was a tenth of one for files that stand as they stood.
            "min_file_process_interval": "300",
            "print_stats_interval": "300",
        },
        "logging": {"base_log_folder": str(task_log_folder(settings)), "colored_console_log": "False"},
        "fab": {
            "config_file": str(home / "webserver_config.py"),
            "enable_proxy_fix": "False",
            "update_fab_perms": "False",  # done once, under `accounts_environment`, not by each server
        },
        "usage_data_collection": {"enabled": "False"},
        "metrics": {"statsd_on": "False", "otel_on": "False"},
    }
    configured = {
        f"AIRFLOW__{section.upper()}__{name.upper()}": value
        for section, values in sections.items()
        for name, value in values.items()
    }
    return {
        **inherited,
        "CITYBRAIN_HOME": str(settings.home),
        "CITYBRAIN_PROJECT": str(settings.project),
        "PATH": f"{Path(sysconfig.get_path('scripts'))}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "LANG": "C.UTF-8",
        "AIRFLOW_HOME": str(home),
        "PYTHONUNBUFFERED": "1",
        **configured,
    }


def accounts_environment(settings: Settings) -> dict[str, str]:
    """The environment of `accounts_command`, which writes FAB's permissions and roles as it starts FAB."""
    return environment(settings) | {"AIRFLOW__FAB__UPDATE_FAB_PERMS": "True"}


def task_log_folder(settings: Settings) -> Path:
    """Holds one log file a try: `dag_id=…/run_id=…/task_id=…/attempt=N.log`."""
    return settings.log_dir / "airflow-tasks"
