"""Files that people drop into a folder: taken when they are complete, then moved to `done/` or `refused/`
beside them.
"""

import fcntl
import os
import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from fnmatch import fnmatch
from functools import partial
from pathlib import Path

from citybrain.catalogue.connector import DropFolder
from citybrain.ingest.connectors.arrival import (
    Arrival,
    Fetched,
    RefusedError,
    SourceError,
    iso_version,
    refuse_odd_name,
)
from citybrain.lake import spool
from citybrain.settings import Settings

DONE, REFUSED = "done", "refused"
UNFINISHED = (".part", ".tmp", ".crdownload", ".filepart", "~")
SETTLED_SECONDS = 5  # how old a file must be when the system cannot tell whether somebody still writes to it
CHUNK = 1024 * 1024


def dropped_files(settings: Settings, connector: DropFolder) -> Iterator[Arrival]:
    """The folder's files in order of name; hidden and unfinished ones are passed over. Nothing when there is
    no folder.

    Raises SourceError when the folder is not below CITYBRAIN_DROP_FOLDER.
    """
    root = settings.drops.resolve()
    folder = (root / connector.path).resolve()
    if not folder.is_relative_to(root) or folder == root:
        raise SourceError(f"{connector.path!r} is not a folder below {root} (CITYBRAIN_DROP_FOLDER)")
    if not folder.is_dir():
        return
    with os.scandir(folder) as entries:
        found = sorted(
            (entry.name, entry.is_symlink(), entry.is_dir(follow_symlinks=False)) for entry in entries
        )
    for name, is_link, is_folder in found:
        if is_folder or name.startswith((".", "~$")) or name.lower().endswith(UNFINISHED):
            continue
        if not fnmatch(name, connector.pattern):
            continue
        path = folder / name
        shown = os.fsencode(name).decode("utf-8", "backslashreplace")
        yield Arrival(
            shown,
            partial(_fetch, settings, path, shown, is_link),
            accept=partial(_move_to_done, path),
            refuse=partial(_move_to_refused, path),
        )


def given_file(settings: Settings, path: Path) -> Arrival:
    """One file named on the command line; links are followed, the file stays. Raises OSError when it is not
    there.
    """
    resolved = path.resolve(strict=True)
    return Arrival(path.name, partial(_fetch, settings, resolved, path.name, False))


def _fetch(settings: Settings, path: Path, name: str, is_link: bool, target: Path) -> Fetched | None:
    refuse_odd_name(name)
    if is_link:
        raise RefusedError("a symbolic link")
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:  # another process landed it meanwhile
        return None
    except OSError as error:
        raise RefusedError(f"cannot be opened: {error.strerror}") from error
    with os.fdopen(descriptor, "rb") as file:
        before = os.fstat(file.fileno())
        if not stat.S_ISREG(before.st_mode):
            raise RefusedError("not a regular file")
        if _still_written(file.fileno(), before):
            return None
        spooled = spool(iter(partial(file.read, CHUNK), b""), target, settings.max_object_mb)
        after = os.fstat(file.fileno())
    if (before.st_size, before.st_mtime_ns) != (
        after.st_size,
        after.st_mtime_ns,
    ) or spooled.size != after.st_size:
        return None
    return Fetched(spooled, iso_version(datetime.fromtimestamp(after.st_mtime, UTC)))


def _still_written(descriptor: int, found: os.stat_result) -> bool:
    """Whether another process has the file open for writing: the kernel refuses a read lease then."""
    try:
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except BlockingIOError:
        return True
    except OSError:  # not our file, or a file system without leases: judge by age
        return datetime.now(UTC).timestamp() - found.st_mtime < SETTLED_SECONDS
    return False


def _move_to_done(path: Path, sha256: str) -> None:
    _move(path, DONE, f"{_cut(path.stem)}.{sha256[:12]}{_cut(path.suffix, 20)}")


def _cut(name: str, limit: int = 150) -> str:
    """At most `limit` bytes of a name: file systems count bytes."""
    return os.fsencode(name)[:limit].decode(errors="ignore")


def _move_to_refused(path: Path) -> None:
    _move(
        path,
        REFUSED,
        f"{datetime.now(UTC):%Y%m%dT%H%M%S.%f}{path.suffix[:20] if path.suffix.isalnum() else ''}",
    )


def _move(path: Path, folder: str, name: str) -> None:
    target = path.parent / folder
    target.mkdir(exist_ok=True)
    try:
        path.rename(target / name)
    except FileNotFoundError:  # another process landed the same file and moved it first
        return
