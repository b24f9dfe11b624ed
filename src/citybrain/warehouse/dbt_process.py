"""dbt as a child process: its environment, its commands, its log lines one by one."""

import ctypes
import json
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import orjson

from citybrain.settings import DatabaseRole, Settings

logger = logging.getLogger(__name__)

APPLICATION = "citybrain_dbt"  # as profiles.yml names its connections in pg_stat_activity
LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warn": logging.WARNING, "error": logging.ERROR}
PR_SET_PDEATHSIG = 1
# A build can be done again, and its outcome is written by another connection that waits for the disk. Queries
# over small tables are compiled longer than they run.
SESSION = "-c synchronous_commit=off -c jit=off -c work_mem=32MB"


class DbtError(RuntimeError):
    """dbt ended without results: the project does not parse, the database is away, or the process died."""


@dataclass(frozen=True)
class NodeLine:
    """A node that dbt has finished: name, status as dbt words it, seconds."""

    name: str
    kind: str
    status: str
    seconds: float


@dataclass
class Ending:
    """How a dbt process ended; `errors` are the texts it logged as errors."""

    code: int
    errors: list[str] = field(default_factory=list)


def target_dir(settings: Settings) -> Path:
    """Where dbt keeps manifest, run results and its parse cache."""
    return settings.data_dir / "dbt"


def last_manifest(settings: Settings) -> dict[str, Any] | None:
    """The project as dbt last read it; None before it did."""
    path = target_dir(settings) / "manifest.json"
    if not path.exists():
        return None
    manifest: dict[str, Any] = orjson.loads(path.read_bytes())
    return manifest


def run_dbt(
    settings: Settings, arguments: list[str], on_node: Callable[[NodeLine], None] | None = None
) -> Ending:
    """One dbt command over the project, as the transformer role. Log lines go to this module's logger.

    The child dies with this process. Raises FileNotFoundError when dbt is not installed beside this Python.
    """
    target_dir(settings).mkdir(parents=True, exist_ok=True)
    command = [str(Path(sys.executable).with_name("dbt")), "--log-format", "json", *arguments]
    command += ["--log-level-file", "warn"]  # what it says here is logged here
    command += ["--project-dir", str(settings.dbt_dir), "--profiles-dir", str(settings.dbt_dir)]
    command += ["--target-path", str(target_dir(settings)), "--log-path", str(settings.log_dir / "dbt")]
    ending = Ending(code=-1)
    with subprocess.Popen(
        command,
        env=environment(settings),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        preexec_fn=_die_with_parent,
    ) as child:
        assert child.stdout is not None  # noqa: S101 - piped above
        try:
            for event in _events(child.stdout):
                _report(event, ending, on_node)
        except BaseException:
            child.kill()
            raise
    ending.code = child.returncode
    return ending


def environment(settings: Settings) -> dict[str, str]:
    """The child's environment: other users cannot read the password there, and dbt masks it in its logs."""
    dsn = urlsplit(settings.dsn(DatabaseRole.TRANSFORMER))
    variables = {
        "CITYBRAIN_DBT_HOST": dsn.hostname or "127.0.0.1",
        "CITYBRAIN_DBT_PORT": str(dsn.port or 5432),
        "CITYBRAIN_DBT_DATABASE": dsn.path.lstrip("/"),
        "CITYBRAIN_DBT_USER": unquote(dsn.username or ""),
        "DBT_ENV_SECRET_CITYBRAIN_PASSWORD": unquote(dsn.password or ""),
        "CITYBRAIN_DBT_SSLMODE": parse_qs(dsn.query).get("sslmode", ["prefer"])[0],
        "CITYBRAIN_ENABLE_SOURCES": json.dumps(settings.enable_sources),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "DO_NOT_TRACK": "1",
        "PYTHONUNBUFFERED": "1",
        "PGTZ": "Asia/Shanghai",
        "PGOPTIONS": SESSION,
    }
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("DBT_")}
    return {**inherited, **variables}


def _die_with_parent() -> None:
    """Have the kernel end this child when its parent dies: no dbt builds on without the parent's lock."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _events(lines: Iterator[str]) -> Iterator[dict[str, Any]]:
    """dbt's JSON log lines; what is not JSON (a traceback) becomes an error line."""
    for line in lines:
        if not line.strip():
            continue
        try:
            event = json.loads(line)
        except ValueError:
            event = {"info": {"level": "error", "name": "Text", "msg": line.rstrip()}, "data": {}}
        yield event


def _report(event: dict[str, Any], ending: Ending, on_node: Callable[[NodeLine], None] | None) -> None:
    info, data = event["info"], event.get("data", {})
    level = LEVELS.get(info["level"], logging.INFO)
    if info["name"].startswith("Log") and info["name"].endswith("Result") and "node_info" in data:
        node = NodeLine(
            name=str(data["node_info"]["node_name"]),
            kind=str(data["node_info"]["resource_type"]),
            status=str(data["node_info"]["node_status"] or data.get("status")),
            seconds=float(data.get("execution_time") or 0),
        )
        logger.log(level, "%s %s: %s in %.2f s", node.kind, node.name, node.status, node.seconds)
        if on_node is not None:
            on_node(node)
    elif info.get("msg"):
        starting = info["name"] == "LogStartLine"  # the result line says the same and more
        logger.log(logging.DEBUG if starting else level, "%s", info["msg"])
    if level >= logging.ERROR and info.get("msg"):
        ending.errors.append(str(info["msg"]))
