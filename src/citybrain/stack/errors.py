"""What the stack says when it cannot start: the setting to change and the log to read."""

from pathlib import Path


class StackError(RuntimeError):
    """A service cannot start or has died. The text names the setting to change or the log to read."""


def log_tail(path: Path, lines: int = 12) -> str:
    """The last lines of a log, indented for an error text; empty when there is no log yet."""
    if not path.exists():
        return ""
    with path.open("rb") as log:
        log.seek(0, 2)
        log.seek(max(0, log.tell() - 16_384))
        tail = log.read().decode("utf-8", "replace").splitlines()[-lines:]
    return "".join(f"\n    {line}" for line in tail)
