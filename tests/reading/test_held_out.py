"""The reader against callers it never heard: the three bars, on wording that shares nothing with its own."""

import random
from functools import cache
from itertools import chain

import pytest

from citybrain.reading import Bars, Reader, Ticket, load_demands, score
from citybrain.reading.gazetteer import load_place_words
from citybrain.simulate import held_out_registers, held_out_tickets
from citybrain.simulate.hotline.wording import load_wording


@cache
def reader() -> Reader:
    return Reader(*held_out_registers())


def learnt_phrases() -> set[str]:
    demands = load_demands()
    matters = [matter for one in demands.classes for matter in one.matters]
    return set(chain.from_iterable(matter.said for matter in matters))


@pytest.mark.parametrize("seed", [1, pytest.param(20261126, marks=pytest.mark.slow)])
def test_the_bars_are_met_on_words_it_never_saw(seed: int) -> None:
    tickets, truths = held_out_tickets(seed)
    bars: Bars = score(reader().read(tickets), truths)
    assert bars.tickets > 1200
    assert bars.right_place >= 0.90
    assert bars.wrong_place <= 0.02
    assert bars.class_f1 >= 0.80
    assert bars.duplicate_f1 >= 0.80


def test_held_out_wording_shares_no_phrase_with_what_was_learnt_or_tuned() -> None:
    held_out, demo = load_wording("held_out"), load_wording("wording")
    learnt = learnt_phrases()
    tuned = learnt | set(chain.from_iterable(demo.what.values()))
    for phrase in chain.from_iterable(held_out.what.values()):
        assert all(phrase not in other and other not in phrase for other in tuned), phrase
    for name in ("frames", "fillers", "asks"):
        assert not set(getattr(held_out, name)) & set(getattr(demo, name)), name


def test_held_out_phrases_share_no_long_run_of_characters_with_the_learnt_ones() -> None:
    """Seven characters in a row would be a clause copied."""
    runs = {phrase[at : at + 7] for phrase in learnt_phrases() for at in range(len(phrase) - 6)}
    for phrase in chain.from_iterable(load_wording("held_out").what.values()):
        assert not {phrase[at : at + 7] for at in range(len(phrase) - 6)} & runs, phrase


def test_a_mean_set_is_scored_as_such() -> None:
    """The bars can be missed: tickets whose words stand for something else."""
    tickets, truths = held_out_tickets(1)
    others = random.Random(1).sample(tickets, len(tickets))
    mixed = [
        Ticket(ticket.ticket_no, ticket.received_at, other.text, other.given_county)
        for ticket, other in zip(tickets, others, strict=True)
    ]
    bars = score(reader().read(mixed), truths)
    assert bars.right_place < 0.2
    assert bars.class_f1 < 0.2
    assert bars.duplicate_f1 < 0.2


def test_the_same_content_gives_the_same_reading() -> None:
    tickets, _ = held_out_tickets(3)
    once = Reader(*held_out_registers()).read(tickets[:200])
    again = Reader(*held_out_registers()).read(tickets[:200])
    assert once == again


def test_the_version_follows_the_registers() -> None:
    villages, places = held_out_registers()
    assert Reader(villages, places).version == reader().version
    assert Reader(villages, places[1:]).version != reader().version


def test_every_kind_that_is_dropped_ends_a_name_of_the_division_list() -> None:
    villages, _ = held_out_registers()
    ends = load_place_words().kinds
    unended = [village.name for village in villages if not village.name.endswith(tuple(ends))]
    assert unended == []
