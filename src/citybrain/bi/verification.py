"""Every chart's own query run through Superset, as an embedding or a report would run it."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from typing import Any

from citybrain.bi.admission import AT_ONCE
from citybrain.bi.client import Superset, SupersetError, connect
from citybrain.bi.provision import standing_objects
from citybrain.settings import Settings

Progress = Callable[[str], None]


@dataclass
class ChartAnswer:
    """What one chart's query gave: rows, or the reason it failed."""

    chart: str
    uuid: str
    rows: int = 0
    error: str | None = None


@dataclass
class VerifyReport:
    charts: int = 0
    rows: int = 0
    empty: list[str] = field(
        default_factory=list
    )  # charts that answered with no row: allowed, but worth a look
    errors: list[str] = field(default_factory=list)  # one line a chart that failed or is missing

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


class VerifyError(RuntimeError):
    """Some chart has no answer. `report` tells which."""

    def __init__(self, report: VerifyReport) -> None:
        self.report = report
        super().__init__("charts without an answer:\n" + "\n".join(report.errors))


def query_chart(superset: Superset, chart_id: int, name: str, uuid: str) -> ChartAnswer:
    """Run the chart's stored query past the cache, and leave its answer there: the next reader does not wait.

    (Superset's own warm-up endpoint sends map charts through their retired implementation.)
    """
    try:
        answer = superset.fetch(
            f"chart/{chart_id}/data/", {"format": "json", "type": "full", "force": "true"}
        )
    except SupersetError as error:
        return ChartAnswer(name, uuid, error=str(error))
    rows = 0
    for result in answer["result"]:
        if result.get("error"):
            return ChartAnswer(name, uuid, error=str(result["error"]))
        rows += int(result.get("rowcount") or 0)
    return ChartAnswer(name, uuid, rows=rows)


def query_charts(
    superset: Superset, charts: Mapping[str, str], progress: Progress = lambda _: None
) -> VerifyReport:
    """Query every chart of a bundle (uuid to name), some at once. One that Superset lacks is an error too."""
    report = VerifyReport(charts=len(charts))
    standing = {item.uuid: item.id for item in standing_objects(superset) if item.kind == "chart"}

    def ask(chart: tuple[str, str]) -> ChartAnswer:
        uuid, name = chart
        if uuid not in standing:
            return ChartAnswer(name, uuid, error="not in Superset; run citybrain bi apply")
        progress(name)
        return query_chart(superset, standing[uuid], name, uuid)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        for answer in pool.map(ask, charts.items()):
            report.rows += answer.rows
            if answer.error is not None:
                report.errors.append(f"{answer.chart}: {answer.error}")
            elif answer.rows == 0:
                report.empty.append(answer.chart)
    return report


def verify(
    settings: Settings, charts: Mapping[str, str], progress: Progress = lambda _: None
) -> VerifyReport:
    """Query every chart. Raises VerifyError when one has no answer, SupersetError without Superset."""
    report = query_charts(connect(settings), charts, progress)
    if report.errors:
        raise VerifyError(report)
    return report
