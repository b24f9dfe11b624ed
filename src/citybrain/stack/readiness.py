"""Waiting for a server this process started or found."""

import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from citybrain.stack.errors import StackError, log_tail


def wait_until(
    ready: Callable[[], bool],
    what: str,
    log: Path,
    process: "subprocess.Popen[bytes] | None",
    seconds: float,
) -> None:
    """Wait until a server is ready; raise StackError with its log's end when it died or stays silent."""
    deadline = time.monotonic() + seconds
    while not ready():
        died = process is not None and process.poll() is not None
        if died or time.monotonic() > deadline:
            fault = "stopped at once" if died else f"does not answer after {seconds:.0f} s"
            raise StackError(f"{what} {fault}; log {log}:{log_tail(log)}")
        time.sleep(0.1)
