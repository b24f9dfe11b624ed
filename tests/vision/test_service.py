"""The vision worker as the stack runs it."""

import subprocess
import time
from pathlib import Path

import pytest
from vision_python import needs_vision

from citybrain.settings import SOURCE_TREE, Settings
from citybrain.stack import health, vision
from citybrain.stack.errors import StackError
from citybrain.stack.launch import program
from citybrain.stack.services import services


def test_a_missing_environment_says_what_installs_it(tmp_path: Path) -> None:
    with pytest.raises(StackError, match=r"\.venv-vision/bin/python\. Run scripts/bootstrap\.sh run"):
        vision.require_environment(Settings(project=tmp_path, home=tmp_path / "home"))


def test_no_secret_stands_in_its_arguments(settings: Settings) -> None:
    arguments = program("vision", settings).arguments
    assert arguments[1:] == ["-m", "citybrain.vision.worker"]


@needs_vision
@pytest.mark.slow
@pytest.mark.integration
def test_it_is_healthy_when_its_networks_are_loaded_and_ends_when_told(settings: Settings) -> None:
    service = next(service for service in services(settings) if service.name == "vision")
    assert not health.answers(service, settings)
    target = program("vision", settings)
    settings.log_dir.mkdir(exist_ok=True)
    with service.log.open("wb") as log:
        worker = subprocess.Popen(
            target.arguments, env=target.environment, cwd=SOURCE_TREE, stdout=log, stderr=subprocess.STDOUT
        )
    try:
        deadline = time.monotonic() + 120
        while not health.answers(service, settings):
            assert worker.poll() is None, service.log.read_text()[-3000:]
            assert time.monotonic() < deadline, service.log.read_text()[-3000:]
            time.sleep(0.3)
        worker.terminate()
        assert worker.wait(30) == 0
    finally:
        worker.kill()
    assert not health.answers(service, settings)
    said = service.log.read_text()
    assert "network loaded" in said
    assert "api.github.com" not in said  # nothing is asked of the network
