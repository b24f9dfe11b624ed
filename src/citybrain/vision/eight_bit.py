"""A network that counts in eight bits, made once from its weights and lying beside them: `weights.pt` has
`weights.int8.zip`, with OpenVINO's two files for pictures of any shape, the class names, and the hash of the
weights it was made from.

On processors that multiply bytes (VNNI) and have no matrix unit (AMX) it is the quicker one.
"""

import json
import zipfile
from dataclasses import dataclass
from pathlib import Path

ENDING = ".int8.zip"
PROCESSOR = Path("/proc/cpuinfo")
MULTIPLIES_BYTES = frozenset({"avx512_vnni", "avx_vnni"})
HAS_MATRIX_UNIT = "amx_bf16"  # it counts in bfloat16 at least as quickly as in bytes


class EightBitError(RuntimeError):
    """A file is no network in eight bits of these weights."""


@dataclass(frozen=True)
class EightBitNetwork:
    """`structure` and `numbers` are OpenVINO's .xml and .bin; `names` are the network's own class names."""

    structure: bytes
    numbers: bytes
    names: dict[int, str]


def beside(weights: Path) -> Path:
    """Where the network in eight bits of a weights file lies, if there is one."""
    return weights.with_suffix(ENDING)


def write(file: Path, network: EightBitNetwork, weights_sha256: str) -> None:
    """`network` as one file; the same network gives the same bytes."""
    about = {"weights": weights_sha256, "names": network.names}
    parts = {
        "network.xml": network.structure,
        "network.bin": network.numbers,
        "about.json": json.dumps(about, ensure_ascii=False).encode(),
    }
    draft = file.with_suffix(".draft")
    with zipfile.ZipFile(draft, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in parts.items():
            packed.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    draft.replace(file)


def read(file: Path, weights_sha256: str) -> EightBitNetwork:
    """Raises EightBitError when the file was made from other weights, or is damaged."""
    try:
        with zipfile.ZipFile(file) as packed:
            about = json.loads(packed.read("about.json"))
            structure, numbers = packed.read("network.xml"), packed.read("network.bin")
    except (zipfile.BadZipFile, KeyError, ValueError) as error:
        raise EightBitError(f"{file} is no network in eight bits: {error}") from error
    if about["weights"] != weights_sha256:
        raise EightBitError(
            f"{file} was made from other weights ({about['weights'][:12]}…, not {weights_sha256[:12]}…):"
            " quantise the new ones, or delete it"
        )
    return EightBitNetwork(structure, numbers, {int(number): name for number, name in about["names"].items()})


def quicker_here(processor: Path = PROCESSOR) -> bool:
    """Whether this machine's processor counts more quickly in eight bits, as far as Linux tells."""
    if not processor.is_file():
        return False
    lines = processor.read_text(encoding="utf-8").splitlines()
    flags = next((set(line.split()) for line in lines if line.startswith("flags")), set())
    return bool(flags & MULTIPLIES_BYTES) and HAS_MATRIX_UNIT not in flags
