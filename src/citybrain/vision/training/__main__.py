"""`python -m citybrain.vision.training …` in the vision environment: gather, train, ship, measure."""

from pathlib import Path
from typing import Annotated

import typer

from citybrain.vision.training.recipe import load_recipe

app = typer.Typer(help="Train a detector from its recipe, measure it, ship its weights.", no_args_is_help=True)

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
    minutes: Annotated[float | None, typer.Option(help="default: the recipe's")] = None,
    threads: Annotated[int, typer.Option(min=1)] = 2,
) -> None:
    """Train on `<out>/data`; started again, it goes on where it was broken off."""
    from citybrain.vision.training.train import train as train_network

    out = out.absolute()
    print(train_network(load_recipe(recipe), out / "data" / "data.yaml", out, minutes, threads))  # noqa: T201


if __name__ == "__main__":
    app()
