"""Six river gauges every five minutes, as Parquet; a storm raises them in turn every thirty days."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from citybrain.simulate.delivery import HISTORY, SHANGHAI, Delivery, Place
from citybrain.simulate.dirt import Defect, Planted, Row, changing, plant, setting
from citybrain.simulate.ledger import Ledger
from citybrain.simulate.noise import Keys, normal, smooth, uniform
from citybrain.simulate.parquet_file import parquet_of

Floats = NDArray[np.float64]

STEP = timedelta(minutes=5)
LONGEST_OBJECT = timedelta(days=10)
STEPS_AN_HOUR = 12
STORM_BEFORE_START = 8 * 24 * STEPS_AN_HOUR
STORY_STEPS = 30 * 24 * STEPS_AN_HOUR
PEAK_AFTER_HOURS = 11


@dataclass(frozen=True)
class Gauge:
    """A made-up gauge: its county's code, then W and a number. Stage in m above the gauge's zero."""

    code: str
    river: str
    base: float
    storm_rise: float
    lag_hours: float  # how much later than the uppermost gauge the storm arrives
    rating: float  # discharge = rating * (stage - 0.4) ** 1.65


GAUGES = [
    Gauge("341602W01", "涡河", 2.10, 2.9, 0, 21.0),
    Gauge("341602W02", "洺河", 1.20, 1.6, 2, 8.0),
    Gauge("341621W01", "涡河", 2.35, 3.1, 7, 24.0),
    Gauge("341622W01", "涡河", 2.60, 2.7, 15, 27.0),
    Gauge("341622W02", "北淝河", 1.10, 1.4, 5, 7.0),
    Gauge("341623W01", "西淝河", 1.45, 1.9, 6, 11.0),
]
SCHEMA = pa.schema(
    [
        ("gauge_code", pa.string()),
        ("observed_at", pa.timestamp("us", tz="UTC")),
        ("stage_m", pa.float64()),
        ("discharge_m3s", pa.float64()),
        ("quality_flag", pa.string()),
    ]
)


def step_number(moment: datetime) -> int:
    """Whole five-minute steps since 1970; `moment` is aware."""
    return int(moment.timestamp()) // int(STEP.total_seconds())


def hours_into_storm(minutes: Keys, start: int) -> Floats:
    """Hours since the newest storm began over the uppermost gauge; both in minutes since 1970."""
    steps = (minutes - start) / 5 + STORM_BEFORE_START
    hours: Floats = steps % STORY_STEPS / STEPS_AN_HOUR
    return hours


def _stages(seed: int, place: int, steps: Keys, start: int) -> Floats:
    """Stage of one gauge in m: base flow, slow weather, the storm, and the instrument's noise."""
    gauge = GAUGES[place]
    into_storm = (steps - start + STORM_BEFORE_START) % STORY_STEPS / STEPS_AN_HOUR - gauge.lag_hours
    scaled = np.clip(into_storm, 0, None) / PEAK_AFTER_HOURS
    storm = gauge.storm_rise * scaled**1.5 * np.exp(1.5 * (1 - scaled))
    slow = 0.12 * smooth(seed, f"flow/{gauge.river}", steps, 40 * STEPS_AN_HOUR)
    noise = 0.006 * normal(seed, "gauge", steps * 16 + place)
    stages = np.maximum(0.05, gauge.base + slow + storm + noise)
    return np.round(stages, 3).astype(np.float64)


DEFECTS = [
    Defect("stage_impossible", 0.0010, "stage_m", setting("stage_m", 99.99)),
    Defect("discharge_negative", 0.0008, "discharge_m3s", setting("discharge_m3s", -12.5)),
    Defect("gauge_missing", 0.0004, "gauge_code", setting("gauge_code", None)),
    Defect(
        "time_in_future",
        0.0006,
        "observed_at",
        changing("observed_at", lambda time: time + timedelta(days=365)),
    ),
    Defect("sent_twice", 0.0008, "gauge_code", None),
]


def water_delivery(
    seed: int, since: datetime, until: datetime, started: datetime
) -> tuple[bytes, int, list[Planted]]:
    """The readings after `since` up to `until` (aware), their rows and the truth about them."""
    steps = np.arange(step_number(since) + 1, step_number(until) + 1)
    seconds = int(STEP.total_seconds())
    times = [datetime.fromtimestamp(int(step) * seconds, UTC) for step in steps]
    rows: list[Row] = []
    keys = []
    for place, gauge in enumerate(GAUGES):
        stages = _stages(seed, place, steps, step_number(started))
        discharges = np.round(gauge.rating * np.clip(stages - 0.4, 0, None) ** 1.65, 2)
        estimated = uniform(seed, "estimated", steps * 16 + place) < 0.01
        keys.append(steps * 16 + place)
        rows += [
            {
                "gauge_code": gauge.code,
                "observed_at": time,
                "stage_m": float(stage),
                "discharge_m3s": float(discharge),
                "quality_flag": "estimated" if guess else "good",
            }
            for time, stage, discharge, guess in zip(times, stages, discharges, estimated, strict=True)
        ]
    truth = plant(
        seed,
        "water_stage",
        rows,
        np.concatenate(keys),
        lambda row: f"{row['gauge_code']} {row['observed_at'].isoformat()}",
        DEFECTS,
    )
    return parquet_of(pa.Table.from_pylist(rows, schema=SCHEMA)), len(rows), truth


def water_stories(started: datetime) -> list[dict[str, str]]:
    """What happens in the first thirty days, for people and tests."""
    begin = started - STORM_BEFORE_START * STEP
    return [
        {
            "story": "storm",
            "dataset": "water_stage",
            "from": begin.isoformat(),
            "to": (begin + timedelta(hours=72)).isoformat(),
            "what": "a storm raises the river at every gauge, downstream ones later",
        }
    ]


def water_deliveries(ledger: Ledger, local: datetime) -> Iterator[Delivery]:
    """The readings since the last object; the history at first comes in objects of ten days."""
    until = _whole_steps(local)
    since = until - HISTORY
    if ledger.reached is not None:
        since = max(since, _whole_steps(ledger.reached.astimezone(SHANGHAI)))
    while since < until:
        end = min(since + LONGEST_OBJECT, until)
        name = f"water_stage_{since:%Y%m%dT%H%M}_{end:%Y%m%dT%H%M}.parquet"
        make = partial(water_delivery, ledger.seed, since, end, ledger.started)
        yield Delivery("water_stage", name, Place.INBOX, f"water_stage/{name}", local, 1, make)
        since = end


def _whole_steps(local: datetime) -> datetime:
    minutes = int(STEP.total_seconds()) // 60
    return local.replace(minute=local.minute - local.minute % minutes, second=0, microsecond=0)
