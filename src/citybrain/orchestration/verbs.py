"""Tasks that run a `citybrain` verb as a process: Django and Airflow each want the logging for themselves."""

import json
import subprocess
import sysconfig
from pathlib import Path
from typing import Any


def run_verb(*arguments: str) -> Any:
    """What `citybrain <arguments> --json` answers. What it says on standard error stands in the task's log.

    Raises RuntimeError when the verb fails.
    """
    program = Path(sysconfig.get_path("scripts")) / "citybrain"
    result = subprocess.run([program, *arguments, "--json"], stdout=subprocess.PIPE, text=True, check=False)
    if result.returncode != 0:
        verb = " ".join(arguments)
        raise RuntimeError(f"citybrain {verb}: exit code {result.returncode}; its words stand above")
    return json.loads(result.stdout)
