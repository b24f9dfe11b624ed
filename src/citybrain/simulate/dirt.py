"""Planted defects, and the truth about them.

Which rows are spoilt, and how, is a pure function of the seed and the row's own key: a register that is sent
again the next day carries the same defects, as real ones do.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from citybrain.simulate.noise import uniform

Row = dict[str, Any]
LEGAL = "legal"  # a kind that looks wrong and is not: the gate must let it pass

FULL_WIDTH = str.maketrans("0123456789", "０１２３４５６７８９")


@dataclass(frozen=True)
class Defect:
    """One kind of defect: its share of all rows, the column it sits in, and what it does to a row in place.

    `doubles`: the row is sound but sent twice.
    """

    kind: str
    share: float
    column: str
    spoil: Callable[[Row, float], None] | None

    @property
    def doubles(self) -> bool:
        return self.spoil is None


@dataclass(frozen=True)
class Planted:
    """The truth about one row of a delivery. `row` counts records from 1, headers left out."""

    row: int
    key: str
    kind: str
    column: str
    value: Any

    @property
    def legal(self) -> bool:
        return self.kind.startswith(LEGAL)

    def record(self, dataset: str, delivery: str, first_line: int) -> dict[str, Any]:
        """As the truth file keeps it; `line` counts as the format's reader does."""
        return {"dataset": dataset, "delivery": delivery, "line": self.row + first_line - 1, **vars(self)}


def setting(column: str, value: Any) -> Callable[[Row, float], None]:
    """Puts a fixed value into the column."""

    def spoil(row: Row, _luck: float) -> None:
        row[column] = value

    return spoil


def one_of(column: str, values: list[Any]) -> Callable[[Row, float], None]:
    """Puts one of the values into the column."""

    def spoil(row: Row, luck: float) -> None:
        row[column] = values[int(luck * len(values))]

    return spoil


def changing(column: str, change: Callable[[Any], Any]) -> Callable[[Row, float], None]:
    """Rewrites the column's value."""

    def spoil(row: Row, _luck: float) -> None:
        row[column] = change(row[column])

    return spoil


def wrong_check_character(code: str) -> str:
    return code[:-1] + ("1" if code[-1] != "1" else "2")


def plant(
    seed: int,
    dataset: str,
    rows: list[Row],
    keys: NDArray[np.int64],
    key_text: Callable[[Row], str],
    defects: list[Defect],
) -> list[Planted]:
    """Spoil some of `rows` in place and append the doubled ones; returns the truth in order of rows.

    keys: one number for each row, the same whenever the row is sent again.
    """
    choice = uniform(seed, f"{dataset}/defect", keys)
    luck = uniform(seed, f"{dataset}/luck", keys)
    bounds = np.cumsum([defect.share for defect in defects])
    kinds = np.searchsorted(bounds, choice, side="right")
    truth, doubled = [], []
    for place in np.flatnonzero(kinds < len(defects)):
        defect, row = defects[kinds[place]], rows[place]
        key = key_text(row)
        if defect.spoil is None:
            doubled.append((place, key, defect))
            continue
        defect.spoil(row, float(luck[place]))
        truth.append(Planted(int(place) + 1, key, defect.kind, defect.column, row[defect.column]))
    for place, key, defect in doubled:
        rows.append(dict(rows[place]))
        truth.append(Planted(int(place) + 1, key, defect.kind, defect.column, None))
        truth.append(Planted(len(rows), key, defect.kind, defect.column, None))
    return sorted(truth, key=lambda planted: planted.row)


def is_sound(seed: int, dataset: str, keys: NDArray[np.int64], defects: list[Defect]) -> NDArray[np.bool_]:
    """Which rows reach the city: `plant` spoils or doubles the others in every delivery, and the gate holds
    them back.
    """
    share = np.cumsum([defect.share for defect in defects])[-1]
    sound: NDArray[np.bool_] = uniform(seed, f"{dataset}/defect", keys) >= share
    return sound


def plant_columns(
    seed: int,
    dataset: str,
    columns: dict[str, NDArray[Any]],
    keys: NDArray[np.int64],
    key_text: Callable[[Row], str],
    defects: list[Defect],
) -> tuple[dict[str, NDArray[Any]], list[Planted]]:
    """`plant` for deliveries of millions of rows: equally long arrays by column, not a dict for each row.

    Only the spoilt rows become dicts; what a defect sets must fit the column's array. Returns the columns
    with the doubled rows appended, and the truth in order of rows.
    """
    choice = uniform(seed, f"{dataset}/defect", keys)
    luck = uniform(seed, f"{dataset}/luck", keys)
    kinds = np.searchsorted(np.cumsum([defect.share for defect in defects]), choice, side="right")
    truth: list[Planted] = []
    doubled: list[tuple[int, str, Defect]] = []
    for place in np.flatnonzero(kinds < len(defects)).tolist():
        defect = defects[kinds[place]]
        row: Row = {name: values[place] for name, values in columns.items()}
        key = key_text(row)
        if defect.spoil is None:
            doubled.append((place, key, defect))
            continue
        defect.spoil(row, float(luck[place]))
        columns[defect.column][place] = row[defect.column]
        truth.append(Planted(place + 1, key, defect.kind, defect.column, row[defect.column]))
    again = np.array([place for place, _, _ in doubled], dtype=np.int64)
    grown = {name: np.concatenate([values, values[again]]) for name, values in columns.items()}
    for copy, (original, key, defect) in enumerate(doubled, len(keys) + 1):
        truth.append(Planted(original + 1, key, defect.kind, defect.column, None))
        truth.append(Planted(copy, key, defect.kind, defect.column, None))
    return grown, sorted(truth, key=lambda planted: planted.row)
