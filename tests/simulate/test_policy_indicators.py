"""What departments state for policies: coherent, the same whenever it is drawn, spoilt only where told."""

import csv
import io
from collections import defaultdict
from datetime import date
from pathlib import Path

import pytest

from citybrain.catalogue import ContentError, load_departments, plain_yaml
from citybrain.policy.facts import load_facts
from citybrain.settings import SOURCE_TREE, Settings
from citybrain.simulate.firms import firms_until
from citybrain.simulate.policy_indicators import (
    HEADERS,
    IndicatorsFile,
    indicator_delivery,
    indicator_rows,
    load_indicators,
)

DAY = date(2026, 11, 26)
FIRMS = firms_until(7, 3000, date(2026, 11, 1), DAY)


def test_every_indicator_is_a_fact_a_rule_of_the_gate_and_a_department() -> None:
    facts = load_facts(Settings(project=SOURCE_TREE))
    gate = plain_yaml((SOURCE_TREE / "expectations" / "policy_indicator.yml").read_text(encoding="utf-8"))
    known = next(rule for rule in gate["rules"] if rule["id"] == "indicator_known")["values"]
    levels = next(rule for rule in gate["rules"] if rule["id"] == "level_known")["values"]
    assert known == [indicator.code for indicator in load_indicators()]
    kinds = {
        "flag": "bool", "level": "enum", "year": "int", "whole": "int", "money": "money", "amount": "decimal",
    }  # fmt: skip
    for indicator in load_indicators():
        fact = facts[indicator.code]
        assert (fact.label, fact.source, fact.type) == (
            indicator.zh, indicator.department, kinds[indicator.kind],
        )  # fmt: skip
        assert fact.source in load_departments()
        assert set(indicator.levels) <= set(levels)
        assert set(fact.values) == ({*indicator.levels, "none"} if indicator.levels else set())


def test_what_lies_within_follows_what_it_lies_in() -> None:
    rows, keys = indicator_rows(7, FIRMS, DAY)
    assert len(rows) == len(keys) == len(set(keys))
    listed = defaultdict(set)
    for row in rows:
        listed[row["indicator"]].add(row["uscc"])
    for indicator in load_indicators():
        assert listed[indicator.code], indicator.code
        if indicator.within:
            assert listed[indicator.code] <= listed[indicator.within]
    assert all(float(row["number"]) > 0 for row in rows if row["number"])
    assert all(bool(row["level"]) != bool(row["number"]) or not row["level"] for row in rows)


def test_the_same_day_gives_the_same_table_and_the_truth_names_its_rows() -> None:
    content, count, truth = indicator_delivery(7, FIRMS, DAY)
    assert indicator_delivery(7, FIRMS, DAY)[0] == content
    lines = list(csv.reader(io.StringIO(content.decode(), newline="")))
    assert lines[0] == list(HEADERS.values()) and len(lines) == count + 1
    kinds = {planted.kind for planted in truth}
    assert kinds == {"uscc_check_character", "number_not_a_number", "indicator_unknown", "sent_twice"}
    place = list(HEADERS).index("indicator")
    for planted in truth:
        if planted.kind == "indicator_unknown":
            assert lines[planted.row][place] == planted.value and planted.value.endswith("_old")


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{code: a, zh: a, department: commerce, kind: level}", "a level lists its levels"),
        ("{code: a, zh: a, department: commerce, kind: year}", "a year says how far back"),
        ("{code: a, zh: a, department: commerce, kind: money, of: b}", "a follows b"),
    ],
)
def test_a_wrong_indicator_names_its_line(tmp_path: Path, line: str, reason: str) -> None:
    from citybrain.catalogue import load_content

    path = tmp_path / "indicators.yml"
    path.write_text(f"indicators:\n  - {line}\n")
    with pytest.raises(ContentError, match=rf"indicators.yml:[12]: .*{reason}"):
        load_content(path, IndicatorsFile)
