"""`citybrain settings`: every setting, its default, what it is set to; the reference page is made from it."""

import json
from collections.abc import Iterator
from typing import Annotated, Any

import typer
from pydantic import SecretStr
from pydantic.fields import FieldInfo

from citybrain.settings import Settings, get_settings

app = typer.Typer()


def _default(field: FieldInfo) -> str:
    if field.default_factory is not None:
        if field.annotation is not None and field.alias is None and _is_path(field):
            return "the checkout"
        return "{}" if field.default_factory is dict else "[]"
    return "" if field.default in (None, "") else str(field.default)


def _is_path(field: FieldInfo) -> bool:
    return getattr(field.annotation, "__name__", "") == "Path"


def reference() -> Iterator[tuple[str, str, str]]:
    """(environment variable, default, meaning) of each setting, in the order of the settings class."""
    for name, field in Settings.model_fields.items():
        yield f"CITYBRAIN_{name.upper()}", _default(field), field.description or name.replace("_", " ")


def markdown() -> str:
    """The page docs/reference/settings.md."""
    rows = [
        f"| `{variable}` | {f'`{default}`' if default else ''} | {meaning} |"
        for variable, default, meaning in reference()
    ]
    head = [
        "# Settings",
        "",
        "Each is an environment variable, or a line of `.env` beside the project. Lists, objects: JSON.",
        "This page is printed by `citybrain settings --markdown`; a test holds it equal to the code.",
        "",
        "Any generated secret can be brought along instead: `CITYBRAIN_<NAME>`, where `<name>` is its file",
        "below `.citybrain/secrets/`.",
        "",
        "| variable | default | meaning |",
        "|---|---|---|",
    ]
    return "\n".join([*head, *rows, ""])


def _shown(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _shown(part) for name, part in value.items()}
    return "set" if isinstance(value, SecretStr) else value


@app.command()
def settings(
    as_markdown: Annotated[bool, typer.Option("--markdown", help="the reference page")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="what is set, for scripts")] = False,
) -> None:
    """What every setting is set to. Secrets are never shown."""
    if as_markdown:
        typer.echo(markdown(), nl=False)
        return
    current = get_settings()
    values = {f"CITYBRAIN_{name.upper()}": _shown(getattr(current, name)) for name in Settings.model_fields}
    if as_json:
        typer.echo(json.dumps(values, default=str, indent=2))
        return
    for variable, value in values.items():
        typer.echo(f"{variable}={'' if value is None else value}")
