"""Pid files that name a process for certain, and an end to what a killed supervisor left running."""

import os
import signal
import time
from pathlib import Path

import psutil

from citybrain.settings import Settings
from citybrain.stack import postgres

_CLOCK_SLACK = 2.0  # seconds between two readings of one process's start time


def write_note(path: Path, pid: int) -> None:
    """Note a process: its id and its start time, since ids are used again."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_suffix(".draft")
    draft.write_text(f"{pid} {psutil.Process(pid).create_time()}\n", encoding="ascii")
    draft.replace(path)


def noted_group(path: Path) -> list[psutil.Process]:
    """The living processes of the group whose leader noted itself in `path`; empty when it is gone.

    Programs under the supervisor lead a process group each, so their children are found even when the
    leader died first.
    """
    if not path.exists():
        return []
    pid_text, started_text = path.read_text(encoding="ascii").split()
    leader, started = int(pid_text), float(started_text)
    if started < psutil.boot_time() - _CLOCK_SLACK:  # noted before the machine's last start
        return []
    members = []
    for process in psutil.process_iter(["pid", "create_time", "status"]):
        created = process.info["create_time"] or 0.0
        if process.pid == leader and abs(created - started) > _CLOCK_SLACK:
            return []  # another process has the id now
        if process.info["status"] == psutil.STATUS_ZOMBIE or created < started - _CLOCK_SLACK:
            continue
        try:
            group = os.getpgid(process.pid)
        except ProcessLookupError:
            continue
        if group == leader or process.pid == leader:
            members.append(process)
    return members


def postmaster(settings: Settings) -> psutil.Process | None:
    """The PostgreSQL server that holds our data folder, by its own `postmaster.pid`, or None."""
    path = postgres.data_folder(settings) / "postmaster.pid"
    if not path.exists():
        return None
    try:
        process = psutil.Process(int(path.read_text(encoding="utf-8").split()[0]))
        return process if str(postgres.data_folder(settings)) in process.cmdline() else None
    except (psutil.NoSuchProcess, IndexError, ValueError):
        return None  # the server died without removing its file; it clears that up by itself when it starts


def end_orphans(settings: Settings, seconds: float = 30) -> list[str]:
    """Stop what a killed supervisor left behind, PostgreSQL first. Returns the names of the services ended.

    Must not be called while the supervisor lives. Each is asked to stop, waited for, then killed.
    """
    ended = []
    server = postmaster(settings)
    if server is not None:
        _end([server], signal.SIGINT, seconds)
        ended.append("postgres")
    groups = {path: noted_group(path) for path in sorted(settings.run_dir.glob("*.pid"))}
    orphans = {path: group for path, group in groups.items() if group and path.stem != "supervisord"}
    for path, group in orphans.items():
        _signal(group, signal.SIGINT if path.stem == "postgres" else signal.SIGTERM)
    deadline = time.monotonic() + seconds
    for path, group in orphans.items():
        _end(group, None, max(0.1, deadline - time.monotonic()))
        ended.append(path.stem)
    for path in groups:
        path.unlink(missing_ok=True)
    return sorted(set(ended))


def _signal(processes: list[psutil.Process], number: signal.Signals) -> None:
    for process in processes:
        try:
            process.send_signal(number)
        except psutil.NoSuchProcess:
            continue


def _end(processes: list[psutil.Process], number: signal.Signals | None, seconds: float) -> None:
    """Signal when a number is given, wait, kill the rest. PostgreSQL's children end with it."""
    if number is not None:
        _signal(processes, number)
    _, alive = psutil.wait_procs(processes, seconds)
    _signal(alive, signal.SIGKILL)
    psutil.wait_procs(alive, 5)
