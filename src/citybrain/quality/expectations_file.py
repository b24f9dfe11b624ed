"""Expectations of the datasets: one YAML file each in `expectations/`, named after the dataset.

A file says who answers for the data, how to put a bad delivery right, and the rules a delivery is judged
by. Rules are checked against the dataset's own file: the columns exist, the types fit, the datasets
referred to exist.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from pydantic import Field

from citybrain.catalogue import (
    Column,
    ContentError,
    ContentModel,
    Dataset,
    line_of,
    load_content,
    load_datasets,
    read_yaml,
    usable_datasets,
)
from citybrain.quality.rules import (
    BatchRule,
    Between,
    ColumnMean,
    ColumnOrder,
    Freshness,
    Guard,
    Length,
    Matches,
    NotInFuture,
    OneOf,
    References,
    RowRule,
    Rule,
    Unique,
    ValidUscc,
    WellTyped,
)
from citybrain.settings import Settings, get_settings

NUMBERS = {"integer", "bigint", "numeric"}
WHOLE_NUMBERS = {"integer", "bigint"}
TIMES = {"date", "timestamp", "timestamptz"}
Fault = tuple[tuple[int | str, ...], str]


class ExpectationsFile(ContentModel):
    """One file of `expectations/`."""

    dataset: str
    owner: str = Field(description="department that answers for the data: an id of the catalogue")
    runbook: str = Field(min_length=1, description="how to put a bad delivery right, in Chinese")
    rules: list[Rule] = Field(min_length=1)


@dataclass(frozen=True)
class Expectations:
    """The rules of one dataset, checked against the datasets they speak of."""

    file: ExpectationsFile
    dataset: Dataset
    references: Mapping[str, Dataset]
    """The other datasets the rules look values up in, by id."""

    @property
    def row_rules(self) -> list[RowRule]:
        return [rule for rule in self.file.rules if isinstance(rule, RowRule)]

    @property
    def batch_rules(self) -> list[BatchRule]:
        return [rule for rule in self.file.rules if isinstance(rule, BatchRule)]

    def row_rules_by_column(self) -> Iterator[tuple[str, RowRule, tuple[Column, ...]]]:
        """Rule id, rule and columns, a rule with `columns` once for each, as `<id>.<column>`."""
        for rule in self.row_rules:
            columns = tuple(self.dataset.column(name) for name in rule.column_names)
            if isinstance(rule, Unique | ColumnOrder) or rule.column is not None:
                yield rule.id, rule, columns
            else:
                yield from ((f"{rule.id}.{column.name}", rule, (column,)) for column in columns)


def expectations_path(settings: Settings, dataset_id: str) -> Path:
    return settings.expectations_dir / f"{dataset_id}.yml"


def load_expectations_file(path: Path, datasets: Mapping[str, Dataset]) -> Expectations:
    """One file, checked against `datasets` (all of the catalogue, by id). Raises ContentError with every
    fault's line.
    """
    file = load_content(path, ExpectationsFile)
    if file.dataset != path.stem:
        raise ContentError(path, [(1, f"dataset is {file.dataset!r}, but the file is called {path.name}")])
    if file.dataset not in datasets:
        raise ContentError(path, [(1, f"there is no dataset {file.dataset!r} in dags/sources")])
    dataset = datasets[file.dataset]
    faults = list(_faults(file, dataset, datasets))
    if faults:
        tree = read_yaml(path)
        raise ContentError(path, [(line_of(tree, where), reason) for where, reason in faults])
    referenced = {rule.dataset for rule in file.rules if isinstance(rule, References)}
    return Expectations(file, dataset, {name: datasets[name] for name in sorted(referenced)})


def load_expectations(settings: Settings) -> dict[str, Expectations]:
    """The expectations of every dataset, by id. Raises ContentError with all faults of the first wrong file.

    A dataset without a file, and a file without a dataset, are faults: nothing is loaded unjudged.
    """
    datasets = load_datasets(settings)
    for stray in stray_files(settings, datasets):
        raise stray
    return {name: load_expectations_file(expectations_path(settings, name), datasets) for name in datasets}


def stray_files(settings: Settings, datasets: Mapping[str, Dataset]) -> list[ContentError]:
    """One fault for each expectations file whose dataset does not exist."""
    return [
        ContentError(path, [(1, f"there is no dataset {path.stem!r} in dags/sources")])
        for path in sorted(settings.expectations_dir.glob("*.yml"))
        if path.stem not in datasets
    ]


def expectations_for(dataset_id: str, settings: Settings | None = None) -> Expectations:
    """The expectations of one dataset. Raises ContentError, also when the dataset has no file."""
    settings = settings or get_settings()
    return load_expectations_file(expectations_path(settings, dataset_id), usable_datasets(settings))


def _faults(file: ExpectationsFile, dataset: Dataset, datasets: Mapping[str, Dataset]) -> Iterator[Fault]:
    if file.owner != dataset.owner:
        yield ("owner",), f"owner is {file.owner!r}, but the dataset belongs to {dataset.owner!r}"
    ids = [rule.id for rule in file.rules]
    columns = {column.name: column for column in dataset.columns}
    for position, rule in enumerate(file.rules):
        at: tuple[int | str, ...] = ("rules", position)
        if ids.index(rule.id) != position:
            yield (*at, "id"), f"two rules are called {rule.id!r}"
        unknown = [name for name in rule.column_names if name not in columns]
        for name in unknown:
            yield (*at, _field_of(rule, name)), f"{dataset.id} has no column {name!r}"
        if unknown:
            continue
        for name in {name for name in rule.column_names if rule.column_names.count(name) > 1}:
            yield (*at, _field_of(rule, name)), f"column {name!r} is named twice"
        for field, reason in _type_faults(rule, [columns[name] for name in rule.column_names]):
            yield (*at, field), reason
        if isinstance(rule, RowRule) and rule.when is not None:
            yield from (
                ((*at, "when", *where), reason) for where, reason in _guard_faults(rule.when, columns)
            )
        if isinstance(rule, References):
            yield from (
                ((*at, field), reason) for field, reason in _reference_faults(rule, dataset, datasets)
            )


def _field_of(rule: Rule, column: str) -> str:
    """The key of the rule that names `column`."""
    if isinstance(rule, ColumnOrder):
        return "earlier" if rule.earlier == column else "later"
    return "columns" if getattr(rule, "columns", None) else "column"


def _type_faults(rule: Rule, columns: list[Column]) -> Iterator[tuple[str, str]]:
    wanted: dict[type, set[str]] = {
        OneOf: {"text", "boolean", *WHOLE_NUMBERS},
        Between: NUMBERS | TIMES,
        Matches: {"text"},
        Length: {"text"},
        ValidUscc: {"text"},
        NotInFuture: TIMES | {"integer"},
        ColumnOrder: NUMBERS | TIMES,
        ColumnMean: NUMBERS,
        Freshness: TIMES,
    }
    allowed = wanted.get(type(rule))
    for column in columns:
        if allowed is not None and column.type not in allowed:
            yield (
                _field_of(rule, column.name),
                f"{rule.kind} does not fit {column.name}, a {column.type} column",
            )
        elif isinstance(rule, WellTyped) and column.type == "text":
            yield _field_of(rule, column.name), f"every text fits {column.name}, a text column"
        elif isinstance(rule, OneOf):
            for value in rule.values:
                if not _scalar_fits(value, column):
                    yield "values", f"{value!r} does not fit {column.name}, a {column.type} column"
        elif isinstance(rule, Between):
            for field in ("min", "max"):
                bound = getattr(rule, field)
                if bound is not None and not _bound_fits(bound, column):
                    yield field, f"{bound} does not fit {column.name}, a {column.type} column"
    if isinstance(rule, ColumnOrder) and (columns[0].type in NUMBERS) != (columns[1].type in NUMBERS):
        yield (
            "later",
            f"{columns[0].name} ({columns[0].type}) and {columns[1].name} ({columns[1].type}) do not compare",
        )


def _scalar_fits(value: bool | int | str, column: Column) -> bool:
    if isinstance(value, bool):
        return column.type == "boolean"
    if isinstance(value, int):
        bits = {"integer": 31, "bigint": 63}.get(column.type)
        return bits is not None and -(2**bits) <= value < 2**bits
    return column.type == "text"


def _bound_fits(bound: Any, column: Column) -> bool:
    if isinstance(bound, Decimal):
        return column.type in NUMBERS
    if isinstance(bound, datetime):
        return column.type == "timestamptz" or (column.type == "timestamp" and bound.tzinfo is None)
    return isinstance(bound, date) and column.type in TIMES


def _guard_faults(guard: Guard, columns: Mapping[str, Column]) -> Iterator[tuple[tuple[str, ...], str]]:
    column = columns.get(guard.column)
    if column is None:
        yield ("column",), f"there is no column {guard.column!r}"
        return
    for value in guard.values:
        if not _scalar_fits(value, column):
            yield (), f"{value!r} does not fit {column.name}, a {column.type} column"


def _reference_faults(
    rule: References, dataset: Dataset, datasets: Mapping[str, Dataset]
) -> Iterator[tuple[str, str]]:
    other = datasets.get(rule.dataset)
    if other is None:
        yield "dataset", f"there is no dataset {rule.dataset!r} in dags/sources"
        return
    if other.id == dataset.id:
        yield "dataset", "a rule cannot look values up in its own dataset"
        return
    targets = {column.name: column.type for column in other.columns}
    if rule.target not in targets:
        yield "target", f"{other.id} has no column {rule.target!r}"
        return
    for name in rule.column_names:
        if dataset.column(name).type != targets[rule.target]:
            yield (
                "target",
                f"{name} is {dataset.column(name).type}, {other.id}.{rule.target} is {targets[rule.target]}",
            )
