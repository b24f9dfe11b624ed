"""The task that matches policies with enterprises: one run, or none when nothing changed."""

import logging
from collections.abc import Sequence
from typing import Any

from airflow.sdk import Asset, TriggerRule, XComArg, get_current_context, task
from airflow.sdk.exceptions import AirflowSkipException

from citybrain.orchestration.main_job import leave_to_main_job

log = logging.getLogger(__name__)


def match_policies(
    trigger_rule: TriggerRule = TriggerRule.ALL_SUCCESS, outlets: Sequence[Asset] = ()
) -> XComArg:
    """Publish `policies/`, match every item in force, keep the documents' texts, return the run's figures.

    Skipped without facts.
    """

    @task(
        task_id="match_policies",
        task_display_name="政策匹配企业",
        trigger_rule=trigger_rule,
        outlets=list(outlets),
    )
    def match_all() -> dict[str, Any]:
        from citybrain.policy.matching import match
        from citybrain.policy.passes import ItemCount
        from citybrain.policy.run_report import NoFactsError
        from citybrain.policy.texts import keep_texts
        from citybrain.settings import get_settings

        leave_to_main_job(get_current_context())

        def tell(place: int, total: int, count: ItemCount) -> None:
            log.info(
                "%d/%d %s: %d eligible, %d lack data, %d near, %.3f s",
                place, total, count.item_id, count.eligible, count.needs_data, count.near, count.seconds,
            )  # fmt: skip

        try:
            report = match(get_settings(), on_item=tell)
        except NoFactsError as error:
            keep_texts(get_settings())  # the documents are published, whoever they may serve
            raise AirflowSkipException(str(error)) from error
        kept = keep_texts(get_settings())
        log.info("%d of %d policy documents kept anew", kept.written, kept.documents)
        return {
            "run_id": report.run_id,
            "made": report.made,
            "items": len(report.items),
            "enterprises": report.enterprises,
            "eligible": sum(item.eligible for item in report.items),
            "firms_found": report.firms_found,
            "yuan_proposed": str(report.yuan_proposed),
            "seconds": report.seconds,
        }

    return match_all()
