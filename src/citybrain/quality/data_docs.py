"""Data Docs: one page for each kept result, rendered by Great Expectations' own renderer into a page of
ours, and an index.

Great Expectations' site builder is left out on purpose: its pages fetch scripts and fonts from seven
outside hosts, and its index re-reads every result ever kept. Ours fetch nothing and run no script.
"""

import fcntl
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from html import escape
from itertools import groupby
from pathlib import Path
from typing import Any

import orjson

from citybrain.quality.result_file import page_path, replace_file, results_dir
from citybrain.settings import Settings

log = logging.getLogger(__name__)

SHOWN_RESULTS = 100
"""Results of a dataset that the index lists, newest first; older pages stay reachable by their address."""

_PAGES = Path(__file__).with_name("pages")
_CARDS = {"passed": "通过", "green": "绿牌", "yellow": "黄牌", "red": "红牌"}


def publish(settings: Settings) -> int:
    """Render the results that have no page yet, or one older than they are, and the index; the number of
    pages rendered.
    """
    site = settings.pages_dir / "data-docs"
    with _one_publisher(settings):
        files = sorted(results_dir(settings).glob("*/*.json"))
        rendered = 0
        for file in files:
            page = site / page_path(file.parent.name, file.stem)
            if not page.exists() or page.stat().st_mtime_ns < file.stat().st_mtime_ns:
                replace_file(page, _batch_page(orjson.loads(file.read_bytes())).encode())
                rendered += 1
        if rendered or not (site / "index.html").exists():
            replace_file(site / "index.html", _index_page(files).encode())
    return rendered


@contextmanager
def _one_publisher(settings: Settings) -> Iterator[None]:
    lock = results_dir(settings) / ".publishing"
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


@cache
def _view() -> Any:
    from great_expectations.render.view import DefaultJinjaPageView

    import citybrain.quality.gx_suite  # noqa: F401  # the renderer looks the expectations up by name

    return DefaultJinjaPageView(custom_styles_directory=str(_PAGES))


def _batch_page(kept: dict[str, Any]) -> str:
    page = _view().env.get_template("batch.html")
    return str(page.render(kept=kept, cards=_CARDS, sections=_sections(kept["validation"])))


def _sections(validation: dict[str, Any] | None) -> list[dict[str, Any]]:
    """Great Expectations' rendering of a result; empty when the gate broke down before it had one."""
    if validation is None:
        return []
    from great_expectations.core.expectation_validation_result import expectationSuiteValidationResultSchema
    from great_expectations.render.renderer import ValidationResultsPageRenderer

    for result in validation["results"]:
        # The renderer escapes what it fills in, but takes a description for markup.
        result["expectation_config"]["description"] = escape(result["expectation_config"]["description"])
    result = expectationSuiteValidationResultSchema.load(validation)
    document = ValidationResultsPageRenderer(run_info_at_end=True).render(result).to_json_dict()
    sections: list[dict[str, Any]] = document["sections"]
    for section in sections:
        # Its heading links to a page of the suite, which this site does not have.
        section["content_blocks"] = [
            block for block in section["content_blocks"] if "href" not in str(block.get("subheader"))
        ]
    return sections


def _index_page(files: list[Path]) -> str:
    datasets = []
    for dataset_id, group in groupby(files, key=lambda file: file.parent.name):
        newest = sorted(group, key=lambda file: file.stat().st_mtime_ns, reverse=True)[:SHOWN_RESULTS]
        results = [_summary(file) for file in newest]
        datasets.append({"id": dataset_id, "title": results[0]["title"], "results": results})
    page = _view().env.get_template("index.html")
    return str(page.render(datasets=datasets, cards=_CARDS, shown=SHOWN_RESULTS))


def _summary(file: Path) -> dict[str, Any]:
    kept = orjson.loads(file.read_bytes())
    return {
        **{key: kept[key] for key in ("title", "run_name", "judged_at", "card", "reason")},
        "page": page_path(file.parent.name, file.stem),
    }
