"""Tasks that bring Superset in line with `dashboards/` and query its charts, when there is something new."""

import logging
from dataclasses import asdict
from typing import Any

from airflow.sdk import TriggerRule, XComArg, task
from airflow.sdk.exceptions import AirflowSkipException

log = logging.getLogger(__name__)


def publish(trigger_rule: TriggerRule = TriggerRule.ALL_SUCCESS) -> XComArg:
    """Dashboards, charts, datasets and roles as the files say; skipped when they stand like that."""

    @task(task_id="publish", task_display_name="发布看板", trigger_rule=trigger_rule)
    def apply_dashboards() -> dict[str, Any]:
        from citybrain.bi.client import wait_until_it_answers
        from citybrain.bi.edition import read_edition
        from citybrain.bi.provision import apply
        from citybrain.bi.publication import why_publish
        from citybrain.settings import get_settings

        settings = get_settings()
        edition = read_edition(settings)
        wait_until_it_answers(settings)
        reason = why_publish(settings, edition)
        if reason is None:
            raise AirflowSkipException("files and Superset are as at the last verified publication")
        log.info("publishing: %s", reason)
        return asdict(apply(settings, edition)) | {"asked_of": _questions(edition)}

    return apply_dashboards()


def verify_standing(published: Any) -> XComArg:
    """Ask the charts that read nothing of cases, grants and matching, while those are still being settled."""

    @task(
        task_id="verify_standing",
        task_display_name="校验图表（处置与兑现之外）",
        trigger_rule=TriggerRule.NONE_FAILED,
    )
    def ask(published: dict[str, Any] | None) -> dict[str, Any]:
        from citybrain.settings import get_settings
        from citybrain.warehouse.mart_states import operations_marts

        return _ask(published, operations_marts(get_settings()))

    return ask(published)


def verify(published: Any) -> XComArg:
    """Ask every chart that may answer otherwise than when it was last asked; fails when one has no answer."""

    @task(task_id="verify", task_display_name="校验图表", trigger_rule=TriggerRule.NONE_FAILED)
    def ask(published: dict[str, Any] | None) -> dict[str, Any]:
        return _ask(published, set())

    return ask(published)


def _questions(edition: Any) -> dict[str, Any]:
    """The charts of an edition and what they read, so that who asks them need not read the files again."""
    from citybrain.bi.publication import edition_hash

    bundle = edition.bundle
    return {"edition": edition_hash(edition), "charts": dict(bundle.charts), "reads": dict(bundle.reads)}


def _ask(published: dict[str, Any] | None, later: set[str]) -> dict[str, Any]:
    """Ask charts through Superset, which keeps the answers for readers; none that reads a mart of `later`.

    Skipped when no mart changed that one of them reads. Where only marts changed, and no files, the walls are
    told how new they are.
    """
    from citybrain.bi.edition import read_edition
    from citybrain.bi.publication import charts_to_ask, forget_publication, last_publication, note_answers
    from citybrain.bi.verification import VerifyError, verify
    from citybrain.bi.wall import write_walls
    from citybrain.settings import get_settings
    from citybrain.warehouse.mart_states import mart_states

    settings = get_settings()
    if published is None:
        edition = read_edition(settings)
        asked_of, content = _questions(edition), edition.content
    else:
        asked_of, content = published["asked_of"], None
    every = asked_of["reads"]
    reads = {chart: marts for chart, marts in every.items() if later.isdisjoint(marts)}
    left = {mart for chart in every.keys() - reads.keys() for mart in every[chart]}
    # before any chart is asked: what is published meanwhile counts as new
    states = mart_states(settings, {mart for marts in reads.values() for mart in marts})
    wanted = charts_to_ask(reads, asked_of["edition"], last_publication(settings), states)
    if not wanted:
        raise AirflowSkipException("no mart was published since the charts that read it were last asked")
    if content is not None:
        write_walls(settings, content)
    try:
        report = verify(settings, {chart: asked_of["charts"][chart] for chart in sorted(wanted)})
    except VerifyError:
        forget_publication(settings)
        raise
    answered = {mart: state for mart, state in states.items() if mart not in left}
    note_answers(settings, asked_of["edition"], answered)
    return asdict(report)
