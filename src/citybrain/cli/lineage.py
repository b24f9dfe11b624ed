"""`citybrain lineage`: a figure on a screen, walked back to the bytes that made it."""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape

from citybrain.settings import get_settings

if TYPE_CHECKING:
    from citybrain.warehouse.lineage import Trail

app = typer.Typer()
Json = Annotated[bool, typer.Option("--json", help="print JSON")]


@app.command()
def lineage(
    mart: Annotated[str, typer.Argument(help="a table of schema marts, e.g. mart_air_quality")],
    key: Annotated[list[str], typer.Argument(metavar="COLUMN=VALUE...", help="what picks the row")],
    verify: Annotated[bool, typer.Option("--verify", help="fetch each object and check its hash")] = False,
    as_json: Json = False,
) -> None:
    """Which deliveries, objects and lines stand behind a row of a mart.

    Example: citybrain lineage mart_air_quality station_code=2311A day=2026-03-01
    """
    from citybrain.warehouse.lineage import LineageError, trace

    pairs = [part.partition("=") for part in key]
    if wrong := [name for name, equals, _ in pairs if not equals]:
        raise typer.BadParameter(f"write COLUMN=VALUE, not {wrong[0]!r}")
    settings, console = get_settings(), Console(highlight=False)
    try:
        origins = trace(settings, mart, {name: value for name, _, value in pairs})
    except LineageError as error:
        Console(stderr=True, highlight=False).print(f"[red]{escape(str(error))}[/]")
        raise typer.Exit(2) from error
    if as_json:
        typer.echo(json.dumps([asdict(origin) for origin in origins], default=str, ensure_ascii=False))
        return
    for origin in origins:
        picked = ", ".join(f"{name}={value}" for name, value in origin.picked_by.items()) or "all of it"
        console.print(f"[bold]{origin.dataset}[/]: {escape(picked)}, {origin.objects} objects")
        for trail in origin.trails:
            lines = ", ".join(map(str, trail.lines))
            console.print(
                f"  landing/{escape(trail.object_key)}\n"
                f"    delivered as {escape(trail.source_name)}, batch {trail.batch_id},"
                f" landed {trail.landed_at:%Y-%m-%d %H:%M}, {trail.rows:,} rows, lines {lines}"
            )
    if verify:
        console.print(f"{_verify([t for o in origins for t in o.trails])} objects fetched, every hash right")


def _verify(trails: "list[Trail]") -> int:
    """Raises LakeError when an object is missing or not what its manifest row says."""
    from citybrain.lake import download, spool_folder

    settings = get_settings()
    with spool_folder(settings) as folder:
        for number, trail in enumerate(trails):
            path = folder / str(number)
            download(settings, "landing", trail.object_key, path, trail.sha256)
            path.unlink()
    return len(trails)
