"""The desk on the session's PostgreSQL: migrated as its owner, with its roles, and Django loaded over it."""

import os

import pytest

from citybrain.settings import Settings
from citybrain.stack import desk as desk_processes
from citybrain.stack.setup import run_setup


@pytest.fixture(scope="session")
def desk(settings: Settings) -> Settings:
    """Settings over a prepared desk; importing Django models is safe after this."""
    settings.log_dir.mkdir(exist_ok=True)
    run_setup(
        "The desk's set-up",
        desk_processes.management("prepare"),
        desk_processes.environment(settings),
        "",
        settings.log_dir / "desk-setup.log",
    )
    os.environ["DJANGO_SETTINGS_MODULE"] = "citybrain.desk.settings"
    import django

    django.setup()
    return settings
