"""A running platform as tests see it."""

import subprocess
import sysconfig
from dataclasses import dataclass
from pathlib import Path

from citybrain.settings import Settings

CITYBRAIN = Path(sysconfig.get_path("scripts")) / "citybrain"


@dataclass(frozen=True)
class RunningCity:
    """The settings of the running platform, what `citybrain up` printed and how long it took."""

    settings: Settings
    environment: dict[str, str]
    printed: str
    seconds: float

    def citybrain(self, *arguments: str, timeout: float = 900) -> "subprocess.CompletedProcess[str]":
        """Run a verb against this platform."""
        return subprocess.run(
            [CITYBRAIN, *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
