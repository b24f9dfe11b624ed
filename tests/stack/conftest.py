"""Stacks of their own: a home, free ports, and nothing of the session's servers."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from citybrain.settings import Settings
from citybrain.stack.ports import free_ports

PORTS = ("postgres_port", "s3_port", "s3_master_port", "s3_volume_port", "s3_filer_port", "airflow_port")
PORTS += ("superset_port", "feeds_port", "pages_port", "mqtt_port")


@pytest.fixture
def own_home() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="citybrain-stack-", dir="/tmp"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def own_settings(own_home: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Settings]:
    """Makes settings over `own_home` with free ports; the environment says the same, for launched
    programs.
    """

    def make(**more: object) -> Settings:
        for name in [name for name in os.environ if name.startswith("CITYBRAIN_")]:
            monkeypatch.delenv(name)
        values = {"home": own_home, **dict(zip(PORTS, free_ports(len(PORTS)), strict=True)), **more}
        for name, value in values.items():
            monkeypatch.setenv(f"CITYBRAIN_{name.upper()}", str(value))
        return Settings()

    return make
