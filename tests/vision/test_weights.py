"""Where weights are looked for, and in which order."""

import hashlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from vision_python import needs_vision, run_there

from citybrain.lake import LakeError, create_object, ensure_bucket, spool
from citybrain.settings import SOURCE_TREE, Settings
from citybrain.vision.eight_bit import beside
from citybrain.vision.weights import WeightsNotFoundError, publish, resolve

pytestmark = pytest.mark.integration


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def places(settings: Settings, tmp_path: Path) -> Iterator[Settings]:
    """A real S3, a project of its own that ships `lane`, and an empty folder of the city's weights."""
    shipped = tmp_path / "project" / "detectors" / "models" / "lane" / "weights.pt"
    shipped.parent.mkdir(parents=True)
    shipped.write_bytes(b"shipped")
    (tmp_path / "models").mkdir()
    yield settings.model_copy(
        update={
            "project": tmp_path / "project",
            "home": tmp_path / "home",
            "models_folder": tmp_path / "models",
            "s3_bucket_prefix": f"weights-{digest(str(tmp_path).encode())[:8]}-",
            "s3_access_key": None,
        }
        | _keys(settings)
    )


def _keys(settings: Settings) -> dict[str, object]:
    """The running server's keys, which another home would not find."""
    from pydantic import SecretStr

    access, secret = settings.s3_access
    return {
        "s3_endpoint": settings.s3_address,
        "s3_access_key": SecretStr(access),
        "s3_secret_key": SecretStr(secret),
    }


def test_the_projects_own_come_last(places: Settings) -> None:
    found = resolve(places, "lane")
    assert (found.origin, found.sha256) == ("shipped", digest(b"shipped"))
    (places.models_dir / "lane.pt").write_bytes(b"the city's")
    found = resolve(places, "lane")
    assert (found.origin, found.sha256) == ("folder", digest(b"the city's"))


def test_the_bucket_comes_first_and_its_newest_object_counts(places: Settings, tmp_path: Path) -> None:
    (places.models_dir / "lane.pt").write_bytes(b"the city's")
    for content in (b"first training", b"second training"):
        file = tmp_path / "best.pt"
        file.write_bytes(content)
        publish(places, "lane", file, datetime.now(UTC))
        found = resolve(places, "lane")
        assert (found.origin, found.sha256) == ("bucket", digest(content))
        assert found.path.read_bytes() == content
        assert found.path.is_relative_to(places.data_dir)


def test_a_network_in_eight_bits_goes_along(places: Settings, tmp_path: Path) -> None:
    file = tmp_path / "best.pt"
    file.write_bytes(b"first training")
    beside(file).write_bytes(b"the first in eight bits")
    publish(places, "lane", file, datetime.now(UTC))
    found = resolve(places, "lane")
    assert beside(found.path).read_bytes() == b"the first in eight bits"
    file.write_bytes(b"second training")
    beside(file).unlink()
    publish(places, "lane", file, datetime.now(UTC))
    found = resolve(places, "lane")
    assert found.sha256 == digest(b"second training")
    assert not beside(found.path).exists()


def test_weights_of_another_name_do_not_count(places: Settings, tmp_path: Path) -> None:
    file = tmp_path / "best.pt"
    file.write_bytes(b"for lanes at night")
    publish(places, "lane_night", file, datetime.now(UTC))
    assert resolve(places, "lane").origin == "shipped"


def test_weights_that_are_not_what_their_key_says_are_refused(places: Settings, tmp_path: Path) -> None:
    ensure_bucket(places, "models")
    spooled = spool([b"swapped"], tmp_path / "swapped", 10)
    create_object(places, "models", f"lane/20261126/{digest(b'approved')}.pt", spooled, {})
    with pytest.raises(LakeError, match="damaged"):
        resolve(places, "lane")


def test_names_that_nobody_has_say_where_was_looked(places: Settings) -> None:
    with pytest.raises(WeightsNotFoundError) as caught:
        resolve(places, "yolo11n")
    for place in (
        f"{places.bucket('models')}/yolo11n/",
        str(places.models_dir / "yolo11n.pt"),
        "CITYBRAIN_FETCH_WEIGHTS is off",
    ):
        assert place in str(caught.value)


@pytest.mark.parametrize("name", ["", "../lane", "lane/../../etc", "Lane", "a" * 60])
def test_a_name_is_no_path(places: Settings, name: str) -> None:
    with pytest.raises(ValueError, match="no name of weights"):
        resolve(places, name)


def test_every_network_stands_in_the_register_with_its_versions(places: Settings, tmp_path: Path) -> None:
    from citybrain.vision.model_register import models

    recipe = places.project / "detectors" / "models" / "lane" / "recipe.yml"
    recipe.write_text("name: lane", encoding="utf-8")
    figures = {"recall": 0.5}
    measured = {"network": "lane@416", "imgsz": 416, "measured_on": "street test", "kind": "photographs"}
    other = measured | {"network": "yolo11n@416", "figures": {"recall": 0.9}}
    (recipe.parent / "measured.json").write_text(
        json.dumps({"results": [measured | {"figures": figures}, other]}), encoding="utf-8"
    )
    file = tmp_path / "best.pt"
    file.write_bytes(b"trained")
    beside(file).write_bytes(b"trained, in eight bits")
    publish(places, "lane", file, datetime(2026, 11, 26, tzinfo=UTC))
    (found,) = models(places, {})
    assert [one.version for one in found.versions] == ["20261126T000000.000000Z", "shipped"]
    assert [one.eight_bit for one in found.versions] == [True, False]
    assert [one.sha256 for one in found.versions] == [digest(b"trained"), digest(b"shipped")]
    assert found.measured == {"street test @416": figures}


@needs_vision
def test_only_networks_come_out_of_a_weights_file(tmp_path: Path) -> None:
    """A pickle can run any code when it is read; ours is read so that it cannot."""
    told = run_there("poisoned_weights.py", tmp_path / "home", tmp_path)
    assert told["refused"]
    assert not told["ran"], json.dumps(told)


def test_what_the_project_ships_is_small_and_has_a_card() -> None:
    for weights in (SOURCE_TREE / "detectors" / "models").glob("*/weights.pt"):
        assert weights.stat().st_size < 6_000_000
        assert (weights.parent / "README.md").stat().st_size > 1_000
        assert (weights.parent / "recipe.yml").exists()
