"""Measuring as a command: loads the networks, prints the table, writes the JSON."""

import json
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

from rich.console import Console
from rich.table import Table

from citybrain.vision.eyes import Eyes
from citybrain.vision.training.measure import Referee, Result, Yards, as_json, measure
from citybrain.vision.training.recipe import Recipe
from citybrain.vision.weights import Weights

REFEREE_IMGSZ = 640


def measure_and_print(
    recipe: Recipe,
    networks: dict[str, str],
    sizes: Sequence[int],
    photographs: Path,
    video: Path | None,
    yards: tuple[int, int, int],
    least_score: float,
    threads: int,
    out: Path,
    referee: Path | None,
    without: str,
) -> None:
    """`networks`: weights files by name; `yards`: how many empty, parked and blocked ones; `without`: the set
    and split that `referee`, weights of a better network, picks pictures with nothing to find from.
    """
    loaded = {
        f"{name}@{imgsz}": _eyes(name, Path(file), imgsz, threads)
        for name, file in networks.items()
        for imgsz in sizes
    }
    judge = None
    if referee is not None:
        folder, _, part = without.partition("/")
        judge = Referee(_eyes(referee.stem, referee, REFEREE_IMGSZ, threads), photographs / folder, part)
    results = measure(
        loaded, recipe, photographs, video, Yards(*yards, processes=threads), least_score, judge
    )
    out.write_text(
        json.dumps({"least_score": least_score, "results": as_json(results)}, indent=1) + "\n",
        encoding="utf-8",
    )
    _print(results)


def _eyes(name: str, path: Path, imgsz: int, threads: int) -> Eyes:
    weights = Weights(name, path, "folder", sha256(path.read_bytes()).hexdigest())
    return Eyes(weights, imgsz, threads=threads)


def _print(results: Sequence[Result]) -> None:
    table = Table("measured on", "kind", "pictures", "network", "figures")
    for result in sorted(results, key=lambda result: (result.kind, result.measured_on)):
        figures = "  ".join(f"{name} {value:.3f}" for name, value in result.figures.items())
        table.add_row(result.measured_on, result.kind, str(result.pictures), result.network, figures)
    Console(width=200).print(table)
