"""What a step does besides moving the case: one function an effect, named in `transitions.yml`.

An effect changes the held case or another room's table, and returns what history should know of it.
"""

from collections.abc import Callable
from typing import Any

from citybrain.events.guards import Attempt
from citybrain.events.rechecking import ask
from citybrain.events.rules import EffectName

Effect = Callable[[Attempt], dict[str, Any]]


def release_handler(attempt: Attempt) -> dict[str, Any]:
    """The case waits for a dispatcher again."""
    released = attempt.case.handler
    attempt.case.handler = None
    return {"released": released.code if released else None}


def ask_for_recheck(attempt: Attempt) -> dict[str, Any]:
    """The detector is to look at the after-photo; "" where no machine checks this class."""
    return {"recheck_key": ask(attempt.case)}


EFFECTS: dict[EffectName, Effect] = {
    "release_handler": release_handler,
    "ask_for_recheck": ask_for_recheck,
}
