"""The tasks of the DAG `satellite_change`: which quarters need a look, and a look at each."""

from datetime import date
from typing import Any

from airflow.sdk import Param, XComArg, get_current_context, task
from airflow.sdk.exceptions import AirflowSkipException


def quarter_form() -> dict[str, Param]:
    """The trigger form of `satellite_change`."""
    return {
        "quarter": Param(
            None,
            type=["null", "string"],
            format="date",
            title="季度",
            description="季度内任意一天；不填则处理所有需要处理的季度",
        )
    }


def look_at_quarters() -> XComArg:
    """One mapped task for each quarter that needs a look, its figures at the end."""

    @task(task_id="plan_quarters", task_display_name="确定季度")
    def plan() -> list[str]:
        from citybrain.settings import get_settings
        from citybrain.vision.satellite import quarters_to_look_at
        from citybrain.vision.satellite.run import quarter_start
        from citybrain.vision.satellite.store import NoScenesError

        asked = get_current_context()["params"]["quarter"]
        if asked:
            return [quarter_start(date.fromisoformat(asked)).isoformat()]
        try:
            wanted = quarters_to_look_at(get_settings())
        except NoScenesError as error:
            raise AirflowSkipException(str(error)) from error
        if not wanted:
            raise AirflowSkipException("no quarter has scenes that were not looked at")
        return [quarter.isoformat() for quarter in wanted]

    @task(
        task_id="look_at_quarter", task_display_name="比对季度影像", map_index_template="{{ quarter_shown }}"
    )
    def look(quarter: str) -> dict[str, Any]:
        from citybrain.settings import get_settings
        from citybrain.vision.satellite import look_at_quarter

        get_current_context()["quarter_shown"] = quarter  # type: ignore[typeddict-unknown-key]
        report = look_at_quarter(get_settings(), date.fromisoformat(quarter))
        return {"quarter": quarter, "polygons": dict(report.outcomes), "changes": dict(report.changes)}

    return look.expand(quarter=plan())
