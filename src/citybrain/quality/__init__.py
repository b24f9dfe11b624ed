"""Expectations of the datasets and the gate that judges a delivery by them.

The gate has two halves of one file (`expectations/<dataset>.yml`). Row rules compile to SQL predicates that
pick the rows for the quarantine; a Great Expectations checkpoint built from the same rules judges the same
stage table and gives the card.
"""

from datetime import datetime

from citybrain.catalogue import Dataset
from citybrain.quality.compiler import CITY_ZONE, RowPredicate, StageTable, row_predicates_of
from citybrain.quality.expectations_file import (
    Expectations,
    ExpectationsFile,
    expectations_for,
    load_expectations,
)
from citybrain.quality.gate_order import gate_order
from citybrain.quality.verdict import Card, RuleResult, Verdict

__all__ = [
    "Card",
    "Expectations",
    "ExpectationsFile",
    "RowPredicate",
    "RuleResult",
    "Verdict",
    "expectations_for",
    "gate_order",
    "load_expectations",
    "row_predicates",
]


def row_predicates(
    dataset: Dataset,
    expectations: Expectations,
    stage_table: str,
    *,
    stage_schema: str = "stage",
    as_of: datetime | None = None,
) -> list[RowPredicate]:
    """One predicate for each row rule (each column of a rule with `columns`): TRUE where the row of `s` is
    bad, never NULL.

    `as_of` (aware) is what counts as now for rules on future dates; give the batch's landing time, and the
    same one to the gate, so that both halves and a later re-run agree. The SQL holds no placeholders:
    execute it without bound parameters. Raises ValueError when the expectations belong to another dataset.
    """
    if expectations.dataset.id != dataset.id:
        raise ValueError(f"expectations of {expectations.dataset.id} cannot judge {dataset.id}")
    return row_predicates_of(
        expectations, StageTable(stage_schema, stage_table), as_of or datetime.now(CITY_ZONE)
    )
