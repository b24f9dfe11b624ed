"""An object that is read while it is on its way: hashed and kept in a file, piece by piece."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from citybrain.lake.objects import LakeError, open_object
from citybrain.lake.spool import TooLargeError
from citybrain.settings import Settings

CHUNK = 512 * 1024


class Arriving:
    """What has come so far stands at `path`. Whoever reads to the end has read the bytes of the promised
    hash, or got a LakeError; until then nothing of them may be taken for granted."""

    def __init__(
        self, name: str, pieces: Iterator[bytes], file: BinaryIO, path: Path, sha256: str, limit_mb: int
    ) -> None:
        self.path = path
        self._name = name
        self._pieces = pieces
        self._file = file
        self._digest = hashlib.sha256()
        self._promised = sha256
        self._size = 0
        self._limit = limit_mb * 1024 * 1024
        self._ended = False

    def begin(self) -> None:
        """Have the first piece, if nothing has come yet."""
        if self._size == 0:
            self._read_on()

    def complete(self) -> None:
        """Have all of it. Raises LakeError when it is not what was promised, TooLargeError as `spool`."""
        while self._read_on():
            pass

    def chunks(self) -> Iterator[bytes]:
        """The bytes from the first on, as they come. Raises as `complete`, at the end."""
        with self.path.open("rb") as file:
            while chunk := file.read(CHUNK):
                yield chunk
        while piece := self._read_on():
            yield piece

    def _read_on(self) -> bytes:
        """The next piece, empty at the end."""
        piece = b"" if self._ended else next(self._pieces, b"")
        if piece:
            self._size += len(piece)
            if self._size > self._limit:
                raise TooLargeError(f"larger than {self._limit >> 20} MiB (CITYBRAIN_MAX_OBJECT_MB)")
            self._digest.update(piece)
            self._file.write(piece)
            return piece
        self._ended = True
        if self._digest.hexdigest() != self._promised:
            raise LakeError(
                f"{self._name} is damaged: its sha256 is {self._digest.hexdigest()}, not {self._promised}"
            )
        return b""


@contextmanager
def arriving(settings: Settings, zone: str, key: str, path: Path, sha256: str) -> Iterator[Arriving]:
    """Begin to fetch an object into `path`. Raises LakeError when it is missing."""
    response = open_object(settings, zone, key)
    try:
        with path.open("xb", buffering=0) as file:
            name = f"{settings.bucket(zone)}/{key}"
            pieces = response.stream(CHUNK)
            yield Arriving(name, pieces, file, path, sha256, settings.max_object_mb)
    finally:
        response.close()
        response.release_conn()
