"""YAML as plain values, read by libyaml: a hundred times as fast as the reader that remembers lines.

Scalars are those of YAML 1.2 (`on`, `yes` and `010` are not what YAML 1.1 makes of them), and a key that
stands twice is an error. Where anything is wrong, read the file with `read_yaml`, which knows the lines.
"""

import re
from typing import Any

import yaml

_RESOLVED = {
    "tag:yaml.org,2002:null": (r"^(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
    "tag:yaml.org,2002:bool": (r"^(?:true|True|TRUE|false|False|FALSE)$", list("tTfF")),
    "tag:yaml.org,2002:int": (r"^[-+]?[0-9][0-9_]*$", list("-+0123456789")),
    "tag:yaml.org,2002:float": (
        r"^[-+]?(?:[0-9][0-9_]*\.[0-9_]*(?:[eE][-+]?[0-9]+)?|\.[0-9][0-9_]*(?:[eE][-+]?[0-9]+)?"
        r"|[0-9][0-9_]*[eE][-+]?[0-9]+|\.(?:inf|Inf|INF|nan|NaN|NAN))$",
        list("-+.0123456789"),
    ),
    "tag:yaml.org,2002:timestamp": (
        r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
        r"|^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt]|[ \t]+)[0-9]{1,2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]*)?"
        r"(?:[ \t]*(?:Z|[-+][0-9]{1,2}(?::[0-9]{2})?))?$",
        list("0123456789"),
    ),
}


class _Plain(yaml.CSafeLoader):
    """libyaml's events with the scalars of YAML 1.2."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 - of PyYAML

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key, _ in node.value:
            name = (key.tag, key.value) if isinstance(key, yaml.ScalarNode) else None
            if name is not None and name in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"found duplicate key {key.value!r}", key.start_mark
                )
            seen.add(name)
        return super().construct_mapping(node, deep)


def _whole(_reader: _Plain, node: yaml.ScalarNode) -> int:
    return int(node.value.replace("_", ""))


for _tag, (_pattern, _first) in _RESOLVED.items():
    _Plain.add_implicit_resolver(_tag, re.compile(_pattern), _first)
_Plain.add_constructor("tag:yaml.org,2002:int", _whole)


def plain_yaml(text: str) -> Any:
    """Dicts, lists and scalars. Raises yaml.YAMLError."""
    return yaml.load(text, Loader=_Plain)  # noqa: S506 - a safe loader with fewer scalars
