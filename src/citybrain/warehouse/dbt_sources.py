"""dbt's source files follow from `dags/sources/*.yml`: one `_sources.yml` for each owner.

`citybrain transform sources` writes them. They are committed, so that dbt and its docs work from the checkout
alone; a test holds them equal to the catalogue.
"""

from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from citybrain.catalogue import Column, Dataset
from citybrain.catalogue.department import load_departments
from citybrain.settings import Settings
from citybrain.warehouse.raw_tables import LINEAGE

HEADER = (
    "# Written by `citybrain transform sources` from dags/sources/*.yml: change those, then run it again.\n"
)
UNPROMISED = timedelta(days=366)  # a dataset without an arrival limit: a year of silence is worth a warning
LATE_FACTOR = 3  # a delivery is an error, no longer a warning, after this many arrival limits
LINEAGE_DESCRIPTIONS = {
    "_batch_id": "batch of the manifest (meta.batch) that brought the row",
    "_line": "line of the delivery, from 1",
    "_logical_date": "the day the delivery speaks of",
    "_loaded_at": "when the row was loaded",
}


def source_files(settings: Settings, datasets: dict[str, Dataset]) -> dict[Path, str]:
    """The text of every `_sources.yml` by its path. Datasets switched off are disabled in dbt too."""
    owners = sorted({dataset.owner for dataset in datasets.values()})
    return {
        settings.dbt_dir / "models" / "staging" / owner / "_sources.yml": _render(
            owner, [dataset for dataset in datasets.values() if dataset.owner == owner]
        )
        for owner in owners
    }


def write_source_files(settings: Settings, datasets: dict[str, Dataset]) -> list[Path]:
    """Write the files whose text has changed. Returns their paths."""
    changed = []
    for path, text in source_files(settings, datasets).items():
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            changed.append(path)
    return changed


def _render(owner: str, datasets: list[Dataset]) -> str:
    department = load_departments()[owner]
    source = {
        "name": owner,
        "schema": "raw",
        "description": f"{department.en} ({department.zh}): rows as delivered, every version",
        "config": {"loaded_at_field": "_loaded_at"},
        "tables": [_table(dataset) for dataset in datasets],
    }
    yaml = YAML()
    yaml.width = 4096
    yaml.indent(mapping=2, sequence=4, offset=2)
    text = StringIO()
    yaml.dump({"version": 2, "sources": [source]}, text)
    return HEADER + text.getvalue()


def _table(dataset: Dataset) -> dict[str, Any]:
    config: dict[str, Any] = {"freshness": _freshness(dataset.arrival_sla)}
    if not dataset.enabled:
        switch = f"{{{{ '\"{dataset.id}\"' in env_var('CITYBRAIN_ENABLE_SOURCES', '[]') }}}}"
        config = {"enabled": switch, **config}
    config["meta"] = {
        "label": dataset.title.model_dump(),
        "family": dataset.family.value,
        "origin": dataset.origin,
        "personal_data": dataset.personal_data,
        "source_note": dataset.source_note,
    }
    lineage = [
        {"name": name, "data_type": kind, "description": LINEAGE_DESCRIPTIONS[name]}
        for name, kind in LINEAGE.items()
    ]
    return {
        "name": dataset.id,
        "description": dataset.description,
        "config": config,
        "columns": [_column(column, dataset.personal_data) for column in dataset.columns] + lineage,
    }


def _column(column: Column, personal_data: str) -> dict[str, Any]:
    meta: dict[str, Any] = {"label": column.label.model_dump()}
    if column.unit:
        meta["unit"] = column.unit
    meta["personal_data"] = personal_data
    return {
        "name": column.name,
        "data_type": column.type,
        "description": column.label.en,
        "config": {"meta": meta},
    }


def _freshness(limit: timedelta | None) -> dict[str, Any]:
    if limit is None:
        return {"warn_after": _period(UNPROMISED), "error_after": None}
    return {"warn_after": _period(limit), "error_after": _period(limit * LATE_FACTOR)}


def _period(duration: timedelta) -> dict[str, Any]:
    """dbt counts whole minutes, hours or days: the largest unit that divides the duration."""
    minutes = int(duration.total_seconds() // 60)
    for size, period in ((1440, "day"), (60, "hour"), (1, "minute")):
        if minutes % size == 0:
            return {"count": minutes // size, "period": period}
    raise AssertionError("every whole number of minutes divides by one")
