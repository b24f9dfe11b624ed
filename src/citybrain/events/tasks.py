"""What the desk's worker does for cases, every few seconds.

A round that is late or runs twice changes nothing: each claims its work from a table. `queueing_lock` keeps
one waiting round of a kind, so rounds do not pile up behind a slow one.
"""

import functools
from collections.abc import Callable

from django.db import close_old_connections
from procrastinate.contrib.django import app

from citybrain.events.anchoring import anchor_head
from citybrain.events.intake import take_in
from citybrain.events.overdue import watch_clocks
from citybrain.events.sending import send_due
from citybrain.events.verdicts import follow_verdicts
from citybrain.events.waking import ring_due


def every(cron: str, name: str) -> Callable[[Callable[[], object]], object]:
    """Register a round under `events.<name>`; six fields of cron, the last one seconds."""

    def register(round_of: Callable[[], object]) -> object:
        @app.periodic(cron=cron)
        @app.task(name=f"events.{name}", queueing_lock=f"events.{name}")
        @functools.wraps(round_of)
        def task(timestamp: int) -> None:
            close_old_connections()  # each round may run in another thread of the worker
            try:
                round_of()
            finally:
                close_old_connections()

        return task

    return register


@every("* * * * * */3", "take_in_signals")
def take_in_signals() -> None:
    take_in()


@every("* * * * * */3", "send_notifications")
def send_notifications() -> None:
    send_due()


@every("* * * * * */5", "follow_checks")
def follow_checks() -> None:
    follow_verdicts()


@every("* * * * *", "watch_time_limits")
def watch_time_limits() -> None:
    watch_clocks()


@every("* * * * * */5", "wake_wardens")
def wake_wardens() -> None:
    ring_due()


@every("0 * * * *", "anchor_ledger")
def anchor_ledger() -> None:
    anchor_head()
