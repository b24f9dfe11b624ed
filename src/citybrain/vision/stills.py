"""The still of a camera for a round: the newest one taken by then, from a folder, the lake or the camera.

A register says where: `folder:<path>` below the drop folder and `lake:<prefix>` in the bucket `frames` hold
stills named after the moment they were taken (20261126T080000+0800.jpg); an http address answers with one.
"""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal
from urllib.parse import urlsplit

import httpx

from citybrain.lake import download, list_objects, spool_folder
from citybrain.settings import Settings

MOST_BYTES = 32 * 1024 * 1024
_NAME = re.compile(r"^(\d{8}T\d{6}[+-]\d{4})\.(?:jpe?g|png|webp)$", re.IGNORECASE)
_PORTS = {"http": 80, "https": 443}
_TIMEOUT_SECONDS = 15.0


class MissingStillError(LookupError):
    """There is no still to look at. `reason`: absent, stale, unreachable or not_allowed."""

    def __init__(
        self, reason: Literal["absent", "stale", "unreachable", "not_allowed"], message: str
    ) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True)
class Still:
    """What a camera saw at `taken_at` (aware). `content` is cut off one byte after MOST_BYTES."""

    taken_at: datetime
    content: bytes
    sha256: str


def newest_still(settings: Settings, snapshot_url: str, until: datetime, max_age: timedelta) -> Still:
    """The newest still taken at or before `until` (aware) and not longer than `max_age` before it.

    Raises MissingStillError, ValueError for an address of no known kind, and OSError or the lake's errors
    when the place itself fails.
    """
    kind, _, rest = snapshot_url.partition(":")
    if kind == "folder":
        return _from_folder(settings, rest, until, max_age)
    if kind == "lake":
        return _from_lake(settings, rest, until, max_age)
    if kind in _PORTS:
        return _from_camera(settings, snapshot_url, until, max_age)
    raise ValueError(f"{snapshot_url!r} is none of folder:, lake:, http:, https:")


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
        raise ValueError(f"folder:{below} lies outside the drop folder")
    names = [path.name for path in folder.iterdir()] if folder.is_dir() else []
    moment, name = _newest(names, until, max_age)
    try:
        with (folder / name).open("rb") as file:
            return _still(moment, file.read(MOST_BYTES + 1))
    except FileNotFoundError as error:
        raise MissingStillError("absent", f"{name} was taken away") from error


def _from_lake(settings: Settings, prefix: str, until: datetime, max_age: timedelta) -> Still:
    folder = prefix.strip("/") + "/"
    names = [found.key.removeprefix(folder) for found in list_objects(settings, "frames", folder)]
    moment, name = _newest(names, until, max_age)
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
    parts = urlsplit(url)
    wanted = f"{parts.hostname}:{parts.port or _PORTS[parts.scheme]}"
    if wanted not in settings.http_allow:
        raise MissingStillError("not_allowed", f"{wanted} is not in CITYBRAIN_HTTP_ALLOW")
    now = datetime.now(UTC)
    if abs(now - until) > max_age:
        raise MissingStillError("stale", f"the camera shows now, not {until.isoformat()}")
    try:
        # No proxies and no netrc from the environment: the request goes where the address says, or nowhere.
        with (
            httpx.Client(timeout=_TIMEOUT_SECONDS, follow_redirects=False, trust_env=False) as client,
            client.stream("GET", url) as response,
        ):
            if response.status_code != httpx.codes.OK:
                raise MissingStillError("unreachable", f"{wanted} answers HTTP {response.status_code}")
            content = bytearray()
            for chunk in response.iter_bytes():
                content += chunk
                if len(content) > MOST_BYTES:
                    break
    except (httpx.TransportError, httpx.DecodingError) as error:
        raise MissingStillError("unreachable", f"{wanted}: {type(error).__name__}") from error
    return _still(now, bytes(content[: MOST_BYTES + 1]))


def _still(moment: datetime, content: bytes) -> Still:
    return Still(moment, content, hashlib.sha256(content).hexdigest())
