"""`citybrain hotline …`: read the free text of tickets, and say how well it is read."""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from citybrain.reading import Bars

app = typer.Typer(
    help="Hotline tickets: what they are about, where, and which belong together.", no_args_is_help=True
)
console = Console(stderr=True, highlight=False)

Json = Annotated[bool, typer.Option("--json", help="the result as JSON on standard output")]
PLACE_BAR, CLASS_BAR, DUPLICATE_BAR = 0.90, 0.80, 0.80


@app.command(epilog="Example: citybrain hotline read --json")
def read(as_json: Json = False) -> None:
    """Read the tickets nobody read yet, or all of them when the reader or the registers of places changed."""
    from citybrain.reading import read_tickets
    from citybrain.settings import get_settings

    report = read_tickets(get_settings())
    if as_json:
        typer.echo(json.dumps(asdict(report)))
        return
    console.print(
        f"reader {report.version}: {report.read} tickets of {report.batches} batches,"
        f" {report.seconds:.1f} s,"
        f" {report.undecided} without a place, {report.regrouped} others regrouped",
        soft_wrap=True,
    )


@app.command(epilog="Example: citybrain hotline score --held-out --json")
def score(
    held_out: Annotated[
        bool, typer.Option("--held-out", help="the held-out tickets alone; needs no database")
    ] = False,
    as_json: Json = False,
) -> None:
    """Right places, F1 over classes and over pairs of duplicates. Exit code 1 when a bar is missed."""
    bars = {"held_out": _held_out()}
    if not held_out and (demo := _demo_city()) is not None:
        bars["demo_city"] = demo
    if as_json:
        typer.echo(json.dumps({name: asdict(found) for name, found in bars.items()}))
    else:
        _print(bars)
    found = bars["held_out"]
    met = (found.right_place >= PLACE_BAR, found.class_f1 >= CLASS_BAR, found.duplicate_f1 >= DUPLICATE_BAR)
    raise typer.Exit(0 if all(met) else 1)


def _held_out() -> "Bars":
    """The shipped divisions and places, read in words that the reader never saw."""
    from citybrain.reading import Reader
    from citybrain.reading import score as score_readings
    from citybrain.simulate import held_out_registers, held_out_tickets

    villages, places = held_out_registers()
    tickets, truths = held_out_tickets(seed=1)
    return score_readings(Reader(villages, places).read(tickets), truths)


def _demo_city() -> "Bars | None":
    """What was read in the demo city's tickets, or None while there is none."""
    from citybrain.reading import known_readings
    from citybrain.reading import score as score_readings
    from citybrain.settings import get_settings
    from citybrain.simulate import hotline_truths, read_ledger

    settings = get_settings()
    ledger = read_ledger(settings)
    readings = list(known_readings(settings))
    if ledger is None or not readings:
        return None
    return score_readings(readings, hotline_truths(ledger))


def _print(bars: "dict[str, Bars]") -> None:
    table = Table(
        "", "tickets", "right place", "wrong place", "class F1", "duplicate F1", "precision", "recall"
    )
    for name, found in bars.items():
        shares = list(asdict(found).values())[1:]
        table.add_row(name, str(found.tickets), *(f"{share:.3f}" for share in shares))
    table.add_row("bar", "", f"{PLACE_BAR:.2f}", "", f"{CLASS_BAR:.2f}", f"{DUPLICATE_BAR:.2f}", "", "")
    Console().print(table)
