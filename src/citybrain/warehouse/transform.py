"""The warehouse's transformation: one `dbt build` and its freshness check, one at a time.

Two builds never overlap: a session lock in the database is held while dbt runs, and dbt dies with its holder.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import psycopg
from psycopg import sql

from citybrain.settings import DatabaseRole, Settings, get_settings
from citybrain.warehouse.catalogue_rows import write_catalogue_rows
from citybrain.warehouse.connection import connect
from citybrain.warehouse.dbt_process import APPLICATION, DbtError, Ending, NodeLine, run_dbt, target_dir
from citybrain.warehouse.point_areas import locate_points
from citybrain.warehouse.raw_tables import prepare_missing_tables
from citybrain.warehouse.refresh_need import BUILD_LOCK, built_from, note_built_from
from citybrain.warehouse.transform_record import (
    NodeResult,
    batches_settled_since,
    begin_run,
    end_run,
    last_run,
    published_since,
    read_results,
)

logger = logging.getLogger(__name__)

WAIT_FOR_OTHER_BUILD = timedelta(minutes=10)
OnNode = Callable[[NodeLine], None]


@dataclass(frozen=True)
class TransformReport:
    """What one build did. Counts are of nodes that ended well; `failures` say node and reason."""

    command: str  # build or retry
    models: int
    tests: int
    snapshots: int
    seeds: int
    published_marts: list[str]
    failures: list[str]
    seconds: float
    per_node: list[NodeResult]
    invocation_id: str


@dataclass(frozen=True)
class FreshnessReport:
    """Every source with its status: pass, warn, error, or runtime error where there is no row to judge."""

    per_source: list[NodeResult]


def build_warehouse(select: str | None = None, on_node: OnNode | None = None) -> TransformReport:
    """Build, test and publish the warehouse: everything, or what dbt's selection syntax picks.

    After a build that left failures, and with no batch settled since, only what failed or was skipped runs
    again (`dbt retry`). Failing models and tests are in the report. Raises DbtError when dbt gave no results
    (the project does not parse, the database went away), psycopg.errors.LockNotAvailable when another build
    takes longer than ten minutes.
    """
    settings = get_settings()
    with only_build(settings) as connection:
        prepare_missing_tables(settings)
        inputs = built_from(settings)  # before anything is read: what comes later counts as new
        write_catalogue_rows(connection, settings)
        located = locate_points(connection, settings)
        if located:
            logger.info("located %d points", located)
        if _retry_pays(connection, settings, select):
            try:
                return _invoke(connection, settings, "retry", select, on_node)
            except DbtError as error:
                logger.warning("dbt retry is of no use (%s): building everything", error)
        report = _invoke(connection, settings, "build", select, on_node)
        note_built_from(settings, inputs)
        return report


def parse_models() -> None:
    """Have dbt read the project, so that the build that follows finds it read. Raises DbtError."""
    settings = get_settings()
    with only_build(settings):
        ending = run_dbt(settings, ["parse"])
    if ending.code != 0:
        raise DbtError("; ".join(ending.errors) or f"dbt parse ended with code {ending.code}")


def check_freshness() -> FreshnessReport:
    """`dbt source freshness`, recorded like a build. Raises DbtError when dbt gave no results."""
    settings = get_settings()
    with connect(settings, DatabaseRole.TRANSFORMER, "citybrain freshness", autocommit=True) as connection:
        run, _ = begin_run(connection, "source freshness", None)
        invocation_id, results, _ = _results(settings, "sources.json", ["source", "freshness"], None)
        end_run(connection, run, invocation_id, results, succeeded=not any(r.failed for r in results))
    return FreshnessReport(per_source=results)


def _invoke(
    connection: psycopg.Connection,
    settings: Settings,
    command: str,
    select: str | None,
    on_node: OnNode | None,
) -> TransformReport:
    """One dbt invocation, recorded."""
    run, started_at = begin_run(connection, command, select)
    arguments = [command]
    if command == "build":  # unit tests judge the code, not the data: they are the test suite's
        arguments += ["--exclude-resource-type", "unit_test"]
        arguments += ["--select", *select.split()] if select else []
    try:
        invocation_id, results, ending = _results(settings, "run_results.json", arguments, on_node)
    except DbtError:
        end_run(connection, run, None, [], succeeded=False)
        raise
    failures = [
        f"{r.kind} {r.name}: {' '.join((r.message or r.status).split())}{_broken_rules(connection, r)}"
        for r in results
        if r.failed
    ]
    if ending.code != 0 and not failures:
        failures = [" ".join(error.split()) for error in ending.errors] or [
            f"dbt ended with code {ending.code}"
        ]
    end_run(connection, run, invocation_id, results, succeeded=not failures)
    return TransformReport(
        command=command,
        models=sum(r.kind == "model" and r.status == "success" for r in results),
        tests=sum(r.kind in ("test", "unit_test") and r.status in ("pass", "warn") for r in results),
        snapshots=sum(r.kind == "snapshot" and r.status == "success" for r in results),
        seeds=sum(r.kind == "seed" and r.status == "success" for r in results),
        published_marts=published_since(connection, started_at),
        failures=failures,
        seconds=round(sum(r.seconds for r in results), 3),
        per_node=results,
        invocation_id=invocation_id,
    )


def _broken_rules(connection: psycopg.Connection, result: NodeResult) -> str:
    """Which rules of a test of many are broken, and by how many rows: `holds` names them in `rule`."""
    if result.query is None or " as rule" not in result.query:
        return ""
    try:
        found = connection.execute(
            sql.SQL("SELECT rule, count(*) FROM ({}) AS broken GROUP BY rule ORDER BY rule").format(
                sql.SQL(result.query)
            )
        ).fetchall()
    except psycopg.Error as error:
        logger.warning("cannot tell which rules of %s are broken: %s", result.name, error)
        return ""
    return "".join(f"; {rule} ({count})" for rule, count in found)


def _results(
    settings: Settings, artifact: str, arguments: list[str], on_node: OnNode | None
) -> tuple[str, list[NodeResult], Ending]:
    """Run dbt and read the artifact it leaves; never an older one. Raises DbtError for none."""
    path = target_dir(settings) / artifact
    before = path.read_bytes() if path.exists() else None
    if arguments != ["retry"]:  # retry starts from the last results, everything else must not end with them
        path.unlink(missing_ok=True)
        before = None
    ending = run_dbt(settings, arguments, on_node)
    if not path.exists() or path.read_bytes() == before:
        reason = "; ".join(" ".join(error.split()) for error in ending.errors[:5])
        raise DbtError(f"dbt {' '.join(arguments)}: {reason or f'ended with code {ending.code}'}")
    invocation_id, results = read_results(path)
    return invocation_id, results, ending


def _retry_pays(connection: psycopg.Connection, settings: Settings, select: str | None) -> bool:
    """Did the last build of this selection leave failures and its results, and is no data newer than it?"""
    last = last_run(connection)
    if last is None or last.outcome != "failed" or last.selection != select or last.invocation_id is None:
        return False
    try:
        invocation_id, results = read_results(target_dir(settings) / "run_results.json")
    except (OSError, ValueError, KeyError) as error:
        logger.info("no results to retry from: %s", error)
        return False
    if invocation_id != last.invocation_id or not any(r.failed or r.status == "skipped" for r in results):
        return False
    return not batches_settled_since(connection, last.started_at)


@contextmanager
def only_build(settings: Settings) -> Iterator[psycopg.Connection]:
    """A transformer's connection that holds the build lock. Raises psycopg.errors.LockNotAvailable."""
    with connect(
        settings, DatabaseRole.TRANSFORMER, "citybrain transform", timedelta(hours=2), autocommit=True
    ) as connection:
        connection.execute(
            "SELECT set_config('lock_timeout', %s, false)", (f"{int(WAIT_FOR_OTHER_BUILD.total_seconds())}s",)
        )
        connection.execute("SELECT pg_advisory_lock(hashtext(%s))", (BUILD_LOCK,))
        # Statements of a killed dbt run on in the server for a while: with the lock held they are nobody's.
        connection.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE application_name = %s AND usename = current_user AND datname = current_database()",
            (APPLICATION,),
        )
        yield connection
