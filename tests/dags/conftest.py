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

from citybrain.settings import Settings
from citybrain.stack import airflow

PROJECT = Path(__file__).parents[2]
DAG_FOLDER = PROJECT / "dags"
PROGRAMS = Path(__file__).parent

Parse = Callable[..., dict[str, Any]]
RunDags = Callable[..., list[dict[str, Any]]]


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


@pytest.fixture(scope="session")
def airflow_metadata(settings: Settings) -> Settings:
    """The test's servers with Airflow's metadata migrated and the stack's three accounts made."""
    environment = airflow.accounts_environment(settings)
    Path(environment["AIRFLOW_HOME"]).mkdir(parents=True, exist_ok=True)
    subprocess.run(
        airflow.accounts_command(),
        input=airflow.accounts_input(settings),
        env=environment,
        capture_output=True,
        text=True,
        timeout=180,
        check=True,
    )
    return settings


@pytest.fixture(scope="session")
def run_dags(airflow_metadata: Settings) -> RunDags:
    """Run DAGs of a project one after the other, as the stack's Airflow would; see tests/dags/run_dags.py."""

    def run(project: Path, *requests: dict[str, Any]) -> list[dict[str, Any]]:
        finished = subprocess.run(
            [sys.executable, PROGRAMS / "run_dags.py"],
            input=json.dumps(requests),
            env=airflow.environment(airflow_metadata.model_copy(update={"project": project})),
            capture_output=True,
            text=True,
            timeout=900,
        )
        sys.stdout.write(finished.stdout)
        sys.stderr.write(finished.stderr)
        assert finished.returncode == 0, finished.stderr[-4000:]
        return json.loads(finished.stdout.splitlines()[-1])

    return run
