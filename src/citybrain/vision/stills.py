"""The still of a camera for a round: the newest one taken by then, from a folder, the lake or the camera.

A register says where: `folder:<path>` below the drop folder and `lake:<prefix>` in the bucket `frames` hold
stills named after the moment they were taken (20261126T080000+0800.jpg); an http address answers with one, an
rtsp address streams them, an onvif address says where its snapshots are.
"""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from citybrain.lake import download, list_objects, spool_folder
from citybrain.settings import Settings
from citybrain.vision.camera_address import MissingStillError, pin
from citybrain.vision.camera_http import MOST_BYTES, ask
from citybrain.vision.camera_onvif import snapshot_address
from citybrain.vision.camera_rtsp import rtsp_still

_NAME = re.compile(r"^(\d{8}T\d{6}[+-]\d{4})\.(?:jpe?g|png|webp)$", re.IGNORECASE)


@dataclass(frozen=True)
class Still:
    """What a camera saw at `taken_at` (aware). `content` is cut off one byte after MOST_BYTES, and not read
    at all of an object of the lake that is larger; `size` tells.
    """

    taken_at: datetime
    content: bytes
    sha256: str
    size: int


def newest_still(settings: Settings, snapshot_url: str, until: datetime, max_age: timedelta) -> Still:
    """The newest still taken at or before `until` (aware) and not longer than `max_age` before it.

    Raises MissingStillError, and OSError or the lake's errors when the place itself fails.
    """
    kind, _, rest = snapshot_url.partition(":")
    if kind == "folder":
        return _from_folder(settings, rest, until, max_age)
    if kind == "lake":
        return _from_lake(settings, rest, until, max_age)
    return _from_camera(settings, snapshot_url, until, max_age)


def taken_at(name: str) -> datetime | None:
    """The moment that a still's file name tells; None for a file that is no still."""
    found = _NAME.match(name)
    if found is None:
        return None
    try:
        return datetime.strptime(found[1], "%Y%m%dT%H%M%S%z")
    except ValueError:
        return None


def _from_folder(settings: Settings, below: str, until: datetime, max_age: timedelta) -> Still:
    root = settings.drops.resolve()
    folder = (root / below).resolve()
    if not folder.is_relative_to(root):
        raise MissingStillError("not_allowed", f"folder:{below} lies outside the drop folder")
    names = [path.name for path in folder.iterdir()] if folder.is_dir() else []
    moment, name = _newest(names, until, max_age)
    try:
        with (folder / name).open("rb") as file:
            return _still(moment, file.read(MOST_BYTES + 1))
    except FileNotFoundError as error:
        raise MissingStillError("absent", f"{name} was taken away") from error


def _from_lake(settings: Settings, prefix: str, until: datetime, max_age: timedelta) -> Still:
    folder = prefix.strip("/") + "/"
    stored = {found.key.removeprefix(folder): found for found in list_objects(settings, "frames", folder)}
    moment, name = _newest(stored, until, max_age)
    if stored[name].size > MOST_BYTES:
        told = hashlib.sha256(stored[name].etag.encode()).hexdigest()
        return Still(moment, b"", told, stored[name].size)
    with spool_folder(settings) as place:
        fetched = download(settings, "frames", folder + name, place / "still")
        with fetched.path.open("rb") as file:
            return _still(moment, file.read(MOST_BYTES + 1))


def _newest(names: Iterable[str], until: datetime, max_age: timedelta) -> tuple[datetime, str]:
    dated = ((moment, name) for name in names if (moment := taken_at(name)) is not None and moment <= until)
    newest = max(dated, default=None)
    if newest is None:
        raise MissingStillError("absent", f"no still by {until.isoformat()}")
    moment, name = newest
    if until - moment > max_age:
        raise MissingStillError("stale", f"the newest still is of {moment.isoformat()}")
    return moment, name


def _from_camera(settings: Settings, url: str, until: datetime, max_age: timedelta) -> Still:
    camera = pin(settings, url)
    now = datetime.now(UTC)
    if abs(now - until) > max_age:
        raise MissingStillError("stale", f"the camera shows now, not {until.isoformat()}")
    if camera.url.scheme == "rtsp":
        return _still(now, rtsp_still(camera))
    if camera.url.scheme == "onvif":
        camera = snapshot_address(camera)
    return _still(now, ask(camera))


def _still(moment: datetime, content: bytes) -> Still:
    return Still(moment, content, hashlib.sha256(content).hexdigest(), len(content))
