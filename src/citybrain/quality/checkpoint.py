"""The gate's verdict: one Great Expectations checkpoint on the stage table of a batch.

A failed expectation gives the card of its severity, red when its share is beyond the rule's red limit, and
the batch has the gravest (`result.success` knows no severity). Whatever goes wrong inside Great
Expectations is a failed gate: a red card with the reason, never a passed one.
"""

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any
from urllib.parse import urlsplit

import psycopg

from citybrain.catalogue import Column
from citybrain.quality.compiler import StageTable, row_checks
from citybrain.quality.expectations_file import Expectations
from citybrain.quality.figures import Figure, batch_figure, row_figures
from citybrain.quality.history import batch_bounds, usual_rows, usual_rows_of_such_days
from citybrain.quality.rules import BatchRule, RowCountAgainstHistory, RowCountAgainstSameDays
from citybrain.quality.verdict import Card, RuleResult, Verdict, worst
from citybrain.quality.wording import rule_zh, verdict_zh

log = logging.getLogger(__name__)

_CARD = {"critical": Card.RED, "warning": Card.YELLOW, "info": Card.YELLOW}
# Autocommit: no idle transaction may hold the stage table when the caller drops it. The sub-selects of
# `unique` and `references` are hashed as long as they fit into work_mem.
_ENGINE = {
    "isolation_level": "AUTOCOMMIT",
    "connect_args": {"options": "-c work_mem=64MB -c timezone=Asia/Shanghai"},
}
# A sample of bad values would carry megabyte cells and personal data into results, and values Python cannot
# hold (the year 20000) would break the check. The quarantine shows the rows.
_COUNTS_ONLY = {"result_format": "BASIC", "partial_unexpected_count": 0}


def judge(
    url: str, stage: StageTable, expectations: Expectations, run_name: str, as_of: datetime, day: date
) -> tuple[Verdict, dict[str, Any] | None]:
    """The verdict on one stage table, and Great Expectations' own result as JSON (None: it broke down)."""
    try:
        results, document = _run_checkpoint(url, stage, expectations, run_name, as_of, day)
    except Exception as error:  # a gate that broke down has not passed
        log.exception("gate of %s, %s.%s, broke down", expectations.dataset.id, stage.schema, stage.name)
        results = [RuleResult("gate", "gate", None, Card.RED, None, None, {"error": _one_line(error)})]
        document = None
    card = worst([result.card for result in results])
    return Verdict(card, results, verdict_zh(results, expectations)), document


def _run_checkpoint(
    url: str, stage: StageTable, expectations: Expectations, run_name: str, as_of: datetime, day: date
) -> tuple[list[RuleResult], dict[str, Any]]:
    import great_expectations as gx
    from great_expectations.data_context.types.base import (
        DataContextConfig,
        InMemoryStoreBackendDefaults,
        ProgressBarsConfig,
    )

    from citybrain.quality.gx_suite import asking

    # A context of its own costs 5 ms and leaves nothing behind in a process that judges for days.
    config = DataContextConfig(
        store_backend_defaults=InMemoryStoreBackendDefaults(init_temp_docs_sites=False),
        analytics_enabled=False,
        progress_bars=ProgressBarsConfig(globally=False),
    )
    context = gx.get_context(mode="ephemeral", project_config=config)
    name = expectations.dataset.id
    rules, figures, unjudged = _expectations(url, stage, expectations, run_name, as_of, day)
    # The constructor keeps every one; `add_expectation` drops one that asks the same under another rule's id.
    suite = gx.ExpectationSuite(name=name, expectations=rules)
    with asking(run_name, figures, stage), _source(context, url) as source:
        asset = source.add_table_asset(name, table_name=stage.name, schema_name=stage.schema)
        batch = asset.add_batch_definition_whole_table(name)
        definition = context.validation_definitions.add(
            gx.ValidationDefinition(name=name, data=batch, suite=context.suites.add(suite))
        )
        checkpoint = context.checkpoints.add(
            gx.Checkpoint(name=name, validation_definitions=[definition], result_format=_COUNTS_ONLY)
        )
        run = checkpoint.run(run_id=gx.RunIdentifier(run_name=run_name))
    [validation] = run.run_results.values()
    if len(validation.results) != len(rules):
        raise RuntimeError(f"{len(rules)} expectations were asked, {len(validation.results)} answered")
    document: dict[str, Any] = validation.to_json_dict()  # type: ignore[no-untyped-call]
    return [*_rule_results(validation.results), *unjudged], document


@contextmanager
def _source(context: Any, url: str) -> Iterator[Any]:
    """The database as Great Expectations sees it; all its connections are closed at the end."""
    driver_url = urlsplit(url)._replace(scheme="postgresql+psycopg").geturl()
    source = context.data_sources.add_postgres("city", connection_string=driver_url, kwargs=_ENGINE)
    try:
        yield source
        source.get_execution_engine().close()
    finally:
        source.get_engine().dispose()


def _expectations(
    url: str, stage: StageTable, expectations: Expectations, run_name: str, as_of: datetime, day: date
) -> tuple[list[Any], list[Figure], list[RuleResult]]:
    """Every rule as Great Expectations' expectations, the figures they ask for, and the results of the rules
    that cannot be judged yet."""
    from citybrain.quality.gx_suite import batch_expectation, row_expectations

    checks = row_checks(expectations, stage, as_of)
    suite = [expectation for check in checks for expectation in row_expectations(check, run_name)]
    figures, unjudged = list(row_figures(checks)), []
    for rule in expectations.batch_rules:
        columns = [expectations.dataset.column(name) for name in rule.column_names]
        column: Column | None = columns[0] if columns else None
        limits = batch_bounds(rule, column, _usual_rows(url, expectations, rule, day), as_of)
        if not limits:
            unjudged.append(
                RuleResult(rule.id, rule.kind, None, None, None, None, {"not_judged": _too_little(rule)})
            )
        for severity, bounds in limits:
            name, words = f"{rule.id}.{severity}", rule_zh(rule, columns)
            figures.append(batch_figure(name, rule, column, bounds))
            suite.append(batch_expectation(rule, column, name, severity, bounds, run_name, words))
    return suite, figures, unjudged


def _usual_rows(url: str, expectations: Expectations, rule: BatchRule, day: date) -> float | None:
    if not isinstance(rule, RowCountAgainstHistory | RowCountAgainstSameDays):
        return None
    with psycopg.connect(url) as connection:
        if isinstance(rule, RowCountAgainstSameDays):
            return usual_rows_of_such_days(connection, expectations.dataset.id, rule, day)
        return usual_rows(connection, expectations.dataset.id, rule.last)


def _too_little(rule: BatchRule) -> str:
    if isinstance(rule, RowCountAgainstSameDays):
        return f"fewer than {rule.least} loaded days of this kind yet"
    return "no loaded batch yet"


def _rule_results(results: Iterable[Any]) -> list[RuleResult]:
    """One result for each rule: a batch rule's yellow and red expectation folded into one."""
    folded: dict[str, RuleResult] = {}
    for result in results:
        found = _rule_result(result)
        earlier = folded.get(found.rule_id)
        if earlier is None or worst([found.card]) is worst([found.card, earlier.card]):
            folded[found.rule_id] = found
    return sorted(folded.values(), key=lambda result: result.rule_id)


def _rule_result(result: Any) -> RuleResult:
    """One expectation's result. An expectation that raised is red, whatever its severity."""
    meta, figures = result.expectation_config.meta, result.result or {}
    error = raised(result.exception_info)
    unexpected, elements = figures.get("unexpected_count"), figures.get("element_count")
    detail = {key: result.expectation_config.kwargs.get(key) for key in ("min_value", "max_value")}
    if "unexpected_count" not in figures:
        detail["observed"] = figures.get("observed_value")
    if error is not None:
        card: Card | None = Card.RED
        detail["error"] = error
    elif figures.get("beyond_red"):
        card = Card.RED
    else:
        card = None if result.success else _CARD[str(result.expectation_config.severity.value)]
    return RuleResult(
        rule_id=meta["rule_id"],
        rule_kind=meta["rule_kind"],
        column_name=meta["column"],
        card=card,
        unexpected_rows=unexpected,
        evaluated_rows=None if elements is None else elements - (figures.get("missing_count") or 0),
        detail={key: _plain(value) for key, value in detail.items() if value is not None},
    )


def raised(exception_info: Any) -> str | None:
    """The message of an exception inside an expectation, None when none was raised.

    Great Expectations gives one record, or one for each metric that failed.
    """
    if not exception_info:
        return None
    records = [exception_info] if "raised_exception" in exception_info else list(exception_info.values())
    messages = [str(record["exception_message"]) for record in records if record.get("raised_exception")]
    return _one_line(messages[0]) if messages else None


def _plain(value: Any) -> Any:
    """`value` as JSON knows it, a long text cut."""
    return value if isinstance(value, bool | int | float) else str(value)[:200]


def _one_line(error: object) -> str:
    return " ".join(str(error).split())[:500]
