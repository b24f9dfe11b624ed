"""Expectations of the datasets and the gate that judges a delivery by them.

The gate has two halves of one file (`expectations/<dataset>.yml`). Row rules compile to SQL predicates that
pick the rows for the quarantine; a Great Expectations checkpoint built from the same rules judges the same
stage table and gives the card.
"""

from collections.abc import Collection
from datetime import date, datetime

from citybrain.catalogue import Dataset
from citybrain.quality.compiler import CITY_ZONE, RowPredicate, StageTable, row_predicates_of
from citybrain.quality.expectations_file import (
    Expectations,
    ExpectationsFile,
    expectations_for,
    load_expectations,
)
from citybrain.quality.gate_order import gate_order
from citybrain.quality.result_file import data_docs_url, write_result
from citybrain.quality.rules import Unique
from citybrain.quality.verdict import Card, RuleResult, Verdict
from citybrain.settings import Settings, get_settings

__all__ = [
    "Card",
    "Expectations",
    "ExpectationsFile",
    "RowPredicate",
    "RuleResult",
    "Unique",
    "Verdict",
    "data_docs_url",
    "expectations_for",
    "gate_order",
    "judge_batch",
    "load_expectations",
    "publish_data_docs",
    "row_predicates",
]


def row_predicates(
    dataset: Dataset,
    expectations: Expectations,
    stage_table: str,
    *,
    stage_schema: str = "stage",
    as_of: datetime | None = None,
    rule_ids: Collection[str] | None = None,
) -> list[RowPredicate]:
    """One predicate for each row rule (each column of a rule with `columns`): TRUE where the row of `s` is
    bad, never NULL. `rule_ids`: of these rules alone.

    `as_of` (aware) is what counts as now for rules on future dates; give the batch's landing time, and the
    same one to the gate, so that both halves and a later re-run agree. The SQL holds no placeholders:
    execute it without bound parameters. Raises ValueError when the expectations belong to another dataset.
    """
    _same_dataset(dataset, expectations)
    return row_predicates_of(
        expectations, StageTable(stage_schema, stage_table), as_of or datetime.now(CITY_ZONE), rule_ids
    )


def judge_batch(
    connection_url: str,
    stage_schema: str,
    stage_table: str,
    dataset: Dataset,
    expectations: Expectations,
    run_name: str,
    *,
    as_of: datetime | None = None,
    logical_date: date | None = None,
    settings: Settings | None = None,
) -> Verdict:
    """Great Expectations' verdict on a stage table; the result is kept under `<data_dir>/gx` for Data Docs.

    `connection_url` is a `postgresql://` URL of a role that reads the stage table, `meta.batch` and the raw
    tables that rules refer to. `run_name` names the result and its page: letters, digits, `_`, `-`, `.`;
    judging again replaces it. `as_of`: see `row_predicates`; `logical_date` is the day that the delivery is
    of, by default the one of `as_of`. The first call in a process imports Great Expectations (6 s, 250 MB).
    Whatever goes wrong while judging is a red card with the reason, not an exception.
    """
    from citybrain.quality.checkpoint import judge

    _same_dataset(dataset, expectations)
    moment = as_of or datetime.now(CITY_ZONE)
    verdict, document = judge(
        connection_url,
        StageTable(stage_schema, stage_table),
        expectations,
        run_name,
        moment,
        logical_date or moment.astimezone(CITY_ZONE).date(),
    )
    write_result(settings or get_settings(), expectations, run_name, moment, verdict, document)
    return verdict


def publish_data_docs(settings: Settings | None = None) -> int:
    """Bring `<pages_dir>/data-docs` up to date with the kept results; the number of pages written.

    Safe to run while other gates do: pages are replaced whole, one publisher at a time.
    """
    from citybrain.quality.data_docs import publish

    return publish(settings or get_settings())


def _same_dataset(dataset: Dataset, expectations: Expectations) -> None:
    if expectations.dataset.id != dataset.id:
        raise ValueError(f"expectations of {expectations.dataset.id} cannot judge {dataset.id}")
