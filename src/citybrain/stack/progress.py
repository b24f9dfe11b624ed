"""Steps on a person's terminal: what runs now with its seconds, and one line for each finished step."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn


class Steps:
    """A live list of steps. Finished lines are printed above it, so they stay and also appear where
    nothing is live.
    """

    def __init__(self, console: Console) -> None:
        self.console = console
        self.seconds: dict[str, float] = {}
        self._live = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            TimeElapsedColumn(),
            console=console,
            transient=True,
        )

    def __enter__(self) -> "Steps":
        self._live.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._live.stop()

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """Shows `title` while the body runs, then a line with its seconds, marked when the body raised."""
        row = self._live.add_task(title, total=None)
        started = time.monotonic()
        mark = "[red]✗[/]"
        try:
            yield
            mark = "[green]✓[/]"
        finally:
            self.seconds[title] = time.monotonic() - started
            self._live.remove_task(row)
            self.line(mark, title, self.seconds[title])

    def line(self, mark: str, title: str, seconds: float | None) -> None:
        """One finished line; seconds may be unknown."""
        took = f"{seconds:7.1f} s" if seconds is not None else " " * 9
        self._live.console.print(f"{mark} {took}  {title}", highlight=False)

    def together(self, *chains: Callable[[], None]) -> None:
        """Run chains of steps at once and wait for all; the first failure is raised when all have ended."""
        with ThreadPoolExecutor(len(chains)) as pool:
            futures = [pool.submit(chain) for chain in chains]
        for future in futures:
            future.result()
