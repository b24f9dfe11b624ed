"""Cases of the past as somebody tells them: what was found where, every step, when, and who took it."""

from datetime import datetime
from typing import NamedTuple


class ToldStep(NamedTuple):
    """A step as it is told. It names a post, never a person: `role` and `organisation` are empty for the
    platform's own steps.

    `handler` is the code of the organisation that the step gives the case to. `verdict` is what a machine's
    check said. `photo`: a picture was handed in; an imported history keeps none.
    """

    action: str
    at: datetime
    role: str = ""
    organisation: str = ""
    reason: str = ""
    handler: str = ""
    verdict: str = ""
    photo: bool = False


class ToldCase(NamedTuple):
    """A case as it is told, from `register` on. Times are aware, `number` is its own for good."""

    number: str
    scenario: str
    class_code: str
    place_id: str
    place_name: str
    area_code: str
    source_kind: str
    found_at: datetime
    steps: tuple[ToldStep, ...]
    source_id: str = ""
    zone: str = ""
    sightings: int = 1


class HistoryRefusedError(ValueError):
    """A told case breaks a rule; nothing of its batch is written. Names the case and the step."""
