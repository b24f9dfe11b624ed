"""`citybrain bi …`: dashboards as files."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

app = typer.Typer(help="Dashboards: check the files, compare, apply, query every chart, render every tab.")

Json = Annotated[bool, typer.Option("--json", help="the result as JSON, for scripts")]


@contextmanager
def _reported() -> Iterator[None]:
    """Errors that people can act on, without a traceback."""
    from citybrain.bi.client import SupersetError
    from citybrain.bi.render import RenderError
    from citybrain.catalogue import ContentError

    try:
        yield
    except (ContentError, SupersetError, RenderError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error


@contextmanager
def _progress(as_json: bool) -> Iterator[Callable[[str], None]]:
    """A line that tells what is being done; nothing when the output is for scripts."""
    if as_json:
        yield lambda _: None
        return
    from rich.console import Console

    with Console(stderr=True).status("…") as status:
        yield status.update


def _print(result: dict[str, Any], as_json: bool, text: str) -> None:
    typer.echo(json.dumps(result, ensure_ascii=False, indent=2, default=str) if as_json else text)


@app.command()
def validate(as_json: Json = False) -> None:
    """Check the files against the marts that dbt declares. Needs no server."""
    from citybrain.bi.edition import read_edition
    from citybrain.settings import get_settings

    with _reported():
        edition = read_edition(get_settings())
    bundle = edition.bundle
    counts = {
        "dashboards": len(edition.content.scenarios),
        "charts": len(bundle.charts),
        "datasets": len(bundle.datasets),
        "sha256": bundle.sha256,
    }
    _print(counts, as_json, f"ok: {counts['dashboards']} dashboards, {counts['charts']} charts")


@app.command()
def sql(
    scenario: Annotated[str, typer.Argument(help="slug of the dashboard, e.g. air_quality")],
    tile: Annotated[str | None, typer.Argument(help="one tile; all when left out")] = None,
) -> None:
    """Print the SQL behind a figure: how it is computed."""
    from citybrain.bi.content import load_dashboards
    from citybrain.bi.statement import statement
    from citybrain.settings import get_settings

    with _reported():
        content = load_dashboards(get_settings())
    if scenario not in content.scenarios:
        typer.echo(f"no dashboard {scenario}; there are {', '.join(content.scenarios)}", err=True)
        raise typer.Exit(2)
    for item in content.scenarios[scenario].data_tiles:
        if tile in (None, item.id):
            typer.echo(f"-- {item.id}: {item.title}\n{statement(item, content)};\n")


@app.command()
def uses(
    mart: Annotated[str, typer.Argument(help="e.g. mart_air_quality_now")],
    column: Annotated[str | None, typer.Argument(help="a column of it; every tile when left out")] = None,
) -> None:
    """Which tiles read a mart, or one column of it: look before you rename."""
    from citybrain.bi.content import load_dashboards
    from citybrain.bi.exposures import tiles_of
    from citybrain.settings import get_settings

    with _reported():
        content = load_dashboards(get_settings())
    if mart not in content.marts or column not in (None, *content.marts[mart].columns):
        typer.echo(f"dbt declares no {mart}{'' if column is None else '.' + column}", err=True)
        raise typer.Exit(2)
    for tile in tiles_of(content, mart, column):
        typer.echo(tile)


@app.command()
def exposures(
    write: Annotated[bool, typer.Option("--write", help="into dbt_project/models/exposures.yml")] = False,
) -> None:
    """The dbt exposures of all dashboards, made from their files."""
    from citybrain.bi.content import load_dashboards
    from citybrain.bi.exposures import exposures_file, exposures_text
    from citybrain.settings import get_settings

    settings = get_settings()
    with _reported():
        text = exposures_text(load_dashboards(settings))
    if write:
        exposures_file(settings).write_text(text, encoding="utf-8")
    else:
        typer.echo(text, nl=False)


@app.command()
def plan(as_json: Json = False) -> None:
    """What an apply would create, change and delete. Exit code 2 when there is anything."""
    from citybrain.bi.client import connect
    from citybrain.bi.drift import compare
    from citybrain.bi.edition import read_edition
    from citybrain.settings import get_settings

    settings = get_settings()
    with _reported():
        found = compare(connect(settings), read_edition(settings))
    lines = [
        *(f"+ {path}" for path in found.create),
        *(f"~ {path}" for path in found.change),
        *(f"- {name}" for name in found.delete),
    ]
    _print(asdict(found), as_json, "\n".join(lines) or "Superset shows what the files say")
    raise typer.Exit(0 if found.clean else 2)


@app.command()
def apply(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="the same as `citybrain bi plan`")] = False,
    as_json: Json = False,
) -> None:
    """Make the running Superset show what the files say. Safe to repeat."""
    from citybrain.bi.edition import read_edition
    from citybrain.bi.provision import apply as provision
    from citybrain.settings import get_settings

    if dry_run:
        plan(as_json)
        return
    settings = get_settings()
    with _reported(), _progress(as_json) as progress:
        report = provision(settings, read_edition(settings), progress)
    text = (
        f"{report.dashboards} dashboards, {report.charts} charts, "
        f"{report.datasets} datasets, {report.themes} themes, {report.roles} roles; "
        f"{len(report.pruned)} pruned"
    )
    _print(asdict(report), as_json, text)


@app.command()
def verify(as_json: Json = False) -> None:
    """Run every chart's query through Superset. Exit code 1 when one has no answer."""
    from citybrain.bi.edition import read_edition
    from citybrain.bi.verification import VerifyError
    from citybrain.bi.verification import verify as query
    from citybrain.settings import get_settings

    settings = get_settings()
    with _reported(), _progress(as_json) as progress:
        try:
            report = query(settings, read_edition(settings).bundle.charts, progress)
        except VerifyError as error:
            report = error.report
    lines = [f"{report.charts} charts, {report.rows} rows"]
    lines += [f"no rows: {name}" for name in report.empty] + [f"error: {line}" for line in report.errors]
    _print(asdict(report), as_json, "\n".join(lines))
    raise typer.Exit(1 if report.errors else 0)


@app.command()
def render(
    folder: Annotated[
        Path | None, typer.Option(help="where the pictures go; default <home>/data/renders")
    ] = None,
    only: Annotated[list[str] | None, typer.Option(help="slug of a dashboard; may be given again")] = None,
    changed: Annotated[
        bool, typer.Option("--changed", help="dashboards whose files changed since their last picture")
    ] = False,
    as_json: Json = False,
) -> None:
    """Draw every tab in Chromium, keep the picture. Exit code 1 when a data call fails or an alert shows."""
    from citybrain.bi.edition import read_edition
    from citybrain.bi.render import changed_since_drawn, note_drawn
    from citybrain.bi.render import render as draw
    from citybrain.settings import get_settings

    settings = get_settings()
    where = folder or settings.data_dir / "renders"
    with _reported(), _progress(as_json) as progress:
        edition = read_edition(settings)
        slugs = only or list(edition.content.scenarios)
        if unknown := set(slugs) - set(edition.content.scenarios):
            typer.echo(f"no dashboard {', '.join(sorted(unknown))}", err=True)
            raise typer.Exit(2)
        if changed:
            slugs = [slug for slug in slugs if slug in changed_since_drawn(edition.bundle, where)]
        pictures = draw(settings, edition.content, where, slugs, progress)
        failed = {picture.dashboard for picture in pictures if picture.errors}
        if pictures:
            note_drawn(edition.bundle, where, set(slugs) - failed)
    lines = []
    for picture in pictures:
        lines.append(f"{picture.path} {picture.seconds} s, {picture.data_calls} data calls")
        lines += [f"  empty: {text}" for text in picture.empty] + [
            f"  error: {text}" for text in picture.errors
        ]
    _print({"tabs": [asdict(picture) for picture in pictures]}, as_json, "\n".join(lines))
    raise typer.Exit(1 if any(picture.errors for picture in pictures) else 0)
