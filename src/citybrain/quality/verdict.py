"""What a gate says about one batch."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Card(StrEnum):
    """Green: load. Yellow: load the good rows, tell the owner. Red: nothing is loaded until a data engineer
    decides.
    """

    GREEN = "green"
    YELLOW = "yellow"
    RED = "red"


_SEVERITY = (Card.GREEN, Card.YELLOW, Card.RED)


@dataclass(frozen=True)
class RuleResult:
    """One rule on one batch. `card` is None when the rule passed.

    For a row rule `unexpected_rows` of `evaluated_rows` are bad; both are None for a batch rule, and for a
    rule that could not be judged. `detail` is plain JSON: the figure a batch rule saw, the bounds, or the
    error.
    """

    rule_id: str
    rule_kind: str
    column_name: str | None
    card: Card | None
    unexpected_rows: int | None
    evaluated_rows: int | None
    detail: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Verdict:
    """The card of a batch: the worst among its rules."""

    card: Card
    results: list[RuleResult]
    reason: str | None
    """In Chinese, why the card is not green."""


def worst(cards: Sequence[Card | None]) -> Card:
    """The largest severity; green when every rule passed."""
    return max((card or Card.GREEN for card in cards), key=_SEVERITY.index, default=Card.GREEN)
