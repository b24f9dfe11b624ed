"""A grant cut into stages and payers: never a fen more or less, whatever the amount and the shares are."""

from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citybrain.policy.item_file import Stage
from citybrain.policy.parts import Part, cut, parts_of

FEN = Decimal("0.01")
AMOUNTS = st.integers(1, 10**17).map(lambda fen: Decimal(fen).scaleb(-2))


@st.composite
def shares(draw: st.DrawFn, most: int = 5) -> list[Decimal]:
    """Shares above zero, to four digits, that add up to 1."""
    marks = draw(st.sets(st.integers(1, 9_999), max_size=most - 1))
    edges = [0, *sorted(marks), 10_000]
    return [Decimal(after - before).scaleb(-4) for before, after in pairwise(edges)]


def stages(parts: list[Decimal]) -> list[Stage]:
    return [Stage(id=f"stage_{n}", share=part, label=f"第 {n} 期") for n, part in enumerate(parts)]


@given(amount=AMOUNTS, pay=shares(), borne=shares(4))
def test_parts_add_up_to_the_fen(amount: Decimal, pay: list[Decimal], borne: list[Decimal]) -> None:
    payers = dict(zip(("nation", "province", "city", "county"), borne, strict=False))
    parts = parts_of(amount, stages(pay), payers)  # type: ignore[arg-type]
    assert sum(part.amount for part in parts) == amount
    assert all(part.amount > 0 and part.amount == part.amount.quantize(FEN) for part in parts)
    assert parts[0].number == 1, "the first stage goes out with the grant"
    for number, share in enumerate(pay, 1):
        paid = sum((part.amount for part in parts if part.number == number), Decimal(0))
        exact = Fraction(amount) * Fraction(share)
        too_small = cut(amount, pay)[0] == 0
        assert too_small or abs(Fraction(paid) - exact) < Fraction(FEN)
        for payer, part_of_it in payers.items():
            own = [part.amount for part in parts if (part.number, part.payer) == (number, payer)]
            assert len(own) <= 1
            due = Fraction(paid) * Fraction(part_of_it)
            assert abs(Fraction(sum(own, Decimal(0))) - due) < Fraction(FEN)


def test_without_stages_and_shares_the_city_pays_at_once() -> None:
    assert parts_of(Decimal("12.34"), [], {}) == [Part("whole", 1, "一次拨付", "city", Decimal("12.34"))]


@pytest.mark.parametrize(
    ("amount", "expected"),
    [
        (
            "100.01",
            [(1, "city", "25.01"), (1, "county", "25.00"), (2, "city", "25.00"), (2, "county", "25.00")],
        ),
        ("0.03", [(1, "city", "0.01"), (1, "county", "0.01"), (2, "city", "0.01")]),
        ("0.01", [(1, "city", "0.01")]),
    ],
)
def test_odd_fen_go_to_who_comes_first(amount: str, expected: list[tuple[int, str, str]]) -> None:
    half = Decimal("0.5")
    found = parts_of(Decimal(amount), stages([half, half]), {"city": half, "county": half})
    assert [(part.number, part.payer, str(part.amount)) for part in found] == expected
