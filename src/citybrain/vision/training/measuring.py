"""Measuring as a command: loads the networks, prints the table, writes the JSON."""

import json
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

from rich.console import Console
from rich.table import Table

from citybrain.vision.eyes import Eyes
from citybrain.vision.training.measure import Result, Yards, as_json, measure
from citybrain.vision.training.recipe import Recipe
from citybrain.vision.weights import Weights


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
) -> None:
    """`networks`: weights files by name; `yards`: how many empty, parked and blocked ones."""
    loaded = {}
    for name, file in networks.items():
        path = Path(file)
        weights = Weights(name, path, "folder", sha256(path.read_bytes()).hexdigest())
        for imgsz in sizes:
            loaded[f"{name}@{imgsz}"] = Eyes(weights, imgsz, threads=threads)
    results = measure(loaded, recipe, photographs, video, Yards(*yards, processes=threads), least_score)
    out.write_text(
        json.dumps({"least_score": least_score, "results": as_json(results)}, indent=1) + "\n",
        encoding="utf-8",
    )
    _print(results)


def _print(results: Sequence[Result]) -> None:
    table = Table("measured on", "kind", "pictures", "network", "figures")
    for result in sorted(results, key=lambda result: (result.kind, result.measured_on)):
        figures = "  ".join(f"{name} {value:.3f}" for name, value in result.figures.items())
        table.add_row(result.measured_on, result.kind, str(result.pictures), result.network, figures)
    Console(width=200).print(table)
