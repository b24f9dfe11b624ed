"""How well the gate did: what it quarantined against what the demo city had planted."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson
import psycopg

from citybrain.settings import DatabaseRole, Settings
from citybrain.simulate.dirt import LEGAL
from citybrain.simulate.ledger import Sent, read_ledger, truth_dir
from citybrain.warehouse.connection import connect


@dataclass
class KindScore:
    """One kind of planted row of one dataset. A row sent twice counts once, caught when either copy was held.

    Rows of a legal kind look wrong and are not: `caught` counts the ones held by mistake.
    """

    dataset: str
    kind: str
    planted: int = 0
    caught: int = 0

    @property
    def legal(self) -> bool:
        return self.kind.startswith(f"{LEGAL}_")

    @property
    def share(self) -> float:
        return self.caught / self.planted


@dataclass
class DatasetScore:
    """Rows of a dataset's judged deliveries with nothing wrong, and how many were held all the same."""

    dataset: str
    good: int = 0
    good_held: int = 0
    deliveries: int = 0
    waiting: list[str] = field(default_factory=list)  # deliveries that no loaded batch stands for


@dataclass(frozen=True)
class Score:
    kinds: list[KindScore]
    datasets: list[DatasetScore]

    @property
    def planted(self) -> int:
        return sum(kind.planted for kind in self.kinds if not kind.legal)

    @property
    def caught(self) -> int:
        return sum(kind.caught for kind in self.kinds if not kind.legal)

    @property
    def good_held(self) -> int:
        return sum(dataset.good_held for dataset in self.datasets)


def score_quarantine(settings: Settings) -> Score:
    """Compare the quarantine with the truth, delivery by delivery; batches are found by their content's hash.

    Only loaded batches are judged: one that waits or was refused as a whole says nothing about rows.
    """
    ledger = read_ledger(settings)
    kinds: dict[tuple[str, str], KindScore] = {}
    datasets: dict[str, DatasetScore] = {}
    with connect(settings, DatabaseRole.LOADER, "citybrain score") as connection:
        for sent in ledger.sent if ledger else []:
            dataset = datasets.setdefault(sent.dataset, DatasetScore(sent.dataset))
            held = _held_lines(connection, sent)
            if held is None:
                dataset.waiting.append(sent.name)
                continue
            dataset.deliveries += 1
            spoilt: set[int] = set()
            for kind, lines in _planted(settings, sent):
                score = kinds.setdefault((sent.dataset, kind), KindScore(sent.dataset, kind))
                score.planted += 1
                score.caught += not held.isdisjoint(lines)
                if not score.legal:
                    spoilt |= lines
            dataset.good += sent.rows - len(spoilt)
            dataset.good_held += len(held - spoilt)
    return Score(list(kinds.values()), list(datasets.values()))


def _held_lines(connection: psycopg.Connection[Any], sent: Sent) -> set[int] | None:
    """The quarantined lines of the delivery's batch; None when no loaded batch has its content."""
    batch = connection.execute(
        "SELECT batch_id FROM meta.batch WHERE dataset = %s AND sha256 = %s AND state = 'loaded'",
        (sent.dataset, sent.sha256),
    ).fetchone()
    if batch is None:
        return None
    rows = connection.execute("SELECT line FROM quarantine.rejected_row WHERE batch_id = %s", batch)
    return {line for (line,) in rows}


def _planted(settings: Settings, sent: Sent) -> Iterator[tuple[str, set[int]]]:
    """Each planted thing of a delivery: its kind and the line or lines it stands on."""
    path = truth_dir(settings) / sent.dataset / f"{sent.name}.jsonl"
    doubled: dict[tuple[str, str], set[int]] = {}
    for line in path.read_bytes().splitlines():
        planted = orjson.loads(line)
        if planted["kind"] == "sent_twice":
            doubled.setdefault((planted["kind"], planted["key"]), set()).add(planted["line"])
        else:
            yield planted["kind"], {planted["line"]}
    for (kind, _key), lines in doubled.items():
        yield kind, lines
