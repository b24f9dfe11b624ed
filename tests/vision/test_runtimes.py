"""The same network on two runtimes sees the same."""

from pathlib import Path

import pytest
from vision_python import needs_vision, run_there


@needs_vision
@pytest.mark.slow
def test_openvino_sees_what_torch_sees(tmp_path: Path) -> None:
    told = run_there("two_runtimes.py", tmp_path / "home", tmp_path / "kept", seconds=400)
    assert told["boxes"] >= 10
    assert told["least_overlap"] > 0.85
    assert told["most_score_difference"] < 0.06  # bfloat16 against single precision
    assert told["other_class"] == 0
    assert told["many_as_one"] is True
    assert told["device"].startswith("openvino cpu")
    assert told["files"] == [".bin", ".bin", ".json", ".json", ".xml", ".xml"]
