"""The desk as two processes: the site under gunicorn, and the worker of its task queue."""

import os
import sys

from citybrain.desk.accounts.demo import load_demo_accounts
from citybrain.settings import Settings

_THREADS = 8


def platform_environment(settings: Settings) -> dict[str, str]:
    """Where the platform stands; secrets are read from its folder, settings of the shell are passed on."""
    ours = {name: value for name, value in os.environ.items() if name.startswith("CITYBRAIN_")}
    return {
        **ours,
        "CITYBRAIN_HOME": str(settings.home),
        "CITYBRAIN_PROJECT": str(settings.project),
        "PATH": os.defpath,
        "LANG": "C.UTF-8",
        "PYTHONUNBUFFERED": "1",
    }


def environment(settings: Settings) -> dict[str, str]:
    """The platform's, and Django told where its settings are."""
    return platform_environment(settings) | {"DJANGO_SETTINGS_MODULE": "citybrain.desk.settings"}


def command(service: str, settings: Settings) -> list[str]:
    """The program of `desk` or `desk-worker`."""
    if service == "desk-worker":
        queue = ("worker", "--concurrency", "4", "--delete-jobs", "successful")
        return [*management("procrastinate"), "--skip-checks", *queue]  # `prepare` has made the checks
    return [
        *(sys.executable, "-m", "gunicorn", "--bind", f"{settings.bind_host}:{settings.desk_port}"),
        # Loaded once, then forked: nothing of the desk opens a connection while it is loaded.
        *("--preload", "--workers", "2", "--worker-class", "gthread", "--threads", str(_THREADS)),
        *(
            "--keep-alive",
            "75",
        ),  # s; longer than a person reads, or connections end as the next question comes
        *("--worker-tmp-dir", str(settings.run_dir), "--no-control-socket", "citybrain.desk.wsgi"),
    ]


def management(*arguments: str) -> list[str]:
    """A management command of the desk, in a process of its own."""
    return [sys.executable, "-m", "citybrain.desk", *arguments]


def demo_accounts(settings: Settings) -> list[str]:
    """The user names of the demo city, none where real people sign in."""
    return [account.username for account in load_demo_accounts()] if settings.demo else []
