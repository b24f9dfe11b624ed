"""A real mosquitto under the settings of a test, and bridges that can be killed."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from paho.mqtt.client import Client, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion

from citybrain.settings import Settings
from citybrain.stack import mosquitto
from citybrain.stack.certificates import write_mutual_tls
from citybrain.stack.ports import free_ports, is_free

needs_mosquitto = pytest.mark.skipif(
    Settings().mqtt_program is None, reason="needs mosquitto (Debian: apt-get install mosquitto)"
)


@contextmanager
def running_broker(settings: Settings, fresh: bool = True) -> Iterator[Settings]:
    """The broker that `make up` starts, with an empty store or with what it kept."""
    if fresh:
        shutil.rmtree(mosquitto.data_folder(settings), ignore_errors=True)
    process = mosquitto.start(settings)
    try:
        yield settings
    finally:
        mosquitto.stop(process)


@contextmanager
def running_tls_broker(folder: Path) -> Iterator[tuple[int, Path]]:
    """A broker as others run it: TLS for the name `localhost`, anybody gets in. Port and its authority."""
    folder.mkdir()
    write_mutual_tls(folder, "localhost")
    port = free_ports(1)[0]
    (folder / "mosquitto.conf").write_text(
        f"listener {port} 127.0.0.1\nallow_anonymous true\nuser root\n"
        f"certfile {folder}/node.crt\nkeyfile {folder}/node.key\n",
        encoding="ascii",
    )
    program = Settings().mqtt_program
    assert program is not None
    with subprocess.Popen(
        [program, "-c", folder / "mosquitto.conf"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        until(lambda: not is_free(port), "the broker's port", 10)
        yield port, folder / "ca.crt"
        process.terminate()


def until(condition: Callable[[], object], what: str, seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited too long: {what}"
        time.sleep(0.05)


class Bridge:
    """The bridge as a process of its own, as the supervisor starts it."""

    def __init__(self, log: Path) -> None:
        self.log = log
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "citybrain.ingest.mqtt"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def end(self, number: signal.Signals) -> int:
        """Send a signal and wait. The exit code."""
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(30)

    def kill(self) -> None:
        if self.process is not None and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(10)

    def printed(self) -> str:
        return self.log.read_text(encoding="utf-8") if self.log.exists() else ""


class Party:
    """Somebody at the broker: what it was answered and what it received."""

    def __init__(self, settings: Settings, user: str | None, password: str | None = None) -> None:
        self.connected: list[str] = []
        self.receipts: dict[int, str] = {}
        self.received: list[tuple[str, bytes]] = []
        self.granted: list[int] = []
        self.client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTv5)
        if user is not None:
            self.client.username_pw_set(user, password or settings.secret(f"mqtt_{user}_password"))
        self.client.on_connect = lambda _c, _d, _f, reason, _p: self.connected.append(str(reason))
        self.client.on_publish = lambda _c, _d, mid, reason, _p: self.receipts.update({mid: str(reason)})
        self.client.on_subscribe = lambda _c, _d, _m, reasons, _p: self.granted.extend(
            reason.value for reason in reasons
        )
        self.client.on_message = lambda _c, _d, message: self.received.append(
            (message.topic, message.payload)
        )
        self.client.max_inflight_messages_set(2000)
        self.client.connect("127.0.0.1", settings.mqtt_port)
        self.client.loop_start()
        until(lambda: self.connected, "an answer to CONNECT", 10)

    def publish(self, topic: str, payload: bytes | str) -> str:
        """Publish with quality of service 1. What the broker's receipt says."""
        mid = self.client.publish(topic, payload, qos=1).mid
        until(lambda: mid in self.receipts, "a receipt", 10)
        return self.receipts[mid]

    def subscribe(self, topic: str) -> int:
        """The granted quality of service, 128 and more for a refusal."""
        self.client.subscribe(topic, qos=1)
        until(lambda: self.granted, "an answer to SUBSCRIBE", 10)
        return self.granted.pop()

    def leave(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()
