"""How fast policies are matched: PostgreSQL with reasons, beside zen-engine's batch without, same answers.

    .venv/bin/python benchmarks/policy.py [--enterprises 10000] [--items 100] [--repeat 3] [--json]

Every item has three conditions (industry, revenue, staff) and a flat or proportional amount; 5 % of the facts
are missing. PostgreSQL runs the statements the platform compiles: three-valued, masks of unmet and unknown
criteria, distance, numeric amounts, and the eligible rows with the facts used, those that lack data and the
best near ones are written to a table. zen-engine (`pip install zen-engine`; without it only PostgreSQL is
measured) evaluates one decision an item with `evaluate_batch` and answers yes or no; a missing fact is no.
Both must find the same number of eligible pairs, or the run fails. Ratios within one run survive a change of
machine; seconds do not.
"""

import argparse
import json
import os
import random
import shutil
import statistics
import tempfile
import time
from contextlib import ExitStack
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from citybrain.policy.compiler import FACTS_TABLE, RESULT, compile_rule
from citybrain.policy.facts import Fact
from citybrain.policy.item_file import Version
from citybrain.policy.rule import Rule, resolve
from citybrain.policy.snapshot import snapshot_columns

DAY = date(2026, 6, 1)
LOADED = datetime(2026, 5, 31, tzinfo=UTC)
INDUSTRIES = ["A0171", "C1512", "C2730", "C3311", "E4710", "F5211", "I6513", "M7310"]
MISSING = 0.05


def _fact(kind: str, column: str) -> Fact:
    return Fact.model_validate(
        {"type": kind, "column": column, "label": column, "source": "taxation", "as_of": "seen_at",
         "fresh_within": timedelta(days=400)}
    )  # fmt: skip


FACTS = {
    "industry": _fact("code", "industry_code"),
    "revenue": _fact("money", "revenue_yuan"),
    "staff": _fact("int", "staff_count"),
}


def main() -> None:
    options = _options()
    folder = Path(tempfile.mkdtemp(prefix="citybrain-bench-", dir="/tmp"))  # PostgreSQL's user must reach it
    folder.chmod(0o711)
    try:
        with ExitStack() as servers:
            report = _run(options, folder, servers)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if options.json:
        print(json.dumps(report))
        return
    pairs = report["pairs"]
    print(f"{report['enterprises']:,} enterprises x {report['items']} items, {report['eligible']:,} eligible")
    print(f"compiling: {report['compile_ms']:.1f} ms an item")
    for name, seconds in report["seconds"].items():
        print(f"{name:44} {seconds:8.2f} s {pairs / seconds / 1e6:8.2f} million pairs/s")
    if "ratio" in report:
        print(f"PostgreSQL with reasons is {report['ratio']:.1f} x zen-engine's batch without")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--enterprises", type=int, default=10_000)
    parser.add_argument("--items", type=int, default=100)
    parser.add_argument("--repeat", type=int, default=3, help="the median counts")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def _run(options: argparse.Namespace, folder: Path, servers: ExitStack) -> dict[str, Any]:
    draw = random.Random(341600)
    rows = [_enterprise(draw) for _ in range(options.enterprises)]
    conditions = [_conditions(draw) for _ in range(options.items)]
    began = time.perf_counter()
    rules = [_rule(condition) for condition in conditions]
    statements = [compile_rule(rule, DAY).sql for rule in rules]
    compiling = time.perf_counter() - began
    found, seconds = _postgresql(folder, servers, rows, statements, options.repeat)
    report: dict[str, Any] = {
        "enterprises": options.enterprises,
        "items": options.items,
        "pairs": options.enterprises * options.items,
        "eligible": found,
        "compile_ms": compiling / options.items * 1000,
        "seconds": {"PostgreSQL, explained, rows written": seconds},
    }
    zen = _zen(rows, conditions, options.repeat)
    if zen is not None:
        peer, peer_seconds = zen
        assert peer == found, f"zen-engine finds {peer} eligible pairs, PostgreSQL {found}"
        report["seconds"]["zen-engine evaluate_batch, not explained"] = peer_seconds
        report["ratio"] = peer_seconds / seconds
    return report


def _enterprise(draw: random.Random) -> dict[str, Any]:
    row = {
        "industry": draw.choice(INDUSTRIES),
        "revenue": round(draw.lognormvariate(15, 1.5), 2),
        "staff": int(draw.lognormvariate(2.5, 1)),
    }
    return {name: None if draw.random() < MISSING else value for name, value in row.items()}


def _conditions(draw: random.Random) -> dict[str, Any]:
    return {
        "industries": draw.sample(INDUSTRIES, 2),
        "revenue": draw.choice([1_000_000, 3_000_000, 10_000_000, 20_000_000]),
        "staff": draw.choice([5, 10, 20, 30]),
    }


def _rule(condition: dict[str, Any]) -> Rule:
    require = {
        "all": [
            {"id": "trade", "fact": "industry", "op": "in", "value": condition["industries"], "gate": True},
            {"id": "revenue", "fact": "revenue", "op": ">=", "value": condition["revenue"]},
            {"id": "staff", "fact": "staff", "op": ">=", "value": condition["staff"]},
        ]
    }
    review = {"roles": ["x"], "notice_days": 5, "confirm_by_enterprise": True}
    version = {
        "valid": {"from": date(2026, 1, 1)},
        "clause": "x",
        "source": "x",
        "require": require,
        "amount": {"kind": "rate_of", "of": "revenue", "rate": Decimal("0.01")},
        "review": review,
    }
    return resolve(Version.model_validate(version), FACTS)


def _postgresql(
    folder: Path, servers: ExitStack, rows: list[dict[str, Any]], statements: list[str], repeat: int
) -> tuple[int, float]:
    os.environ["CITYBRAIN_HOME"] = str(folder)
    from citybrain.settings import Settings
    from citybrain.stack import postgres
    from citybrain.stack.ports import free_ports

    settings = Settings(home=folder, postgres_port=free_ports(1)[0])
    database = postgres.start(settings)
    servers.callback(postgres.stop, database)
    with psycopg.connect(settings.admin_url, autocommit=True) as connection:
        columns = snapshot_columns(FACTS)
        connection.execute(
            sql.SQL("CREATE TABLE {} ({})").format(
                sql.Identifier(FACTS_TABLE),
                sql.SQL(", ").join(
                    sql.SQL("{} {}").format(sql.Identifier(name), sql.SQL(kind))
                    for name, kind in columns.items()
                ),
            )
        )
        names = ["uscc", "industry_code", "revenue_yuan", "staff_count", "seen_at"]
        copy = sql.SQL("COPY {} ({}) FROM STDIN").format(
            sql.Identifier(FACTS_TABLE), sql.SQL(", ").join(map(sql.Identifier, names))
        )
        with connection.cursor().copy(copy) as target:
            for number, row in enumerate(rows):
                target.write_row([f"E{number:08d}", row["industry"], row["revenue"], row["staff"], LOADED])
        connection.execute(
            "CREATE TABLE result (uscc text, enterprise_name text, county_code text, status text,"
            " unmet_mask bigint, unknown_mask bigint, distance int, amount numeric(18, 2), facts jsonb)"
        )
        connection.execute("ANALYZE")
        into = sql.SQL("INSERT INTO result ({}) ").format(sql.SQL(", ").join(map(sql.Identifier, RESULT)))
        times = []
        for _ in range(repeat):
            connection.execute("TRUNCATE result")
            began = time.perf_counter()
            for statement in statements:
                connection.execute(into + sql.SQL(statement))
            times.append(time.perf_counter() - began)
        row = connection.execute("SELECT count(*) FROM result WHERE status = 'eligible'").fetchone()
    assert row is not None
    return int(row[0]), statistics.median(times)


def _zen(
    rows: list[dict[str, Any]], conditions: list[dict[str, Any]], repeat: int
) -> tuple[int, float] | None:
    """Eligible pairs and seconds of zen-engine; None where it is not installed."""
    try:
        import zen
    except ImportError:
        return None
    decisions = {str(place): _graph(each) for place, each in enumerate(conditions)}
    engine = zen.ZenEngine({"loader": {"type": "static", "content": decisions}})
    times = []
    for _ in range(repeat):
        found = 0
        began = time.perf_counter()
        for key in decisions:
            answers = engine.evaluate_batch([{"key": key, "context": row} for row in rows])
            found += sum(bool((answer["data"]["result"] or {}).get("eligible")) for answer in answers)
        times.append(time.perf_counter() - began)
    return found, statistics.median(times)


def _graph(condition: dict[str, Any]) -> dict[str, Any]:
    """An item as a decision table with one row: all three met, or nothing."""
    inputs = [{"id": name, "name": name, "field": name} for name in ("industry", "revenue", "staff")]
    rule = {
        "_id": "1",
        "industry": ", ".join(f'"{code}"' for code in condition["industries"]),
        "revenue": f">= {condition['revenue']}",
        "staff": f">= {condition['staff']}",
        "eligible": "true",
    }
    table = {
        "hitPolicy": "first",
        "inputs": inputs,
        "outputs": [{"id": "eligible", "name": "eligible", "field": "eligible"}],
        "rules": [rule],
    }
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


if __name__ == "__main__":
    main()
