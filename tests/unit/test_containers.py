"""The production shape in docker/: the programs `make up` supervises, and images holding what those read."""

import re
from pathlib import Path
from typing import Any

import pytest

from citybrain.catalogue import read_yaml
from citybrain.settings import SOURCE_TREE, Settings
from citybrain.stack.launch import program
from citybrain.stack.services import services

DOCKER = SOURCE_TREE / "docker"
IMAGES = sorted(DOCKER.glob("*.Dockerfile"))
NOT_OURS = {"postgres"}


@pytest.fixture(scope="module")
def composed() -> dict[str, Any]:
    return dict(read_yaml(DOCKER / "compose.yaml"))


def test_compose_runs_the_programs_of_the_embedded_stack(composed: dict[str, Any], tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, database_url=None, s3_endpoint=None, mqtt="on")
    assert set(composed["services"]) - {"setup"} == {service.name for service in services(settings)}
    for name, service in composed["services"].items():
        if name in NOT_OURS | {"setup"}:
            continue
        assert service["command"] == [name]
        assert program(name, settings).arguments


def test_each_service_has_an_image_of_this_repository(composed: dict[str, Any]) -> None:
    platform = composed["x-platform"]
    for name, service in composed["services"].items():
        if name not in NOT_OURS:
            build = service.get("build", platform["build"])
            assert (DOCKER / build["context"] / build["dockerfile"]).resolve() in IMAGES, name


def test_only_loopback_of_the_host_is_published(composed: dict[str, Any]) -> None:
    published = [port for service in composed["services"].values() for port in service.get("ports", [])]
    assert len(published) >= 4
    assert all(port.startswith("127.0.0.1:") for port in published)


def test_what_a_service_waits_for_is_there_and_tells_its_health(composed: dict[str, Any]) -> None:
    for service in composed["services"].values():
        for awaited, how in service.get("depends_on", {}).items():
            assert awaited in composed["services"]
            if how["condition"] == "service_healthy":
                assert composed["services"][awaited]["healthcheck"]["test"][0] == "CMD"


@pytest.mark.parametrize("path", [DOCKER / "compose.yaml", *IMAGES], ids=lambda path: path.name)
def test_every_variable_is_a_setting(path: Path) -> None:
    named = set(re.findall(r"\bCITYBRAIN_([A-Z0-9_]+)\b", path.read_text(encoding="utf-8")))
    assert {name.lower() for name in named} <= set(Settings.model_fields)


@pytest.mark.parametrize("path", IMAGES, ids=lambda path: path.name)
def test_an_image_copies_what_is_there(path: Path) -> None:
    for line in re.findall(r"^COPY (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE):
        for source in line.split()[:-1]:
            assert (SOURCE_TREE / source).exists(), line


def test_the_platforms_image_holds_every_content_room() -> None:
    settings = Settings(project=SOURCE_TREE)
    copied = re.findall(r"^COPY (\S+)", (DOCKER / "platform.Dockerfile").read_text("utf-8"), re.MULTILINE)
    held = [SOURCE_TREE / source for source in copied]
    rooms = ("sources", "expectations", "policies", "detectors", "dashboards", "dbt")
    for folder in (getattr(settings, f"{room}_dir") for room in rooms):
        if folder.exists():
            assert any(folder.is_relative_to(source) for source in held), folder
