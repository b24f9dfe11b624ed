"""One ticket's text: a frame, a phrase for the matter, a mention of the place, and who calls.

Nobody is real: telephone numbers begin as no mobile number does, and numbers of identity cards fail their
check character.
"""

from typing import NamedTuple

import numpy as np

from citybrain.simulate.hotline.mentions import Given, Spot, mention, pick
from citybrain.simulate.hotline.wording import Wording

SURNAMES = list("王李张刘陈杨赵孙马郭高周徐朱胡宋许韩冯程")
GIVEN = ["某", "某某"]
TITLES = ["先生", "女士", "大爷", "大娘", "师傅", "阿姨"]


class Told(NamedTuple):
    """A text and the village it can only mean, None where nobody can tell."""

    text: str
    village: int | None


def phone(random: np.random.Generator) -> str:
    """Eleven digits of no network: 10, 11 and 12 begin no mobile number."""
    return f"1{_below(random, 3)}{_below(random, 10**9):09}"


def id_number(random: np.random.Generator) -> str:
    """Eighteen characters in the shape of an identity card's, with a wrong check character."""
    day = f"19{50 + _below(random, 50)}{1 + _below(random, 12):02}{1 + _below(random, 28):02}"
    body = f"341602{day}{_below(random, 1000):03}"
    weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]
    rest = sum(int(digit) * weight for digit, weight in zip(body, weights, strict=True)) % 11
    return body + "10X98765432"[(rest + 1) % 11]


def _below(random: np.random.Generator, end: int) -> int:
    return int(random.random() * end)


def tell(random: np.random.Generator, wording: Wording, matter_id: str, spot: Spot, given: Given) -> Told:
    """What a caller says about the matter at the spot."""
    named = mention(random, wording, spot, given)
    tail = pick(random, wording.tails) if named.text and named.text[-1] != "号" else ""
    frame = pick(random, wording.frames)
    text = frame.format(
        place=named.text + tail if named.text else "我们这里",
        what=pick(random, wording.what[matter_id]),
        filler=pick(random, wording.fillers),
        ask=pick(random, wording.asks),
        surname=pick(random, SURNAMES),
        given=pick(random, GIVEN),
        title=pick(random, TITLES),
        phone=phone(random) if "{phone}" in frame else "",
        id_number=id_number(random) if "{id_number}" in frame else "",
    )
    return Told(text, named.village)
