"""Airflow runs in processes of its own, each over a temporary AIRFLOW_HOME."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

PROJECT = Path(__file__).parents[2]
DAG_FOLDER = PROJECT / "dags"
PROGRAMS = Path(__file__).parent

Parse = Callable[..., dict[str, Any]]


def clean_environment() -> dict[str, str]:
    return {
        name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "CITYBRAIN_"))
    }


@pytest.fixture(scope="session")
def parse(tmp_path_factory: pytest.TempPathFactory) -> Parse:
    """Parse a DAG folder of a project in a process of its own; what tests/dags/parse_dags.py prints."""

    def run(project: Path = PROJECT, **environment: str) -> dict[str, Any]:
        home = tmp_path_factory.mktemp("airflow")
        finished = subprocess.run(
            [sys.executable, PROGRAMS / "parse_dags.py", DAG_FOLDER],
            env=clean_environment()
            | {"AIRFLOW_HOME": str(home), "CITYBRAIN_HOME": str(home), "CITYBRAIN_PROJECT": str(project)}
            | environment,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert finished.returncode == 0, finished.stderr
        return json.loads(finished.stdout.splitlines()[-1])

    return run


@pytest.fixture(scope="session")
def parsed(parse: Parse) -> dict[str, Any]:
    """The repository's own DAGs."""
    return parse()


@pytest.fixture
def other_project(tmp_path: Path) -> Path:
    """A project whose source files a test may break; the DAG files are the repository's."""
    shutil.copytree(DAG_FOLDER / "sources", tmp_path / "dags" / "sources")
    shutil.copytree(PROJECT / "docs" / "reference" / "dags", tmp_path / "docs" / "reference" / "dags")
    return tmp_path
