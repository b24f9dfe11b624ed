"""What the demo city has sent so far: kept beside the truth, so that nothing is sent twice."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from pydantic import AwareDatetime, BaseModel

from citybrain.settings import Settings

ENTERPRISES_AT_SCALE_1 = 200_000


class SimulationError(RuntimeError):
    """The demo city cannot go on from where it stands; the message says what to change."""


class Sent(BaseModel):
    """One delivery: its records, the spoilt ones among them, and the hash of its content."""

    dataset: str
    name: str
    sha256: str
    bytes: int
    rows: int
    planted: int
    moment: AwareDatetime
    first_line: int


class Ledger(BaseModel):
    """`started`: the first logical time; `reached`: the newest one written in full."""

    seed: int
    enterprises: int
    started: AwareDatetime
    reached: AwareDatetime | None = None
    sent: list[Sent] = []

    @property
    def local_start(self) -> datetime:
        """The first logical time as Beijing clocks show it, without a zone."""
        return self.started.astimezone(ZoneInfo("Asia/Shanghai")).replace(tzinfo=None)

    @property
    def scale(self) -> float:
        """1 is a city of 5 million people with 200,000 enterprises; counts of everything else follow."""
        return self.enterprises / ENTERPRISES_AT_SCALE_1

    def scaled(self, count_at_scale_1: float, least: int = 1) -> int:
        """How many of a thing this city has, from how many a city of scale 1 has."""
        return max(least, round(count_at_scale_1 * self.scale))


def truth_dir(settings: Settings) -> Path:
    """The ledger, the stories, and one folder of truth for each dataset."""
    return settings.data_dir / "truth"


def ledger_path(settings: Settings) -> Path:
    return truth_dir(settings) / "ledger.json"


def read_ledger(settings: Settings) -> Ledger | None:
    """None when the city has sent nothing yet."""
    path = ledger_path(settings)
    return Ledger.model_validate_json(path.read_bytes()) if path.exists() else None


def ledger_for(settings: Settings, moment: datetime) -> Ledger:
    """The city's ledger, or a new one that starts at `moment`. Raises SimulationError if they do not fit."""
    ledger = read_ledger(settings)
    if ledger is None:
        return Ledger(seed=settings.demo_seed, enterprises=settings.demo_enterprises, started=moment)
    for setting, asked, kept in (
        ("CITYBRAIN_DEMO_SEED", settings.demo_seed, ledger.seed),
        ("CITYBRAIN_DEMO_ENTERPRISES", settings.demo_enterprises, ledger.enterprises),
    ):
        if asked != kept:
            raise SimulationError(
                f"{setting} is {asked}, but the demo city in {truth_dir(settings)} was begun with {kept}: "
                f"set it back, or use another CITYBRAIN_HOME for another city"
            )
    if ledger.reached is not None and moment < ledger.reached:
        raise SimulationError(
            f"the demo city has reached {ledger.reached.isoformat()}"
            f" and cannot go back to {moment.isoformat()}"
        )
    return ledger


def save_ledger(settings: Settings, ledger: Ledger) -> None:
    write_whole(ledger_path(settings), ledger.model_dump_json(indent=1).encode())


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that nobody ever sees a part of it: under a hidden name first, then renamed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.part")
    with draft.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


@contextmanager
def only_writer(settings: Settings) -> Iterator[None]:
    """One process writes the city at a time; a second one waits."""
    path = truth_dir(settings) / ".lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
