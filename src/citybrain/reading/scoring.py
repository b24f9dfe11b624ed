"""How well tickets were read, held against what their writer meant: the three bars of the room."""

from collections import defaultdict
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from itertools import combinations

from sklearn.metrics import f1_score

from citybrain.reading.reader import Reading


@dataclass(frozen=True)
class Truth:
    """What a ticket means: `village_code` None says that its words fit several places, so none is right."""

    ticket_no: str
    matter_id: str
    village_code: str | None
    same_matter: str

    @property
    def class_id(self) -> str:
        return self.matter_id.partition(".")[0]


@dataclass(frozen=True)
class Bars:
    """Shares from 0 to 1. right_place: the right community, or rightly none; wrong_place: another one.

    class_f1: mean F1 over the classes. duplicate_f1: over pairs of tickets about one matter.
    """

    tickets: int
    right_place: float
    wrong_place: float
    class_f1: float
    duplicate_f1: float
    duplicate_precision: float
    duplicate_recall: float


def score(readings: Iterable[Reading], truths: Iterable[Truth]) -> Bars:
    """Tickets without a truth are left out. Raises ValueError when none has one."""
    known = {truth.ticket_no: truth for truth in truths}
    pairs = [(reading, known[reading.ticket_no]) for reading in readings if reading.ticket_no in known]
    if not pairs:
        raise ValueError("no ticket that was read has a truth to hold it against")
    found = [reading.village.code if reading.village else None for reading, _ in pairs]
    meant = [truth.village_code for _, truth in pairs]
    classes = f1_score(
        [truth.class_id for _, truth in pairs],
        [reading.kind.class_id for reading, _ in pairs],
        average="macro",
        zero_division=0.0,
    )
    together = _pairs((reading.ticket_no, reading.group) for reading, _ in pairs)
    belong = _pairs((truth.ticket_no, truth.same_matter) for _, truth in pairs)
    both = len(together & belong)
    precision = both / len(together) if together else float(not belong)
    recall = both / len(belong) if belong else 1.0
    return Bars(
        tickets=len(pairs),
        right_place=sum(one == other for one, other in zip(found, meant, strict=True)) / len(pairs),
        wrong_place=sum(one is not None and one != other for one, other in zip(found, meant, strict=True))
        / len(pairs),
        class_f1=float(classes),
        duplicate_f1=2 * precision * recall / (precision + recall) if both else 0.0,
        duplicate_precision=precision,
        duplicate_recall=recall,
    )


def _pairs(groups: Iterable[tuple[str, Hashable]]) -> set[tuple[str, str]]:
    """Every pair of tickets that stand in one group, the smaller number first."""
    members: dict[Hashable, list[str]] = defaultdict(list)
    for ticket, group in groups:
        members[group].append(ticket)
    return {pair for tickets in members.values() for pair in combinations(sorted(tickets), 2)}
