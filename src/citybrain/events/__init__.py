"""Events: signals become cases, cases move along transitions kept as data, and every step is recorded.

The room is a Django app (`events`). What pages call: `citybrain.events.acting` (apply, actions_for),
`citybrain.events.photos` (add_photo), `citybrain.events.reporting` (report). What other rooms call is named
here; `write_history` wants Django's apps loaded.
"""

from typing import TYPE_CHECKING, Any

from citybrain.events.told import HistoryRefusedError, ToldCase, ToldStep

if TYPE_CHECKING:
    from citybrain.events.history import Written, write_histories, write_history

__all__ = ["HistoryRefusedError", "ToldCase", "ToldStep", "Written", "write_histories", "write_history"]


def __getattr__(name: str) -> Any:
    if name not in ("Written", "write_histories", "write_history"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from citybrain.events import history

    return getattr(history, name)
