"""Addresses as people give them, one rule at a time, against a handful of made-up places."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citybrain.reading.gazetteer import Gazetteer, NamedPlace, Village, one_wrong, sounds
from citybrain.reading.places import find_place

VILLAGES = [
    Village("341602001001", "白布社区", "花戏楼街道", "341602", "谯城区"),
    Village("341602100201", "王楼村委会", "古井镇", "341602", "谯城区"),
    Village("341602100202", "古井社区居委会", "古井镇", "341602", "谯城区"),
    Village("341621101201", "王楼村委会", "西阳镇", "341621", "涡阳县"),
    Village("341621101202", "盛黄村村民委员会", "西阳镇", "341621", "涡阳县"),
    Village("341622001001", "希望社区居委会", "漆园街道", "341622", "蒙城县"),
    Village("341622001002", "灵津渡社区", "漆园街道", "341622", "蒙城县"),
]
PLACES = [
    NamedPlace("合欢苑", "341602001001"),
    NamedPlace("芍花路", "341602001001", 1, 200),
    NamedPlace("芍花路", "341602100202", 201, 400),
    NamedPlace("锦绣花园", "341621101202"),
    NamedPlace("锦绣花园", "341622001002"),
]
GAZETTEER = Gazetteer(VILLAGES, PLACES)


def found(text: str, county: str | None = None) -> str | None:
    place = find_place(GAZETTEER, text, county)
    return None if place.village is None else VILLAGES[place.village].code


@pytest.mark.parametrize(
    ("text", "county", "code"),
    [
        ("亳州市谯城区花戏楼街道白布社区停水了", None, "341602001001"),
        ("我们白布这边停水了", "谯城区", "341602001001"),
        ("停水了，家住合欢苑3号楼", None, "341602001001"),
        ("古井镇的王楼村路灯不亮", None, "341602100201"),
        ("涡阳王楼村路灯不亮", None, "341621101201"),
        ("王楼村路灯不亮", "涡阳县", "341621101201"),
        ("西阳镇胜黄村路灯不亮", None, "341621101202"),  # by ear
        ("漆园街道灵津度社区有积水", None, "341622001002"),  # by ear
        ("漆园街道灵律渡社区有积水", None, "341622001002"),  # 津 miswritten
        ("芍花路128号门前积水", "谯城区", "341602001001"),
        ("芍花路268号门前积水", "谯城区", "341602100202"),
        ("漆园街道希望社区停电", None, "341622001001"),
        ("盛黄的锦绣花园电梯坏了", None, "341621101202"),
    ],
)
def test_an_address_that_tells(text: str, county: str | None, code: str) -> None:
    assert found(text, county) == code


@pytest.mark.parametrize(
    ("text", "county"),
    [
        ("王楼村路灯不亮", None),  # two of them
        ("芍花路积水", "谯城区"),  # without a number
        ("锦绣花园电梯坏了", None),  # in two counties
        ("希望尽快解决", "蒙城县"),  # a word, not a place
        ("古井那边停水了", None),  # the town, not its community of that name
        ("楼道里有小广告", None),
        ("", None),
    ],
)
def test_an_address_that_does_not_tell_stays_undecided(text: str, county: str | None) -> None:
    place = find_place(GAZETTEER, text, county)
    assert (place.village, place.how) == (None, "undecided")


@given(st.text(max_size=60), st.sampled_from([None, "谯城区", "没有这个县"]))
def test_any_text_is_read_without_a_fault(text: str, county: str | None) -> None:
    place = find_place(GAZETTEER, text, county)
    assert (place.village is None) == (place.how == "undecided")
    assert all(0 <= start < end <= len(text) for start, end in place.spans)


@given(st.text(alphabet="王李楼庄村", min_size=3, max_size=6), st.data())
def test_texts_one_character_apart_share_a_key(text: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(text) - 1))
    assert one_wrong(text, len(text)) & one_wrong(text[:at] + "某" + text[at + 1 :], len(text))
    if len(text) >= 4:
        assert text[:at] + text[at + 1 :] in one_wrong(text, len(text))


def test_sounds_that_people_here_confuse_are_one() -> None:
    for one, other in pairwise(["李", "你"]):
        assert sounds(one) == sounds(other)
    assert sounds("张") == sounds("脏")
    assert sounds("王") != sounds("李")
