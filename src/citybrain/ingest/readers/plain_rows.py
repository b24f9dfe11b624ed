"""Rows that nothing but delimiters part: texts of lines, each split only when somebody asks for its cells."""

from collections.abc import Sequence
from typing import overload


class PlainRows(Sequence[list[str]]):
    """Lines with one cell between each two delimiters, no quoting, all of the same number of cells.

    Most of a large delivery never needs its cells: PostgreSQL splits the lines itself (`copy_text`).
    """

    __slots__ = ("delimiter", "texts")

    def __init__(self, texts: list[str], delimiter: str) -> None:
        self.texts = texts
        self.delimiter = delimiter

    def __len__(self) -> int:
        return len(self.texts)

    @overload
    def __getitem__(self, index: int) -> list[str]: ...
    @overload
    def __getitem__(self, index: slice) -> "PlainRows": ...
    def __getitem__(self, index: int | slice) -> "list[str] | PlainRows":
        if isinstance(index, slice):
            return PlainRows(self.texts[index], self.delimiter)
        return self.texts[index].split(self.delimiter)
