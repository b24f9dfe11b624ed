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
        from citybrain.bi.edition import read_edition
        from citybrain.bi.provision import apply
        from citybrain.bi.publication import edition_hash, why_publish
        from citybrain.settings import get_settings

        settings = get_settings()
        edition = read_edition(settings)
        reason = why_publish(settings, edition)
        if reason is None:
            raise AirflowSkipException("files and Superset are as at the last verified publication")
        log.info("publishing: %s", reason)
        return asdict(apply(settings, edition)) | {
            "edition": edition_hash(edition),
            "chart_names": dict(edition.bundle.charts),  # so that who verifies need not read the files again
        }

    return apply_dashboards()


def verify(published: Any) -> XComArg:
    """Query every chart through Superset, which keeps the answers for readers; fails when one has none.

    Skipped when neither files nor marts changed. Where only marts did, the walls are told how new they are.
    """

    @task(task_id="verify", task_display_name="校验图表", trigger_rule=TriggerRule.NONE_FAILED)
    def verify_charts(published: dict[str, Any] | None) -> dict[str, Any]:
        from citybrain.bi.edition import read_edition
        from citybrain.bi.publication import Publication, edition_hash, marts_changed, note_publication
        from citybrain.bi.verification import verify
        from citybrain.bi.wall import write_walls
        from citybrain.settings import get_settings
        from citybrain.warehouse.refresh_need import newest_build

        settings = get_settings()
        build = newest_build(settings)  # before any chart is asked: what is built meanwhile counts as new
        if published is None:
            if not marts_changed(settings):
                raise AirflowSkipException("no mart was built since every chart was last asked")
            edition = read_edition(settings)
            write_walls(settings, edition.content)
            published = {"edition": edition_hash(edition), "chart_names": edition.bundle.charts}
        report = asdict(verify(settings, published["chart_names"]))
        note_publication(settings, Publication(edition=published["edition"], build=build))
        return report

    return verify_charts(published)
