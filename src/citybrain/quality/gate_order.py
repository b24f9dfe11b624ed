"""The order in which landed batches are judged: a dataset after those its rules look values up in."""

from collections.abc import Mapping
from graphlib import CycleError, TopologicalSorter

from citybrain.quality.expectations_file import Expectations


def gate_order(expectations: Mapping[str, Expectations]) -> list[str]:
    """Dataset ids, referenced ones first, else by id. Raises ValueError when datasets refer to each other
    in a circle.
    """
    sorter = TopologicalSorter(
        {name: sorted(found.references) for name, found in sorted(expectations.items())}
    )
    try:
        return list(sorter.static_order())
    except CycleError as error:
        raise ValueError(
            f"expectations refer to each other in a circle: {' -> '.join(error.args[1])}"
        ) from error
