"""Unified social credit codes (GB 32100-2015) around organisation codes (GB 11714-1997), rightly checked.

The organisation part begins with `DM`, which is not issued: no generated code can be that of a real entity.
"""

import numpy as np
from numpy.typing import NDArray

ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
ORGANISATION_WEIGHTS = np.array([3, 7, 9, 10, 5, 8, 4, 2])
CREDIT_WEIGHTS = np.array([pow(3, place, 31) for place in range(17)])
BODIES = 31**6
PREFIX = "DM"

_CHARACTERS = np.array(list(ALPHABET))
_CREDIT_VALUE = np.full(128, -1)
_CREDIT_VALUE[[ord(character) for character in ALPHABET]] = np.arange(31)
_ORGANISATION_VALUE = np.full(128, -1)
_ORGANISATION_VALUE[[ord(character) for character in "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"]] = np.arange(36)


def _letters(texts: NDArray[np.str_], width: int) -> NDArray[np.int64]:
    """Texts of equal width as an n x width array of code points."""
    return (
        np.ascontiguousarray(texts, dtype=f"<U{width}")
        .view("<u4")
        .reshape(len(texts), width)
        .astype(np.int64)
    )


def _join(left: NDArray[np.str_], right: NDArray[np.str_]) -> NDArray[np.str_]:
    return np.strings.add(left, right)


def organisation_codes(numbers: NDArray[np.int64]) -> NDArray[np.str_]:
    """A different nine-character organisation code for each different number below 31^6."""
    scattered = (numbers * 387_420_489 + 341_600) % BODIES  # 3^18 has no factor 31: a permutation
    digits = scattered[:, None] // 31 ** np.arange(5, -1, -1) % 31
    bodies = np.ascontiguousarray(_CHARACTERS[digits]).view("<U6").reshape(-1)
    stems = _join(np.full(len(numbers), PREFIX), bodies)
    rest = (_ORGANISATION_VALUE[_letters(stems, 8)] * ORGANISATION_WEIGHTS).sum(axis=1) % 11
    check = np.array(list("0X987654321"))[rest]
    return _join(stems, check)


def credit_codes(
    registrars: NDArray[np.str_], counties: NDArray[np.str_], organisations: NDArray[np.str_]
) -> NDArray[np.str_]:
    """Eighteen characters: registrar and kind (two), county (six), organisation (nine), check character."""
    stems = _join(_join(registrars, counties), organisations)
    total = (_CREDIT_VALUE[_letters(stems, 17)] * CREDIT_WEIGHTS).sum(axis=1)
    return _join(stems, _CHARACTERS[(31 - total % 31) % 31])
