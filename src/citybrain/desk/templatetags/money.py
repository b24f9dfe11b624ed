"""Money as the desk shows it: totals in 万元 with two decimals, single amounts in full yuan."""

from decimal import ROUND_HALF_UP, Decimal

from django import template

register = template.Library()


@register.filter
def wan(yuan: Decimal | None) -> str:
    """`1,234.56 万元`; a dash for nothing."""
    if yuan is None:
        return "—"
    return f"{(Decimal(yuan) / 10_000).quantize(Decimal('0.01'), ROUND_HALF_UP):,} 万元"


@register.filter
def yuan(amount: Decimal | None) -> str:
    """`1,234.56`, in yuan; a dash for nothing."""
    return "—" if amount is None else f"{Decimal(amount):,.2f}"
