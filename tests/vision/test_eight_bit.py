"""Networks in eight bits: whose they are, where they are taken, and that they see what the weights see."""

import hashlib
import tempfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vision_python import needs_vision, run_there

from citybrain.settings import SOURCE_TREE
from citybrain.vision.eight_bit import EightBitError, EightBitNetwork, beside, quicker_here, read, write
from citybrain.vision.weights import Weights

OTHER = hashlib.sha256(b"other weights").hexdigest()
FLAGS = {
    "avx512_vnni avx512_bf16": True,
    "avx_vnni": True,
    "avx512_vnni amx_bf16 amx_int8": False,
    "avx2": False,
}
SHIPPED = sorted((SOURCE_TREE / "detectors" / "models").glob("*/weights.int8.zip"))


@given(st.binary(max_size=200), st.binary(max_size=200), st.dictionaries(st.integers(0, 99), st.text()))
def test_what_is_written_is_read(structure: bytes, numbers: bytes, names: dict[int, str]) -> None:
    network = EightBitNetwork(structure, numbers, names)
    with tempfile.TemporaryDirectory() as folder:
        one, other = Path(folder) / "one.zip", Path(folder) / "other.zip"
        for file in (one, other):
            write(file, network, OTHER)
        assert read(one, OTHER) == network
        assert one.read_bytes() == other.read_bytes()


def test_a_network_of_other_weights_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "weights.int8.zip", EightBitNetwork(b"", b"", {}), OTHER)
    with pytest.raises(EightBitError, match="made from other weights"):
        read(tmp_path / "weights.int8.zip", hashlib.sha256(b"these").hexdigest())


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04 half a file"])
def test_a_damaged_file_is_refused(tmp_path: Path, damage: bytes) -> None:
    file = tmp_path / "weights.int8.zip"
    file.write_bytes(damage)
    with pytest.raises(EightBitError, match="no network in eight bits"):
        read(file, OTHER)


@pytest.mark.parametrize(("flags", "quicker"), FLAGS.items())
def test_bytes_are_counted_where_that_is_quicker(tmp_path: Path, flags: str, quicker: bool) -> None:
    told = tmp_path / "cpuinfo"
    told.write_text(f"processor\t: 0\nflags\t\t: fpu sse2 {flags}\nbugs\t\t:\n", encoding="utf-8")
    assert quicker_here(told) is quicker


def test_a_machine_that_tells_nothing_counts_as_the_weights_do(tmp_path: Path) -> None:
    assert not quicker_here(tmp_path / "cpuinfo")


def test_weights_that_have_no_network_beside_them_are_taken_as_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a setting, a processor and a file that must all allow it, each alone decides."""
    from citybrain.vision import runtime

    class Opened:
        def __init__(self, name: str) -> None:
            self.name = name

        def __call__(self, weights: Weights, *_: Any) -> str:
            if self.name == "eight bits":
                read(beside(weights.path), weights.sha256)
            return self.name

    for module, eyes, name in (
        ("eight_bit_eyes", "EightBitEyes", "eight bits"),
        ("openvino_eyes", "OpenVinoEyes", "as they are"),
    ):
        monkeypatch.setattr(f"citybrain.vision.{module}.{eyes}", Opened(name))
    weights = Weights("lane", tmp_path / "lane.pt", "folder", OTHER)

    def chosen(eight_bit: bool = True, quicker: bool = True) -> Any:
        monkeypatch.setattr(runtime, "quicker_here", lambda: quicker)
        settings: Any = SimpleNamespace(
            vision_runtime="openvino", vision_eight_bit=eight_bit, data_dir=tmp_path
        )
        return runtime.open_eyes(settings, weights, 416, {}, 1)

    assert chosen() == "as they are"
    write(beside(weights.path), EightBitNetwork(b"", b"", {}), OTHER)
    assert chosen() == "eight bits"
    assert chosen(eight_bit=False) == "as they are"
    assert chosen(quicker=False) == "as they are"
    write(beside(weights.path), EightBitNetwork(b"", b"", {}), "of weights that were replaced")
    assert chosen() == "as they are"


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.parent.name)
def test_what_is_shipped_was_made_from_the_shipped_weights(file: Path) -> None:
    weights = file.with_name("weights.pt")
    network = read(file, hashlib.sha256(weights.read_bytes()).hexdigest())
    recipe = (file.parent / "recipe.yml").read_text(encoding="utf-8")
    assert all(name in recipe for name in network.names.values())
    assert file.stat().st_size < 3_000_000


def test_some_networks_are_shipped_in_eight_bits() -> None:
    assert {file.parent.name for file in SHIPPED} == {"garbage_street", "yard_vehicles"}


@needs_vision
@pytest.mark.slow
def test_a_network_is_quantised_compared_and_refused_when_it_sees_worse(tmp_path: Path) -> None:
    told = run_there("quantising_yards.py", tmp_path / "home", tmp_path, seconds=300)
    assert (told["kept"], told["left"]) == (True, True)
    assert (told["kept_when_it_must_gain"], told["left_then"]) == (False, False)
    assert told["asked_for"] == [], "NNCF and OpenVINO would report their use"
