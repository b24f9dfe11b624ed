"""Rules on a Spark session, for a province's engine: published facts in, found rows out.

Spark is an optional extra (requirements/spark.txt) and wants Java. It judges and prices; exclusion, funds and
what people decide stay with the city.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from functools import reduce
from shutil import which
from typing import Any

from citybrain.policy.facts import Facts
from citybrain.policy.rule import Rule
from citybrain.policy.spark_sql import FACTS_TABLE, facts_view, spark_statement

PUBLISHED = "published_enterprise_facts"


class SparkMissingError(RuntimeError):
    """Spark or its Java is not there; the message says how to get them."""


@dataclass(frozen=True)
class SparkItem:
    """What one item found. Counts are enterprises."""

    item_id: str
    eligible: int
    needs_data: int
    near: int


def why_not_here() -> str | None:
    """What is missing to run Spark on this machine; None when nothing is."""
    try:
        import pyspark  # noqa: F401 - only whether it is there
    except ImportError:
        return "pyspark is not installed: .venv/bin/pip install --require-hashes -r requirements/spark.txt"
    if which("java") is None:
        return "there is no Java: apt-get install -y default-jre-headless"
    return None


@contextmanager
def spark_session(master: str, settings: dict[str, str] | None = None) -> Iterator[Any]:
    """A session on `master` (`local[2]`, `spark://…`, `yarn`) that keeps time in UTC and refuses bad numbers.

    Raises SparkMissingError.
    """
    if missing := why_not_here():
        raise SparkMissingError(missing)
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.master(master).appName("citybrain policy")
    fixed = {
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.ansi.enabled": "true",
        "spark.ui.enabled": "false",
        "spark.sql.shuffle.partitions": "4",
    }
    for name, value in {**fixed, **(settings or {})}.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    try:
        yield session
    finally:
        session.stop()


def use_facts(session: Any, facts: Facts, source: str) -> None:
    """Let statements see the published facts: Parquet at an address, or a table of the session's catalog."""
    read = session.read.parquet(source) if "/" in source else session.table(source)
    read.createOrReplaceTempView(PUBLISHED)
    session.sql(facts_view(facts, PUBLISHED)).createOrReplaceTempView(FACTS_TABLE)
    session.catalog.cacheTable(FACTS_TABLE)


def found_rows(session: Any, item_id: str, rule: Rule, day: date) -> Any:
    """A DataFrame of the rows of one rule on one day, with the item's id first."""
    from pyspark.sql.functions import lit

    rows = session.sql(spark_statement(rule, day))
    return rows.select(lit(item_id).alias("item_id"), "*")


def match_on_spark(
    session: Any,
    rules: Sequence[tuple[str, Rule]],
    day: date,
    out: str,
    on_item: Callable[[SparkItem], None] = lambda _item: None,
    together: int = 20,
) -> list[SparkItem]:
    """Write the rows of all rules to Parquet at `out`, where nothing may be, some items a job; the counts."""
    for start in range(0, len(rules), together):
        frames = [
            found_rows(session, item_id, rule, day) for item_id, rule in rules[start : start + together]
        ]
        reduce(lambda one, other: one.unionByName(other), frames).write.mode(
            "append" if start else "error"
        ).parquet(out)
    counted: dict[str, dict[str, int]] = {item_id: {} for item_id, _ in rules}
    for row in session.read.parquet(out).groupBy("item_id", "status").count().collect():
        counted[row["item_id"]][row["status"]] = row["count"]
    items = [
        SparkItem(item_id, *(found.get(status, 0) for status in ("eligible", "needs_data", "near")))
        for item_id, found in counted.items()
    ]
    for item in items:
        on_item(item)
    return items
