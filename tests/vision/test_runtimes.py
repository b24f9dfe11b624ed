"""The same network on three runtimes sees the same."""

from pathlib import Path
from typing import Any

import pytest
from vision_python import needs_vision, run_there

from citybrain.vision.eyes import codes_of
from citybrain.vision.runtime import fastest_here


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    place = tmp_path_factory.mktemp("runtimes")
    found: dict[str, Any] = run_there("three_runtimes.py", place / "home", place / "kept", seconds=400)
    return found


@needs_vision
@pytest.mark.slow
@pytest.mark.parametrize(("runtime", "difference"), [("openvino", 0.06), ("onnxruntime", 0.02)])
def test_another_runtime_sees_what_torch_sees(told: dict[str, Any], runtime: str, difference: float) -> None:
    """OpenVINO counts in bfloat16 where the processor has it."""
    found = told[runtime]
    assert found["boxes"] >= 10
    assert found["least_overlap"] > 0.85
    assert found["most_score_difference"] < difference
    assert found["other_class"] == 0
    assert found["many_as_one"] is True
    assert found["device"].startswith(f"{runtime} cpu")


@needs_vision
@pytest.mark.slow
def test_eight_bits_see_what_the_weights_see(told: dict[str, Any]) -> None:
    found = told["eight bits"]
    assert found["boxes"] >= 10
    assert found["least_overlap"] > 0.8
    assert found["most_score_difference"] < 0.2
    assert found["other_class"] <= 1
    assert found["many_as_one"] is True
    assert found["device"] == "openvino cpu int8, 2 threads"


@needs_vision
@pytest.mark.slow
def test_onnx_runtime_sees_what_openvino_sees(told: dict[str, Any]) -> None:
    assert told["between"]["boxes"] >= 10
    assert told["between"]["least_overlap"] > 0.9
    assert told["between"]["most_score_difference"] < 0.06
    assert told["between"]["other_class"] == 0


@needs_vision
@pytest.mark.slow
def test_a_network_is_converted_once_for_every_shape(told: dict[str, Any]) -> None:
    of_onnx = [f"onnx/{suffix}" for suffix in (".json", ".json", ".onnx", ".onnx")]
    of_openvino = [f"openvino/{suffix}" for suffix in (".bin", ".bin", ".json", ".json", ".xml", ".xml")]
    assert told["files"] == of_onnx + of_openvino


def test_a_graphics_card_is_taken_where_there_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    driver = tmp_path / "version"
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert fastest_here(driver) == "onnxruntime"
    monkeypatch.setattr("importlib.util.find_spec", lambda name: object())
    assert fastest_here(driver) == "openvino"
    driver.touch()
    assert fastest_here(driver) == "torch"


def test_a_network_may_call_things_as_darknet_did() -> None:
    names = {0: "motorbike", 1: "diningtable", 2: "truck", 3: "traffic light"}
    assert codes_of(names, {}) == {0: "motorcycle", 1: "dining_table", 2: "lorry", 3: "traffic_light"}
    ours = {"motorcycle": "two_wheeler", "dining table": "trading_outside_shop", "truck": "heavy"}
    assert list(codes_of(names, ours).values())[:3] == ["two_wheeler", "trading_outside_shop", "heavy"]
