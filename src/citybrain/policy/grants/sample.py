"""A drawn sample of a list, to check by hand: nobody picks it, and everybody draws the same."""

from math import ceil, sqrt

from django.db.models import Value
from django.db.models.functions import SHA256, Concat

from citybrain.policy.grants.models import COUNTED, GrantLine, GrantList

LEAST = 3


def sample_size(lines: int) -> int:
    """The square root of the list, at least LEAST: 10 of 100 lines, 32 of 1,000."""
    return min(lines, max(LEAST, ceil(sqrt(lines))))


def drawn_sample(grant_list: GrantList) -> list[GrantLine]:
    """Lines in the order of a hash over the list's code, its facts and the credit code: known to nobody before
    the run, and the same ones whenever it is drawn again while the same lines count."""
    lines = grant_list.lines.filter(state__in=COUNTED)
    seed = Value(f"{grant_list.code}|{grant_list.facts_sha256}|")
    drawn = lines.annotate(draw=SHA256(Concat(seed, "uscc"))).order_by("draw")
    return list(drawn[: sample_size(grant_list.line_count)])
