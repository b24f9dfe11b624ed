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
SAME = "same"
PetitionName = Literal["extension", "suspension", "appeal", "second_review"]
GuardName = Literal[
    "reason_given",
    "place_known",
    "before_photo",
    "handler_given",
    "another_handler",
    "own_organisation",
    "own_report",
    "after_photo",
    "over",
    "readings_clear",
    "another_person",
    "another_reviewer",
    "check_passed",
    "check_failed",
    "machine_undecided",
    "in_time",
    "extension_left",
    "was_late",
    "soon_after_closing",
    "spot_free",
    "resource_named",
]
EffectName = Literal[
    "release_handler",
    "ask_for_recheck",
    "count_extension",
    "exempt",
    "force",
    "satisfied",
    "unsatisfied",
    "count_reopening",
    "wake_wardens",
]
RecipientName = Literal[
    "handler", "lead", "reporter", "community", "command_centre", "dispatcher", "acceptor"
]
WORDS = frozenset(
    {"number", "title", "place", "handler", "lead", "deadline", "reason", "state", "limit", "link"}
)


class StateRule(ContentModel):
    zh: str = Field(min_length=1)
    en: str = Field(min_length=1)
    ends: bool = Field(default=False, description="the case is over; only steps marked `after_end` leave it")


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

    `start` begins anew; `resume` goes on with what remains while the handler is the same, and begins anew for
    another one; `extend` adds what the class grants.
    """

    start: list[str] = []
    pause: list[str] = []
    resume: list[str] = []
    stop: list[str] = []
    extend: list[str] = []

    @property
    def named(self) -> list[str]:
        return [*self.start, *self.pause, *self.resume, *self.stop, *self.extend]


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
    """One way from a state to a state. `from` holds "" for the step that makes a case.

    A step that `asks` leaves a petition on the case, one that `answers` takes it off; with both, the petition
    goes on to the next instance. `to: same` leaves the case where it is.
    """

    action: str = Field(pattern=r"^[a-z][a-z_]{0,31}$")
    zh: str = Field(min_length=1)
    en: str = Field(min_length=1)
    origins: list[StateName | Literal[""]] = Field(alias="from", min_length=1)
    to: StateName | Literal["same"]
    machine: bool = Field(default=False, description="the platform may take it by itself")
    permission: str | None = Field(default=None, pattern=r"^events\.[a-z_]+$")
    guards: list[GuardName] = []
    asks: PetitionName | None = None
    answers: PetitionName | None = None
    own_form: bool = Field(
        default=False, description="taken on a page of its own, which names more than a reason"
    )
    after_end: bool = Field(default=False, description="may leave a state in which the case is over")
    reasons: list[str] = Field(default=[], description="wordings that the form offers")
    clocks: ClockOrders = ClockOrders()
    effects: list[EffectName] = []
    notify: list[Message] = []
    follow: str | None = Field(default=None, description="the platform's step that follows at once")

    def leads_to(self, state: str) -> str:
        """Where the step leads from `state`."""
        return state if self.to == SAME else self.to

    @model_validator(mode="after")
    def _somebody(self) -> "Step":
        if not self.machine and self.permission is None:
            raise ValueError("nobody may take this step: give `permission` or `machine`")
        if self.reasons and "reason_given" not in self.guards:
            raise ValueError("`reasons` are offered where the guard `reason_given` asks for one")
        return self


class Repeats(ContentModel):
    """A place where the same class comes up `cases` times in `days`: its lead is told."""

    cases: int = Field(ge=2)
    days: int = Field(ge=1, le=365)
    message: Message


class Wake(ContentModel):
    """What a warden gets at each ring, and who is told when somebody or nobody answered."""

    ring: Message
    answered: Message
    silent: Message


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
    recipients: dict[Literal["command_centre", "dispatcher", "acceptor"], str]
    reporters: dict[str, str] = Field(
        default={}, description="source kind to the organisation that reports on behalf of others"
    )
    joined: Message = Field(description="to a reporter whose report became part of a case that is filed")
    written: Message = Field(description="to who has part in a case on which somebody else wrote")
    repeats: Repeats
    wake: Wake
    transitions: list[Step] = Field(min_length=1)

    def step(self, action: str, state: str) -> Step | None:
        """The step called `action` that leaves `state`; None when there is none."""
        for step in self.transitions:
            if step.action == action and state in step.origins:
                return step
        return None

    def leaving(self, state: str) -> list[Step]:
        return [step for step in self.transitions if state in step.origins]

    def _asked(self) -> set[str]:
        return {step.asks for step in self.transitions if step.asks}

    def _answered(self) -> set[str]:
        return {step.answers for step in self.transitions if step.answers}

    def _reached(self) -> set[str]:
        """Every state that a case can come to, beginning before its first step."""
        reached: set[str] = {""}
        while grown := {str(step.to) for step in self.transitions if reached & set(step.origins)} - reached:
            reached |= grown
        return reached - {SAME}

    @model_validator(mode="after")
    def _hangs_together(self) -> "Rules":
        if missing := set(StateName.__args__) - set(self.states):  # type: ignore[attr-defined]
            raise ValueError(f"states without a label: {', '.join(sorted(missing))}")
        for step in self.transitions:
            if unknown := set(step.clocks.named) - set(self.clocks):
                raise ValueError(f"{step.action}: unknown clocks: {', '.join(sorted(unknown))}")
            if not step.after_end and (
                ended := [name for name in step.origins if name and self.states[name].ends]
            ):
                raise ValueError(f"{step.action}: leaves {', '.join(ended)}, where a case ends")
            after = self.step(step.follow, step.to) if step.follow else None
            if step.follow and (after is None or not after.machine):
                raise ValueError(f"{step.action}: {step.follow} is no step of the platform from {step.to}")
        if lost_petitions := sorted(self._asked() ^ self._answered()):
            raise ValueError(f"petitions without a step that asks and one that answers: {lost_petitions}")
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
