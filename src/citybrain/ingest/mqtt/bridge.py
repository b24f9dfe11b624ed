"""The bridge as a process: one thread for each broker, read anew when a file of datasets or rules changes."""

import logging
import signal
import time
from pathlib import Path
from threading import Event, Thread
from types import FrameType

from citybrain.catalogue import Dataset
from citybrain.catalogue.mqtt_topic import MqttTopic
from citybrain.ingest.connectors import SourceError
from citybrain.ingest.mqtt.broker import Broker, broker_of, citys_broker, message_datasets
from citybrain.ingest.mqtt.reception import Reception
from citybrain.sensing.live import stamp
from citybrain.settings import Settings, get_settings

log = logging.getLogger(__name__)
LOOK_SECONDS = 5.0  # how often the files of the datasets are looked at
FRESH_SECONDS = 10.0  # a beat older than this is a bridge that hangs or waits


def run(settings: Settings, stop: Event) -> None:
    """Receive until `stop` is set. Files of datasets and rules that change meanwhile are taken over within
    seconds.

    Raises RuntimeError when a reception broke down: the supervisor starts the bridge again.
    """
    beat = beat_file(settings)
    beat.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    beat.unlink(missing_ok=True)
    while not stop.is_set():
        datasets, rules = message_datasets(settings), stamp(settings)
        pause = Event()
        receptions = [
            Reception(settings, broker, group, session_name(settings), pause)
            for broker, group in by_broker(settings, datasets)
        ]
        threads = [Thread(target=reception.run, name=str(reception.broker)) for reception in receptions]
        for thread in threads:
            thread.start()
        looked = time.monotonic()
        while not stop.wait(1.0) and all(thread.is_alive() for thread in threads):
            # An outside broker that is away must not look like a bridge that does not work.
            if all(reception.connected for reception in receptions if reception.broker.is_citys):
                beat.touch()
            if time.monotonic() - looked > LOOK_SECONDS:
                looked = time.monotonic()
                if message_datasets(settings) != datasets or stamp(settings) != rules:
                    break
        broken = [thread.name for thread in threads if not thread.is_alive()]
        pause.set()
        for thread in threads:
            thread.join()
        if broken:
            raise RuntimeError(f"reception from {', '.join(broken)} broke down, see above")


def by_broker(settings: Settings, datasets: dict[str, Dataset]) -> list[tuple[Broker, dict[str, Dataset]]]:
    """The brokers to listen at, the city's own even when no dataset reads it.

    A dataset whose broker the settings do not allow is logged and left out.
    """
    own = citys_broker(settings)
    found: dict[Broker, dict[str, Dataset]] = {} if own is None else {own: {}}
    for name, dataset in datasets.items():
        if not isinstance(dataset.connector, MqttTopic):
            continue
        try:
            found.setdefault(broker_of(settings, dataset.connector), {})[name] = dataset
        except SourceError as error:
            log.warning("%s is not received: %s", name, error)
    return list(found.items())


def session_name(settings: Settings) -> str:
    """The client id, one for each installation: by it a broker knows whose messages it keeps."""
    return f"citybrain-{settings.secret('mqtt_session')[:16]}"


def beat_file(settings: Settings) -> Path:
    return settings.run_dir / "mqtt-bridge.beat"


def is_alive(settings: Settings) -> bool:
    """Whether a bridge has lately been subscribed at the city's broker and going."""
    try:
        return time.time() - beat_file(settings).stat().st_mtime < FRESH_SECONDS
    except FileNotFoundError:
        return False


def main() -> None:
    """Run until SIGTERM or SIGINT; what was received by then is written and acknowledged first."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(threadName)s %(message)s")
    stop = Event()

    def end(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    run(get_settings(), stop)
