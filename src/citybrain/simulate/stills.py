"""The demo city's camera stills: one JPEG a camera and round, rendered, with the truth kept apart.

A round is planned before its stills are written and done after the last one; a run that was killed leaves a
planned round, and the next run completes it. What a still shows follows from the seed, the day and the number
of the round on that day, so that a completed round is the one that would have been.
"""

import fcntl
import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import orjson
import shapely
from PIL import Image
from pydantic import AwareDatetime, BaseModel

from citybrain.settings import Settings
from citybrain.simulate.compounds import Compound, load_compounds
from citybrain.simulate.ledger import truth_dir
from citybrain.simulate.scenery import Light, Scene, Vehicle, Yard, place_vehicles, render, yard_of
from citybrain.simulate.scenery.camera import HEIGHT, WIDTH
from citybrain.simulate.scenery.overlay import write_overlay
from citybrain.simulate.scenery.placing import LANE, place_beside
from citybrain.simulate.scenery.scene import seen_boxes
from citybrain.simulate.scenery.vehicles import FOUR_WHEELED
from citybrain.simulate.stories import Story, light_at, load_stories, stories_of_day

SHANGHAI = ZoneInfo("Asia/Shanghai")
KEPT = timedelta(days=1)
NAME = "%Y%m%dT%H%M%S+0800.jpg"
VIEWPOINT_SPREAD = 0.25  # degrees by which an after-photo's view differs from the camera's
LANE_TRIES = 40


class Round(BaseModel):
    """`number` counts from 0 on each `day` of Shanghai."""

    day: date
    number: int
    at: AwareDatetime
    done: bool = False


class Rounds(BaseModel):
    """Rounds of the last day, oldest first."""

    seed: int
    rounds: list[Round] = []


@dataclass(frozen=True)
class StillsReport:
    """rounds: how many were written or completed; stills: the files that this run wrote."""

    rounds: int
    stills: list[Path]
    pruned: int


def stills_dir(settings: Settings) -> Path:
    return settings.drops / "stills"


def stills_truth_dir(settings: Settings) -> Path:
    """The rounds' record, and for each round a file of JSON lines that says what each still shows."""
    return truth_dir(settings) / "camera_still"


def have_begun(settings: Settings) -> bool:
    """Whether a round was ever planned."""
    return bool(_read(settings).rounds)


def write_stills(settings: Settings, at: datetime, rounds: int = 1, every_minutes: int = 3) -> StillsReport:
    """Write the stills that are due at `at` (aware): `rounds` rounds, the last one at `at`.

    The first run writes the opening rounds of stories.yml at least. Nothing is due less than `every_minutes`
    after the last round; a round that a killed run left is completed all the same. Files that exist are kept.
    """
    local = at.astimezone(SHANGHAI).replace(microsecond=0)
    stills_truth_dir(settings).mkdir(parents=True, exist_ok=True)
    with _only_run(stills_truth_dir(settings)):
        record = _read(settings)
        record.rounds += _due(record, local, rounds, timedelta(minutes=every_minutes))
        _keep(settings, record)
        written: list[Path] = []
        waiting = [round_ for round_ in record.rounds if not round_.done]
        for round_ in waiting:
            written += _write_round(settings, record.seed, round_)
            round_.done = True
            _keep(settings, record)
        pruned = _prune(settings, local - KEPT)
        record.rounds = [round_ for round_ in record.rounds if round_.at > local - KEPT]
        _keep(settings, record)
    return StillsReport(len(waiting), written, pruned)


def empty_yard(camera_id: str, seed: int, at: datetime | None = None) -> bytes:
    """A JPEG of the camera's yard by day with nothing in the lane, as a person beside the camera takes it.

    Its view and exposure differ a little by seed, and so do its bytes; it says that it is rendered.
    """
    yard = yard_of(camera_id)
    random = np.random.default_rng([seed, 91])
    turned = random.uniform(-VIEWPOINT_SPREAD, VIEWPOINT_SPREAD, 3)
    camera = replace(
        yard.camera,
        pitch=yard.camera.pitch + float(turned[0]),
        yaw=yard.camera.yaw + float(turned[1]),
        roll=yard.camera.roll + float(turned[2]),
    )
    beside = replace(yard, camera=camera)
    vehicles = place_vehicles(beside, seed, in_lane=0, in_bays=int(random.integers(0, 3)))
    moment = at.astimezone(SHANGHAI) if at else None
    return render(beside, vehicles, Light.DAY, seed, moment).jpeg()


def _due(record: Rounds, local: datetime, rounds: int, every: timedelta) -> list[Round]:
    opening = load_stories().first_day
    if not record.rounds:
        rounds, step = max(rounds, opening.rounds), timedelta(minutes=opening.minutes_apart)
    elif local - record.rounds[-1].at < every:
        return []
    else:
        step = every
    last = record.rounds[-1] if record.rounds else None
    number = last.number + 1 if last and last.day == local.date() else 0
    moments = [local - step * back for back in reversed(range(rounds))]
    fresh = [moment for moment in moments if last is None or moment > last.at]
    return [Round(day=local.date(), number=number + n, at=moment) for n, moment in enumerate(fresh)]


def _write_round(settings: Settings, seed: int, round_: Round) -> list[Path]:
    """Write what is missing of one round; its truth stands before the stills do."""
    stories = stories_of_day(seed, round_.day)
    written, truths = [], []
    for compound in load_compounds():
        if not compound.connected:
            continue
        story = stories.get(compound.camera_id)
        moment = _moment(story, round_)
        if moment is None:
            continue
        path = stills_dir(settings) / compound.camera_id / f"{moment:{NAME}}"
        content, truth = _still(seed, compound, story, round_, moment)
        truths.append({"file": path.name, **truth})
        if not path.exists():
            _write(path, content)
            written.append(path)
    lines = b"".join(orjson.dumps(truth) + b"\n" for truth in truths)
    _write(stills_truth_dir(settings) / f"{_local(round_.at):%Y%m%dT%H%M%S}.jsonl", lines)
    return written


def _moment(story: Story | None, round_: Round) -> datetime | None:
    """When the camera's still of the round was taken; None when there is none."""
    if story is None or story.name != "stale":
        return _local(round_.at)
    return _local(round_.at) - timedelta(minutes=story.age_minutes) if round_.number == 0 else None


def _local(moment: datetime) -> datetime:
    return moment.astimezone(SHANGHAI)


def _still(
    seed: int, compound: Compound, story: Story | None, round_: Round, moment: datetime
) -> tuple[bytes, dict[str, object]]:
    """The JPEG and the truth about it."""
    yard = yard_of(compound.camera_id)
    playing = story.name if story and story.holds(round_.number) else "clean"
    own = [seed, round_.day.toordinal(), compound.number]
    truth: dict[str, object] = {
        "camera_id": compound.camera_id,
        "at": moment.isoformat(),
        "round": round_.number,
        "story": playing,
    }
    if playing == "black":
        return _black(yard, moment), {**truth, "in_lane": 0, "boxes": []}
    vehicles = _vehicles(yard, playing, own, moment)
    scene = render(yard, vehicles, light_at(seed, moment), _number([*own, round_.number]), moment)
    content = scene.jpeg()
    if playing == "truncated":
        content = content[: int(len(content) * 0.6)]
    in_lane = sum(vehicle.zone == LANE for vehicle in scene.vehicles)
    return content, {**truth, "in_lane": in_lane, "boxes": _boxes(scene)}


def _boxes(scene: Scene) -> list[list[object]]:
    return [[*box, vehicle.zone] for box, vehicle in zip(scene.boxes, scene.vehicles, strict=True)]


def _number(parts: list[int]) -> int:
    return int(np.random.default_rng(parts).integers(2**40))


def _vehicles(yard: Yard, playing: str, own: list[int], moment: datetime) -> list[Vehicle]:
    """Vehicles in bays change by the hour; one that blocks the lane stays what and where it is."""
    among: list[Vehicle] = []
    if playing in ("blocked", "passing"):
        among = _in_lane(yard, (*own, 83))
        if playing == "passing":
            among = [replace(vehicle, lamps_on=True) for vehicle in among]
    elif playing == "beside":
        among = place_beside(yard, _number([*own, 84]))
    hourly = [*own, moment.hour, 85]
    fewest, most = load_stories().parked
    count = int(np.random.default_rng(hourly).integers(fewest, most + 1))
    vehicles = place_vehicles(yard, _number(hourly), 0, count, among)
    if not among:
        return vehicles
    # whatever parks between the camera and the story's vehicle stays away
    return [*among, *(vehicle for vehicle in vehicles[len(among) :] if _leaves_seen(yard, among, vehicle))]


def _leaves_seen(yard: Yard, among: list[Vehicle], other: Vehicle) -> bool:
    alone = [box for _, box in seen_boxes(yard, among)]
    beside = [box for vehicle, box in seen_boxes(yard, [*among, other]) if vehicle in among]
    return alone == beside


@lru_cache(maxsize=64)
def _in_lane(yard: Yard, own: tuple[int, ...]) -> list[Vehicle]:
    """One four-wheeled vehicle whose box, as it is seen behind trees and posts, stands in the lane.

    Raises LookupError when the yard has no room for one, which a test rules out for every camera.
    """
    zone = shapely.Polygon(yard.zone)
    for attempt in range(LANE_TRIES):
        placed = place_vehicles(yard, _number([*own, attempt]), 1, 0, lane_shapes=FOUR_WHEELED)
        for vehicle, (_, x1, y1, x2, y2) in seen_boxes(yard, placed):
            large = (x2 - x1) * WIDTH > 60 and (y2 - y1) * HEIGHT > 50
            if large and zone.covers(shapely.Point((x1 + x2) / 2, y2)):
                return [vehicle]
    raise LookupError(f"no vehicle fits into the lane of {yard.name}")


def _black(yard: Yard, moment: datetime) -> bytes:
    """What a camera with a covered lens sends: noise near black, and its overlay."""
    random = np.random.default_rng(int(moment.timestamp()))
    dark = random.integers(0, 4, (HEIGHT, WIDTH, 1), dtype=np.uint8).repeat(3, axis=2)
    picture = Image.fromarray(dark)
    write_overlay(picture, yard.name, moment)
    content = io.BytesIO()
    picture.save(content, "JPEG", quality=85)
    return content.getvalue()


def _read(settings: Settings) -> Rounds:
    path = stills_truth_dir(settings) / "rounds.json"
    return Rounds.model_validate_json(path.read_bytes()) if path.exists() else Rounds(seed=settings.demo_seed)


def _keep(settings: Settings, record: Rounds) -> None:
    content = record.model_dump_json(indent=1).encode()
    _write(stills_truth_dir(settings) / "rounds.json", content)


def _write(path: Path, content: bytes) -> None:
    """The whole file or none of it: a reader never sees a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    part.write_bytes(content)
    part.replace(path)


def _prune(settings: Settings, before: datetime) -> int:
    """Delete stills and truth older than `before`, and what a killed run left half written."""
    old = f"{before:{NAME}}"
    stale = [path for path in stills_dir(settings).glob("*/*.jpg") if path.name < old]
    stale += stills_dir(settings).glob("*/.*.part")
    stale += [path for path in stills_truth_dir(settings).glob("*.jsonl") if path.stem < old[:15]]
    for path in stale:
        path.unlink()
    return len(stale)


@contextmanager
def _only_run(folder: Path) -> Iterator[None]:
    """One run at a time; a second one waits for the first."""
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
