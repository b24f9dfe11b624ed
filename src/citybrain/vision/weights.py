"""Where a network's weights come from: the first of four places that has them.

1. the bucket `models`: the newest object below `<name>/`, what the city has trained or approved;
2. the folder `CITYBRAIN_MODELS_FOLDER`: `<name>.pt`;
3. ultralytics' published weights of that name, if `CITYBRAIN_FETCH_WEIGHTS` lets this machine fetch them;
4. the project's own: `detectors/models/<name>/weights.pt`.
"""

import os
import re
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Literal

import structlog
from urllib3.exceptions import HTTPError

from citybrain.lake import LakeError, create_object, download, ensure_bucket, list_objects, spool
from citybrain.settings import Settings
from citybrain.vision.eight_bit import ENDING, beside
from citybrain.vision.environment import import_ultralytics

log = structlog.get_logger()

ZONE = "models"
NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,47}")
CHUNK = 1024 * 1024

Origin = Literal["bucket", "folder", "ultralytics", "shipped"]


class WeightsNotFoundError(LookupError):
    """No place has weights of this name; the message lists them all."""


@dataclass(frozen=True)
class Weights:
    """A file with weights on this machine, and where it came from."""

    name: str
    path: Path
    origin: Origin
    sha256: str


def resolve(settings: Settings, name: str) -> Weights:
    """The weights of a name. Raises WeightsNotFoundError; LakeError when the bucket's object is damaged;
    ValueError for a name that is none.
    """
    if not NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no name of weights")
    shipped = settings.detectors_dir / "models" / name / "weights.pt"
    in_folder = settings.models_dir / f"{name}.pt"
    found = (
        _from_bucket(settings, name)
        or _on_disk(name, in_folder, "folder")
        or _from_ultralytics(settings, name)
        or _on_disk(name, shipped, "shipped")
    )
    if found is None:
        fetching = "fetched from ultralytics" if settings.fetch_weights else "CITYBRAIN_FETCH_WEIGHTS is off"
        raise WeightsNotFoundError(
            f"no weights called {name}: not below {settings.bucket(ZONE)}/{name}/, not {in_folder},"
            f" not {shipped}; {fetching}"
        )
    log.info("weights", name=name, origin=found.origin, sha256=found.sha256)
    return found


def on_hand(settings: Settings, name: str) -> Path | None:
    """Weights that lie on this machine without asking the bucket or the network; None when there are none."""
    places = (
        settings.models_dir / f"{name}.pt",
        _kept(settings) / f"{name}.pt",
        settings.detectors_dir / "models" / name / "weights.pt",
    )
    return next((place for place in places if place.is_file()), None)


def is_available(settings: Settings, name: str) -> bool:
    """Whether `resolve` would find weights, as far as can be told without fetching any; not, while the bucket
    does not answer.
    """
    if on_hand(settings, name) is not None or settings.fetch_weights:
        return True
    try:
        return any(found.key.endswith(".pt") for found in list_objects(settings, ZONE, f"{name}/"))
    except (LakeError, HTTPError) as error:
        log.warning("the bucket of models does not answer", name=name, error=str(error))
        return False


def named_or_file(settings: Settings, name: str) -> Weights:
    """The weights in a file of this machine (`….pt`), else those of a name. Raises as `resolve` does, and
    WeightsNotFoundError for a file that is not there.
    """
    if not name.endswith(".pt"):
        return resolve(settings, name)
    path = Path(name).absolute()
    found = _on_disk(path.stem, path, "folder")
    if found is None:
        raise WeightsNotFoundError(f"{path} is not there")
    return found


def publish(settings: Settings, name: str, path: Path, at: datetime) -> str:
    """Put weights into the bucket, where they go before all others, and their network in eight bits, if one
    lies beside them; returns the weights' key. `at` is aware.
    """
    if not NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no name of weights")
    ensure_bucket(settings, ZONE)
    key = f"{name}/{at.astimezone(UTC):%Y%m%dT%H%M%S.%fZ}/{_digest(path)}.pt"
    if beside(path).is_file():  # first: who finds the weights finds it
        _put(settings, name, eight_bit_key(key), beside(path))
    _put(settings, name, key, path)
    return key


def eight_bit_key(key: str) -> str:
    """Where in the bucket the network in eight bits of an object with weights lies."""
    return key.removesuffix(".pt") + ENDING


def _put(settings: Settings, name: str, key: str, path: Path) -> None:
    with tempfile.TemporaryDirectory() as folder, path.open("rb") as stream:
        spooled = spool(
            iter(lambda: stream.read(CHUNK), b""), Path(folder) / "object", settings.max_object_mb
        )
        create_object(settings, ZONE, key, spooled, {"name": name})


def _from_bucket(settings: Settings, name: str) -> Weights | None:
    objects = {found.key: found for found in list_objects(settings, ZONE, f"{name}/")}
    published = [found for found in objects.values() if found.key.endswith(".pt")]
    if not published:
        return None
    newest = max(published, key=lambda found: (found.modified, found.key))  # S3 counts whole seconds
    kept = _kept(settings) / f"{sha256(f'{newest.key} {newest.etag}'.encode()).hexdigest()}.pt"
    promised = Path(newest.key).stem if re.fullmatch(r"[0-9a-f]{64}", Path(newest.key).stem) else None
    _keep(settings, newest.key, kept, promised)
    if eight_bit_key(newest.key) in objects:
        _keep(settings, eight_bit_key(newest.key), beside(kept), None)  # it tells itself whose it is
    return Weights(name, kept, "bucket", _digest(kept))


def _keep(settings: Settings, key: str, kept: Path, promised: str | None) -> None:
    """Have an object of the bucket on this machine. Raises LakeError when it is not what was promised."""
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        draft = kept.with_name(f".{os.getpid()}-{kept.name}")
        download(settings, ZONE, key, draft, promised)
        draft.replace(kept)


def _on_disk(name: str, path: Path, origin: Origin) -> Weights | None:
    return Weights(name, path, origin, _digest(path)) if path.is_file() else None


def _from_ultralytics(settings: Settings, name: str) -> Weights | None:
    """What ultralytics publishes under this name, fetched once."""
    kept = _kept(settings) / f"{name}.pt"
    if settings.fetch_weights and not kept.is_file():
        import_ultralytics(settings.data_dir / "vision" / "ultralytics", network=True)
        from ultralytics.utils.downloads import GITHUB_ASSETS_STEMS, attempt_download_asset

        if name not in GITHUB_ASSETS_STEMS:
            return None
        kept.parent.mkdir(parents=True, exist_ok=True)
        try:
            attempt_download_asset(kept)
        except Exception as error:  # noqa: BLE001  # its downloader raises whatever its transport does
            log.warning("weights cannot be fetched", name=name, error=str(error))
    return _on_disk(name, kept, "ultralytics")


def _kept(settings: Settings) -> Path:
    return settings.data_dir / "vision" / "weights"


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        whole = sha256()
        while chunk := stream.read(CHUNK):
            whole.update(chunk)
    return whole.hexdigest()
