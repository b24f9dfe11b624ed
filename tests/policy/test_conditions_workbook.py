"""The conditions of an item to Excel and back: what officers may change there, and what is refused."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook

from citybrain.catalogue import ContentError
from citybrain.policy import Policy, load_policies
from citybrain.policy.conditions_workbook import HEADER, WorkbookError, read_workbook, write_workbook
from citybrain.policy.facts import Facts, load_facts
from citybrain.settings import SOURCE_TREE, Settings

ITEM = "DEMO-STABLE-JOBS"


@pytest.fixture
def project(tmp_path: Path) -> Settings:
    """The facts and two files of the project."""
    for name in (
        "facts.yml",
        "human_resources/demo_insurance.yml",
        "industry_information/demo_innovation.yml",
    ):
        path = tmp_path / "policies" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(SOURCE_TREE / "policies" / name, path)
    return Settings(project=tmp_path)


@pytest.fixture
def facts(project: Settings) -> Facts:
    return load_facts(project)


def policy_of(project: Settings) -> Policy:
    return next(policy for policy in load_policies(project) if policy.item.id == ITEM)


def edited(policy: Policy, folder: Path, *cells: tuple[str, str, Any]) -> Path:
    """The item's workbook with cells (criterion, column, value) changed as a person would."""
    path = folder / "conditions.xlsx"
    write_workbook(policy, path)
    book = load_workbook(path)
    sheet = book.active
    assert sheet is not None
    for criterion, column, value in cells:
        row = next(row for row in sheet.iter_rows(min_row=2) if row[1].value == criterion)
        row[HEADER.index(column)].value = value
    book.save(path)
    return path


def test_a_table_nobody_changed_changes_nothing(project: Settings, facts: Facts, tmp_path: Path) -> None:
    for policy in load_policies(project):
        before = policy.path.read_bytes()
        path = tmp_path / "conditions.xlsx"
        write_workbook(policy, path)
        assert read_workbook(policy, facts, path) == []
        assert policy.path.read_bytes() == before


def test_a_changed_limit_comes_back_and_the_rest_of_the_file_stays(
    project: Settings, facts: Facts, tmp_path: Path
) -> None:
    policy = policy_of(project)
    before = policy.path.read_text(encoding="utf-8")
    path = edited(policy, tmp_path, ("months", "值", 10), ("small", "比较", "<"), ("small", "名称", "小企业"))
    planned = read_workbook(policy, facts, path, dry_run=True)
    assert policy.path.read_text(encoding="utf-8") == before
    cases = policy.item.cases
    with pytest.raises(ContentError, match="least_months"):  # the parameter it stood for is used no more
        read_workbook(policy, facts, path)
    assert policy.path.read_text(encoding="utf-8") == before
    path = edited(policy, tmp_path, ("small", "比较", "<"), ("small", "名称", "小企业"))
    made = read_workbook(policy, facts, path)
    assert [(change.criterion_id, change.column, change.after) for change in made] == [
        ("small", "op", "<"), ("small", "label", "小企业"),
    ]  # fmt: skip
    assert len(planned) == 3
    after = policy_of(project)
    assert after.item.cases == cases
    leaf = after.rules[0].criterion(after.rules[0].by_leaf["small"].leaf).leaf
    assert (leaf.op, leaf.label) == ("<", "小企业")
    assert policy.path.read_text(encoding="utf-8").startswith("# Made for the demo city")


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        (("months", "值", "很多"), "is not a value of type int"),
        (("months", "事实", "profit"), "no fact is called"),
        (("active", "硬门槛", "也许"), "硬门槛 is 是 or 否"),
        (("small", "值", "1；2"), "takes one value"),
        (("small", "条件编号", "smaller"), "small of 2026-01-01 is missing"),
        (("small", "条件编号", "months"), "stands twice"),
        (("small", "版本起始日", "soon"), "a day and the id"),
    ],
)
def test_what_cannot_be_read_back_is_refused(
    project: Settings, facts: Facts, tmp_path: Path, cell: tuple[str, str, Any], reason: str
) -> None:
    policy = policy_of(project)
    before = policy.path.read_bytes()
    with pytest.raises((WorkbookError, ContentError), match=reason):
        read_workbook(policy, facts, edited(policy, tmp_path, cell))
    assert policy.path.read_bytes() == before
    assert [path.name for path in policy.path.parent.iterdir() if path.name.startswith(".")] == []


def test_a_file_that_is_no_workbook_is_refused(project: Settings, facts: Facts, tmp_path: Path) -> None:
    path = tmp_path / "conditions.xlsx"
    path.write_bytes(b"not a zip")
    with pytest.raises(WorkbookError, match="is no Excel workbook"):
        read_workbook(policy_of(project), facts, path)
