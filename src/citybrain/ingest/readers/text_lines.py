"""Bytes to lines of text: the declared encoding is checked, and nothing but the current chunk is held."""

import codecs
import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from charset_normalizer import from_bytes

from citybrain.ingest.readers.records import MAX_RECORD_CHARS, DeliveryRejectedError

CHUNK_BYTES = 512 * 1024
SAMPLE_BYTES = 64 * 1024
FEW = 20  # lines of a chunk to one that is wanted: then all of them are taken apart
_LONE_RETURN = re.compile(rb"\r(?!\n)")
MAGIC = {
    b"PK\x03\x04": "a zip archive or an Excel workbook",
    b"PAR1": "a Parquet file",
    b"\x1f\x8b": "a gzip file",
    b"\xd0\xcf\x11\xe0": "an old Excel or Word file",
    b"%PDF": "a PDF",
    b"SQLite format 3": "an SQLite database",
    b"7z\xbc\xaf": "a 7-Zip archive",
    b"Rar!": "a RAR archive",
}


def refuse_other_kinds(path: Path, declared: str) -> None:
    """Raise DeliveryRejectedError for an empty file and for well-known files of another kind."""
    with path.open("rb") as file:
        head = file.read(16)
    if not head:
        raise DeliveryRejectedError("空文件 (the file is empty)")
    for magic, kind in MAGIC.items():
        if head.startswith(magic):
            raise DeliveryRejectedError(
                f"登记为 {declared}，实际像是另一种文件 (declared {declared}, looks like {kind})"
            )


def text_chunks(path: Path, encoding: str) -> Iterator[str]:
    """The file's text without a byte-order mark. Raises DeliveryRejectedError when the bytes are not
    `encoding`."""
    decoder = codecs.getincrementaldecoder(encoding)()
    first = True
    told_apart = encoding != "gb18030"
    with path.open("rb") as file:
        while True:
            chunk = file.read(CHUNK_BYTES)
            if not told_apart and not chunk.isascii():
                _refuse_utf8(chunk)
                told_apart = True
            try:
                text = decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError as error:
                sample = chunk[max(0, error.start - SAMPLE_BYTES // 2) :][:SAMPLE_BYTES] or chunk
                raise DeliveryRejectedError(
                    f"登记编码 {encoding}，实际不是 (declared {encoding}, looks like {_guess(sample)})"
                ) from error
            if first and text:
                text = text.removeprefix("\ufeff")
                first = False
            if text:
                yield text
            if not chunk:
                return


def byte_chunks(path: Path) -> Iterator[bytes]:
    """The file in chunks that end with a line, but for a line longer than a chunk and the last one."""
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            yield chunk + file.readline(CHUNK_BYTES)


def whole_lines(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The same bytes in chunks that end with a line, but for the last one."""
    rest = b""
    for chunk in chunks:
        end = chunk.rfind(b"\n") + 1
        if end:
            yield rest + chunk[:end]
            rest = chunk[end:]
        else:
            rest += chunk
    if rest:
        yield rest


def is_plain(chunk: bytes) -> bool:
    """Whether \\n or \\r\\n alone ends its lines, all of them short, and no quote can hold one. In both
    encodings these bytes stand for nothing else."""
    return b'"' not in chunk and len(chunk) < 2 * CHUNK_BYTES and _LONE_RETURN.search(chunk) is None


def wanted_lines(
    chunks: Iterator[bytes], encoding: str, wanted: Sequence[int]
) -> Iterator[tuple[list[int], list[str]]]:
    """Of plain chunks the lines with the `wanted` numbers (ascending, from 1): numbers and texts, chunk by
    chunk. Only wanted lines are decoded."""
    first, place = 1, 0
    for chunk in chunks:
        if place == len(wanted):
            return
        end = first + chunk.count(b"\n")
        beyond = bisect_left(wanted, end + 1 if not chunk.endswith(b"\n") else end, place)
        if beyond > place:
            numbers = list(wanted[place:beyond])
            lines = _lines_of(chunk, [number - first for number in numbers], end - first)
            yield numbers, [line.removesuffix(b"\r").decode(encoding) for line in lines]
        first, place = end, beyond


def _lines_of(chunk: bytes, places: list[int], lines: int) -> list[bytes]:
    """The lines of a chunk of so many `lines` on these places (ascending, from 0)."""
    if len(places) * FEW > lines:
        apart = chunk.split(b"\n")
        return [apart[place] for place in places]
    found = []
    start, at = 0, 0  # the line on place `at` begins there
    length = len(chunk) // lines
    for place in places:
        # As many bytes on as lines are mostly long; from there it is a line or two, forth or back.
        near = chunk.rfind(b"\n", start, start + (place - at) * length) + 1
        if near > start:
            at += chunk.count(b"\n", start, near)
            start = near
        while at < place:
            start = chunk.index(b"\n", start) + 1
            at += 1
        while at > place:
            start = chunk.rfind(b"\n", 0, start - 1) + 1
            at -= 1
        end = chunk.find(b"\n", start)
        found.append(chunk[start : end if end >= 0 else len(chunk)])
    return found


def _refuse_utf8(chunk: bytes) -> None:
    """UTF-8 mostly decodes as GB 18030 too, into other characters; the reverse almost never happens."""
    letters = chunk.decode("utf-8", errors="ignore")
    wide = sum(not letter.isascii() for letter in letters)
    lost = len(chunk) - len(letters.encode())
    if wide >= 3 and lost <= 6:  # a character cut at either end of the chunk
        raise DeliveryRejectedError("登记编码 gb18030，实际不是 (declared gb18030, looks like utf-8)")


def _guess(sample: bytes) -> str:
    for encoding in ("utf-8", "gb18030"):
        try:
            codecs.getincrementaldecoder(encoding)().decode(sample)
        except UnicodeDecodeError:
            continue
        if not (encoding == "gb18030" and _mostly_rare(sample)):
            return encoding
    best = from_bytes(sample).best()
    return best.encoding.replace("_", "-") if best else "binary data"


def _mostly_rare(sample: bytes) -> bool:
    """GB 18030 decodes much that is not Chinese; real text stays within the common characters of GB 2312."""
    wide = [
        letter for letter in codecs.getincrementaldecoder("gb18030")().decode(sample) if not letter.isascii()
    ]
    common = 0
    for letter in wide:
        try:
            common += len(letter.encode("gb2312")) == 2
        except UnicodeEncodeError:
            continue
    return common < 0.8 * len(wide)


@dataclass(frozen=True)
class LineBlock:
    """Complete lines without their ends, the number of the first, and the numbers of those that were cut for
    their length. `quoted`: some line may hold a quote."""

    first: int
    lines: list[str]
    cut: frozenset[int] = frozenset()
    quoted: bool = True


def line_blocks(chunks: Iterator[str]) -> Iterator[LineBlock]:
    """Lines ended by \\n, \\r\\n or \\r, a chunk's worth at a time. A line over MAX_RECORD_CHARS is cut
    there."""
    number, rest, overflow = 1, "", False
    for chunk in chunks:
        text = rest + chunk
        held_return = text.endswith("\r")  # its \n may come with the next chunk
        if held_return:
            text = text[:-1]
        if "\r" in text:
            text = text.replace("\r\n", "\n").replace("\r", "\n")
        quoted = '"' in text
        lines = text.split("\n")
        rest = lines.pop()
        cut: set[int] = set()
        if overflow and lines:
            cut.add(number)
            overflow = False
        for offset, line in enumerate(lines) if len(text) > MAX_RECORD_CHARS else ():
            if len(line) > MAX_RECORD_CHARS:
                lines[offset] = line[:MAX_RECORD_CHARS]
                cut.add(number + offset)
        if len(rest) > MAX_RECORD_CHARS:
            rest, overflow = rest[:MAX_RECORD_CHARS], True
        if held_return:
            rest += "\r"
        if lines:
            yield LineBlock(number, lines, frozenset(cut), quoted)
            number += len(lines)
    ended = rest.endswith("\r")
    rest = rest.removesuffix("\r")
    if rest or ended:
        yield LineBlock(
            number, [rest], frozenset({number} if overflow or len(rest) > MAX_RECORD_CHARS else ())
        )
