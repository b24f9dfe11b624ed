"""Superset as a process in its own environment. The modules beside this one run there and import nothing
of ours.
"""

import json
import os
from pathlib import Path

from citybrain.settings import DatabaseRole, Settings
from citybrain.stack.errors import StackError

ADMIN_SECRET = "superset_admin_password"  # noqa: S105  # a secret's name
_HERE = Path(__file__).resolve().parent


def environment_folder(settings: Settings) -> Path:
    """The virtual environment `.venv-superset` beside the checkout's own."""
    return settings.project / ".venv-superset"


def _program(settings: Settings, name: str) -> str:
    path = environment_folder(settings) / "bin" / name
    if not path.exists():
        raise StackError(f"Superset's environment is missing: {path}. Run scripts/bootstrap.sh run")
    return str(path)


def environment(settings: Settings) -> dict[str, str]:
    """The environment of Superset's processes: what `superset_config.py` reads, and no secret of another
    part.
    """
    return {
        "PATH": os.defpath,
        "HOME": str(data_folder(settings)),
        "LANG": "C.UTF-8",
        "PYTHONPATH": str(_HERE),
        "PYTHONUNBUFFERED": "1",
        "SUPERSET_HOME": str(data_folder(settings)),
        "FLASK_APP": "superset.app:create_app()",
        "CITYBRAIN_SUPERSET_FRAMED_BY": settings.pages_url,
        "CITYBRAIN_SUPERSET_CACHE": str(data_folder(settings) / "cache"),
        "CITYBRAIN_SUPERSET_METADATA": settings.dsn(DatabaseRole.SUPERSET, "postgresql+psycopg2"),
        "CITYBRAIN_SUPERSET_SECRET_KEY": settings.secret("superset_secret_key"),
        "CITYBRAIN_SUPERSET_GUEST_SECRET": settings.secret("superset_guest_secret"),
    }


def data_folder(settings: Settings) -> Path:
    return settings.data_dir / "superset"


def command(settings: Settings) -> list[str]:
    """Gunicorn with two workers forked from one loaded Superset; no control socket, no access log on disk
    beside the supervisor's.
    """
    return [
        *(_program(settings, "gunicorn"), "--bind", f"{settings.bind_host}:{settings.superset_port}"),
        *("--config", str(_HERE / "forking.py")),
        *("--workers", "2", "--worker-class", "gthread", "--threads", "8", "--timeout", "120"),
        *("--limit-request-line", "0", "--limit-request-field_size", "0", "--no-control-socket"),
        *("--worker-tmp-dir", str(settings.run_dir), "superset.app:create_app()"),
    ]


def provision_command(settings: Settings) -> list[str]:
    """Migrates the metadata database, brings permissions and the admin account up to date; reads stdin."""
    return [_program(settings, "python"), str(_HERE / "provision.py")]


def provision_input(settings: Settings) -> str:
    """The admin account as JSON, handed over a pipe."""
    return json.dumps({"username": "admin", "password": settings.secret(ADMIN_SECRET)})
