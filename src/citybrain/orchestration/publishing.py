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
        from citybrain.bi import apply, publication
        from citybrain.settings import get_settings

        reason = publication.why_publish(get_settings())
        if reason is None:
            raise AirflowSkipException("files, marts and Superset are as at the last verified publication")
        log.info("publishing: %s", reason)
        published_from = publication.fingerprint(get_settings())
        return asdict(apply()) | {"published_from": published_from}

    return apply_dashboards()


def verify(published: Any) -> XComArg:
    """Query every chart through Superset; fails when one has no answer."""

    @task(task_id="verify", task_display_name="校验图表")
    def verify_charts(published: dict[str, Any]) -> dict[str, Any]:
        from citybrain.bi import publication, verify
        from citybrain.settings import get_settings

        report = asdict(verify())
        publication.note_published(get_settings(), published["published_from"])
        return report

    return verify_charts(published)
