"""Tasks that bring Superset in line with `dashboards/` and query every chart, when something changed."""

import logging
from dataclasses import asdict
from typing import Any

from airflow.sdk import TriggerRule, XComArg, task
from airflow.sdk.exceptions import AirflowSkipException

log = logging.getLogger(__name__)


def publish(trigger_rule: TriggerRule = TriggerRule.ALL_SUCCESS) -> XComArg:
    """Dashboards, charts, datasets and roles as the files say; skipped when nothing changed."""

    @task(task_id="publish", task_display_name="发布看板", trigger_rule=trigger_rule)
    def apply_dashboards() -> dict[str, Any]:
        from citybrain.bi.edition import read_edition
        from citybrain.bi.provision import apply
        from citybrain.bi.publication import fingerprint, why_publish
        from citybrain.settings import get_settings

        settings = get_settings()
        edition = read_edition(settings)
        published_from = fingerprint(settings, edition)  # before anything is read from the marts
        reason = why_publish(settings, edition)
        if reason is None:
            raise AirflowSkipException("files, marts and Superset are as at the last verified publication")
        log.info("publishing: %s", reason)
        return asdict(apply(settings, edition)) | {
            "published_from": published_from,
            "chart_names": dict(edition.bundle.charts),  # so that who verifies need not read the files again
        }

    return apply_dashboards()


def verify(published: Any) -> XComArg:
    """Query every chart through Superset; fails when one has no answer."""

    @task(task_id="verify", task_display_name="校验图表")
    def verify_charts(published: dict[str, Any]) -> dict[str, Any]:
        from citybrain.bi.publication import note_published
        from citybrain.bi.verification import verify
        from citybrain.settings import get_settings

        settings = get_settings()
        report = asdict(verify(settings, published["chart_names"]))
        note_published(settings, published["published_from"])
        return report

    return verify_charts(published)
