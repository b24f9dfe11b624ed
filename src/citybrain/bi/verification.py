"""Every chart's own query run through Superset, as an embedding or a report would run it."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

from citybrain.bi.bundle import Bundle
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


def query_charts(superset: Superset, bundle: Bundle, progress: Progress = lambda _: None) -> VerifyReport:
    """Query every chart of the bundle. A chart that Superset does not have is an error too."""
    report = VerifyReport(charts=len(bundle.charts))
    standing = {item.uuid: item for item in standing_objects(superset) if item.kind == "chart"}
    for uuid, name in bundle.charts.items():
        item = standing.get(uuid)
        if item is None:
            report.errors.append(f"{name}: not in Superset; run citybrain bi apply")
            continue
        progress(name)
        answer = query_chart(superset, item.id, name, uuid)
        report.rows += answer.rows
        if answer.error is not None:
            report.errors.append(f"{name}: {answer.error}")
        elif answer.rows == 0:
            report.empty.append(name)
    return report


def verify(settings: Settings, bundle: Bundle, progress: Progress = lambda _: None) -> VerifyReport:
    """Query every chart. Raises VerifyError when one has no answer, SupersetError without Superset."""
    report = query_charts(connect(settings), bundle, progress)
    if report.errors:
        raise VerifyError(report)
    return report
