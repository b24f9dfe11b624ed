"""How fast policies are matched: the platform's own run, beside zen-engine and openfisca-core, same items.

    .venv/bin/python benchmarks/policy.py [--enterprises 20000] [--items 1178] [--peer-items 4] [--keep FILE]
    .venv/bin/python benchmarks/policy_growth.py FILE

The items are drawn from templates (four to eight of some hundreds of distinct criteria, six kinds of amount),
written as item files, published and matched by `citybrain.policy.matching.match` itself: three-valued, with
masks, distances and numeric amounts, every row written. 5 % of the facts are missing.

The peers (`pip install zen-engine openfisca-core`; one that is not installed is left out) answer yes or no
over every enterprise and are compared by enterprise-and-item pairs a second: openfisca-core and zen-engine's
one decision table for all items, zen-engine with a decision an item, which is slow, for `--peer-items`.
A missing fact is no. All must find the same eligible pairs, or the run fails. Ratios within one run survive a
change of machine; seconds do not.

A comparison is fair where both begin with the same facts in the same place. They lie in PostgreSQL, so what
counts is "both from the database": openfisca-core's arrays are filled by the same binary COPY, and their
filling is counted as our reading is. Beside it stand both with what each holds in memory once it has read
(arrays there, cells of facts here, which are the fruit of a part of the judging), and ours with the reading
against theirs without. What the items pay is compared line by line, too: openfisca-core counts in float32.

One size a run; `--keep` puts its report into a file of reports, from which `policy_growth.py` makes the table
and the plot of the documentation.
"""

import argparse
import json
import os
import random
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
from psycopg import sql
from ruamel.yaml import YAML

DAY = date(2026, 6, 1)
LOADED = datetime(2026, 5, 31, tzinfo=UTC)
MISSING = 0.05
INDUSTRIES = [f"{letter}{number}" for letter in "ABCDEFGHIJKLMNO" for number in (11, 25, 39)]
COUNTIES = ["341602", "341621", "341622", "341623"]
SIZES = {"large": "大型", "medium": "中型", "small": "小型", "micro": "微型"}
FLAGS = [f"flag_{number}" for number in range(8)]
COUNTS = ["staff", "insured", "patents", "hires", "years"]
MONEY = ["revenue", "revenue_before", "tax", "research", "equipment", "exports", "loans", "rent"]
FACTS = ("active", "county", "industry", "size", *FLAGS, *COUNTS, *MONEY)

FROM_DATABASE = "eligible only, no reasons, nothing written"
ONCE_READ = "  of it, the facts once read"
ARRAYS = "reading the facts into arrays for openfisca-core"

Row = dict[str, Any]


def main() -> None:
    options = _options()
    folder = Path(tempfile.mkdtemp(prefix="citybrain-bench-", dir="/tmp"))  # PostgreSQL's user reaches it
    folder.chmod(0o711)
    try:
        with ExitStack() as servers:
            report = _run(options, options.enterprises, folder, servers)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if options.json:
        print(json.dumps(report))
    else:
        _print(report)
    if options.keep:
        _keep(options.keep, report)


def _keep(path: Path, report: Row) -> None:
    """In place of the report of the same size, if there is one."""
    known = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
    others = [one for one in known if one["enterprises"] != report["enterprises"]]
    reports = sorted([*others, report], key=lambda one: one["enterprises"])
    path.write_text(json.dumps(reports, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--enterprises", type=int, default=20_000)
    parser.add_argument("--items", type=int, default=1178)
    parser.add_argument("--peer-items", type=int, default=4)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--keep", type=Path, help="file of reports that this one is put into")
    return parser.parse_args()


def _print(report: Row) -> None:
    print(
        f"\n{report['enterprises']:,} enterprises x {report['items']:,} items: {report['pairs']:,} pairs,"
        f" {report['distinct_criteria']} distinct criteria of {report['criteria']:,},"
        f" {report['rows']:,} rows written ({report['eligible']:,} eligible)"
    )
    for name, value in report["seconds"].items():
        worked = f"{report['cpu'][name]:9.2f} s of processor" if name in report["cpu"] else ""
        print(f"{name:62} {value:9.2f} s {worked}")
    print(f"{'compiling and publishing, an item':62} {report['publish_ms']:9.2f} ms")
    for name, rate in report["rates"].items():
        print(f"{name:62} {rate / 1e6:9.2f} million pairs/s")
    for name, ratio in report["ratios"].items():
        print(f"{name:62} {ratio:9.1f} x")
    if money := report["money"]:
        print(
            f"money beside openfisca-core (float32): {money['lines']:,} lines, {money['differ']:,} differ by"
            f" half a fen and more, the largest by {money['largest']:,.2f} yuan, all by"
            f" {money['in_all']:,.2f}"
            f" of {money['yuan']:,.2f} yuan; {money['only_here']:,} lines only here,"
            f" {money['only_there']:,} only there"
        )


# The made-up city


def _facts_file() -> Row:
    def fact(kind: str, name: str, **more: Any) -> Row:
        return {
            "type": kind, "column": f"{name}_value", "label": f"事实{name}", "source": "taxation",
            "as_of": "seen_at", "fresh_within": "P400D", **more,
        }  # fmt: skip

    facts = {
        "active": fact("bool", "active"),
        "county": fact("code", "county"),
        "industry": fact("code", "industry"),
        "size": fact("enum", "size", values=SIZES),
    }
    facts |= {name: fact("bool", name) for name in FLAGS}
    facts |= {name: fact("int", name, unit="人") for name in COUNTS}
    facts |= {name: fact("money", name, unit="元") for name in MONEY}
    return {"schema": "citybrain/policy-facts@1", "facts": facts}


def _enterprise(draw: random.Random) -> Row:
    scale = draw.lognormvariate(0, 1.2)
    row: Row = {
        "active": draw.random() < 0.9,
        "county": draw.choice(COUNTIES),
        "industry": draw.choice(INDUSTRIES),
        "size": draw.choices(list(SIZES), [1, 5, 24, 70])[0],
    }
    row |= {name: draw.random() < 0.35 for name in FLAGS}
    row |= {name: int(scale * draw.lognormvariate(2, 0.8)) for name in COUNTS}
    row |= {name: Decimal(int(scale * draw.lognormvariate(14, 1) * 100)).scaleb(-2) for name in MONEY}
    return {name: None if draw.random() < MISSING else value for name, value in row.items()}


def _criterion(draw: random.Random) -> Row:
    """One of some hundreds."""
    kind = draw.random()
    if kind < 0.35:
        name = draw.choice(MONEY)
        return {"fact": name, "op": draw.choice([">=", ">", "<="]),
                "value": draw.choice([1, 2, 3, 5, 8]) * 10 ** draw.randint(5, 6)}  # fmt: skip
    if kind < 0.6:
        return {"fact": draw.choice(COUNTS), "op": draw.choice([">=", "<="]),
                "value": draw.choice([1, 2, 3, 5, 8, 10, 15, 20, 30])}  # fmt: skip
    return {"fact": draw.choice(FLAGS), "op": "is", "value": draw.random() < 0.7}


def _conditions(draw: random.Random) -> list[Row]:
    industries = sorted(draw.sample(INDUSTRIES, draw.choice([3, 6, 12])))
    gates = [{"fact": "active", "op": "is", "value": True, "gate": True},
             {"fact": "industry", "op": "in", "value": industries, "gate": True}]  # fmt: skip
    if draw.random() < 0.4:
        gates.append({"fact": "county", "op": "in", "value": [draw.choice(COUNTIES)], "gate": True})
    if draw.random() < 0.4:
        sizes = draw.choice([["small", "micro"], ["micro"], ["large", "medium"]])
        gates.append({"fact": "size", "op": "in", "value": sizes, "gate": True})
    asked: dict[tuple[str, str], Row] = {}
    while len(asked) < draw.choice([2, 3, 4]):
        one = _criterion(draw)
        if not any(fact == one["fact"] for fact, _ in asked):
            asked[one["fact"], one["op"]] = one
    return [{"id": f"c_{place}", **each} for place, each in enumerate([*gates, *asked.values()])]


def _amount(draw: random.Random) -> Row:
    money, count = draw.choice(MONEY), draw.choice(COUNTS)
    return draw.choice([
        {"kind": "flat", "value": draw.choice([5_000, 20_000, 100_000])},
        {"kind": "flat", "value": draw.choice([10_000, 50_000, 200_000])},
        {"kind": "rate_of", "of": money, "rate": draw.choice([0.01, 0.05, 0.1])},
        {"kind": "per_unit", "of": count, "value": draw.choice([500, 1_000, 2_000])},
        {"kind": "rate_by", "of": money, "by": "size",
         "rates": {"large": 0.01, "medium": 0.02, "small": 0.03, "micro": 0.05}},
        {"kind": "tiers", "of": money, "mode": draw.choice(["marginal", "whole"]),
         "tiers": [{"from": 100_000, "rate": 0.01}, {"from": 1_000_000, "rate": 0.02}]},
        {"kind": "formula",
         "expr": f"0.1 * greatest(revenue - revenue_before, 0) + 0.01 * least({money}, 5000000)"},
    ])  # fmt: skip


def _item(draw: random.Random, number: int) -> Row:
    version: Row = {
        "valid": {"from": date(2026, 1, 1), "to": date(2026, 12, 31)},
        "clause": "条款", "source": "citybrain:bench",
        "require": {"all": _conditions(draw)}, "amount": _amount(draw), "caps": {"per_enterprise": 500_000},
        "review": {"roles": ["经办", "复核"], "notice_days": 5, "confirm_by_enterprise": True},
    }  # fmt: skip
    if number % 3 == 0:
        version["exclusion"] = {"group": f"GROUP-{number % 60}", "rule": "highest_wins"}
    case = {"name": "没有事实", "expect": {"status": "needs_data"}}
    return {"id": f"BENCH-{number:04d}", "title": f"事项{number}", "channel": "confirm",
            "versions": [version], "cases": [case]}  # fmt: skip


def _write_files(project: Path, items: list[Row]) -> None:
    folder = project / "policies" / "taxation"
    folder.mkdir(parents=True)
    writer = YAML(typ="safe")
    with (project / "policies" / "facts.yml").open("w", encoding="utf-8") as file:
        writer.dump(_facts_file(), file)
    for number, start in enumerate(range(0, len(items), 6)):
        document = {"id": f"DOC-{number:03d}", "title": f"办法{number}", "department": "taxation",
                    "uri": "citybrain:bench", "origin": "synthetic"}  # fmt: skip
        content = {
            "schema": "citybrain/policy-item@1",
            "document": document,
            "items": items[start : start + 6],
        }
        with (folder / f"bench_{number:03d}.yml").open("w", encoding="utf-8") as file:
            writer.dump(content, file)


def _fill(admin: psycopg.Connection[Any], facts: Any, rows: list[Row]) -> None:
    from citybrain.policy.facts_table import mart_columns

    table = sql.Identifier("marts", "mart_enterprise_facts")
    columns = mart_columns(facts)
    admin.execute(
        sql.SQL("CREATE TABLE {} ({})").format(
            table,
            sql.SQL(", ").join(
                sql.SQL("{} {}").format(sql.Identifier(name), sql.SQL(kind)) for name, kind in columns.items()
            ),
        )
    )
    names = ["uscc", "enterprise_name", "county_code", *(facts[name].column for name in FACTS), "seen_at"]
    copy = sql.SQL("COPY {} ({}) FROM STDIN").format(table, sql.SQL(", ").join(map(sql.Identifier, names)))
    with admin.cursor().copy(copy) as target:
        for number, row in enumerate(rows):
            values = [row[name] for name in FACTS]
            target.write_row([_code(number), f"企业{number}", row["county"] or "341602", *values, LOADED])
    admin.execute(sql.SQL("GRANT SELECT ON {} TO citybrain_matcher").format(table))
    admin.execute(sql.SQL("ANALYZE {}").format(table))


def _code(number: int) -> str:
    return f"91341602MA{number:08d}"


# The run


def _run(options: argparse.Namespace, enterprises: int, folder: Path, servers: ExitStack) -> Row:
    settings, postmaster = _start(folder, servers)
    from citybrain.policy.facts import load_facts
    from citybrain.policy.impact import impact
    from citybrain.policy.library import load_policies
    from citybrain.policy.matching import match
    from citybrain.policy.publishing import publish
    from citybrain.policy.survey import situation

    draw = random.Random(341600)
    items = [_item(draw, number) for number in range(options.items)]
    rows = [_enterprise(draw) for _ in range(enterprises)]
    _write_files(settings.project, items)
    facts = load_facts(settings)
    clock = _Clock(postmaster)
    seconds = clock.seconds
    with psycopg.connect(settings.admin_url, dbname="city", autocommit=True) as admin:
        _fill(admin, facts, rows)
        with clock("publishing every item (files read, checked, compiled)"):
            publish(settings)
        with clock("publishing again, nothing changed"):
            publish(settings)
        with clock("first full run, all of it"):
            full = match(settings, DAY)
        for phase, took in full.phases.items():
            seconds[f"  {phase}"] = took
        seconds["explained and written (facts, matching)"] = full.phases["facts"] + full.phases["matching"]
        granted = _granted(admin, [item["id"] for item in items])
        with clock("the same again, nothing changed"):
            assert not match(settings, DAY).made
        admin.execute(
            "UPDATE marts.mart_enterprise_facts"
            " SET revenue_value = revenue_value * 1.1, staff_value = staff_value + 1"
            " WHERE hashtext(uscc) % 100 = 0"
        )
        with clock("incremental run, 1 % of the enterprises, all of it"):
            part = match(settings, DAY)
        assert part.kind == "incremental", part.kind
        for phase, took in part.phases.items():
            seconds[f"  {phase} "] = took
        rule = load_policies(settings)[0].rules[0]
        with clock("impact of one item"):
            impact(settings, rule, "BENCH-0000", DAY)
        admin.execute("DROP TABLE marts.mart_enterprise_facts")
        _fill(admin, facts, rows)
        with clock(ARRAYS):
            _read_as_arrays(admin, facts, enterprises)
    with clock(FROM_DATABASE):
        read = situation(settings, DAY)
        with clock(ONCE_READ):
            eligible = [reach.enterprises for reach in read.reach()]
    criteria, distinct = _counted(settings)
    pairs = enterprises * options.items
    written = sum(item.eligible + item.needs_data + item.near for item in full.items)
    report: Row = {
        "enterprises": enterprises,
        "items": options.items,
        "pairs": pairs,
        "criteria": criteria,
        "distinct_criteria": distinct,
        "rows": written,
        "eligible": sum(item.eligible for item in full.items),
        "changed_enterprises": part.changed_enterprises,
        "seconds": seconds,
        "cpu": clock.cpu,
        "publish_ms": seconds["publishing every item (files read, checked, compiled)"] / options.items * 1000,
        "rates": {},
        "ratios": {},
        "money": None,
    }
    explained = pairs / seconds["explained and written (facts, matching)"]
    bare, read_once = pairs / seconds[FROM_DATABASE], pairs / seconds[ONCE_READ]
    rates = {
        "citybrain, explained and written": explained,
        "citybrain, eligible only, from the database": bare,
        "citybrain, eligible only, facts once read": read_once,
    }
    ratios = report["ratios"]

    def compared(name: str, asked: int, took: float) -> None:
        rates[name] = enterprises * asked / took
        ratios[f"explained and written, beside {name}"] = explained / rates[name]
        ratios[f"eligible only, from the database, beside {name}"] = bare / rates[name]
        ratios[f"eligible only, facts once read, beside {name}"] = read_once / rates[name]

    asked = [item["versions"][0]["require"]["all"] for item in items]
    for name, together, most in (
        ("zen-engine evaluate_batch, a decision an item", False, options.peer_items),
        ("zen-engine evaluate_batch, one table for all items", True, options.items),
    ):
        if zen := _zen(rows, asked[:most], together):
            assert zen[0] == sum(eligible[:most]), (name, zen)
            compared(name, len(asked[:most]), zen[1])
    if fisca := _openfisca(rows, asked, [item["versions"][0]["amount"] for item in items]):
        assert fisca.eligible == eligible
        compared("openfisca-core", options.items, fisca.seconds)
        whole = pairs / (fisca.seconds + seconds[ARRAYS])
        rates["openfisca-core, its arrays read from the database"] = whole
        ratios["eligible only, both from the database, beside openfisca-core"] = bare / whole
        report["money"] = _money_beside(fisca, granted)
    report["rates"] = rates
    return report


class _Clock:
    """Seconds, and processor seconds of this process and of PostgreSQL's: those hardly depend on who else is
    on the machine."""

    def __init__(self, postmaster: int) -> None:
        self.postmaster = postmaster
        self.seconds: dict[str, float] = {}
        self.cpu: dict[str, float] = {}

    @contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        began, worked = time.perf_counter(), self._worked()
        yield
        self.seconds[name] = time.perf_counter() - began
        self.cpu[name] = self._worked() - worked

    def _worked(self) -> float:
        ticks = 0
        processes = [self.postmaster, *_children(self.postmaster)]
        for process in processes:
            with suppress(
                FileNotFoundError, ProcessLookupError
            ):  # it has ended: its parent counts it from now
                fields = Path(f"/proc/{process}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
                ticks += sum(int(field) for field in fields[11:15])  # its own and of those that have ended
        return time.process_time() + ticks / os.sysconf("SC_CLK_TCK")


def _children(process: int) -> list[int]:
    text = Path(f"/proc/{process}/task/{process}/children").read_text(encoding="ascii")
    return [int(each) for each in text.split()]


def _start(folder: Path, servers: ExitStack) -> tuple[Any, int]:
    """The settings of a platform of its own, and the process of its PostgreSQL."""
    for name in [name for name in os.environ if name.startswith("CITYBRAIN_")]:
        del os.environ[name]
    project = folder / "project"
    os.environ |= {"CITYBRAIN_HOME": str(folder), "CITYBRAIN_PROJECT": str(project)}
    from citybrain.settings import get_settings
    from citybrain.stack import postgres, seaweedfs
    from citybrain.stack.ports import free_ports
    from citybrain.warehouse.databases import prepare
    from citybrain.warehouse.migrations import upgrade

    names = [name for name in type(get_settings()).model_fields if name.endswith("_port")]
    for name, port in zip(names, free_ports(len(names)), strict=True):
        os.environ[f"CITYBRAIN_{name.upper()}"] = str(port)
    get_settings.cache_clear()
    settings = get_settings()
    s3 = seaweedfs.launch(settings)
    servers.callback(seaweedfs.kill, s3)
    database = postgres.start(settings)
    servers.callback(postgres.stop, database)
    prepare(settings)
    upgrade(settings)
    seaweedfs.wait_ready(settings, s3)
    return settings, database.pid


def _read_as_arrays(admin: psycopg.Connection[Any], facts: Any, enterprises: int) -> Any:
    """What openfisca-core needs before it can answer: a float32 vector a fact, codes as their places; read as
    the platform reads its own, by binary COPY."""
    from citybrain.policy.answers import received

    columns = []
    for name in FACTS:
        column = sql.Identifier(facts[name].column)
        if name in ("county", "industry", "size"):
            columns.append(sql.SQL("dense_rank() OVER (ORDER BY {})").format(column))
        else:
            columns.append(sql.SQL("{}::int").format(column) if facts[name].type == "bool" else column)
    query = sql.SQL(
        "COPY (SELECT (row_number() OVER () - 1)::int, {} FROM marts.mart_enterprise_facts)"
        " TO STDOUT (FORMAT binary)"
    ).format(sql.SQL(", ").join(sql.SQL("coalesce({}::float4, 'NaN')").format(column) for column in columns))
    rows = received(admin, query, len(columns), ">f4", enterprises)
    return [rows[f"value{place}"].astype(np.float32) for place in range(len(columns))]


def _granted(admin: psycopg.Connection[Any], item_ids: list[str]) -> list[tuple[Any, Any]]:
    """By item: the numbers of the enterprises that are eligible, and the fen they get."""
    granted = []
    for item_id in item_ids:
        found = admin.execute(
            "SELECT right(m.uscc, 8)::int, (m.amount * 100)::bigint FROM policy.match_row m"
            " JOIN policy.item_version v USING (item_version_id)"
            " WHERE v.item_id = %s AND m.status = 'eligible' ORDER BY 1",
            (item_id,),
        ).fetchall()
        pairs = np.array(found, dtype=np.int64).reshape(-1, 2)
        granted.append((pairs[:, 0], pairs[:, 1]))
    return granted


def _counted(settings: Any) -> tuple[int, int]:
    """Criteria of all items, and distinct ones."""
    from citybrain.policy.passes import distinct_criteria
    from citybrain.policy.sessions import items_in_force, matcher_beside

    with matcher_beside(settings) as connection:
        items = items_in_force(connection, DAY)
    return sum(len(item.plan.criteria) for item in items), len(distinct_criteria(items).numbers)


# The peers


def _zen(rows: list[Row], items: list[list[Row]], together: bool) -> tuple[int, float] | None:
    """Eligible pairs and seconds of zen-engine; None where it is not installed.

    `together`: one decision table with a row an item, evaluated once an enterprise; else a decision an item.
    """
    try:
        import zen
    except ImportError:
        return None
    contexts = [{name: _plain(value) for name, value in row.items()} for row in rows]
    if together:
        tables = {"all": _table(items, "collect")}
    else:
        tables = {str(place): _table([conditions], "first") for place, conditions in enumerate(items)}
    content = {key: _graph(table) for key, table in tables.items()}
    engine = zen.ZenEngine({"loader": {"type": "static", "content": content}})
    found = 0
    began = time.perf_counter()
    for key in content:
        for answer in engine.evaluate_batch([{"key": key, "context": row} for row in contexts]):
            result = answer["data"]["result"]
            found += len(result) if together else bool((result or {}).get("item"))
    return found, time.perf_counter() - began


def _plain(value: Any) -> Any:
    if isinstance(value, bool):
        return int(value)
    return float(value) if isinstance(value, Decimal) else value


def _table(items: list[list[Row]], policy: str) -> Row:
    """A decision table with a row an item: all its conditions, or nothing."""
    asked = dict.fromkeys(each["fact"] for conditions in items for each in conditions)
    rules = [
        {"_id": str(place), "item": str(place + 1), **{each["fact"]: _test(each) for each in conditions}}
        for place, conditions in enumerate(items)
    ]
    return {
        "hitPolicy": policy,
        "inputs": [{"id": name, "name": name, "field": name} for name in asked],
        "outputs": [{"id": "item", "name": "item", "field": "item"}],
        "rules": rules,
    }


def _graph(table: Row) -> Row:
    return {
        "nodes": [
            {"id": "in", "name": "in", "type": "inputNode"},
            {"id": "table", "name": "table", "type": "decisionTableNode", "content": table},
            {"id": "out", "name": "out", "type": "outputNode"},
        ],
        "edges": [
            {"id": "a", "sourceId": "in", "targetId": "table", "type": "edge"},
            {"id": "b", "sourceId": "table", "targetId": "out", "type": "edge"},
        ],
    }


def _test(condition: Row) -> str:
    if condition["op"] == "in":
        return ", ".join(f'"{value}"' for value in condition["value"])
    return (
        str(int(condition["value"])) if condition["op"] == "is" else f"{condition['op']} {condition['value']}"
    )


@dataclass(frozen=True)
class Fisca:
    """What openfisca-core says: by item, how many enterprises meet the conditions, and for each enterprise
    what it would be paid (float32, NaN or 0 for nothing). `seconds`: for the conditions of all items."""

    eligible: list[int]
    seconds: float
    paid: Callable[[int], Any]


def _openfisca(rows: list[Row], items: list[list[Row]], amounts: list[Row]) -> Fisca | None:
    """None where openfisca-core is not installed.

    Numbers that are missing are NaN and codes that are missing -1, so that no test of them holds.
    """
    try:
        from openfisca_core import entities, periods, taxbenefitsystems, variables
        from openfisca_core.simulations import SimulationBuilder
    except ImportError:
        return None
    firm = entities.Entity("firm", "firms", "", "")
    system = taxbenefitsystems.TaxBenefitSystem([firm])
    codes = {name: {value: place for place, value in enumerate(sorted({row[name] for row in rows} - {None}))}
             for name in ("county", "industry", "size")}  # fmt: skip

    def declare(name: str, **parts: Any) -> None:
        base = {"value_type": float, "entity": firm, "definition_period": periods.DateUnit.YEAR}
        system.add_variable(type(name, (variables.Variable,), {**base, **parts}))

    for name in FACTS:
        declare(name)
    for place, conditions in enumerate(items):
        declare(f"item_{place}", value_type=bool, formula=_formula(conditions, codes))
        declare(f"paid_{place}", formula=_paid(place, amounts[place], codes))
    simulation = SimulationBuilder().build_default_simulation(system, len(rows))
    for name in FACTS:
        values = [_number(row[name], codes.get(name)) for row in rows]
        simulation.set_input(name, "2026", np.array(values, dtype=np.float32))
    began = time.perf_counter()
    eligible = [int(simulation.calculate(f"item_{place}", "2026").sum()) for place in range(len(items))]
    took = time.perf_counter() - began
    return Fisca(eligible, took, lambda place: simulation.calculate(f"paid_{place}", "2026"))


def _paid(place: int, amount: Row, codes: dict[str, dict[str, int]]) -> Any:
    """The amount of an item as a formula of openfisca-core; the cap is that of every item here."""

    def worth(firm: Any, period: Any) -> Any:
        if amount["kind"] == "flat":
            return amount["value"]
        if amount["kind"] == "formula":
            capped = re.findall(r"least\((\w+)", amount["expr"])[0]
            grown = firm("revenue", period) - firm("revenue_before", period)
            return 0.1 * np.maximum(grown, 0) + 0.01 * np.minimum(firm(capped, period), 5_000_000)
        base = firm(amount["of"], period)
        if amount["kind"] == "tiers":
            return _tiers(amount, base)
        if amount["kind"] == "rate_by":
            size = firm(amount["by"], period)
            return base * sum((size == codes["size"][name]) * rate for name, rate in amount["rates"].items())
        return base * amount.get("rate", amount.get("value"))

    def formula(firm: Any, period: Any) -> Any:
        return np.where(firm(f"item_{place}", period), np.minimum(worth(firm, period), 500_000), 0)

    return formula


def _tiers(amount: Row, base: Any) -> Any:
    starts, rates = zip(*((tier["from"], tier["rate"]) for tier in amount["tiers"]), strict=True)
    if amount["mode"] == "whole":
        return base * sum(
            (base >= start) * more for start, more in zip(starts, np.diff(rates, prepend=0), strict=True)
        )
    tops = [*starts[1:], np.inf]
    return sum(
        np.maximum(np.minimum(base, top) - start, 0) * rate
        for start, top, rate in zip(starts, tops, rates, strict=True)
    )


def _money_beside(fisca: Fisca, granted: list[tuple[Any, Any]]) -> Row:
    """Every line that either pays, yuan against yuan."""
    found = {"lines": 0, "differ": 0, "only_here": 0, "only_there": 0}
    largest = in_all = yuan = 0.0
    for place, (numbers, fen) in enumerate(granted):
        paid = fisca.paid(place).astype(np.float64)
        there = np.flatnonzero(paid > 0)
        found["only_here"] += len(np.setdiff1d(numbers, there))
        found["only_there"] += len(np.setdiff1d(there, numbers))
        _, here_at, there_at = np.intersect1d(numbers, there, return_indices=True)
        off = paid[there[there_at]] - fen[here_at] / 100
        found["lines"] += len(off)
        found["differ"] += int((np.abs(off) >= 0.005 + 1e-9).sum())
        largest = max(largest, float(np.abs(off).max(initial=0)))
        in_all += float(off.sum())
        yuan += float(fen.sum()) / 100
    return {**found, "largest": largest, "in_all": in_all, "yuan": yuan}


def _number(value: Any, codes: dict[str, int] | None) -> float:
    if value is None:
        return float("nan")
    return float(codes[value]) if codes is not None else float(value)


def _formula(conditions: list[Row], codes: dict[str, dict[str, int]]) -> Any:
    def formula(firm: Any, period: Any) -> Any:
        met = None
        for each in conditions:
            value = firm(each["fact"], period)
            if each["op"] == "in":
                known = codes[each["fact"]]
                test = np.isin(value, [known[code] for code in each["value"] if code in known])
            elif each["op"] == "is":
                test = value == float(each["value"])
            else:
                test = {">=": np.greater_equal, ">": np.greater, "<=": np.less_equal}[each["op"]](
                    value, each["value"]
                )
            met = test if met is None else met & test
        return met

    return formula


if __name__ == "__main__":
    main()
