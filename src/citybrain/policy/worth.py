"""What an item is worth, put so that it can be bounded: an amount of one fact, also by the value of a second.

A share of a fact, so much for each, tiers, an amount by a value: they rise with their fact, so two numbers
bound them (`bounds`). A formula may do anything and is not put this way. Numbers are doubles here: PostgreSQL
works out every amount that is written, in exact decimals.
"""

from dataclasses import asdict, dataclass
from decimal import ROUND_DOWN, ROUND_HALF_UP, ROUND_UP, Decimal
from typing import Any

from citybrain.policy.item_file import FlatBy, Match, PerUnit, RateBy, RateOf, Rounding, Tiers
from citybrain.policy.rule import Rule

EVERY_VALUE = ""  # the rate of an amount that no second fact decides
ROUNDING = {"half_up": ROUND_HALF_UP, "down": ROUND_DOWN, "up": ROUND_UP}


@dataclass(frozen=True)
class Worth:
    """An amount without a formula. `rates`: by the value of `by`, another value has 0; a share of `of`, or
    yuan where there is no `of`. `tiers`: from, rate, yuan. `cap`, `step`: yuan; `capped`: the cap, rounded.
    """

    of: str | None
    by: str | None
    rates: dict[str, float]
    tiers: tuple[tuple[float, float, float], ...]
    marginal: bool
    cap: float | None
    capped: float | None
    step: float

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "tiers": [list(tier) for tier in self.tiers]}

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> "Worth":
        return cls(**{**stored, "tiers": tuple((tier[0], tier[1], tier[2]) for tier in stored["tiers"])})


def worth_of(rule: Rule) -> Worth | None:
    """None for a formula, for what is the same for everybody, and where a number is unconfirmed."""
    amount, cap = rule.version.amount, rule.version.caps.per_enterprise
    if not rule.payable:
        return None
    of: str | None = None
    by: str | None = None
    rates: dict[str, Any] = {}
    tiers: tuple[tuple[float, float, float], ...] = ()
    match amount:
        case RateOf():
            of, rates = amount.of, {EVERY_VALUE: amount.rate}
        case PerUnit():
            of, rates = amount.of, {EVERY_VALUE: amount.value}
        case Match():
            of, rates = amount.of, {EVERY_VALUE: amount.ratio}
        case RateBy():
            of, by, rates = amount.of, amount.by, amount.rates
        case FlatBy():
            by = amount.by
            rates = {
                value: _rounded(number if cap is None else min(number, cap), amount.round)
                for value, number in amount.values.items()
                if number is not None
            }
        case Tiers():
            of, rates = amount.of, {EVERY_VALUE: 1}
            tiers = tuple(
                (float(tier.start), float(tier.rate or 0), float(tier.value or 0)) for tier in amount.tiers
            )
        case _:
            return None
    return Worth(
        of=of,
        by=by,
        rates={value: float(rate) for value, rate in rates.items() if rate is not None},
        tiers=tiers,
        marginal=isinstance(amount, Tiers) and amount.mode == "marginal",
        cap=None if cap is None else float(cap),
        capped=None if cap is None else float(_rounded(cap, amount.round)),
        step=float(amount.round.to),
    )


def _rounded(value: Decimal, rounding: Rounding) -> Decimal:
    return value.quantize(Decimal(1).scaleb(-rounding.places), rounding=ROUNDING[rounding.mode])
