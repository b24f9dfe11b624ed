"""What the project's policies find in the demo city, without building its warehouse: firms, money, seconds.

    .venv/bin/python benchmarks/policy_city.py [--enterprises 20000] [--day 2026-11-26] [--again] [--json]

The facts come straight from what the demo city's departments would deliver, defects and lost rows left out;
the items are those of `policies/` in force on the day. One PostgreSQL of its own, the platform's own match
run over all of them, written as it writes them. `--again` runs it once more after 1 % of the enterprises
changed. The figures stand beside those of the city the platform was modelled on: 217 documents, 1,178 items,
7,908 firms served, 165,722,500 yuan. This city is synthetic: its figures say nothing about any real one.
"""

import argparse
import csv
import json
import os
import shutil
import tempfile
import time
from contextlib import ExitStack
from dataclasses import asdict
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
from psycopg import sql

SOURCE = {"documents": 217, "items": 1178, "firms": 7908, "yuan": 165_722_500}
SEED = 341600


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--enterprises", type=int, default=20_000)
    parser.add_argument("--day", type=date.fromisoformat, default=date(2026, 11, 26))
    parser.add_argument("--again", action="store_true")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="citybrain-bench-", dir="/tmp"))  # PostgreSQL's user must reach it
    folder.chmod(0o711)
    try:
        with ExitStack() as servers:
            report = run(options, folder, servers)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if options.json:
        print(json.dumps(report, ensure_ascii=False, default=str))
        return
    for name, value in report.items():
        print(f"{name:28} {value}")


def run(options: argparse.Namespace, folder: Path, servers: ExitStack) -> dict[str, Any]:
    os.environ["CITYBRAIN_HOME"] = str(folder)
    from citybrain.stack.ports import free_ports

    names = ("CITYBRAIN_POSTGRES_PORT", "CITYBRAIN_S3_PORT", "CITYBRAIN_S3_MASTER_PORT",
             "CITYBRAIN_S3_VOLUME_PORT", "CITYBRAIN_S3_FILER_PORT")  # fmt: skip
    for name, port in zip(names, free_ports(len(names)), strict=True):
        os.environ[name] = str(port)
    from citybrain.policy.matching import match
    from citybrain.settings import DatabaseRole, get_settings
    from citybrain.stack import postgres, seaweedfs
    from citybrain.warehouse.databases import prepare
    from citybrain.warehouse.migrations import upgrade

    settings = get_settings()
    storage = seaweedfs.launch(settings)
    servers.callback(seaweedfs.kill, storage)
    servers.callback(postgres.stop, postgres.start(settings))
    prepare(settings)
    upgrade(settings)
    seaweedfs.wait_ready(settings, storage)
    rows = facts_of_the_city(options.enterprises, options.day)
    with psycopg.connect(settings.dsn(DatabaseRole.TRANSFORMER), autocommit=True) as connection:
        fill(connection, rows, options.day)
        report = match(settings, options.day)
        found = asdict(report)
        told: dict[str, Any] = {
            "enterprises": len(rows),
            "items in force": len(report.items),
            "firms found": report.firms_found,
            "firms in the source": SOURCE["firms"],
            "yuan proposed": report.yuan_proposed,
            "yuan in the source": SOURCE["yuan"],
            "seconds, all items": report.seconds,
        } | lists(settings)
        told |= {name: found[name] for name in ("rows_added", "rows_closed") if name in found}
        if options.again:
            connection.execute(
                "UPDATE marts.mart_enterprise_facts SET staff_count = staff_count + 1"
                " WHERE abs(hashtext(uscc)) % 100 = 0"
            )
            began = time.perf_counter()
            match(settings, options.day)
            told["seconds, 1 % changed"] = round(time.perf_counter() - began, 2)
    return told


def lists(settings: Any) -> dict[str, Any]:
    """How long the lists are that officers would have to go through."""
    with psycopg.connect(settings.admin_url, dbname="city") as connection:
        row = connection.execute(
            "SELECT count(*), coalesce(sum(lines), 0), percentile_cont(0.5) WITHIN GROUP (ORDER BY lines),"
            " max(lines) FROM (SELECT count(*) AS lines FROM policy.proposal"
            " WHERE outcome = 'pay' GROUP BY item_version_id) AS l"
        ).fetchone()
        largest = connection.execute(
            "SELECT v.item_id, count(*), sum(p.amount) FROM policy.proposal p"
            " JOIN policy.item_version v USING (item_version_id) WHERE p.outcome = 'pay'"
            " GROUP BY 1 ORDER BY 2 DESC LIMIT 8"
        ).fetchall()
        outcomes = connection.execute("SELECT outcome, count(*) FROM policy.proposal GROUP BY 1").fetchall()
    assert row is not None
    return {
        "lists": row[0], "lines": row[1], "median list": row[2], "longest list": row[3],
        "outcomes": dict(outcomes),
        "longest lists": [f"{item}: {lines} lines, {yuan} yuan" for item, lines, yuan in largest],
    }  # fmt: skip


def fill(connection: Any, rows: list[dict[str, Any]], day: date) -> None:
    from citybrain.policy.facts import load_facts
    from citybrain.policy.facts_table import mart_columns
    from citybrain.settings import get_settings

    facts = load_facts(get_settings())
    columns = mart_columns(facts)
    loads = sorted({fact.as_of for fact in facts.values()})
    table = sql.Identifier("marts", "mart_enterprise_facts")
    parts = (sql.SQL("{} {}").format(sql.Identifier(name), sql.SQL(kind)) for name, kind in columns.items())
    connection.execute(sql.SQL("CREATE TABLE {} ({})").format(table, sql.SQL(", ").join(parts)))
    connection.execute(sql.SQL("GRANT SELECT ON {} TO citybrain_matcher").format(table))
    names = ["uscc", "enterprise_name", *(fact.column for fact in facts.values()), *loads]
    copy = sql.SQL("COPY {} ({}) FROM STDIN").format(table, sql.SQL(", ").join(map(sql.Identifier, names)))
    loaded = datetime(day.year, day.month, day.day, tzinfo=UTC)
    with connection.cursor().copy(copy) as target:
        for row in rows:
            values = [row.get(name) for name in facts]
            target.write_row([row["uscc"], row["enterprise_name"], *values, *[loaded] * len(loads)])
    connection.execute(sql.SQL("ANALYZE {}").format(table))


# Facts, as the warehouse would have them


def facts_of_the_city(enterprises: int, day: date) -> list[dict[str, Any]]:
    """One row for each enterprise ever registered, by fact."""
    from citybrain.simulate.dishonest import dishonest_rows
    from citybrain.simulate.firms import ENTITY, firms_until
    from citybrain.simulate.industries import load_industries
    from citybrain.simulate.insurance import insurance_rows
    from citybrain.simulate.places import load_villages
    from citybrain.simulate.policy_indicators import indicator_rows, load_indicators
    from citybrain.simulate.titles import title_rows
    from citybrain.simulate.upgrades import upgrade_rows
    from citybrain.simulate.yearly import year_of

    first = day.replace(day=1)
    firms = firms_until(SEED, enterprises, first, day)
    trades, villages = load_industries(), load_villages()
    rows: dict[str, dict[str, Any]] = {}
    for place, code in enumerate(firms.codes.tolist()):
        closed = firms.closed[place]
        rows[code] = {
            "uscc": code,
            "enterprise_name": str(firms.names[place]),
            "is_active": bool(np.isnat(closed) or closed > np.datetime64(day)),
            "entity_kind": ENTITY[str(firms.forms[place])][1],
            "region_code": str(villages.county_codes[villages.counties[firms.villages[place]]]),
            "industry_code": str(trades.codes[firms.industries[place]]),
            "established_on": firms.established[place].astype(date),
            "registered_capital": Decimal(str(firms.capital[place])) * 10_000,
            "is_dishonest": False, "is_high_tech": False, "is_green_factory": False,
            "specialised_level": "none", "has_upgrade_project": False,
        }  # fmt: skip
    for row in dishonest_rows(SEED, firms, day)[0]:
        rows[row["uscc"]]["is_dishonest"] = not row["removed_on"]
    now, before = (year_of(SEED, firms, day.year - back, first) for back in (1, 2))
    limits = size_limits()
    for year, suffix in ((now, ""), (before, "_before")):
        for place, code in enumerate(year.firms.codes.tolist()):
            row = rows[code]
            row[f"revenue{suffix}"] = wan(year.revenue[place])
            row[f"rd_expense{suffix}"] = wan(year.research[place])
            if suffix:
                continue
            staff, insured = int(year.staff[place]), int(year.insured[place])
            lost = int(year.layoffs[place])
            row |= {
                "tax_paid": wan(year.tax[place]), "staff": staff, "insured": insured,
                "layoff_rate": Decimal(lost) / (staff + lost),
                "arrears_months": int(year.arrears_months[place]),
                "size_band": limits(
                    row["industry_code"], staff, float(year.revenue[place]), float(year.assets[place])
                ),
            }  # fmt: skip
    for row in insurance_rows(SEED, now)[0]:
        rows[row["uscc"]] |= {
            "insured_months": row["insured_months"],
            "ui_paid": None if row["ui_paid_yuan"] is None else Decimal(str(row["ui_paid_yuan"])),
            "graduates_3_months": row["graduates_3_months"],
            "graduates_6_months": row["graduates_6_months"],
        }
    titles(rows, title_rows(SEED, firms, day)[0])
    for row in upgrade_rows(SEED, firms, day)[0]:
        rows[row["uscc"]] |= {
            "has_upgrade_project": True,
            "upgrade_equipment": wan(row["equipment_wan"]),
            "upgrade_fits_guide": row["fits_guide"] == "是",
            "upgrade_is_selected": {"是": True, "否": False}.get(row["selected"]),
        }
    absent: dict[str, Any] = {
        indicator.code: {"flag": False, "level": "none", "year": None}.get(indicator.kind, 0)
        for indicator in load_indicators()
    }
    for row in rows.values():
        row |= absent
    for stated in indicator_rows(SEED, firms, day)[0]:
        rows[stated["uscc"]][stated["indicator"]] = value_of(stated)
    return list(rows.values())


def value_of(stated: dict[str, Any]) -> Any:
    if stated["level"]:
        return True if stated["level"] == "yes" else stated["level"]
    return Decimal(stated["number"]) if stated["number"] else None


def wan(amount: Any) -> Decimal:
    return Decimal(str(round(float(amount), 2))) * 10_000


def titles(rows: dict[str, dict[str, Any]], awarded: list[dict[str, Any]]) -> None:
    levels = {
        "国家专精特新小巨人企业": "national",
        "省专精特新中小企业": "province",
        "市专精特新中小企业": "city",
    }
    order = list(levels.values())
    for award in awarded:
        row, year = rows[award["uscc"]], award["year"]
        if award["title"] == "高新技术企业":
            row |= {"is_high_tech": True, "high_tech_year": year, "high_tech_times": award["nth"]}
        elif award["title"] == "国家绿色工厂":
            row |= {"is_green_factory": True, "green_factory_year": year}
        else:
            known = [level for level in (row["specialised_level"], levels[award["title"]]) if level != "none"]
            row["specialised_level"] = min(known, key=order.index)
            row["specialised_year"] = max(year, row.get("specialised_year", 0))


def size_limits() -> Any:
    """The band of an enterprise by industry, staff, revenue and assets, from the seeds of the warehouse."""
    from citybrain.settings import SOURCE_TREE

    seeds = SOURCE_TREE / "dbt_project" / "seeds"
    found = {path.stem: path for path in seeds.rglob("*size*.csv")}
    with found["size_group_of_industry"].open(encoding="utf-8") as file:
        groups = {row["code_prefix"]: row["size_group"] for row in csv.DictReader(file)}
    limits: dict[str, dict[str, dict[str, str]]] = {}
    with found["enterprise_size_limit"].open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            limits.setdefault(row["size_group"], {})[row["indicator"]] = row

    def band(industry: str, staff: int, revenue: float, assets: float) -> str | None:
        group = groups.get(industry[1:4]) or groups.get(industry[1:3])
        if group is None:
            return None
        values = {"staff": staff, "revenue": revenue, "assets": assets}
        for size in ("large", "medium", "small"):
            asked = {name: row[size] for name, row in limits[group].items() if row[size]}
            if all(values[name] >= float(least) for name, least in asked.items()):
                return size
        return "micro"

    return band


if __name__ == "__main__":
    main()
