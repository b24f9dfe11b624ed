"""One more gate process: see `gate_processes`."""

import json
import sys
from dataclasses import asdict
from pathlib import Path

from citybrain.ingest.gate_processes import gate_to_the_end

if __name__ == "__main__":
    settled = [asdict(outcome) for outcome in gate_to_the_end()]
    Path(sys.argv[1]).write_text(json.dumps(settled, ensure_ascii=False), encoding="utf-8")
