"""The quick reader of YAML: what the careful one makes of a file, it makes of it, too."""

from datetime import date
from pathlib import Path

import pytest
import yaml
from ruamel.yaml import YAML

from citybrain.catalogue import ContentError, plain_yaml
from citybrain.catalogue.content_file import read_yaml
from citybrain.settings import SOURCE_TREE

SCALARS = """\
on: 2026-01-01
yes: no
octal: 010
grouped: 1_000
share: 0.055
large: 1e3
half: .5
missing:
also: ~
text: '0'
hour: 12:30
flag: true
list: [1, a, null, -3, +4]
"""


def test_scalars_are_those_of_yaml_1_2() -> None:
    read = plain_yaml(SCALARS)
    assert read == YAML(typ="safe").load(SCALARS)
    assert (read["on"], read["yes"], read["octal"], read["text"]) == (date(2026, 1, 1), "no", 10, "0")


@pytest.mark.parametrize("name", ["commerce/yingshang_trade.yml", "human_resources/demo_insurance.yml"])
def test_a_policy_reads_the_same_both_ways(name: str) -> None:
    text = Path(SOURCE_TREE / "policies" / name).read_text(encoding="utf-8")
    assert plain_yaml(text) == YAML(typ="safe").load(text)


@pytest.mark.parametrize("text", ["a: 1\na: 2", "a: [1", "a: !!python/object:os.system {}", "\ta: 1"])
def test_what_is_no_plain_yaml_is_refused(text: str) -> None:
    with pytest.raises(yaml.YAMLError):
        plain_yaml(text)


def test_a_day_no_calendar_has_is_named_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "days.yml"
    file.write_text("good: 2026-2-3\nlist:\n  - {from: 2026-02-30}\n  - 2026-13-01\n", encoding="utf-8")
    with pytest.raises(ContentError) as wrong:
        read_yaml(file)
    assert [line for line, _ in wrong.value.faults] == [3, 4]
    assert str(wrong.value).startswith(f"{file}:3: 2026-02-30: day is out of range")
