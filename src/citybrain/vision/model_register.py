"""Which networks there are: versions, hashes, what was measured of them, what they run on, who asks."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from citybrain.lake import list_objects
from citybrain.settings import Settings
from citybrain.vision.detector_file import Detector
from citybrain.vision.eight_bit import beside
from citybrain.vision.weights import ZONE, eight_bit_key


@dataclass(frozen=True)
class Version:
    """Weights of a name at one place; `version` is the time a city published them, or the place itself.
    `eight_bit`: whether a network in eight bits lies beside them.
    """

    version: str
    sha256: str
    bytes: int
    eight_bit: bool


@dataclass(frozen=True)
class Model:
    """`versions` begin with what workers take. `measured` is what `measured.json` beside the weights tells of
    photographs, by what was measured on; empty for weights of the city, which nobody measured here.
    """

    name: str
    versions: tuple[Version, ...]
    runtime: str
    measured: dict[str, dict[str, float]]
    asked_by: tuple[str, ...]


def models(settings: Settings, detectors: Mapping[str, Detector]) -> list[Model]:
    """Every network that is shipped, published, or asked for, by name. Raises LakeError."""
    shipped = {path.parent.name for path in (settings.detectors_dir / "models").glob("*/recipe.yml")}
    published: dict[str, list[Version]] = {}
    objects = {found.key: found for found in list_objects(settings, ZONE, "")}
    for key, found in objects.items():
        name, _, rest = key.partition("/")
        if rest.endswith(".pt"):
            of_time, eight_bit = rest.rpartition("/")[0] or rest, eight_bit_key(key) in objects
            version = Version(of_time, Path(rest).stem, found.size, eight_bit)
            published.setdefault(name, []).append(version)
    asked = {detector.model.name for detector in detectors.values()}
    return [
        _model(settings, name, published.get(name, []), detectors)
        for name in sorted({*shipped, *published, *asked})
    ]


def _model(
    settings: Settings, name: str, published: list[Version], detectors: Mapping[str, Detector]
) -> Model:
    folder = settings.detectors_dir / "models" / name
    versions = sorted(published, key=lambda one: one.version, reverse=True)
    for place, path in (("folder", settings.models_dir / f"{name}.pt"), ("shipped", folder / "weights.pt")):
        if path.is_file():
            content = path.read_bytes()
            digest = sha256(content).hexdigest()
            versions.append(Version(place, digest, len(content), beside(path).is_file()))
    asked_by = tuple(sorted(one.id for one in detectors.values() if one.model.name == name))
    return Model(name, tuple(versions), settings.vision_runtime, _measured(folder, name), asked_by)


def _measured(folder: Path, name: str) -> dict[str, dict[str, float]]:
    path = folder / "measured.json"
    if not path.is_file():
        return {}
    told: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return {
        f"{one['measured_on']} @{one['imgsz']}": one["figures"]
        for one in told["results"]
        if one["kind"] == "photographs" and one["network"].partition("@")[0] == name
    }
