"""`citybrain validate` checks every content room without a server; `citybrain schema` serves editors."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from citybrain.catalogue import ContentError
    from citybrain.settings import Settings

app = typer.Typer()

Fault = tuple[Path, int, str]


def _of(error: "ContentError") -> Iterator[Fault]:
    for one in getattr(error, "errors", [error]):  # a room's error holds those of its files
        for line, reason in one.faults:
            yield one.path, line, reason


def _sources(settings: "Settings") -> Iterator[Fault]:
    from citybrain.catalogue import check

    for fault in check(settings):
        yield fault.path, fault.line, fault.reason


def _expectations(settings: "Settings") -> Iterator[Fault]:
    from citybrain.catalogue import ContentError, load_datasets
    from citybrain.quality.expectations_file import load_expectations_file

    try:
        datasets = load_datasets(settings)
    except ContentError:  # told by the room of the sources
        return
    files = {path.stem for path in settings.expectations_dir.glob("*.yml")}
    for name in sorted(files | set(datasets)):
        path = settings.expectations_dir / f"{name}.yml"
        if name not in files:
            yield path, 1, f"dataset {name} has no expectations file: nothing of it could pass the gate"
            continue
        try:
            load_expectations_file(path, datasets)
        except ContentError as error:
            yield from _of(error)


def _dashboards(settings: "Settings") -> Iterator[Fault]:
    from citybrain.bi.content import load_dashboards
    from citybrain.catalogue import ContentError

    try:
        load_dashboards(settings)
    except ContentError as error:
        yield from _of(error)


def _policies(settings: "Settings") -> Iterator[Fault]:
    from citybrain.policy import policy_faults

    yield from policy_faults(settings)


def _case_rules(_settings: "Settings") -> Iterator[Fault]:
    from citybrain.catalogue import ContentError
    from citybrain.events.case_classes import load_case_classes
    from citybrain.events.rules import load_rules

    for load in (load_rules, load_case_classes):
        try:
            load()
        except ContentError as error:
            yield from _of(error)


def _open311(_settings: "Settings") -> Iterator[Fault]:
    from citybrain.catalogue import ContentError
    from citybrain.desk.open311.services import load_services

    try:
        load_services()
    except ContentError as error:
        yield from _of(error)


def _detectors(settings: "Settings") -> Iterator[Fault]:
    from citybrain.vision.case_file import detector_faults

    yield from detector_faults(settings)


def _rules(settings: "Settings") -> Iterator[Fault]:
    from citybrain.sensing.case_file import rule_faults

    yield from rule_faults(settings)


def _detector_notes(settings: "Settings") -> Iterator[Fault]:
    from citybrain.vision.case_file import detector_notes

    yield from detector_notes(settings)


ROOMS: dict[str, Callable[["Settings"], Iterator[Fault]]] = {
    "catalogue and dags/sources": _sources,
    "expectations": _expectations,
    "dashboards": _dashboards,
    "policies": _policies,
    "detectors": _detectors,
    "rules of detectors": _rules,
    "case rules": _case_rules,
    "open311 services": _open311,
}


@app.command()
def validate(
    as_json: Annotated[bool, typer.Option("--json", help="faults as JSON, for scripts")] = False,
) -> None:
    """Check every content room: one line a fault, `file:line: reason`. Exit code 1 when there is any."""
    from citybrain.settings import get_settings

    settings = get_settings()
    faults = {room: sorted(set(check(settings))) for room, check in ROOMS.items()}
    if as_json:
        rows = [
            {"room": room, "file": str(path), "line": line, "reason": reason}
            for room, found in faults.items()
            for path, line, reason in found
        ]
        typer.echo(json.dumps({"faults": rows}, ensure_ascii=False, indent=2))
    else:
        for room, found in faults.items():
            typer.echo(f"{room}: {'ok' if not found else f'{len(found)} faults'}")
            for path, line, reason in found:
                typer.echo(f"  {_shown(path, settings.project)}:{line}: {reason}", err=True)
        if not faults["detectors"]:
            for path, line, reason in _detector_notes(settings):
                typer.echo(f"note: {_shown(path, settings.project)}:{line}: {reason}")
    raise typer.Exit(1 if any(faults.values()) else 0)


def _shown(path: Path, project: Path) -> Path:
    return path.relative_to(project) if path.is_relative_to(project) else path


def _schemas() -> dict[str, dict[str, Any]]:
    from citybrain.bi.content import json_schemas
    from citybrain.catalogue.dataset import Dataset
    from citybrain.events.case_classes import CaseClasses
    from citybrain.events.rules import Rules
    from citybrain.policy.anomaly_file import AnomalyFile
    from citybrain.policy.facts import FactsFile
    from citybrain.policy.item_file import PolicyFile
    from citybrain.quality.expectations_file import ExpectationsFile
    from citybrain.sensing.case_file import RuleCases
    from citybrain.sensing.rule_file import RuleFile
    from citybrain.vision.case_file import CaseFile
    from citybrain.vision.detector_file import Detector

    own = {
        "source": Dataset.model_json_schema(),
        "expectations": ExpectationsFile.model_json_schema(),
        "policy": PolicyFile.model_json_schema(),
        "policy-facts": FactsFile.model_json_schema(),
        "policy-anomalies": AnomalyFile.model_json_schema(),
        "detector": Detector.model_json_schema(),
        "detector-cases": CaseFile.model_json_schema(),
        "detector-rules": RuleFile.model_json_schema(),
        "detector-rule-cases": RuleCases.model_json_schema(),
        "case-transitions": Rules.model_json_schema(),
        "case-classes": CaseClasses.model_json_schema(),
    }
    return own | {f"dashboards-{name}": schema for name, schema in json_schemas().items()}


@app.command()
def schema(
    kind: Annotated[
        str | None, typer.Argument(help="source, expectations, dashboards-…; the list when left out")
    ] = None,
) -> None:
    """Print the JSON Schema of one kind of content file, for completion in an editor."""
    schemas = _schemas()
    if kind is None:
        typer.echo("\n".join(schemas))
        return
    if kind not in schemas:
        typer.echo(f"no content file is called {kind}; there are {', '.join(schemas)}", err=True)
        raise typer.Exit(2)
    typer.echo(json.dumps(schemas[kind], ensure_ascii=False, indent=2))
