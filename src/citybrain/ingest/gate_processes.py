"""A full landing zone through the gate, in several processes at once; each batch is settled by one of them.

Great Expectations' part of a batch is Python and keeps one core busy.
`python -m citybrain.ingest FILE` is one more such process: it gates until nothing is left, and writes its
outcomes as JSON into the file. What it logs goes where its starter's log goes.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from citybrain.ingest.gate import gate_landed_batches
from citybrain.ingest.manifest import count_landed
from citybrain.ingest.settle import BatchOutcome
from citybrain.lake import spool_folder
from citybrain.settings import DatabaseRole, Settings, get_settings
from citybrain.warehouse.connection import connect

BATCHES_A_PROCESS = 8  # a process takes 3 s to start: fewer are done sooner by those that run


def gate_everything() -> list[BatchOutcome]:
    """Gate until no landed batch is left, with up to CITYBRAIN_GATE_PROCESSES processes.

    Raises what `gate_landed_batches` raises, and RuntimeError when another process ended with an error; what
    it had settled stays settled.
    """
    settings = get_settings()
    with connect(settings, DatabaseRole.LOADER, "citybrain gate") as connection:
        landed = count_landed(connection)
    helpers = min(settings.gate_processes, landed // BATCHES_A_PROCESS) - 1
    with spool_folder(settings) as folder, _started(settings, folder, helpers) as processes:
        outcomes = gate_to_the_end()
        for file, process in processes.items():
            if code := process.wait():
                raise RuntimeError(f"a gate process ended with {code}; its log says why")
            outcomes += [BatchOutcome(**outcome) for outcome in json.loads(file.read_bytes())]
    return outcomes


def gate_to_the_end() -> list[BatchOutcome]:
    """Gate in this process until no landed batch is left."""
    outcomes: list[BatchOutcome] = []
    while settled := gate_landed_batches():
        outcomes += settled
    return outcomes


@contextmanager
def _started(settings: Settings, folder: Path, count: int) -> Iterator[dict[Path, subprocess.Popen[bytes]]]:
    """The other processes, by the file each will write. None of them outlives the block."""
    command = [sys.executable, "-m", "citybrain.ingest"]
    files = [folder / f"outcomes_{number}" for number in range(count)]
    processes = {file: subprocess.Popen([*command, str(file)], cwd=settings.project) for file in files}
    try:
        yield processes
    finally:
        for process in processes.values():
            process.kill()  # one that has ended does not mind
            process.wait()
