"""Answers combined by the tree of an item: who could get it, what is unmet and unknown, and how far away.

Distances count criteria to change, a gate as a thousand: `strict` with the unknown ones counted as unmet,
`lenient` with them counted as met. Whether the amount is known and above zero is decided with the row itself.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from citybrain.policy.answers import FALSE, TRUE, UNKNOWN, Answers
from citybrain.policy.compiler import GATE_WEIGHT
from citybrain.policy.plan import Plan, Tree

Vector = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True)
class Candidates:
    """Enterprises (by `ord`, rising) that get an item, lack data or are near; one element of each a row."""

    ord: Vector
    unmet: Vector
    unknown: Vector
    strict: Vector
    lenient: Vector

    def __len__(self) -> int:
        return len(self.ord)

    def chosen(self, which: Vector) -> "Candidates":
        """Those of a mask or of an index."""
        return Candidates(*(part[which] for part in self._parts()))

    @classmethod
    def joined(cls, several: Sequence["Candidates"]) -> "Candidates":
        """One after the other; at least one."""
        return cls(*map(np.concatenate, zip(*(each._parts() for each in several), strict=True)))

    def _parts(self) -> tuple[Vector, ...]:
        return self.ord, self.unmet, self.unknown, self.strict, self.lenient


def combine(plan: Plan, rows: Sequence[int], answers: Answers) -> Candidates:
    """`rows`: the number of each bit's criterion in `answers`."""
    top = plan.top_gates
    if top:
        standing = np.bitwise_and.reduce([answers.holds(rows[gate], certainly=False) for gate in top])
        alive = np.flatnonzero(np.unpackbits(standing, count=answers.enterprises))
    else:
        alive = np.arange(answers.enterprises)
    bits = [answers.of(row, alive) for row in rows]
    lenient = _distance(plan.tree, plan, lambda bit: bits[bit] == FALSE)
    near_enough = lenient <= plan.within
    bits = [bit[near_enough] for bit in bits]
    strict = _distance(plan.tree, plan, lambda bit: bits[bit] != TRUE)
    unmet = np.zeros(len(strict), dtype=np.int64)
    unknown = np.zeros(len(strict), dtype=np.int64)
    for place, bit in enumerate(bits):
        unmet |= (bit == FALSE).astype(np.int64) << place
        unknown |= (bit == UNKNOWN).astype(np.int64) << place
    return Candidates(alive[near_enough], unmet, unknown, strict, lenient[near_enough])


def meeting(plan: Plan, rows: Sequence[int], answers: Answers) -> Vector:
    """A bit for each enterprise (`numpy.packbits`): its conditions are met, whatever the amount comes to."""

    def met(node: Tree) -> Vector:
        if isinstance(node, int):
            return answers.holds(rows[node], certainly=True)
        if "all" in node:
            return np.bitwise_and.reduce([met(part) for part in node["all"]])  # type: ignore[no-any-return]
        if "any" in node:
            return np.bitwise_or.reduce([met(part) for part in node["any"]])  # type: ignore[no-any-return]
        counted = np.add.reduce([np.unpackbits(met(part)) for part in node["of"]], dtype=np.uint8)
        return np.packbits(counted >= node["at_least"])

    return met(plan.tree)


def _distance(node: Tree, plan: Plan, costs: Callable[[int], Vector]) -> Vector:
    if isinstance(node, int):
        return costs(node).astype(np.int32) * (GATE_WEIGHT if plan.gates[node] else 1)
    if "all" in node:
        return np.add.reduce([_distance(part, plan, costs) for part in node["all"]])  # type: ignore[no-any-return]
    if "any" in node:
        return np.minimum.reduce([_distance(part, plan, costs) for part in node["any"]])  # type: ignore[no-any-return]
    parts: Vector = np.sort([_distance(part, plan, costs) for part in node["of"]], axis=0)
    cheapest: Vector = parts[: node["at_least"]].sum(axis=0)  # those an enterprise would change
    return cheapest


def best_near(plan: Plan, near: Candidates) -> Candidates:
    """The closest of candidates whose amounts are all the same; even ones in order of the code."""
    order = np.lexsort((near.ord, near.strict, near.lenient))[: plan.keep]
    return near.chosen(np.sort(order))
