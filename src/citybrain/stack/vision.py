"""The vision worker as a process in its own environment, which holds the networks."""

import os

from citybrain.settings import Settings
from citybrain.stack.errors import StackError
from citybrain.vision.environment import interpreter


def environment(settings: Settings) -> dict[str, str]:
    """Where the platform stands; secrets are read from its folder, settings of the shell are passed on."""
    ours = {name: value for name, value in os.environ.items() if name.startswith("CITYBRAIN_")}
    return {
        **ours,
        "CITYBRAIN_HOME": str(settings.home),
        "CITYBRAIN_PROJECT": str(settings.project),
        "HOME": str(settings.data_dir / "vision"),  # where libraries keep caches
        "PATH": os.defpath,
        "LANG": "C.UTF-8",
        "PYTHONUNBUFFERED": "1",
    }


def command(settings: Settings) -> list[str]:
    """The worker: loads the detectors' networks, then looks whenever a look is asked for."""
    return [str(interpreter(settings)), "-m", "citybrain.vision.worker"]


def require_environment(settings: Settings) -> None:
    """Raises StackError naming what installs the environment when it is missing."""
    python = interpreter(settings)
    if not python.exists():
        raise StackError(f"the vision environment is missing: {python}. Run scripts/bootstrap.sh run")
