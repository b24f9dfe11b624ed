"""Broker and bridge under the supervisor, and what a machine without mosquitto is told."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from io import StringIO

import pytest
from pydantic import SecretStr
from rich.console import Console

from citybrain.settings import Settings
from citybrain.simulate import SimulationError, publish_readings
from citybrain.stack import mosquitto, up
from citybrain.stack.errors import StackError
from citybrain.stack.processes import end_orphans
from citybrain.stack.progress import Steps
from citybrain.stack.services import services
from citybrain.stack.supervision import Supervisor, fingerprint

pytestmark = pytest.mark.integration
BROKER = ("mqtt", "mqtt-bridge")


@pytest.fixture
def stack(own_settings: Callable[..., Settings]) -> Iterator[Settings]:
    """A supervisor without any program yet."""
    settings = own_settings()
    if settings.mqtt_program is None:
        pytest.skip("needs mosquitto (Debian: apt-get install mosquitto)")
    up.make_folders(settings)
    up.start_supervisor(Supervisor(settings))
    yield settings
    up.down(settings)
    end_orphans(settings)


def start(settings: Settings, *names: str) -> None:
    chosen = [service for service in services(settings) if service.name in names]
    up.start_services(Supervisor(settings), chosen, Steps(Console(file=StringIO())))


def states(settings: Settings) -> dict[str, tuple[str, int]]:
    return {
        state.name: (state.state, state.pid) for state in up.service_states(settings) if state.name in BROKER
    }


def test_broker_and_bridge_run_and_a_killed_bridge_comes_back(stack: Settings) -> None:
    start(stack, *BROKER)
    before = states(stack)
    assert [state for state, _ in before.values()] == ["running", "running"]
    broker, bridge = (before[name][1] for name in BROKER)
    os.kill(bridge, signal.SIGKILL)
    deadline = time.monotonic() + 30
    while states(stack)["mqtt-bridge"][1] in (0, bridge) and time.monotonic() < deadline:
        time.sleep(0.1)
    after = states(stack)
    assert after["mqtt-bridge"][1] not in (0, bridge)
    assert after["mqtt"] == ("running", broker)

    secrets = [stack.secret(f"mqtt_{name}_password") for name in ("device", "bridge")]
    assert all(len(secret) >= 40 for secret in secrets)
    for log in stack.log_dir.iterdir():
        assert not any(secret in log.read_text("utf-8") for secret in secrets), log


def test_a_password_that_changed_takes_effect_with_the_next_start(
    stack: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    start(stack, "mqtt")
    assert publish_readings(stack, rate=100, seconds=0.5).acknowledged == 50
    monkeypatch.setenv("CITYBRAIN_MQTT_DEVICE_PASSWORD", "of our own")
    with pytest.raises(SimulationError, match="refuses device"):
        publish_readings(stack, rate=10, seconds=0.1)
    supervisor = Supervisor(stack)
    supervisor.stop()
    supervisor.start()
    start(stack, "mqtt")
    assert publish_readings(stack, rate=10, seconds=0.1).refused == 0


def test_without_mosquitto_the_platform_goes_on_and_says_so(
    own_settings: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Settings, "mqtt_program", None)
    settings = own_settings()
    assert not {service.name for service in services(settings)} & set(BROKER)
    said = mosquitto.why_off(settings)
    assert said is not None
    assert "apt-get install mosquitto" in said
    with pytest.raises(SimulationError, match="MQTT is off"):
        publish_readings(settings, rate=1, seconds=1)

    assert mosquitto.why_off(own_settings(mqtt="off")) is None
    demanded = own_settings(mqtt="on")
    assert {service.name for service in services(demanded)} >= set(BROKER)
    with pytest.raises(StackError, match="apt-get install mosquitto"):
        mosquitto.require_installed(demanded)


def test_a_changed_account_of_an_outside_broker_starts_the_bridge_anew(
    own_settings: Callable[..., Settings],
) -> None:
    settings = own_settings()
    accounts = [{"broker.example.org:8883": SecretStr(f"city:{word}")} for word in ("one", "two", "two")]
    first, second, same = (
        fingerprint(settings.model_copy(update={"mqtt_accounts": account})) for account in accounts
    )
    assert first != second == same


def test_an_outside_broker_as_the_citys_own_is_not_started(own_settings: Callable[..., Settings]) -> None:
    settings = own_settings(mqtt_url="mqtts://broker.example.org:8883")
    names = {service.name for service in services(settings)}
    assert "mqtt-bridge" in names
    assert "mqtt" not in names
