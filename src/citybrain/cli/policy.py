"""`citybrain policy …`: check items, match enterprises, explain, compare and replay."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from citybrain.cli.policy_spark import spark

if TYPE_CHECKING:
    from citybrain.policy import Policy
    from citybrain.policy.passes import ItemCount
    from citybrain.policy.run_report import MatchReport

app = typer.Typer(help="Policies: items in YAML, matched with enterprises in SQL.", no_args_is_help=True)
app.command("spark", epilog="Example: citybrain policy spark --out /data/found --on 2026-06-30")(spark)
console = Console(stderr=True, highlight=False)
MARKS = {True: "green", False: "red", None: "yellow"}

Json = Annotated[bool, typer.Option("--json", help="the result as JSON on standard output")]


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return str(value)
    return value.isoformat() if isinstance(value, date | datetime) else str(value)


def _print_json(value: Any) -> None:
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2, default=_plain))


@contextmanager
def _told() -> Iterator[None]:
    """Faults people can mend become one line and an exit code."""
    from citybrain.catalogue import ContentError
    from citybrain.lake import LakeError
    from citybrain.policy.run_report import MatchError
    from citybrain.policy.snapshot import SnapshotError

    try:
        yield
    except (ContentError, MatchError, SnapshotError, LakeError) as error:
        console.print(f"[red]{error}[/]")
        raise typer.Exit(2) from error


@app.command(epilog="Example: citybrain policy validate --json")
def validate(as_json: Json = False) -> None:
    """Check `policies/` alone: one line a fault, `file:line: reason`. Exit code 1 when there is any."""
    from citybrain.policy.library import examine
    from citybrain.settings import get_settings

    found, counts = examine(get_settings())
    faults = sorted(set(found))
    if as_json:
        told = [{"file": str(path), "line": line, "reason": why} for path, line, why in faults]
        _print_json({**(asdict(counts) if counts else {}), "faults": told})
    elif counts is not None:
        console.print(
            f"{counts.documents} documents ({counts.real_documents} real), {counts.items} items,"
            f" {counts.versions} versions, {counts.distinct_criteria} distinct criteria,"
            f" {counts.facts_used} of {counts.facts} facts used, {counts.not_payable} not payable yet",
            soft_wrap=True,
        )
    for path, line, why in faults:
        console.print(f"[red]{path}:{line}: {why}[/]", soft_wrap=True)
    if not faults:
        console.print("policies: ok")
    raise typer.Exit(1 if faults else 0)


@app.command(epilog="Example: citybrain policy show DEMO-STABLE-JOBS --on 2026-06-01 --sql")
def show(
    item: Annotated[str | None, typer.Argument(help="id of an item; the list when left out")] = None,
    on: Annotated[datetime | None, typer.Option("--on", formats=["%Y-%m-%d"], help="default today")] = None,
    with_sql: Annotated[
        bool, typer.Option("--sql", help="the compiled statement on standard output")
    ] = False,
) -> None:
    """The items of the files, or one item as officers read it."""
    from citybrain.policy import load_policies
    from citybrain.policy.compiler import compile_rule
    from citybrain.policy.wording import CHANNEL_ZH, amount_words, condition_lines, exclusion_words
    from citybrain.settings import get_settings

    day = (on or datetime.now().astimezone()).date()
    with _told():
        policies = {policy.item.id: policy for policy in load_policies(get_settings())}
    if item is None:
        for policy in policies.values():
            rule = policy.rule_on(day)
            state = "not in force" if rule is None else "" if rule.payable else "not payable yet"
            typer.echo(f"{policy.item.id:<22} {policy.document.origin:<9} {state:<15} {policy.item.title}")
        return
    if item not in policies:
        console.print(f"[red]no item is called {item}; there are {', '.join(policies)}[/]")
        raise typer.Exit(2)
    policy = policies[item]
    rule = policy.rule_on(day)
    if rule is None:
        console.print(f"[red]no version of {item} holds on {day}[/]")
        raise typer.Exit(1)
    if with_sql:
        typer.echo(compile_rule(rule, day).sql)
        return
    valid = rule.version.valid
    typer.echo(f"{policy.item.title}（{CHANNEL_ZH[policy.item.channel]}，{policy.document.origin}）")
    typer.echo(f"有效期：{valid.start} 至 {valid.end or '未定'}")
    typer.echo(f"条款：{rule.version.clause}")
    typer.echo(f"来源：{rule.version.source}")
    typer.echo(f"金额：{amount_words(rule)}")
    typer.echo(f"不重复享受：{exclusion_words(rule.version.exclusion)}")
    for note in rule.unconfirmed:
        typer.echo(f"待核定：{note}（核定前不发放）")
    for line in condition_lines(rule):
        typer.echo(line)


@app.command(epilog="Example: citybrain policy test DEMO-STABLE-JOBS")
def test(
    item: Annotated[str | None, typer.Argument(help="id of an item; all when left out")] = None,
    with_edges: Annotated[
        bool, typer.Option("--edges", help="make cases at every limit, too, and change every operator")
    ] = False,
    as_json: Json = False,
) -> None:
    """Run the cases written in the item files. Exit code 1 when one does not hold.

    `--edges` says how many of the changes to operators, nodes and caps the made cases notice.
    """
    from citybrain.policy import load_policies
    from citybrain.policy.facts import load_facts
    from citybrain.policy.library import run_cases
    from citybrain.settings import get_settings

    settings = get_settings()
    with _told():
        facts = load_facts(settings)
        chosen = [policy for policy in load_policies(settings) if item in (None, policy.item.id)]
    results = [result for policy in chosen for result in run_cases(policy, facts)]
    if as_json:
        _print_json({"cases": [asdict(result) for result in results]})
    for result in results:
        mark = "[green]ok[/]  " if result.reason is None else "[red]fail[/]"
        where = "" if result.reason is None else f" {result.path}:{result.line}: {result.reason}"
        console.print(f"{mark} {result.item_id} {result.name}{where}", soft_wrap=True)
    if with_edges:
        from citybrain.policy.mutation import score

        scores = [(policy.item.id, score(rule)) for policy in chosen for rule in policy.rules]
        made = sum(one.made for _, one in scores)
        killed = sum(one.killed for _, one in scores)
        for item_id, one in scores:
            for what in one.survivors:
                console.print(f"[yellow]unnoticed[/] {item_id} {what}", soft_wrap=True)
        console.print(f"{killed} of {made} changes noticed ({killed / made if made else 1:.1%})")
    failed = sum(result.reason is not None for result in results)
    console.print(f"{len(results)} cases, {failed} failed")
    raise typer.Exit(1 if failed or not results else 0)


@app.command(epilog="Examples: citybrain policy match --dry-run; citybrain policy match --as-of 2026-06-30")
def match(
    as_of: Annotated[
        datetime | None,
        typer.Option("--as-of", formats=["%Y-%m-%d"], help="day of the run; default today"),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="count, but write no run (the files are published)")
    ] = False,
    full: Annotated[
        bool, typer.Option("--full", help="match everything, though little changed: proves what stands")
    ] = False,
    as_json: Json = False,
) -> None:
    """Match items with enterprises: what changed since the last run, or everything.

    Nothing changed since the last run: no new run.
    """
    from citybrain.policy.matching import match as run_match
    from citybrain.settings import get_settings

    def show_item(place: int, total: int, count: "ItemCount") -> None:
        console.print(
            f"{place:>3}/{total} {count.item_id:<22} {count.eligible:>7} eligible {count.needs_data:>7}"
            f" lack data {count.near:>5} near {count.seconds:7.3f} s",
            soft_wrap=True,
        )

    with _told():
        report = run_match(get_settings(), as_of.date() if as_of else None, dry_run, show_item, full)
    if as_json:
        _print_json(asdict(report))
    console.print(_summary(report), soft_wrap=True)


def _summary(report: "MatchReport") -> str:
    head = (
        "dry run" if report.run_id is None else f"run {report.run_id}{'' if report.made else ' (unchanged)'}"
    )
    return (
        f"{head} ({report.kind}) as of {report.as_of}: {len(report.items)} items,"
        f" {report.enterprises} enterprises,"
        f" {report.firms_found} firms found, {report.yuan_proposed:,.2f} yuan proposed,"
        f" {report.rows_added} rows new, {report.rows_closed} closed,"
        f" {report.seconds:.2f} s"
    )


@app.command(epilog="Example: citybrain policy survey --on 2026-06-30 --json")
def survey(
    on: Annotated[datetime | None, typer.Option("--on", formats=["%Y-%m-%d"], help="default today")] = None,
    as_json: Json = False,
) -> None:
    """How many enterprises meet the conditions of each published item: a look, no run.

    No reasons, no amounts, and nothing is written; `match --dry-run` works those out.
    """
    from citybrain.policy.survey import survey as look
    from citybrain.settings import get_settings

    with _told():
        found = look(get_settings(), (on or datetime.now().astimezone()).date())
    if as_json:
        _print_json([asdict(reach) for reach in found])
        return
    for reach in found:
        typer.echo(f"{reach.enterprises:>8}  {reach.item_id:<24} {reach.title}")


@app.command(epilog="Example: citybrain policy explain DEMO-STABLE-JOBS 91341602MA0000001X")
def explain(
    item: Annotated[str, typer.Argument(help="id of an item")],
    uscc: Annotated[str, typer.Argument(help="unified social credit code")],
    run: Annotated[int | None, typer.Option("--run", help="number of a run; default the newest")] = None,
    as_json: Json = False,
) -> None:
    """Why an enterprise gets an item or does not, criterion by criterion."""
    from citybrain.policy.explanation import explain as explain_one
    from citybrain.settings import get_settings

    with _told():
        found = explain_one(get_settings(), item, uscc, run)
    if as_json:
        _print_json({**asdict(found), "sentences": [answer.words for answer in found.answers]})
        return
    typer.echo(f"{found.title}  {found.enterprise_name or ''} {found.uscc}")
    amount = f"，测算金额 {found.amount} 元" if found.amount is not None else ""
    typer.echo(f"结论：{found.status_zh}{amount}{'；' + found.proposal if found.proposal else ''}")
    for note in found.unconfirmed:
        typer.echo(f"待核定：{note}（核定前不发放）")
    for answer in found.answers:
        console.print(f"  [{MARKS[answer.met]}]{answer.words}[/]", soft_wrap=True)


@app.command(epilog="Example: citybrain policy diff 3 4")
def diff(
    before: Annotated[int | None, typer.Argument(help="default the run before")] = None,
    after: Annotated[int | None, typer.Argument(help="default the newest run")] = None,
    as_json: Json = False,
) -> None:
    """What two runs propose otherwise: firms gained and lost, amounts changed, yuan."""
    from citybrain.policy.comparison import compare_runs
    from citybrain.settings import get_settings

    with _told():
        changes = compare_runs(get_settings(), before, after)
    if as_json:
        _print_json([asdict(change) for change in changes])
        return
    table = Table("item", "gained", "lost", "changed", "yuan")
    for change in changes:
        table.add_row(
            change.item_id, str(change.gained), str(change.lost), str(change.changed), f"{change.yuan:+,.2f}"
        )
    Console().print(table if changes else "the two runs propose the same")


@app.command(epilog="Example: citybrain policy replay 3")
def replay(
    run: Annotated[int, typer.Argument(help="number of a run")],
    as_json: Json = False,
) -> None:
    """Make a run again from its kept facts and rules. Exit code 1 when the rows differ."""
    from citybrain.policy.replay import replay as replay_run
    from citybrain.settings import get_settings

    with _told():
        found = replay_run(get_settings(), run)
    if as_json:
        _print_json({**asdict(found), "equal": found.equal})
    for item in found.items:
        mark = "[green]equal[/]" if item.lost == item.gained == 0 else "[red]differs[/]"
        console.print(f"{mark} {item.item_id}: {item.rows} rows, {item.lost} lost, {item.gained} gained")
    if not found.same_code:
        console.print("[yellow]the code has changed since that run[/]")
    raise typer.Exit(0 if found.equal else 1)


@app.command(epilog="Example: citybrain policy impact drafts/human_resources/insurance.yml UI-STABLE-2026")
def impact(
    file: Annotated[Path, typer.Argument(help="draft, in a folder named after its department")],
    item: Annotated[str, typer.Argument(help="id of an item of the draft")],
    on: Annotated[datetime | None, typer.Option("--on", formats=["%Y-%m-%d"], help="default today")] = None,
    as_json: Json = False,
) -> None:
    """What a draft would change if it held today: firms, yuan, the fund. Publishes and writes nothing."""
    from citybrain.policy.impact import draft_rule
    from citybrain.policy.impact import impact as simulate
    from citybrain.settings import get_settings

    day = (on or datetime.now().astimezone()).date()
    with _told():
        found = simulate(get_settings(), draft_rule(get_settings(), file, item, day), item, day)
    if as_json:
        _print_json({**asdict(found), "yuan": found.yuan})
        return
    table = Table("county", "before", "after", "gained", "lost", "changed", "yuan")
    for share in (*found.counties, found.total):
        table.add_row(
            share.county_code or "all", str(share.before), str(share.after), str(share.gained),
            str(share.lost), str(share.changed), f"{share.yuan_after - share.yuan_before:+,.2f}",
        )  # fmt: skip
    Console().print(table)
    if found.fund_id is not None:
        typer.echo(f"{found.fund_id}: {found.fund_left:,.2f} yuan left, {found.shortfall:,.2f} short")


@app.command(epilog="Example: citybrain policy gaps --json")
def gaps(as_json: Json = False) -> None:
    """Whose missing column holds up how much money, from the newest run."""
    from citybrain.policy.gaps import data_gaps
    from citybrain.settings import get_settings

    with _told():
        found = data_gaps(get_settings())
    if as_json:
        _print_json([asdict(gap) for gap in found])
        return
    table = Table("department", "fact", "firms", "pairs", "alone", "yuan alone", "estimated", "yuan at most")
    for gap in found:
        table.add_row(
            gap.department, gap.label, str(gap.enterprises), str(gap.pairs), str(gap.alone),
            f"{gap.yuan_alone:,.0f}", f"{gap.yuan_alone_estimated:,.0f}", f"{gap.yuan_at_most:,.0f}",
        )  # fmt: skip
    Console().print(table if found else "nothing is held up by missing data")


@app.command(epilog="Example: citybrain policy anomalies --json")
def anomalies(as_json: Json = False) -> None:
    """Limits with a crowd of enterprises just on the side that pays."""
    from citybrain.policy.anomalies import bunchings
    from citybrain.settings import get_settings

    with _told():
        found = bunchings(get_settings())
    if as_json:
        _print_json([asdict(one) for one in found])
        return
    table = Table("fact", "limit", "met", "missed", "deviations", "items")
    for one in found:
        table.add_row(
            one.label, one.limit, str(one.met), str(one.missed), str(one.deviations), ", ".join(one.items)
        )
    Console().print(table if found else "no limit has a crowd beside it")


@app.command("to-excel", epilog="Example: citybrain policy to-excel DEMO-STABLE-JOBS conditions.xlsx")
def to_excel(
    item: Annotated[str, typer.Argument(help="id of an item")],
    file: Annotated[Path, typer.Argument(help="workbook to write", dir_okay=False)],
) -> None:
    """The conditions of an item as an Excel table."""
    from citybrain.policy.conditions_workbook import write_workbook

    with _told():
        write_workbook(_policy(item), file)


@app.command(
    "from-excel", epilog="Example: citybrain policy from-excel DEMO-STABLE-JOBS conditions.xlsx --dry-run"
)
def from_excel(
    item: Annotated[str, typer.Argument(help="id of an item")],
    file: Annotated[Path, typer.Argument(help="workbook to read", exists=True, dir_okay=False)],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="say what would change, change nothing")] = False,
) -> None:
    """Bring the conditions of an item file in line with its Excel table; refused unless the result loads."""
    from citybrain.policy.conditions_workbook import WorkbookError, read_workbook
    from citybrain.policy.facts import load_facts
    from citybrain.settings import get_settings

    with _told():
        try:
            changes = read_workbook(_policy(item), load_facts(get_settings()), file, dry_run)
        except WorkbookError as error:
            console.print(f"[red]{error}[/]", soft_wrap=True)
            raise typer.Exit(2) from error
    for change in changes:
        typer.echo(
            f"{change.valid_from} {change.criterion_id} {change.column}: {change.before} -> {change.after}"
        )
    typer.echo(f"{len(changes)} changes{' (not made)' if dry_run else ''}")


@app.command(epilog="Example: citybrain policy texts")
def texts(as_json: Json = False) -> None:
    """Publish the files, keep each document's text in the lake and index its words for the public pages."""
    from citybrain.policy.publishing import publish
    from citybrain.policy.texts import keep_texts
    from citybrain.settings import get_settings

    with _told():
        publish(get_settings())
        kept = keep_texts(get_settings())
    if as_json:
        _print_json(asdict(kept))
    console.print(f"{kept.documents} documents, {kept.items} items, {kept.written} texts written anew")


def _policy(item: str) -> "Policy":
    from citybrain.policy import load_policies
    from citybrain.settings import get_settings

    found = next((policy for policy in load_policies(get_settings()) if policy.item.id == item), None)
    if found is None:
        console.print(f"[red]no item is called {item}[/]")
        raise typer.Exit(2)
    return found
