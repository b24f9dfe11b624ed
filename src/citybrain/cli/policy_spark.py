"""`citybrain policy spark`: the same rules on Spark, over the published facts."""

import tempfile
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from citybrain.settings import Settings

if TYPE_CHECKING:
    from citybrain.policy.spark_match import SparkItem


def spark(
    out: Annotated[str | None, typer.Option(help="folder or address for the rows, as Parquet")] = None,
    facts: Annotated[
        str | None,
        typer.Option(
            help="Parquet (a path or address) or table of the published facts; default: the city's own"
        ),
    ] = None,
    item: Annotated[
        list[str] | None, typer.Option(help="id of an item, may be given again; default all")
    ] = None,
    on: Annotated[datetime | None, typer.Option("--on", formats=["%Y-%m-%d"], help="default today")] = None,
    master: Annotated[str, typer.Option(help="where Spark runs: local[2], spark://…, yarn")] = "local[2]",
    with_sql: Annotated[
        bool, typer.Option("--sql", help="only print the statements; needs neither Spark nor Java")
    ] = False,
) -> None:
    """Match items on Spark: statuses, masks and money, row for row as PostgreSQL finds them."""
    from citybrain.catalogue import ContentError
    from citybrain.policy import load_policies
    from citybrain.policy.facts import load_facts
    from citybrain.policy.spark_match import SparkMissingError, match_on_spark, spark_session, use_facts
    from citybrain.policy.spark_sql import spark_statement
    from citybrain.settings import get_settings

    settings = get_settings()
    day = (on or datetime.now().astimezone()).date()
    try:
        policies = [one for one in load_policies(settings) if not item or one.item.id in item]
        catalogue = load_facts(settings)
    except ContentError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from error
    rules = [(one.item.id, rule) for one in policies if (rule := one.rule_on(day)) is not None]
    if not rules:
        typer.echo(f"no such item holds on {day}", err=True)
        raise typer.Exit(2)
    if with_sql:
        for item_id, rule in rules:
            typer.echo(f"-- {item_id}\n{spark_statement(rule, day)};")
        return
    if out is None:
        raise typer.BadParameter("say where the rows go", param_hint="--out")

    def show(found: "SparkItem") -> None:
        typer.echo(
            f"{found.item_id:<24} {found.eligible:>8} eligible {found.needs_data:>8} lack data"
            f" {found.near:>6} near"
        )

    try:
        with tempfile.TemporaryDirectory() as folder, spark_session(master) as session:
            use_facts(session, catalogue, facts or published_facts(settings, Path(folder)))
            match_on_spark(session, rules, day, out, show)
    except SparkMissingError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from error


def published_facts(settings: Settings, folder: Path) -> str:
    """The city's published facts, copied out of the lake for a Spark without a catalog. Their address."""
    import pyarrow.parquet as parquet

    from citybrain.policy.spark_sql import FACTS_TABLE
    from citybrain.sharing import NAMESPACE, open_catalog, share_marts

    share_marts(settings, [FACTS_TABLE])
    path = folder / f"{FACTS_TABLE}.parquet"
    table = open_catalog(settings).load_table((NAMESPACE, FACTS_TABLE))
    parquet.write_table(table.scan().to_arrow(), path)
    return str(path)
