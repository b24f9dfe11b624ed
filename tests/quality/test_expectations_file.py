"""Faults of an expectations file name the file, the line and the reason; our own files have none."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from citybrain.catalogue import ContentError, Dataset, load_datasets
from citybrain.quality import gate_order, load_expectations
from citybrain.quality.expectations_file import load_expectations_file
from citybrain.settings import Settings

HEAD = "dataset: trial\nowner: data_resources\nrunbook: 退回\nrules:\n"


@pytest.fixture(scope="module")
def project() -> Settings:
    return Settings()


@pytest.fixture
def datasets(dataset: Dataset, project: Settings) -> Mapping[str, Dataset]:
    return {**load_datasets(project), dataset.id: dataset}


def faults(
    folder: Path, text: str, datasets: Mapping[str, Dataset], name: str = "trial"
) -> list[tuple[int, str]]:
    path = folder / f"{name}.yml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ContentError) as caught:
        load_expectations_file(path, datasets)
    assert str(path) in str(caught.value)
    return caught.value.faults


@pytest.mark.parametrize(
    ("rule", "line", "reason"),
    [
        ("{id: r, kind: no_such_kind, column: word, why: x}", 5, "no_such_kind"),
        ("{id: r, kind: not_null, column: nope, why: x}", 5, "no column 'nope'"),
        ("{id: r, kind: not_null, why: x}", 5, "column or columns"),
        ("{id: R r, kind: not_null, column: word, why: x}", 5, "not a rule id"),
        ("{id: r, kind: not_null, column: word, why: x, mostly: 1}", 5, "Extra inputs"),
        (
            "{id: r, kind: not_null, column: word, why: x, yellow_above: 0.2, red_above: 0.1}",
            5,
            "below yellow_above",
        ),
        ("{id: r, kind: one_of, column: word, values: [a, 7], why: x}", 5, "7 does not fit word"),
        ("{id: r, kind: one_of, column: small, values: [2147483648], why: x}", 5, "does not fit small"),
        ("{id: r, kind: one_of, column: amount, values: [7], why: x}", 5, "one_of does not fit amount"),
        ("{id: r, kind: between, column: word, min: 1, why: x}", 5, "between does not fit word"),
        ("{id: r, kind: between, column: day, min: 1, why: x}", 5, "1 does not fit day"),
        ("{id: r, kind: between, column: small, min: 2020-01-01, why: x}", 5, "does not fit small"),
        ("{id: r, kind: between, column: small, why: x}", 5, "min, max or both"),
        ("{id: r, kind: between, column: small, min: .nan, why: x}", 5, "finite"),
        ("{id: r, kind: matches, column: small, pattern: a, why: x}", 5, "matches does not fit small"),
        ("{id: r, kind: matches, column: word, pattern: '\\d', why: x}", 5, "not allowed in a pattern"),
        ("{id: r, kind: well_typed, column: word, why: x}", 5, "every text fits word"),
        ("{id: r, kind: unique, columns: [word, word], why: x}", 5, "named twice"),
        ("{id: r, kind: column_order, earlier: small, later: day, why: x}", 5, "do not compare"),
        (
            "{id: r, kind: references, column: word, dataset: nope, target: code, why: x}",
            5,
            "no dataset 'nope'",
        ),
        ("{id: r, kind: references, column: word, dataset: trial, target: word, why: x}", 5, "own dataset"),
        (
            "{id: r, kind: references, column: word, dataset: division_county, target: x, why: x}",
            5,
            "no column 'x'",
        ),
        (
            "{id: r, kind: references, column: small, dataset: division_county, target: code, why: x}",
            5,
            "is integer",
        ),
        (
            "{id: r, kind: not_null, column: word, why: x, when: {column: nope, equals: 1}}",
            5,
            "no column 'nope'",
        ),
        (
            "{id: r, kind: not_null, column: word, why: x, when: {column: word, equals: 1}}",
            5,
            "1 does not fit word",
        ),
        ("{id: r, kind: not_null, column: word, why: x, when: {column: word}}", 5, "equals or one_of"),
        ("{id: r, kind: row_count, why: x}", 5, "yellow_outside, red_outside or both"),
        (
            "{id: r, kind: column_mean, column: word, why: x, red_outside: {min: 1}}",
            5,
            "column_mean does not fit word",
        ),
        ('{id: r, kind: one_of, column: word, values: ["a\\0"], why: x}', 5, "NUL"),
    ],
)
def test_a_wrong_rule_is_named(
    rule: str, line: int, reason: str, tmp_path: Path, datasets: Mapping[str, Dataset]
) -> None:
    found = faults(tmp_path, f"{HEAD}  - {rule}\n", datasets)
    assert {at for at, _text in found} == {line}
    assert any(reason in text for _at, text in found), found


def test_every_fault_is_named_with_its_own_line(tmp_path: Path, datasets: Mapping[str, Dataset]) -> None:
    text = HEAD.replace("owner: data_resources", "owner: taxation") + (
        "  - {id: r, kind: not_null, column: word, why: x}\n"
        "  - id: r\n"
        "    kind: between\n"
        "    column: day\n"
        "    max: 5\n"
        "    why: x\n"
    )
    assert faults(tmp_path, text, datasets) == [
        (2, "owner is 'taxation', but the dataset belongs to 'data_resources'"),
        (6, "two rules are called 'r'"),
        (9, "5 does not fit day, a date column"),
    ]


def test_a_file_belongs_to_the_dataset_it_is_named_after(
    tmp_path: Path, datasets: Mapping[str, Dataset]
) -> None:
    rule = "  - {id: r, kind: not_null, column: word, why: x}\n"
    [(line, reason)] = faults(tmp_path, HEAD + rule, datasets, "another")
    assert (line, reason) == (1, "dataset is 'trial', but the file is called another.yml")


def test_every_dataset_of_the_repository_has_sound_expectations(project: Settings) -> None:
    found = load_expectations(project)
    assert set(found) == set(load_datasets(project))
    for expectations in found.values():
        assert expectations.row_rules, expectations.dataset.id
        assert any("\u4e00" <= letter <= "\u9fff" for letter in expectations.file.runbook)
    order = gate_order(found)
    assert sorted(order) == sorted(found)
    for name, expectations in found.items():
        assert all(order.index(other) < order.index(name) for other in expectations.references)


def test_a_dataset_without_a_file_and_a_file_without_a_dataset_are_faults(
    project: Settings, tmp_path: Path
) -> None:
    (tmp_path / "dags").mkdir()
    (tmp_path / "dags" / "sources").symlink_to(project.sources_dir)
    (tmp_path / "expectations").mkdir()
    moved = Settings(project=tmp_path)
    with pytest.raises(ContentError, match=r"\.yml:1: .*No such file"):
        load_expectations(moved)
    for path in project.expectations_dir.glob("*.yml"):
        (moved.expectations_dir / path.name).symlink_to(path)
    assert load_expectations(moved)
    (moved.expectations_dir / "stray.yml").write_text(HEAD, encoding="utf-8")
    with pytest.raises(ContentError, match=r"stray\.yml:1: there is no dataset 'stray'"):
        load_expectations(moved)
