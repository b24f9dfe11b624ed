"""`python -m citybrain.vision.worker`: loads the networks once, then looks whenever a look is asked for.

Any number of them may run; each claims its work from tables. SIGTERM ends one after the look it is at.
"""

import os
import signal
import socket
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache, partial

import psycopg
import structlog
from urllib3.exceptions import HTTPError

from citybrain.lake import LakeError
from citybrain.settings import DatabaseRole, Settings, get_settings
from citybrain.vision import heartbeat
from citybrain.vision.active import active_detectors
from citybrain.vision.boxes import Box
from citybrain.vision.detector_file import Detector
from citybrain.vision.looking import look
from citybrain.vision.originals import remove_old_originals
from citybrain.vision.pictures import Pixels
from citybrain.vision.recheck import recheck
from citybrain.vision.sight import Sight, Tools
from citybrain.vision.tiles import Look, look_in_tiles
from citybrain.vision.timetable import CITY_TIME
from citybrain.vision.work_list import claim_look, claim_recheck, return_look, return_recheck, skip_late
from citybrain.warehouse.connection import connect

APPLICATION = "citybrain vision"
POLL_SECONDS = 1.0
BEAT_SECONDS = 10.0
SWEEP_SECONDS = 3600.0
DATABASE_PAUSE_SECONDS = 3.0

log = structlog.get_logger(__name__)


@dataclass
class Worker:
    """A worker and what it has done since it started."""

    name: str
    settings: Settings
    tools: Tools
    detectors: dict[str, Detector]
    looks: int = 0
    rechecks: int = 0

    def serve(self, stop: threading.Event) -> None:
        """Work until `stop` is set. A database that does not answer is asked again."""
        while not stop.is_set():
            try:
                with connect(self.settings, DatabaseRole.WATCHER, APPLICATION, autocommit=True) as city:
                    self._serve(city, stop)
                    heartbeat.leave(city, self.name)
            except psycopg.OperationalError as error:
                log.warning("the database does not answer", error=str(error).strip())
                stop.wait(DATABASE_PAUSE_SECONDS)

    def _serve(self, city: psycopg.Connection, stop: threading.Event) -> None:
        beaten = swept = float("-inf")
        while not stop.is_set():
            if time.monotonic() - swept >= SWEEP_SECONDS:
                swept = time.monotonic()
                self._remove_old_originals()
            if time.monotonic() - beaten >= BEAT_SECONDS:
                heartbeat.beat(city, self.name, self.looks, self.rechecks)
                beaten = time.monotonic()
            if not self.work_once(city):
                stop.wait(POLL_SECONDS)

    def _remove_old_originals(self) -> None:
        try:
            removed = remove_old_originals(self.settings, datetime.now(CITY_TIME).date())
        except (LakeError, HTTPError) as error:  # the bucket does not answer: the next hour removes them
            log.warning("old originals were not removed", error=str(error))
            return
        if removed:
            log.info("old originals removed", stills=removed)

    def work_once(self, city: psycopg.Connection) -> bool:
        """One photo or one look; False when nothing waits. People wait for photos, so those come first."""
        return self._recheck_once(city) or self._look_once(city)

    def _recheck_once(self, city: psycopg.Connection) -> bool:
        scenarios = {detector.scenario for detector in self.detectors.values()}
        claim = claim_recheck(city, self.name, scenarios)
        if claim is None:
            return False
        words = log.bind(recheck=claim.key, camera=claim.camera_id)
        try:
            judged = recheck(self.settings, city, self.tools, self.detectors, claim)
        except psycopg.OperationalError:
            raise  # the connection is gone: the claim ends by itself
        except Exception as error:  # noqa: BLE001 - whatever one photo breaks, the next is judged
            words.exception("recheck broke down")
            return_recheck(city, claim, f"{type(error).__name__}: {error}")
            return True
        self.rechecks += 1
        words.info("recheck", verdict=judged.verdict if judged else None, answered=judged is not None)
        return True

    def _look_once(self, city: psycopg.Connection) -> bool:
        skipped = skip_late(city, {name: one.sweep.budget for name, one in self.detectors.items()})
        if skipped:
            log.warning("looks skipped: the patrol is behind", looks=skipped)
        claim = claim_look(city, self.name, self.detectors)
        if claim is None:
            return False
        words = log.bind(detector=claim.detector, camera=claim.camera_id, due_at=claim.due_at.isoformat())
        try:
            done = look(self.settings, city, self.tools, self.detectors[claim.detector], claim)
        except psycopg.OperationalError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever one still breaks, the next is looked at
            words.exception("look broke down")
            return_look(city, claim, f"{type(error).__name__}: {error}")
            return True
        self.looks += 1
        if done is None:
            words.info("look not settled")
        else:
            words.info("look", outcome=done.outcome, reason=done.reason, seconds=round(done.seconds, 3))
        return True


def worker_name() -> str:
    """A name that no other worker has: a claim is only its own."""
    return f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"


def stop_on_signals() -> threading.Event:
    """Set by SIGTERM or SIGINT."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop


def tools_of(settings: Settings) -> Tools:
    """The real network and the real pencil; each network is loaded once."""
    from citybrain.vision.evidence import evidence_frame
    from citybrain.vision.runtime import open_eyes
    from citybrain.vision.weights import resolve

    threads = os.cpu_count() or 1

    @cache
    def eyes(name: str, imgsz: int, names: tuple[tuple[str, str], ...]) -> Sight:
        weights = resolve(settings, name)
        loaded = open_eyes(settings, weights, imgsz, dict(names), threads)
        return Sight(loaded.look, weights.name, weights.sha256, loaded.device)

    def sight_of(detector: Detector) -> Sight:
        model = detector.model
        sight = eyes(model.name, model.imgsz, tuple(sorted(model.names.items())))
        columns, rows = model.tiles
        look = partial(_in_tiles, sight.look, columns, rows, model.overlap)
        return replace(sight, look=look)

    return Tools(sight_of, evidence_frame)


def _in_tiles(look: Look, columns: int, rows: int, overlap: float, image: Pixels) -> list[Box]:
    return look_in_tiles(look, image, columns, rows, overlap)


def load(tools: Tools, detectors: dict[str, Detector]) -> None:
    """Load every network before the first claim, so that no lease runs meanwhile."""
    for detector in detectors.values():
        began = time.monotonic()
        sight = tools.sight_of(detector)
        log.info("network loaded", detector=detector.id, model=sight.model, device=sight.device,
                 seconds=round(time.monotonic() - began, 1))  # fmt: skip


def main(make_tools: Callable[[Settings], Tools] = tools_of) -> None:
    """Serve until SIGTERM. Raises ContentError for a wrong detector file."""
    stop = stop_on_signals()
    settings = get_settings()
    detectors = active_detectors(settings)
    tools = make_tools(settings)
    load(tools, detectors)
    worker = Worker(worker_name(), settings, tools, detectors)
    log.info("worker started", worker=worker.name, detectors=sorted(detectors))
    worker.serve(stop)
    log.info("worker stopped", worker=worker.name, looks=worker.looks, rechecks=worker.rechecks)


if __name__ == "__main__":
    main()
