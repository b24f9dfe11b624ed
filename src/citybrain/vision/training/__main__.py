"""`python -m citybrain.vision.training …` in the vision environment: gather, train, ship, measure …"""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from citybrain.settings import get_settings
from citybrain.vision.training.recipe import load_recipe

app = typer.Typer(
    help="Train a detector from its recipe, measure it, ship its weights.", no_args_is_help=True
)

RecipeFile = Annotated[Path, typer.Option("--recipe", exists=True, help="recipe.yml of the detector")]
Photographs = Annotated[Path, typer.Option(exists=True, help="folder of the recipe's photograph sets")]
Processes = Annotated[int, typer.Option(min=1, help="that draw scenes side by side")]
Out = Annotated[Path, typer.Option("--out", help="working folder: data, checkpoints, log")]


@app.command()
def gather(recipe: RecipeFile, photographs: Photographs, out: Out, processes: Processes = 2) -> None:
    """Collect photographs and rendered scenes into `<out>/data`."""
    from citybrain.vision.training.gather import gather as gather_data

    gather_data(load_recipe(recipe), photographs, out.absolute() / "data", processes)


@app.command()
def train(
    recipe: RecipeFile,
    out: Out,
    photographs: Annotated[
        Path | None, typer.Option(exists=True, help="gather from here first, unless that is done")
    ] = None,
    begin: Annotated[
        str, typer.Option("--from", help="weights to go on from, a name or a .pt file; default: random")
    ] = "",
    epochs: Annotated[int | None, typer.Option(min=1, help="of every stage at most, for a trial")] = None,
    threads: Annotated[int, typer.Option(min=1)] = 2,
) -> None:
    """Train on `<out>/data`; started again, it goes on where it was broken off."""
    from citybrain.vision.training.gather import gather as gather_data
    from citybrain.vision.training.gather import is_gathered
    from citybrain.vision.training.train import train as train_network
    from citybrain.vision.weights import named_or_file

    out, chosen = out.absolute(), load_recipe(recipe)
    start = named_or_file(get_settings(), begin) if begin else None
    if photographs is not None and not is_gathered(chosen, out / "data"):
        gather_data(chosen, photographs, out / "data", threads)
    print(train_network(chosen, out / "data" / "data.yaml", out, threads, start, epochs))  # noqa: T201


@app.command()
def ship(
    checkpoint: Annotated[Path, typer.Option(exists=True, help="of a finished run: run/weights/last.pt")],
    weights: Annotated[Path, typer.Option(help="detectors/models/<name>/weights.pt")],
) -> None:
    """Write the weights of a checkpoint: half precision, no optimiser, no paths of this machine."""
    from citybrain.vision.training.ship import ship as ship_weights

    ship_weights(checkpoint, weights)


@app.command()
def quantise(
    recipe: RecipeFile,
    photographs: Photographs,
    data: Annotated[Path, typer.Option(exists=True, help="the data that was gathered: <out>/data")],
    weights: Annotated[Path, typer.Option(exists=True, help="a .pt file; the result lies beside it")],
    imgsz: Annotated[int, typer.Option(help="size that detectors look at, longer side in pixels")],
    most_lost: Annotated[
        float, typer.Option(min=0, max=1, help="AP50 that may be lost at most on a set of test photographs")
    ] = 0.01,
    threads: Annotated[int, typer.Option(min=1)] = 2,
) -> None:
    """Make the weights' network in eight bits, quicker on processors without a matrix unit.

    Exit code 1, and no file, when it sees worse than `--most-lost` allows.
    """
    from citybrain.vision.training.quantising import quantise_and_compare

    chosen = load_recipe(recipe)
    kept = quantise_and_compare(chosen, data, photographs, weights, imgsz, most_lost, threads)
    raise typer.Exit(0 if kept else 1)


@app.command()
def publish(
    name: Annotated[str, typer.Option(help="the name detectors ask for")],
    weights: Annotated[Path, typer.Option(exists=True)],
) -> None:
    """Put weights into the bucket `models`, where workers look first; they use them after a restart. A
    network in eight bits beside them goes along.
    """
    from citybrain.vision.weights import publish as publish_weights

    print(publish_weights(get_settings(), name, weights, datetime.now(UTC)))  # noqa: T201


@app.command()
def measure(
    recipe: RecipeFile,
    photographs: Photographs,
    network: Annotated[list[str], typer.Option(help="name=file.pt; several are shown side by side")],
    imgsz: Annotated[list[int], typer.Option(help="sizes to look at, longer side in pixels")],
    out: Annotated[Path, typer.Option(help="the results as JSON")],
    video: Annotated[Path | None, typer.Option(exists=True, help="a street, unlabelled")] = None,
    least_score: Annotated[float, typer.Option(min=0.05, max=1)] = 0.35,
    empty: Annotated[int, typer.Option(help="rendered empty yards")] = 500,
    parked: Annotated[
        int, typer.Option(help="rendered yards with an empty lane beside parked vehicles")
    ] = 200,
    blocked: Annotated[int, typer.Option(help="rendered yards with a blocked lane")] = 200,
    threads: Annotated[int, typer.Option(min=1)] = 2,
    referee: Annotated[
        Path | None,
        typer.Option(
            exists=True, help="weights of a better network, which picks pictures with nothing to find"
        ),
    ] = None,
    without: Annotated[str, typer.Option(help="set/split that the referee picks from")] = "",
) -> None:
    """Recall, precision, AP50 and false alarms, of several networks beside each other."""
    from citybrain.vision.training.measuring import measure_and_print

    measure_and_print(
        load_recipe(recipe),
        dict(part.split("=", 1) for part in network),
        imgsz,
        photographs,
        video,
        (empty, parked, blocked),
        least_score,
        threads,
        out,
        referee,
        without,
    )


if __name__ == "__main__":
    app()
