"""The same rules on a real Spark: statuses, masks and money row for row as PostgreSQL finds them."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pyarrow.parquet as parquet
import pytest
from psycopg import sql

from bureau import Bureau, code
from citybrain.policy.compiler import compile_rule
from citybrain.policy.edges import edges
from citybrain.policy.facts import load_facts
from citybrain.policy.library import load_policies
from citybrain.policy.rule import Rule
from citybrain.policy.spark_match import (
    SparkMissingError,
    found_rows,
    match_on_spark,
    spark_session,
    use_facts,
    why_not_here,
)
from citybrain.policy.spark_sql import facts_view, spark_statement
from citybrain.settings import SOURCE_TREE, DatabaseRole, Settings
from citybrain.sharing.arrow_rows import mart_rows, mart_schema

DAY = date(2026, 11, 26)
KEPT = ("uscc", "status", "unmet_mask", "unknown_mask", "distance", "amount")
EVERY = 22  # of the items in force: some sixty, of all kinds of amounts

Found = dict[str, tuple[Any, ...]]


def rules_in_force() -> list[tuple[str, Rule]]:
    found = ((each.item.id, each.rule_on(DAY)) for each in load_policies(Settings(project=SOURCE_TREE)))
    return [(item_id, rule) for item_id, rule in found if rule is not None]


def chosen() -> list[tuple[str, Rule]]:
    """Every EVERY-th item and one more of each kind of amount and of each rounding."""
    rules = rules_in_force()
    some = dict(rules[::EVERY])
    kinds: dict[tuple[str, str, str], tuple[str, Rule]] = {}
    for item_id, rule in rules:
        amount = rule.version.amount
        kinds.setdefault((amount.kind, amount.round.to, amount.round.mode), (item_id, rule))
    return list({**some, **dict(kinds.values())}.items())


@pytest.mark.parametrize("kind", ["flat", "flat_by", "rate_of", "rate_by", "tiers", "per_unit", "formula"])
def test_a_statement_is_one_that_spark_reads(kind: str) -> None:
    import sqlglot

    item_id, rule = next(pair for pair in rules_in_force() if pair[1].version.amount.kind == kind)
    text = spark_statement(rule, DAY)
    assert sqlglot.parse_one(text, dialect="spark").sql(dialect="spark") == text, item_id
    for foreign in ("JSONB", "TIMESTAMPTZ", "OFFSET", "DECIMAL)", "STARTS_WITH"):
        assert foreign not in text.upper(), (item_id, foreign)


def test_the_view_gives_every_fact_its_type() -> None:
    facts = load_facts(Settings(project=SOURCE_TREE))
    text = facts_view(facts, "published")
    for fact in facts.values():
        assert text.count(f"AS `{fact.column}`") == 1
    assert text.count("`county_code`") == 2, "an identity column that is a fact, too, stands there once"


def test_without_spark_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("citybrain.policy.spark_match.why_not_here", lambda: "there is no Java: apt-get …")
    with pytest.raises(SparkMissingError, match="Java"), spark_session("local[1]"):
        pass


@pytest.fixture(scope="module")
def spark() -> Iterator[Any]:
    if missing := why_not_here():
        pytest.skip(missing)
    with spark_session("local[2]") as session:
        yield session


@pytest.mark.slow
@pytest.mark.integration
def test_spark_finds_what_postgresql_finds(bureau: Bureau, spark: Any, tmp_path: Path) -> None:
    rules = chosen()
    bureau.knows([dict(edge.facts) for _, rule in rules for edge in edges(rule)], loaded=_fresh())
    facts = load_facts(bureau.settings)
    published = published_as_parquet(bureau.settings, tmp_path / "facts.parquet")
    use_facts(spark, facts, str(published))
    statuses: set[str] = set()
    paid = Decimal(0)
    with psycopg.connect(bureau.settings.dsn(DatabaseRole.MATCHER)) as connection:
        connection.execute("SET search_path = pg_catalog, marts")
        for item_id, rule in rules:
            expected = by_postgresql(connection, rule)
            assert by_spark(spark, item_id, rule) == expected, item_id
            statuses |= {row[0] for row in expected.values()}
            paid += sum((row[4] for row in expected.values() if row[0] == "eligible"), Decimal(0))
    assert statuses == {"eligible", "needs_data", "near"}
    assert paid > 0
    few = rules[:3]
    counts = match_on_spark(spark, few, DAY, str(tmp_path / "found"), together=2)
    assert [item.item_id for item in counts] == [item_id for item_id, _ in few]
    written = spark.read.parquet(str(tmp_path / "found")).count()
    assert written == sum(item.eligible + item.needs_data + item.near for item in counts) > 0


def _fresh() -> Any:
    from datetime import UTC, datetime, time

    return datetime.combine(DAY, time(), UTC)


def published_as_parquet(settings: Settings, path: Path) -> Path:
    """The facts with the types they are published with."""
    with psycopg.connect(settings.dsn(DatabaseRole.TRANSFORMER)) as connection:
        schema, query = mart_schema(connection, "mart_enterprise_facts")
        parquet.write_table(mart_rows(connection, schema, query).read_all(), path)
    return path


def by_postgresql(connection: psycopg.Connection[Any], rule: Rule) -> Found:
    query = sql.SQL("SELECT {} FROM ({}) AS found").format(
        sql.SQL(", ").join(map(sql.Identifier, KEPT)), sql.SQL(compile_rule(rule, DAY).sql)
    )
    return {row[0]: row[1:] for row in connection.execute(query).fetchall()}


def by_spark(session: Any, item_id: str, rule: Rule) -> Found:
    rows = found_rows(session, item_id, rule, DAY).select(*KEPT).collect()
    found = {row["uscc"]: tuple(row)[1:] for row in rows}
    assert all(uscc.startswith(code(0)[:8]) for uscc in found)
    return found
