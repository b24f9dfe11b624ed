"""A delivery on its way into the lake: a local file that was hashed while it was written, never held in
memory."""

import hashlib
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from citybrain.settings import Settings


class TooLargeError(ValueError):
    """A delivery is larger than CITYBRAIN_MAX_OBJECT_MB."""


@dataclass(frozen=True)
class Spooled:
    """A complete local copy. `sha256` is lower-case hex, `size` in bytes."""

    path: Path
    sha256: str
    size: int


@contextmanager
def spool_folder(settings: Settings) -> Iterator[Path]:
    """A private folder below the data folder, gone afterwards. Not in /tmp: that may be memory."""
    parent = settings.data_dir / "spool"
    parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=parent) as folder:
        yield Path(folder)


def spool(chunks: Iterable[bytes], path: Path, limit_mb: int) -> Spooled:
    """Write `chunks` to `path`, hashing them. Raises TooLargeError as soon as `limit_mb` MiB are exceeded."""
    digest = hashlib.sha256()
    size = 0
    with path.open("xb") as file:
        for chunk in chunks:
            size += len(chunk)
            if size > limit_mb * 1024 * 1024:
                raise TooLargeError(f"larger than {limit_mb} MiB (CITYBRAIN_MAX_OBJECT_MB)")
            digest.update(chunk)
            file.write(chunk)
    return Spooled(path, digest.hexdigest(), size)
