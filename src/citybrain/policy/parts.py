"""A grant cut into what is paid when and by whom: stages first, then the payers of each stage, to the fen.

Each cut goes by running totals rounded to the fen, so that the pieces are never negative, differ from their
exact share by less than a fen, and add up to the whole.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, localcontext

from citybrain.policy.item_file import Payer, Stage

WHOLE = "whole"  # the one stage of a grant that is paid at once
FEN = Decimal("0.01")


@dataclass(frozen=True)
class Part:
    """What one payer pays of one stage, in yuan, above zero. `number` counts stages from 1."""

    stage: str
    number: int
    label: str
    payer: Payer
    amount: Decimal


def parts_of(amount: Decimal, stages: Sequence[Stage], shares: Mapping[Payer, Decimal]) -> list[Part]:
    """Every part of an amount of whole fen. No stages: paid at once; no shares: the city pays.

    A part that comes to less than half a fen is left out: another one holds it. A grant so small that its
    first stage would be nothing is paid at once.
    """
    named = [(stage.id, stage.label) for stage in stages] or [(WHOLE, "一次拨付")]
    pieces = cut(amount, [stage.share for stage in stages] or [Decimal(1)])
    if not pieces[0]:
        pieces = [amount, *[Decimal(0)] * (len(pieces) - 1)]
    payers: Mapping[Payer, Decimal] = shares or {"city": Decimal(1)}
    parts = []
    for number, ((stage, label), part) in enumerate(zip(named, pieces, strict=True), 1):
        for payer, paid in zip(payers, cut(part, list(payers.values())), strict=True):
            if paid:
                parts.append(Part(stage, number, label, payer, paid))
    return parts


def cut(amount: Decimal, shares: Sequence[Decimal]) -> list[Decimal]:
    """Pieces of an amount in whole fen, one a share; the shares add up to 1."""
    pieces = []
    with localcontext() as context:
        context.prec = 60
        share, paid = Decimal(0), Decimal(0)
        for one in shares:
            share += one
            until = (amount * share).quantize(FEN, rounding=ROUND_HALF_UP)
            pieces.append(until - paid)
            paid = until
    return pieces
