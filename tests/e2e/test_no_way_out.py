"""The platform on a machine without any network: it starts, does its work, and tries to reach nobody."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from whole_city import CITYBRAIN, own_city

LISTENER = Path(__file__).with_name("closed_network.py")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.integration,
    pytest.mark.skipif(os.geteuid() != 0, reason="a network namespace with a way out is root's to make"),
    pytest.mark.skipif(shutil.which("ip") is None, reason="needs ip (Debian: apt-get install iproute2)"),
]


def test_nothing_is_sent_out_from_start_to_stop(tmp_path: Path) -> None:
    with own_city() as environment:
        environment = {n: value for n, value in environment.items() if not n.lower().endswith("_proxy")}
        finished = subprocess.run(
            ["unshare", "--net", "--mount", sys.executable, LISTENER, CITYBRAIN, tmp_path],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
    assert finished.returncode == 0, finished.stderr
    result = json.loads(finished.stdout.splitlines()[-1])
    assert result["heard"], "the listener hears nothing: the test proves nothing"
    assert result["code"] == 0, result["printed"]
    assert result["sent"] == []
