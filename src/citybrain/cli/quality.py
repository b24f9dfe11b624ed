"""`citybrain expectations …`: look at and check what deliveries are judged by."""

import json
from typing import Annotated, Any

import typer

app = typer.Typer(help="Expectations of the datasets: rules, cards, runbooks.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="print JSON for scripts")]


@app.command()
def validate() -> None:
    """Check every file of expectations/ against the datasets; name file, line and reason of each fault."""
    from rich.console import Console

    from citybrain.catalogue import ContentError, load_datasets
    from citybrain.quality import gate_order
    from citybrain.quality.expectations_file import expectations_path, load_expectations_file, stray_files
    from citybrain.settings import get_settings

    settings = get_settings()
    console = Console(stderr=True, highlight=False)
    try:
        datasets = load_datasets(settings)
    except ContentError as error:
        console.print(str(error), markup=False)
        raise typer.Exit(1) from None
    faults, found = [str(error) for error in stray_files(settings, datasets)], {}
    for name in datasets:
        try:
            found[name] = load_expectations_file(expectations_path(settings, name), datasets)
        except ContentError as error:
            faults.append(str(error))
    try:
        gate_order(found)
    except ValueError as error:
        faults.append(f"{settings.expectations_dir}: {error}")
    if faults:
        console.print("\n".join(faults), markup=False, soft_wrap=True)
        raise typer.Exit(1)
    rules = sum(len(expectations.file.rules) for expectations in found.values())
    typer.echo(f"{len(found)} 个数据集，{rules} 条规则，没有错误")


@app.command("list")
def list_datasets(as_json: AsJson = False) -> None:
    """The datasets with their owners and how many rules judge them."""
    from citybrain.quality import load_expectations
    from citybrain.settings import get_settings

    rows = [
        {
            "dataset": name,
            "title": found.dataset.title.zh,
            "owner": found.file.owner,
            "row_rules": len(list(found.row_rules_by_column())),
            "batch_rules": len(found.batch_rules),
        }
        for name, found in load_expectations(get_settings()).items()
    ]
    if as_json:
        typer.echo(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    _print_table(["数据集", "名称", "责任部门", "行规则", "批规则"], [list(row.values()) for row in rows])


@app.command()
def show(dataset: str, as_json: AsJson = False) -> None:
    """The rules of one dataset in plain Chinese."""
    from citybrain.catalogue import ContentError
    from citybrain.quality import expectations_for
    from citybrain.quality.wording import rule_zh

    try:
        found = expectations_for(dataset)
    except ContentError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
    rows = [
        {
            "id": rule.id,
            "kind": rule.kind,
            "rule": rule_zh(rule, [found.dataset.column(name) for name in rule.column_names]),
            "why": rule.why.zh,
        }
        for rule in found.file.rules
    ]
    if as_json:
        typer.echo(
            json.dumps(
                {**found.file.model_dump(include={"owner", "runbook"}), "rules": rows},
                ensure_ascii=False,
                indent=2,
            )
        )
        return
    typer.echo(
        f"{found.dataset.title.zh}（{dataset}），责任部门 {found.file.owner}\n处理办法：{found.file.runbook}"
    )
    _print_table(["规则", "要求与处置", "缘由"], [[row["id"], row["rule"], row["why"]] for row in rows])


@app.command()
def schema() -> None:
    """The JSON Schema of an expectations file, for editors."""
    from citybrain.quality import ExpectationsFile

    typer.echo(json.dumps(ExpectationsFile.model_json_schema(), ensure_ascii=False, indent=2))


def _print_table(headers: list[str], rows: list[list[Any]]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table()
    for header in headers:
        table.add_column(header, overflow="fold")  # Chinese has no blanks to break lines at
    for row in rows:
        table.add_row(*(str(cell) for cell in row))
    Console().print(table)
