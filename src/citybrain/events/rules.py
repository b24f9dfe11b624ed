"""The state machine as data: `transitions.yml`, checked when it is read."""

import string
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from citybrain.catalogue.content_file import ContentModel, load_content
from citybrain.catalogue.scenario import TimeUnit

RULES_FILE = Path(__file__).with_name("transitions.yml")

StateName = Literal[
    "detected",
    "confirmed",
    "filed",
    "dispatched",
    "accepted",
    "handling",
    "handled",
    "checking",
    "rework",
    "suspended",
    "closed",
    "voided",
]
GuardName = Literal[
    "reason_given",
    "place_known",
    "handler_given",
    "another_handler",
    "own_organisation",
    "after_photo",
    "another_person",
    "check_passed",
    "check_failed",
    "machine_undecided",
]
EffectName = Literal["release_handler", "ask_for_recheck"]
RecipientName = Literal["handler", "lead", "reporter", "community", "command_centre", "dispatcher"]
WORDS = frozenset({"number", "title", "place", "handler", "lead", "deadline", "reason", "state", "limit"})


class StateRule(ContentModel):
    zh: str = Field(min_length=1)
    en: str = Field(min_length=1)
    ends: bool = Field(default=False, description="no step leaves it")


class ClockRule(ContentModel):
    """A time limit: a value in a unit, or the limit of the case's class."""

    zh: str = Field(min_length=1)
    en: str = Field(min_length=1)
    by_class: bool = False
    value: Decimal | None = Field(default=None, gt=0)
    unit: TimeUnit | None = None

    @model_validator(mode="after")
    def _one_limit(self) -> "ClockRule":
        if self.by_class == (self.value is not None and self.unit is not None):
            raise ValueError("give `by_class`, or `value` and `unit`")
        return self


class ClockOrders(ContentModel):
    """What a step does to the clocks, by name.

    `start` begins anew; `resume` goes on with what remains while the handler is the same.
    """

    start: list[str] = []
    pause: list[str] = []
    resume: list[str] = []
    stop: list[str] = []

    @property
    def named(self) -> list[str]:
        return [*self.start, *self.pause, *self.resume, *self.stop]


class Message(ContentModel):
    """What a step tells: `{words}` of the text are filled from the case."""

    to: list[RecipientName] = Field(min_length=1)
    subject: str = Field(min_length=1)
    body: str = Field(min_length=1)
    cooldown_minutes: int = Field(
        default=0, ge=0, description="told once in this time for a case, a recipient and an action"
    )

    @model_validator(mode="after")
    def _known_words(self) -> "Message":
        for text in (self.subject, self.body):
            for _, word, form, conversion in string.Formatter().parse(text):
                if word is not None and (word not in WORDS or form or conversion):
                    raise ValueError(
                        f"{{{word}}} is no word of a message; there are {', '.join(sorted(WORDS))}"
                    )
        return self


class Step(ContentModel):
    """One way from a state to a state. `from` holds "" for the step that makes a case."""

    action: str = Field(pattern=r"^[a-z][a-z_]{0,31}$")
    zh: str = Field(min_length=1)
    en: str = Field(min_length=1)
    origins: list[StateName | Literal[""]] = Field(alias="from", min_length=1)
    to: StateName
    machine: bool = Field(default=False, description="the platform may take it by itself")
    permission: str | None = Field(default=None, pattern=r"^events\.[a-z_]+$")
    guards: list[GuardName] = []
    clocks: ClockOrders = ClockOrders()
    effects: list[EffectName] = []
    notify: list[Message] = []
    follow: str | None = Field(default=None, description="the platform's step that follows at once")

    @model_validator(mode="after")
    def _somebody(self) -> "Step":
        if not self.machine and self.permission is None:
            raise ValueError("nobody may take this step: give `permission` or `machine`")
        return self


class Escalation(ContentModel):
    level: int = Field(ge=1)
    after: Decimal = Field(gt=0)
    zh: str = Field(min_length=1)
    message: Message


class Rules(ContentModel):
    version: int = Field(ge=1)
    states: dict[StateName, StateRule]
    clocks: dict[str, ClockRule]
    escalation: list[Escalation]
    recipients: dict[Literal["command_centre", "dispatcher"], str]
    transitions: list[Step] = Field(min_length=1)

    def step(self, action: str, state: str) -> Step | None:
        """The step called `action` that leaves `state`; None when there is none."""
        for step in self.transitions:
            if step.action == action and state in step.origins:
                return step
        return None

    def leaving(self, state: str) -> list[Step]:
        return [step for step in self.transitions if state in step.origins]

    def _reached(self) -> set[str]:
        """Every state that a case can come to, beginning before its first step."""
        reached: set[str] = {""}
        while grown := {str(step.to) for step in self.transitions if reached & set(step.origins)} - reached:
            reached |= grown
        return reached

    @model_validator(mode="after")
    def _hangs_together(self) -> "Rules":
        if missing := set(StateName.__args__) - set(self.states):  # type: ignore[attr-defined]
            raise ValueError(f"states without a label: {', '.join(sorted(missing))}")
        for step in self.transitions:
            if unknown := set(step.clocks.named) - set(self.clocks):
                raise ValueError(f"{step.action}: unknown clocks: {', '.join(sorted(unknown))}")
            if ended := [name for name in step.origins if name and self.states[name].ends]:
                raise ValueError(f"{step.action}: leaves {', '.join(ended)}, where a case ends")
            after = self.step(step.follow, step.to) if step.follow else None
            if step.follow and (after is None or not after.machine):
                raise ValueError(f"{step.action}: {step.follow} is no step of the platform from {step.to}")
        pairs = [(step.action, origin) for step in self.transitions for origin in step.origins]
        if doubled := sorted(
            {f"{action} from {origin}" for action, origin in pairs if pairs.count((action, origin)) > 1}
        ):
            raise ValueError(f"steps given twice: {', '.join(doubled)}")
        reached = self._reached()
        if lost := sorted(state for state in self.states if state not in reached):
            raise ValueError(f"states that no case can reach: {', '.join(lost)}")
        levels = [(escalation.level, escalation.after) for escalation in self.escalation]
        if levels != sorted(levels) or len({level for level, _ in levels}) != len(levels):
            raise ValueError("levels of escalation must grow, and their shares with them")
        return self


@cache
def load_rules(path: Path = RULES_FILE) -> Rules:
    """Raises ContentError."""
    return load_content(path, Rules)
