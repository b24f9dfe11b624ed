"""A slow format is parsed once: the rows of the first reading stand beside the delivery for the next ones.

The gate reads a delivery up to three times (typed rows, doubtful rows, rows for the quarantine), and a
workbook takes 25 us a cell where these rows take one.
"""

import pickle
from collections.abc import Callable, Iterator
from pathlib import Path

from citybrain.ingest.readers.records import Reading, RecordBatch


def kept_reading(path: Path, read: Callable[[], Reading]) -> Reading:
    """What `read()` gives, from the file beside `path` when an earlier reading went to its end.

    `path` stands in a private folder of this process, as the gate's spool does: the file is trusted.
    """
    kept = path.with_name(f"{path.name}.{path.stat().st_mtime_ns}.rows")
    if kept.exists():
        batches = _load(kept)
        return Reading(next(batches), batches)  # type: ignore[arg-type]  # the first record is the columns
    reading = read()
    return Reading(reading.columns, _keep(kept, reading))


def _load(kept: Path) -> Iterator[RecordBatch]:
    with kept.open("rb") as file:
        while True:
            try:
                yield pickle.load(file)  # noqa: S301 - written by this process a moment ago
            except EOFError:
                return


def _keep(kept: Path, reading: Reading) -> Iterator[RecordBatch]:
    draft = kept.with_name(f"{kept.name}.part")
    with draft.open("wb") as file:
        pickle.dump(reading.columns, file, pickle.HIGHEST_PROTOCOL)
        for batch in reading.batches:
            pickle.dump(batch, file, pickle.HIGHEST_PROTOCOL)
            yield batch
    draft.replace(kept)
