"""What each dbt invocation did: meta.transform_run and meta.transform_result, from dbt's run_results.json."""

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg

FAILED = ("error", "fail", "runtime error")


@dataclass(frozen=True)
class NodeResult:
    """One node of a run: `rows` a model wrote, `failures` a test found; null where dbt does not say."""

    node: str  # dbt's unique id
    name: str
    kind: str
    status: str  # success, pass, warn, error, fail, skipped, no-op …
    seconds: float
    rows: int | None
    failures: int | None
    message: str | None
    query: str | None = None  # of a failed test: the rows it found

    @property
    def failed(self) -> bool:
        return self.status in FAILED


@dataclass(frozen=True)
class LastRun:
    """The newest recorded run."""

    outcome: str
    selection: str | None
    started_at: datetime
    invocation_id: str | None


def read_results(path: Path) -> tuple[str, list[NodeResult]]:
    """Invocation id and results of run_results.json or sources.json. Raises OSError, ValueError, KeyError."""
    document = json.loads(path.read_text(encoding="utf-8"))
    return str(document["metadata"]["invocation_id"]), [_node(result) for result in document["results"]]


def _node(result: dict[str, Any]) -> NodeResult:
    parts = str(result["unique_id"]).split(".")
    affected = (result.get("adapter_response") or {}).get("rows_affected")
    return NodeResult(
        node=result["unique_id"],
        name=".".join(parts[2:4]) if parts[0] == "source" else parts[2],
        kind=parts[0],
        status=str(result["status"]),
        seconds=round(float(result.get("execution_time") or 0), 3),
        # dbt repeats -1 where the server named no count
        rows=affected if isinstance(affected, int) and affected >= 0 else None,
        failures=result.get("failures"),
        message=result.get("message"),
        query=result.get("compiled_code") if result["status"] == "fail" else None,
    )


def begin_run(connection: psycopg.Connection, command: str, selection: str | None) -> tuple[int, datetime]:
    """Record a run as running; one that a killed process left is closed as failed. Returns id, start."""
    connection.execute(
        "UPDATE meta.transform_run SET outcome = 'failed', finished_at = clock_timestamp()"
        " WHERE outcome = 'running'"
    )
    row = connection.execute(
        "INSERT INTO meta.transform_run (command, selection, started_at, outcome)"
        " VALUES (%s, %s, clock_timestamp(), 'running') RETURNING transform_run_id, started_at",
        (command, selection),
    ).fetchone()
    assert row is not None  # noqa: S101 - INSERT ... RETURNING gives one row
    return row[0], row[1]


def end_run(
    connection: psycopg.Connection,
    run: int,
    invocation_id: str | None,
    results: list[NodeResult],
    succeeded: bool,
) -> None:
    """Record how the run ended and the result of every node, in one transaction."""
    with connection.transaction(), connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO meta.transform_result"
            " (transform_run_id, node, kind, status, seconds, rows_affected, failures, message)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
            [(run, r.node, r.kind, r.status, r.seconds, r.rows, r.failures, r.message) for r in results],
        )
        cursor.execute(
            "UPDATE meta.transform_run SET finished_at = clock_timestamp(), outcome = %s, invocation_id = %s,"
            " models = %s, tests = %s, failures = %s WHERE transform_run_id = %s",
            (
                "succeeded" if succeeded else "failed",
                invocation_id,
                sum(r.kind == "model" and r.status == "success" for r in results),
                sum(r.kind in ("test", "unit_test") and r.status in ("pass", "warn") for r in results),
                sum(r.failed for r in results),
                run,
            ),
        )


def last_run(connection: psycopg.Connection) -> LastRun | None:
    row = connection.execute(
        "SELECT outcome, selection, started_at, invocation_id FROM meta.transform_run"
        " WHERE command IN ('build', 'retry') ORDER BY transform_run_id DESC LIMIT 1"
    ).fetchone()
    return None if row is None else LastRun(*row)


def batches_settled_since(connection: psycopg.Connection, moment: datetime) -> bool:
    row = connection.execute(
        "SELECT EXISTS (SELECT FROM meta.batch WHERE settled_at >= %s)", (moment,)
    ).fetchone()
    return row is not None and bool(row[0])


def published_since(connection: psycopg.Connection, moment: datetime) -> list[str]:
    """The display marts that were swapped in from `moment` on, by name."""
    rows = connection.execute(
        "SELECT mart FROM meta.mart_publication WHERE published_at >= %s ORDER BY mart", (moment,)
    )
    return [mart for (mart,) in rows]
