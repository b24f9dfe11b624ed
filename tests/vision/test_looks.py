"""The network the project ships, on yards drawn from seeds it was not trained on."""

from pathlib import Path
from typing import Any

import pytest
from vision_python import needs_vision, run_there

from citybrain.settings import SOURCE_TREE
from citybrain.vision import environment
from citybrain.vision.environment import VisionEnvironmentError, import_ultralytics

WEIGHTS = SOURCE_TREE / "detectors" / "models" / "yard_vehicles" / "weights.pt"


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    home = tmp_path_factory.mktemp("home")
    return {**run_there("looking_at_yards.py", home), "home": home}


@needs_vision
def test_vehicles_in_lanes_are_found(told: dict[str, Any]) -> None:
    assert told["standing"] >= 8
    assert told["found"] >= 0.8 * told["standing"]


@needs_vision
def test_empty_lanes_are_seen_empty(told: dict[str, Any]) -> None:
    assert told["frames"] == 8
    assert told["strange"] == 0
    assert told["seen_in_the_dark"] == 0


@needs_vision
def test_every_rendered_camera_sees(told: dict[str, Any]) -> None:
    assert told["conditions"] == [""]


@needs_vision
def test_boxes_are_fractions_under_our_class_codes(told: dict[str, Any]) -> None:
    assert told["within"]
    assert told["same_together"]
    assert told["classes"] == ["bicycle", "bus", "car", "lorry", "motorcycle"]


@needs_vision
def test_the_network_library_reports_to_nobody(told: dict[str, Any]) -> None:
    assert told["reports"] == [False, False]
    assert told["online"] is False
    assert Path(told["settings_file"]).is_relative_to(told["home"])


def test_an_interpreter_without_networks_says_which_has_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environment, "NEEDED", ("a_library_that_is_nowhere",))
    with pytest.raises(
        VisionEnvironmentError, match=r"a_library_that_is_nowhere.*\.venv-vision.*bootstrap\.sh"
    ):
        import_ultralytics(tmp_path)
    assert not list(tmp_path.iterdir())
