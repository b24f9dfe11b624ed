"""A vision worker whose network reads drawn rectangles; with a file to wait for, it stands still in a look.

`python drawn_worker.py [<file>]`: a look creates `<file>.looking` and goes on when `<file>` is there, so that
a test can kill the process at a place it knows.
"""

import sys
import time
from pathlib import Path

import numpy as np
from patrol_city import drawn_tools

from citybrain.settings import Settings
from citybrain.vision.boxes import Box
from citybrain.vision.sight import Sight, Tools
from citybrain.vision.worker import main


def slow_tools(settings: Settings) -> Tools:
    tools = drawn_tools(settings)
    gate = Path(sys.argv[1]) if len(sys.argv) > 1 else None

    def sight_of(detector: object) -> Sight:
        drawn = tools.sight_of(detector)  # type: ignore[arg-type]

        def look(image: np.ndarray) -> list[Box]:
            if gate is not None:
                gate.with_suffix(".looking").touch()
                while not gate.exists():
                    time.sleep(0.01)
            return drawn.look(image)

        return Sight(look, drawn.weights, drawn.sha256, drawn.device)

    return Tools(sight_of, tools.draw)


if __name__ == "__main__":
    main(slow_tools)
