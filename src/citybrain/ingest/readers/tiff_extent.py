"""Whether a TIFF is there to its end: everything that its directories point to lies within the file.

GDAL passes over a tag whose value is cut off, and a scene without its nodata value or its name looks whole.
The structure is that of TIFF 6.0, section 2, and of BigTIFF.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

MAX_DIRECTORIES = 64  # a chain of more, or one that runs in a circle, is no scene
BYTES_OF_TYPE = {3: 2, 4: 4, 5: 8, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}  # others: 1
OFFSETS, COUNTS = (273, 324), (279, 325)  # of strips, of tiles
_WHOLE_NUMBER = {3: "u2", 4: "u4", 13: "u4", 16: "u8", 18: "u8"}


class CutOffError(ValueError):
    """The file ends before what it promises; the text says what lacks."""


@dataclass(frozen=True)
class _Layout:
    """`order`: < or >; the formats are struct's, without it."""

    order: str
    big: bool

    @property
    def pointer(self) -> str:
        return "Q" if self.big else "I"

    @property
    def entry(self) -> str:
        return "HHQ8s" if self.big else "HHI4s"


@dataclass(frozen=True)
class _Entry:
    """One tag: `count` values of `kind` in byte order `order`, which stand at `offset` of the file."""

    order: str
    tag: int
    kind: int
    count: int
    offset: int

    @property
    def size(self) -> int:
        return self.count * BYTES_OF_TYPE.get(self.kind, 1)


def refuse_cut_off(path: Path) -> None:
    """Raise CutOffError when a directory, a tag's value, a strip or a tile lies beyond the file's end."""
    length = path.stat().st_size
    with path.open("rb") as file:
        for entries in _directories(file, length):
            for entry in entries:
                if entry.offset + entry.size > length:
                    raise CutOffError(f"the value of tag {entry.tag} ends beyond the file")
            by_tag = {entry.tag: entry for entry in entries}
            for offsets, counts in zip(OFFSETS, COUNTS, strict=True):
                if offsets in by_tag and counts in by_tag:
                    _refuse_lost_pixels(file, length, by_tag[offsets], by_tag[counts])


def _directories(file: BinaryIO, length: int) -> Iterator[list[_Entry]]:
    layout = _layout(file)
    (place,) = _unpack(file, layout, layout.pointer)
    for _ in range(MAX_DIRECTORIES):
        if place == 0:
            return
        if place >= length:
            raise CutOffError("a directory lies beyond the file")
        file.seek(place)
        (number,) = _unpack(file, layout, "Q" if layout.big else "H")
        size = struct.calcsize(f"={layout.entry}")
        if number * size > length:
            raise CutOffError("a directory is longer than the file")
        begin = file.tell()
        entries = [_entry(file, layout, begin + nth * size) for nth in range(number)]
        (place,) = _unpack(file, layout, layout.pointer)
        yield entries
    raise CutOffError(f"more than {MAX_DIRECTORIES} directories")


def _layout(file: BinaryIO) -> _Layout:
    head = file.read(4)
    layout = _Layout("<" if head[:2] == b"II" else ">", b"+" in head)
    if layout.big:
        file.seek(8)
    return layout


def _entry(file: BinaryIO, layout: _Layout, begin: int) -> _Entry:
    tag, kind, count, value = _unpack(file, layout, layout.entry)
    small = count * BYTES_OF_TYPE.get(kind, 1) <= len(value)
    inline_at = begin + struct.calcsize(f"={layout.entry}") - len(value)
    offset = inline_at if small else struct.unpack(f"{layout.order}{layout.pointer}", value)[0]
    return _Entry(layout.order, tag, kind, count, offset)


def _unpack(file: BinaryIO, layout: _Layout, form: str) -> tuple[Any, ...]:
    wanted = struct.calcsize(f"={form}")
    found = file.read(wanted)
    if len(found) < wanted:
        raise CutOffError("a directory ends beyond the file")
    return struct.unpack(f"{layout.order}{form}", found)


def _refuse_lost_pixels(file: BinaryIO, length: int, offsets: _Entry, counts: _Entry) -> None:
    begins, sizes = _numbers(file, offsets), _numbers(file, counts)
    if len(begins) != len(sizes):
        raise CutOffError("strips without a length")
    # subtracted, since a sum may pass the largest number
    lost = (begins > length) | (sizes > length - np.minimum(begins, length))
    if np.any(lost & (sizes > 0)):
        raise CutOffError(
            f"{int(np.count_nonzero(lost))} of {len(sizes)} blocks of pixels end beyond the file"
        )


def _numbers(file: BinaryIO, entry: _Entry) -> NDArray[np.uint64]:
    kind = _WHOLE_NUMBER.get(entry.kind)
    if kind is None:
        raise CutOffError(f"tag {entry.tag} is no list of whole numbers")
    file.seek(entry.offset)
    content = file.read(entry.size)
    return np.frombuffer(content, dtype=f"{entry.order}{kind}").astype(np.uint64)
