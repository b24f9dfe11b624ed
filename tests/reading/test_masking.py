"""Nothing that tells who called leaves the reader."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from citybrain.reading.masking import SUMMARY_LENGTH, mask, summary
from citybrain.simulate import held_out_tickets
from citybrain.simulate.hotline.telling import SURNAMES, TITLES, id_number, phone

CHECK = "10X98765432"
WEIGHTS = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("电话13800000000请回复", "电话[电话]请回复"),
        ("电话138 0000 0000", "电话[电话]"),
        ("座机0558-1234567", "座机[电话]"),
        ("身份证号34160219700101001X。", "身份证号[证件号]。"),
        ("王先生来电：停水", "[姓名]来电：停水"),
        ("我叫李某某，住在白布社区", "我叫[姓名]，住在白布社区"),
        ("我姓陈，手机１３８０００００００００", "我姓[姓]，手机[号码]"),
        ("合欢苑3栋2单元501室漏水", "合欢苑[门牌]漏水"),
        ("车牌皖S12345占道", "车牌[车牌]占道"),
        ("写信到somebody@example.com", "写信到[邮箱]"),
        ("停水2天，气温38度", "停水2天，气温38度"),
    ],
)
def test_what_is_masked_and_what_is_left(text: str, masked: str) -> None:
    assert mask(text) == masked


@given(st.integers(0, 2**32), st.text(alphabet="停水了请来看看，。 ", max_size=12))
def test_no_number_of_a_person_is_left(seed: int, around: str) -> None:
    random = np.random.default_rng(seed)
    number, card = phone(random), id_number(random)
    masked = mask(f"{around}{number}{around}，{card}{around}")
    assert number not in masked
    assert card not in masked
    assert not re.search(r"[0-9]{5}", masked)


@given(st.sampled_from(SURNAMES), st.sampled_from(TITLES), st.integers(0, 2**32))
def test_no_caller_is_named(surname: str, title: str, seed: int) -> None:
    for text in (
        f"{surname}{title}来电：停水",
        f"停水。来电人{surname}{title}，",
        f"我叫{surname}某某，停水",
    ):
        assert surname not in summary(text)


def test_no_ticket_of_the_held_out_callers_keeps_a_number() -> None:
    tickets, _ = held_out_tickets(5)
    for ticket in tickets:
        short = summary(ticket.text)
        assert not re.search(r"[0-9]{5}", short)
        assert len(short) <= SUMMARY_LENGTH
        assert short.count("[") == short.count("]")


@given(st.integers(0, 2**32))
def test_generated_numbers_belong_to_nobody(seed: int) -> None:
    random = np.random.default_rng(seed)
    assert re.fullmatch(r"1[0-2][0-9]{9}", phone(random))
    card = id_number(random)
    assert len(card) == 18
    rest = sum(int(digit) * weight for digit, weight in zip(card[:17], WEIGHTS, strict=True)) % 11
    assert card[17] != CHECK[rest]
