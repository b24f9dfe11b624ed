"""The conditions of an item as an Excel table, out and back: for officers who check limits in a spreadsheet.

What may come back changed is the fact, the operator, the value, the gate and the label of a criterion that
stands in the file; how criteria are nested is written in YAML. The file is replaced only when what came back
loads whole: comments and everything else in it stay as they are.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

from openpyxl import Workbook, load_workbook
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.utils.exceptions import InvalidFileException
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap

from citybrain.policy.facts import Fact, Facts
from citybrain.policy.item_file import Leaf
from citybrain.policy.library import Policy, load_policy_file
from citybrain.policy.rule import AGO, Rule
from citybrain.policy.wording import sentence

HEADER = ("版本起始日", "条件编号", "事实", "比较", "值", "硬门槛", "名称", "条文（自动生成，不读回）")
SEPARATOR = "；"
YES, NO = "是", "否"
LISTS = ("in", "not_in", "between", "under")


class WorkbookError(ValueError):
    """A workbook that cannot be read back; the message names sheet, row and reason."""


@dataclass(frozen=True)
class Change:
    """One cell that differs from the file."""

    valid_from: date
    criterion_id: str
    column: str
    before: str
    after: str


def write_workbook(policy: Policy, path: Path) -> None:
    """One sheet, one row a criterion of each version, in the order of the file."""
    book = Workbook()
    sheet = book.active
    assert sheet is not None  # noqa: S101 - a new workbook has one
    sheet.title = policy.item.id[:31]
    sheet.append(HEADER)
    for column, width in zip("ABCDEFGH", (14, 18, 24, 14, 30, 8, 30, 60), strict=True):
        sheet.column_dimensions[column].width = width
    for rule in policy.rules:
        for criterion in rule.criteria:
            cells = _cells(criterion.leaf, rule.version.valid.start)
            sheet.append([*cells, sentence(criterion)])
            for cell in sheet[sheet.max_row]:
                if isinstance(cell.value, str):  # never computed, here or after a copy elsewhere
                    cell.value = ILLEGAL_CHARACTERS_RE.sub("", cell.value)
                    cell.data_type = "s"
    book.save(path)


def _cells(leaf: Leaf, start: date) -> list[Any]:
    return [
        start,
        leaf.id,
        leaf.fact,
        leaf.op,
        SEPARATOR.join(map(_told, leaf.value if isinstance(leaf.value, list) else [leaf.value])),
        YES if leaf.gate else NO,
        leaf.label or "",
    ]


def _told(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return YES if value else NO
    if isinstance(value, date):
        return value.isoformat()
    return format(value, "f") if isinstance(value, Decimal) else str(value)


def read_workbook(policy: Policy, facts: Facts, path: Path, dry_run: bool = False) -> list[Change]:
    """Bring the item's file in line with the workbook. Returns what changed; with nothing, the file rests.

    Raises WorkbookError for a table that is not that of the item, ContentError when the result would not
    load; the file then stays as it was.
    """
    rows = dict(_rows(path, policy))
    tree = YAML(typ="rt")
    tree.preserve_quotes = True
    tree.width = 4096
    content = tree.load(policy.path.read_text(encoding="utf-8"))
    item = next(entry for entry in content["items"] if entry["id"] == policy.item.id)
    changes: list[Change] = []
    for rule, version in zip(policy.rules, item["versions"], strict=True):
        changes += _apply(rule, version, facts, rows)
    if rows:
        start, criterion_id = next(iter(rows))
        raise WorkbookError(f"{path}: {criterion_id} of {start} stands in no version of {policy.item.id}")
    if changes and not dry_run:
        _replace(policy, facts, tree, content)
    return changes


def _rows(path: Path, policy: Policy) -> Iterator[tuple[tuple[date, str], dict[str, str]]]:
    try:
        book = load_workbook(path, read_only=True, data_only=False)
    except (InvalidFileException, BadZipFile, OSError, KeyError, ValueError) as error:
        raise WorkbookError(f"{path} is no Excel workbook: {error}") from error
    if policy.item.id[:31] not in book.sheetnames:
        known = ", ".join(book.sheetnames)
        raise WorkbookError(f"{path} has no sheet {policy.item.id[:31]}; there are {known}")
    sheet = book[policy.item.id[:31]]
    seen: set[tuple[date, str]] = set()
    for number, row in enumerate(sheet.iter_rows(values_only=True, max_col=len(HEADER)), 1):
        if number == 1:
            if tuple(row) != HEADER:
                raise WorkbookError(f"{path}, row 1: the columns are {'、'.join(HEADER)}")
            continue
        if all(cell is None for cell in row):
            continue
        start, criterion_id, *rest = row
        start = start.date() if isinstance(start, datetime) else start
        if not isinstance(start, date) or not criterion_id:
            raise WorkbookError(f"{path}, row {number}: a day and the id of a criterion come first")
        key = (start, str(criterion_id))
        if key in seen:
            raise WorkbookError(f"{path}, row {number}: {criterion_id} stands twice")
        seen.add(key)
        names = ("fact", "op", "value", "gate", "label")
        yield key, {name: _text(cell) for name, cell in zip(names, rest[:5], strict=True)}


def _text(cell: Any) -> str:
    if isinstance(cell, datetime):
        return cell.date().isoformat()
    if isinstance(cell, float):
        return format(Decimal(repr(cell)), "f")
    return "" if cell is None else str(cell).strip()


def _apply(
    rule: Rule, version: CommentedMap, facts: Facts, rows: dict[tuple[date, str], dict[str, str]]
) -> Iterator[Change]:
    written = dict(_leaves(version["require"]))
    start = rule.version.valid.start
    for criterion in rule.criteria:
        leaf, row = criterion.leaf, rows.pop((start, criterion.leaf.id), None)
        if row is None:
            raise WorkbookError(f"{leaf.id} of {start} is missing in the workbook: take it out in YAML")
        names = ("fact", "op", "value", "gate", "label")
        now = dict(zip(names, map(_told, _cells(leaf, start)[2:]), strict=True))
        for name in names:
            if row[name] == now[name]:
                continue
            yield Change(start, leaf.id, name, now[name], row[name])
            written[leaf.id][name] = _value(name, row, facts, leaf.id)


def _leaves(node: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    if "id" in node:
        yield node["id"], node
        return
    for child in node.get("all") or node.get("any") or node.get("of") or ():
        yield from _leaves(child)


def _value(name: str, row: Mapping[str, str], facts: Facts, criterion_id: str) -> Any:
    text = row[name]
    if name == "gate":
        if text not in (YES, NO):
            raise WorkbookError(f"{criterion_id}: 硬门槛 is {YES} or {NO}, not {text!r}")
        return text == YES
    if name != "value":
        return text
    fact = facts.get(row["fact"])
    if fact is None:
        raise WorkbookError(f"{criterion_id}: no fact is called {row['fact']!r}")
    values = [_typed(part.strip(), fact, row["op"], criterion_id) for part in text.split(SEPARATOR)]
    if row["op"] in LISTS and not (len(values) == 1 and str(values[0]).startswith("$")):
        return values
    if len(values) != 1:
        raise WorkbookError(f"{criterion_id}: {row['op']} takes one value")
    return values[0]


def _typed(text: str, fact: Fact, op: str, criterion_id: str) -> Any:
    """The value as YAML holds it. Raises WorkbookError for one the fact cannot have."""
    if text == "":
        return None
    if text.startswith("$") or op in AGO or fact.type in ("code", "enum"):
        return text
    try:
        match fact.type:
            case "bool":
                return {YES: True, NO: False}[text]
            case "date":
                return date.fromisoformat(text)
            case "int":
                return int(text)
            case _:
                number = Decimal(text.replace(",", ""))
                return int(number) if number == number.to_integral_value() else float(number)
    except (KeyError, ValueError, InvalidOperation) as error:
        raise WorkbookError(f"{criterion_id}: {text!r} is not a value of type {fact.type}") from error


def _replace(policy: Policy, facts: Facts, tree: YAML, content: Any) -> None:
    """Write beside, load, then put in place."""
    beside = policy.path.with_name(f".{policy.path.name}.new")
    try:
        with beside.open("w", encoding="utf-8") as file:
            tree.dump(content, file)
        load_policy_file(beside, facts)
        beside.replace(policy.path)
    finally:
        beside.unlink(missing_ok=True)
