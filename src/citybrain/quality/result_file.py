"""The kept results of gates: `<data_dir>/gx/<dataset>/<run name>.json`, replaced whole, and where their
pages stand.
"""

import os
import re
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from citybrain.catalogue import load_departments
from citybrain.quality.compiler import CITY_ZONE
from citybrain.quality.expectations_file import Expectations
from citybrain.quality.verdict import Verdict
from citybrain.quality.wording import rule_words
from citybrain.settings import Settings

RUN_NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$")
LONGEST_TEXT = 200


def results_dir(settings: Settings) -> Path:
    return settings.data_dir / "gx"


def page_path(dataset_id: str, run_name: str) -> str:
    """The page of one result, below `<pages_dir>/data-docs`."""
    return f"{dataset_id}/{run_name}.html"


def data_docs_url(settings: Settings, dataset_id: str, run_name: str) -> str:
    """Where a browser finds the page of one result."""
    return f"http://127.0.0.1:{settings.pages_port}/data-docs/{page_path(dataset_id, run_name)}"


def write_result(
    settings: Settings,
    expectations: Expectations,
    run_name: str,
    as_of: datetime,
    verdict: Verdict,
    document: dict[str, Any] | None,
) -> Path:
    """Keep one result. Raises ValueError for a run name that is not a plain file name."""
    if not RUN_NAME.match(run_name):
        raise ValueError(f"{run_name!r} cannot name a result: letters, digits, '_', '-' and '.' only")
    dataset, words = expectations.dataset, rule_words(expectations)
    kept = {
        "dataset": dataset.id,
        "title": dataset.title.zh,
        "owner": _owner_zh(expectations.file.owner),
        "runbook": expectations.file.runbook,
        "run_name": run_name,
        "judged_at": as_of.astimezone(CITY_ZONE).strftime("%Y-%m-%d %H:%M"),
        "card": verdict.card.value,
        "reason": verdict.reason,
        "results": [
            {
                "rule": words.get(result.rule_id, result.rule_id),
                "card": "passed" if result.card is None else result.card.value,
                "bad": result.unexpected_rows,
                "of": result.evaluated_rows,
                "error": result.detail.get("error"),
                "observed": result.detail.get("observed"),
            }
            for result in verdict.results
        ],
        "validation": _shortened(document),
    }
    path = results_dir(settings) / dataset.id / f"{run_name}.json"
    replace_file(path, orjson.dumps(kept, default=str, option=orjson.OPT_NON_STR_KEYS))
    return path


def replace_file(path: Path, content: bytes) -> None:
    """Write `path` so that a reader sees the old content or the new one, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_bytes(content)
    draft.replace(path)


def _owner_zh(owner: str) -> str:
    departments = load_departments()
    return departments[owner].zh if owner in departments else owner


def _shortened(value: Any) -> Any:
    """`value` with long texts cut (a bad cell may hold megabytes) and tracebacks emptied."""
    if isinstance(value, dict):
        return {key: "" if key == "exception_traceback" else _shortened(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_shortened(item) for item in value]
    if isinstance(value, str) and len(value) > LONGEST_TEXT and not value.lstrip().startswith("SELECT"):
        return value[:LONGEST_TEXT] + "…"
    return value
