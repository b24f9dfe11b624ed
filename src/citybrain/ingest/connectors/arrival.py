"""One delivery as a connector sees it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from citybrain.lake import Spooled

MAX_NAME_BYTES = 255


class SourceError(RuntimeError):
    """The source cannot be looked at, or points somewhere it may not."""


class RefusedError(ValueError):
    """This arrival is not taken, whatever is in it."""


@dataclass(frozen=True)
class Fetched:
    """A complete local copy, the version that orders it among its like, and the cursors to keep once it has
    landed."""

    spooled: Spooled
    source_version: str
    etag: str | None = None
    watermarks: Mapping[str, str] = field(default_factory=dict)


def _nothing() -> None:
    return None


def _keep(sha256: str) -> None:
    return None


@dataclass(frozen=True)
class Arrival:
    """`fetch` copies the delivery to a path that does not exist yet: None when there is nothing new, or not
    all of it yet.

    It raises RefusedError or lake.TooLargeError. `accept` (with the content's sha256) and `refuse` tell the
    source what
    became of it.
    """

    source_name: str
    fetch: Callable[[Path], Fetched | None]
    accept: Callable[[str], None] = _keep
    refuse: Callable[[], None] = _nothing
    etag: str | None = None


def iso_version(moment: datetime) -> str:
    """A source version that sorts as text: UTC with microseconds; never later than now, or it would win for
    ever."""
    return min(moment.astimezone(UTC), datetime.now(UTC)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def refuse_odd_name(name: str) -> None:
    """Raise RefusedError for a name that is a path, holds control characters, or is too long."""
    if not name or name in (".", ".."):
        raise RefusedError("no file name")
    if "/" in name or "\\" in name:
        raise RefusedError("a path where a file name belongs")
    if any(not letter.isprintable() for letter in name):
        raise RefusedError("a control character in the file name")
    if len(name.encode("utf-8", "surrogateescape")) > MAX_NAME_BYTES:
        raise RefusedError(f"a file name longer than {MAX_NAME_BYTES} bytes")
