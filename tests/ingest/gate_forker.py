"""A process that has Great Expectations loaded and forks one gate for each line it reads.

It prints the child's pid; the child gates everything and leaves. Run as `python gate_forker.py`.
"""

import os
import sys

import great_expectations  # noqa: F401  # what takes seconds happens once, before the first fork

from citybrain.ingest import gate_landed_batches

print("ready", flush=True)  # noqa: T201
for _ in sys.stdin:
    pid = os.fork()
    if pid == 0:
        try:
            gate_landed_batches()
        finally:
            os._exit(0)
    print(pid, flush=True)  # noqa: T201
