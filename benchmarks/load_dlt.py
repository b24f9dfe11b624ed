"""What `benchmarks/load.py` asks of dlt: the same file into PostgreSQL on the way its documentation shows
first.

    .venv-bench/bin/python benchmarks/load_dlt.py <file> <postgresql url>

The filesystem source reads the CSV in chunks (pandas), the pipeline normalises and loads with its
defaults. Prints seconds and the most memory as JSON. dlt's telemetry is off, and its state stays in the
folder it is started in.
"""

import json
import os
import sys
import time
from pathlib import Path

os.environ |= {"RUNTIME__DLTHUB_TELEMETRY": "false", "DLT_DATA_DIR": str(Path.cwd() / "dlt")}

import dlt
from dlt.sources.filesystem import filesystem, read_csv


def main() -> None:
    path, url = Path(sys.argv[1]), sys.argv[2]
    pipeline = dlt.pipeline(
        "bench",
        pipelines_dir=str(Path.cwd() / "pipelines"),
        destination=dlt.destinations.postgres(url),
        dataset_name="bench_dlt",
    )
    rows = filesystem(bucket_url=path.parent.as_uri(), file_glob=path.name) | read_csv()
    started = time.perf_counter()
    pipeline.run(rows.with_name("register"), write_disposition="replace")
    seconds = time.perf_counter() - started
    [peak] = [line for line in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in line]
    print(json.dumps({"seconds": seconds, "mb": int(peak.split()[1]) / 1024}))


if __name__ == "__main__":
    main()
