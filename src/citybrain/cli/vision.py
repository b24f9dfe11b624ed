"""`citybrain vision …`: ask for a round of the patrol, and see what the rounds saw."""

import json
import os
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from citybrain.settings import Settings
    from citybrain.vision.detector_file import Detector

app = typer.Typer(no_args_is_help=True, help="The patrol over the cameras.")

FIRE_LANES = "fire_lane_occupancy"
AsJson = Annotated[bool, typer.Option("--json", help="for scripts")]
DetectorId = Annotated[str, typer.Option("--detector", help="a folder of detectors/")]


@app.command()
def sweep(
    at: Annotated[str | None, typer.Option(help="time of the round, ISO 8601; default: the last due")] = None,
    camera: Annotated[list[str] | None, typer.Option(help="only this camera; may be given again")] = None,
    detector: DetectorId = FIRE_LANES,
    wait: Annotated[int, typer.Option(min=1, help="seconds to wait for the workers")] = 300,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="say what would be looked at")] = False,
    as_json: AsJson = False,
) -> None:
    """Ask for one round and wait until the vision workers have done it. Asking again changes nothing.

    Example: citybrain vision sweep --camera 341602F001 --json
    """
    from citybrain.vision.cameras import NoCamerasError
    from citybrain.vision.patrol import NoWorkerError, request_looks, wait_for_looks

    settings, chosen = _chosen(detector)
    due_at = _due_at(chosen, at)
    try:
        if dry_run:
            _tell(_planned(settings, chosen, due_at, camera or []), as_json)
            return
        asked = request_looks(settings, chosen, due_at, camera or [])
        if asked.unknown and camera:
            typer.echo(f"the register has no camera {', '.join(asked.unknown)}", err=True)
            raise typer.Exit(2)
        done = wait_for_looks(settings, chosen, due_at, timedelta(seconds=wait))
    except (NoCamerasError, NoWorkerError, TimeoutError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error
    _tell(done | {"without_zone": asked.without_zone}, as_json)


@app.command()
def rounds(
    camera: Annotated[str | None, typer.Option(help="only this camera")] = None,
    most: Annotated[int, typer.Option(min=1, help="at most so many looks, the newest first")] = 50,
    detector: DetectorId = FIRE_LANES,
    as_json: AsJson = False,
) -> None:
    """The newest looks: camera, time, outcome and why.

    Example: citybrain vision rounds --camera 341602F001
    """
    from citybrain.settings import DatabaseRole, get_settings
    from citybrain.vision.patrol import newest_looks
    from citybrain.warehouse.connection import connect

    with connect(get_settings(), DatabaseRole.WATCHER) as city:
        found = newest_looks(city, detector, camera, most)
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False, indent=2, default=str))
        return
    for row in found:
        seen = f"{row['outcome']:9} {row['reason']:12} {row['signals']} signals"
        typer.echo(f"{row['at']:%Y-%m-%d %H:%M}  {row['camera_id']:12} {seen}")


@app.command()
def status(as_json: AsJson = False) -> None:
    """Workers that are alive, work that waits, and the newest round of each detector.

    Exit code 1 when work waits and no worker is alive. Example: citybrain vision status --json
    """
    from citybrain.settings import DatabaseRole, get_settings
    from citybrain.vision.active import active_detectors
    from citybrain.vision.detector_file import load_detectors
    from citybrain.vision.patrol import patrol_status
    from citybrain.warehouse.connection import connect

    settings = get_settings()
    active = active_detectors(settings)
    with connect(settings, DatabaseRole.WATCHER) as city:
        found = patrol_status(city, active)
    found["inactive"] = sorted(set(load_detectors(settings)) - set(active))
    _tell(found, as_json)
    raise typer.Exit(1 if found["waiting"] and not found["workers"] else 0)


@app.command()
def satellite(
    quarter: Annotated[str | None, typer.Option(help="a day in it; default: all that need a look")] = None,
    as_json: AsJson = False,
) -> None:
    """Compare quarters of satellite scenes, and write what changed to meta.satellite_change.

    Example: citybrain vision satellite --quarter 2026-11-12
    """
    from citybrain.settings import get_settings
    from citybrain.vision.satellite import look_at_quarter, quarters_to_look_at
    from citybrain.vision.satellite.run import quarter_start
    from citybrain.vision.satellite.store import NoScenesError

    settings = get_settings()
    try:
        chosen = [quarter_start(_day(quarter))] if quarter else quarters_to_look_at(settings)
        reports = [look_at_quarter(settings, one) for one in chosen]
    except NoScenesError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error
    found = {
        str(report.quarter): {"polygons": dict(report.outcomes), "changes": dict(report.changes)}
        for report in reports
    }
    _tell(found, as_json)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is no day such as 2026-11-12") from error


@app.command()
def models(as_json: AsJson = False) -> None:
    """Every network: its versions and hashes, what was measured on photographs, who asks for it.

    Example: citybrain vision models --json
    """
    from dataclasses import asdict

    from citybrain.settings import get_settings
    from citybrain.vision.detector_file import load_detectors
    from citybrain.vision.model_register import models as known_models

    settings = get_settings()
    found = known_models(settings, load_detectors(settings))
    if as_json:
        _tell({"models": [asdict(one) for one in found]}, as_json)
        return
    for one in found:
        newest = f"{one.versions[0].version} {one.versions[0].sha256[:12]}" if one.versions else "no weights"
        newest += ", eight bits" if one.versions and one.versions[0].eight_bit else ""
        typer.echo(f"{one.name:20} {newest:36} asked by {', '.join(one.asked_by) or 'nobody'}")
        for what, figures in one.measured.items():
            typer.echo(f"{'':20} {what}: {', '.join(f'{name} {value:g}' for name, value in figures.items())}")


@app.command()
def feedback(
    out: Annotated[
        Path | None, typer.Option(help="write rejected findings there, as a photograph set")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """What people decided on findings: precision by class and camera, and the thresholds that suggests.

    Example: citybrain vision feedback --out ~/photographs/rejected
    """
    from dataclasses import asdict

    from citybrain.settings import get_settings
    from citybrain.vision.feedback import advise, decided_findings, write_negatives

    settings = get_settings()
    decided = decided_findings(settings)
    found: dict[str, Any] = {"advice": [asdict(one) for one in advise(decided)]}
    if out is not None:
        found["pictures_written"] = write_negatives(settings, decided, out)
    if as_json:
        _tell(found, as_json)
        return
    for one in found["advice"]:
        told = f"{one['precision']:.2f} of {one['confirmed'] + one['rejected']}"
        advice = f"threshold {one['threshold']:.2f}" if one["threshold"] is not None else "no suggestion"
        typer.echo(
            f"{one['scenario']:22} {one['class_code']:22} {one['camera_id'] or 'all':12} {told:12} {advice}"
        )
    if out is not None:
        typer.echo(f"{found['pictures_written']} pictures written to {out}")


@app.command()
def train(
    name: Annotated[str, typer.Argument(help="a folder of detectors/models/ with a recipe.yml")],
    photographs: Annotated[Path, typer.Option(exists=True, help="folder of the recipe's photograph sets")],
    out: Annotated[
        Path | None, typer.Option(help="working folder; default: vision/training/<name> in the data folder")
    ] = None,
    begin: Annotated[
        str,
        typer.Option("--from", help="weights to go on from: a name or a .pt file; default: random"),
    ] = "",
    epochs: Annotated[int | None, typer.Option(min=1, help="of every stage at most, for a trial")] = None,
    threads: Annotated[int, typer.Option(min=1)] = 2,
) -> None:
    """Train a detector's network; started again, it goes on after its last epoch. Takes hours.

    Example: citybrain vision train garbage_street --photographs ~/photographs
    """
    from citybrain.settings import get_settings
    from citybrain.vision.environment import interpreter

    settings = get_settings()
    recipe = settings.detectors_dir / "models" / name / "recipe.yml"
    if not recipe.is_file():
        typer.echo(f"{recipe} is missing: it says what to train", err=True)
        raise typer.Exit(2)
    folder = (out or settings.data_dir / "vision" / "training" / name).absolute()
    command = [
        *(str(interpreter(settings)), "-m", "citybrain.vision.training", "train"),
        *("--recipe", str(recipe), "--photographs", str(photographs.absolute()), "--out", str(folder)),
        *("--threads", str(threads)),
        *(("--from", begin) if begin else ()),
        *(("--epochs", str(epochs)) if epochs else ()),
    ]
    # In place of this process: a signal meant for the training reaches it.
    os.execv(command[0], command)  # noqa: S606 - our own interpreter, no shell


def _chosen(detector_id: str) -> "tuple[Settings, Detector]":
    from citybrain.settings import get_settings
    from citybrain.vision.active import active_detectors

    settings = get_settings()
    detectors = active_detectors(settings)
    if detector_id not in detectors:
        known = ", ".join(detectors) or "none"
        typer.echo(f"no active detector is called {detector_id}; active are {known}", err=True)
        raise typer.Exit(2)
    return settings, detectors[detector_id]


def _due_at(detector: "Detector", at: str | None) -> datetime:
    from citybrain.vision.timetable import CITY_TIME, newest_tick

    if at is None:
        return newest_tick(detector.schedule, datetime.now(UTC))
    try:
        moment = datetime.fromisoformat(at)
    except ValueError as error:
        raise typer.BadParameter(f"{at!r} is not an ISO 8601 time such as 2026-03-01T08:00") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=CITY_TIME)


def _planned(
    settings: "Settings", detector: "Detector", due_at: datetime, cameras: list[str]
) -> dict[str, Any]:
    from citybrain.settings import DatabaseRole
    from citybrain.vision.patrol import plan_sweep
    from citybrain.warehouse.connection import connect

    with connect(settings, DatabaseRole.WATCHER) as city:
        planned = plan_sweep(city, detector, due_at, cameras)
    return {
        "detector": planned.detector,
        "due_at": due_at.isoformat(),
        "would_look_at": planned.cameras,
        "without_zone": planned.without_zone,
        "unknown": planned.unknown,
    }


def _tell(found: dict[str, Any], as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False, indent=2, default=str))
        return
    for name, value in found.items():
        listed = ", ".join(map(str, value)) or "none" if isinstance(value, list) else value
        typer.echo(f"{name}: {listed}")
