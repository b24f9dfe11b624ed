"""A drawn sample of a list, to check by hand: nobody picks it, and everybody draws the same."""

import hashlib
from math import ceil, sqrt

from citybrain.policy.grants.models import COUNTED, GrantLine, GrantList

LEAST = 3


def sample_size(lines: int) -> int:
    """The square root of the list, at least LEAST: 10 of 100 lines, 32 of 1,000."""
    return min(lines, max(LEAST, ceil(sqrt(lines))))


def drawn_sample(grant_list: GrantList) -> list[GrantLine]:
    """Lines in the order of a hash over the list's code, facts and credit codes: known to nobody before
    the run, and the same ones whenever it is drawn again while the same lines count."""
    lines = grant_list.lines.filter(state__in=COUNTED)
    known: list[tuple[str, int]] = list(lines.values_list("uscc", "pk"))
    seed = f"{grant_list.code}|{grant_list.facts_sha256}|"
    drawn = sorted(known, key=lambda line: hashlib.sha256(f"{seed}{line[0]}".encode()).digest())
    chosen = [key for _, key in drawn[: sample_size(len(known))]]
    found = lines.in_bulk(chosen)
    return [found[key] for key in chosen]
