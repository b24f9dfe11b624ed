"""Read one YAML content file into its pydantic model; every fault names the file, the line and the reason."""

import re
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedBase, CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, SequenceNode

from citybrain.catalogue.plain_yaml import plain_yaml

Content = TypeVar("Content", bound=BaseModel)


class ContentError(ValueError):
    """A content file that cannot be used. `str()` is one line a fault: `path:line: where: reason`."""

    def __init__(self, path: Path, faults: Sequence[tuple[int, str]]) -> None:
        self.path = path
        self.faults = list(faults)
        super().__init__("\n".join(f"{path}:{line}: {reason}" for line, reason in self.faults))


class ContentModel(BaseModel):
    """The base of every content model: an unknown key is a fault, never ignored."""

    model_config = {"extra": "forbid", "frozen": True}


def read_yaml(path: Path) -> Any:
    """The file's round-trip tree (plain values that remember their lines). Raises ContentError."""
    reader = YAML(typ="rt")
    reader.allow_duplicate_keys = False
    try:
        return reader.load(path.read_text(encoding="utf-8"))
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise ContentError(
            path, [(mark.line + 1 if mark else 1, str(error.problem or error.context))]
        ) from error
    except (YAMLError, UnicodeDecodeError, OSError) as error:
        raise ContentError(path, [(1, str(error))]) from error
    except ValueError as error:  # a day or an hour there is not
        raise ContentError(path, _impossible_times(path) or [(1, str(error))]) from error


def _impossible_times(path: Path) -> list[tuple[int, str]]:
    """Line and reason of every day of the file that no calendar has."""
    faults = []
    waiting = [YAML(typ="rt").compose(path.read_text(encoding="utf-8"))]
    while waiting:
        node = waiting.pop()
        if isinstance(node, MappingNode):
            waiting += [part for pair in node.value for part in pair]
        elif isinstance(node, SequenceNode):
            waiting += node.value
        elif str(node.tag).endswith(":timestamp"):
            year, month, day = (int(part) for part in re.split(r"\D", node.value)[:3])
            try:
                date(year, month, day)
            except ValueError as error:
                faults.append((node.start_mark.line + 1, f"{node.value}: {error}"))
    return sorted(faults)


def line_of(tree: Any, location: Sequence[int | str]) -> int:
    """The 1-based line of the deepest part of `location` that the file has."""
    line = 1
    for step in location:
        if not isinstance(tree, CommentedBase):
            break
        try:
            if isinstance(tree, CommentedMap) and step in tree:
                line = tree.lc.key(step)[0] + 1
            elif isinstance(tree, CommentedSeq) and isinstance(step, int):
                line = tree.lc.item(step)[0] + 1
            else:
                continue  # a union tag or a missing key: pydantic's name, not the file's
            tree = tree[step]
        except (KeyError, IndexError):
            break
    return line


def load_content(path: Path, model: type[Content]) -> Content:
    """`path` as `model`. Raises ContentError with one fault for each thing that is wrong."""
    if (content := _without_lines(path, model)) is not None:
        return content
    tree = read_yaml(path)
    if not isinstance(tree, CommentedMap):
        raise ContentError(path, [(1, "the file must be a mapping of keys to values")])
    try:
        return model.model_validate(tree)
    except ValidationError as error:
        faults = []
        for fault in error.errors():
            where = ".".join(str(step) for step in fault["loc"])
            reason = fault["msg"].removeprefix("Value error, ")
            faults.append((line_of(tree, fault["loc"]), f"{where}: {reason}" if where else reason))
        raise ContentError(path, faults) from error


def _without_lines(path: Path, model: type[Content]) -> Content | None:
    """A file that is right, read ten times as fast; None for one that is not, whatever is wrong with it."""
    try:
        return model.model_validate(plain_yaml(path.read_text(encoding="utf-8")))
    except (yaml.YAMLError, ValueError, OSError):  # a ValidationError, a day there is not: all ValueErrors
        return None
