"""Raw readings of all devices as the platforms of their owners put them into the inbox: Parquet objects."""

from datetime import datetime

import numpy as np
import pyarrow as pa

from citybrain.simulate.delivery import Content
from citybrain.simulate.dirt import Defect, Row, changing, one_of, plant_columns, setting
from citybrain.simulate.noise import Keys, uniform
from citybrain.simulate.sensors.columns import Columns, parquet_of_columns, plain_truth
from citybrain.simulate.sensors.fleet import Fleet
from citybrain.simulate.sensors.kinds import Metric
from citybrain.simulate.sensors.signal import minute_number, silent_at, values_at

SCHEMA = pa.schema(
    [
        ("device_id", pa.string()),
        ("device_kind", pa.string()),
        ("metric", pa.string()),
        ("observed_at", pa.timestamp("us", tz="UTC")),
        ("value", pa.float64()),
        ("quality", pa.string()),
        ("seq", pa.int64()),
    ]
)
SUSPECT = 0.004
MOST_MINUTES = 2**26  # minutes since 1970 fit in
DEFECTS = [
    Defect("value_impossible", 0.0006, "value", setting("value", 9_999_999.0)),
    Defect("value_missing", 0.0005, "value", setting("value", np.nan)),
    Defect("device_missing", 0.0003, "device_id", setting("device_id", "")),
    Defect("device_malformed", 0.0003, "device_id", one_of("device_id", ["未注册", "DEV-0", "341602"])),
    Defect(
        "time_in_future",
        0.0004,
        "observed_at",
        changing("observed_at", lambda time: time + np.timedelta64(365, "D")),
    ),
    Defect("kind_unknown", 0.0003, "device_kind", setting("device_kind", "其他")),
    Defect("sent_twice", 0.0006, "device_id", None),
]


def _key_text(row: Row) -> str:
    return f"{row['device_id']} {row['metric']} {row['observed_at']}Z"


def metric_readings(
    seed: int, fleet: Fleet, metric: Metric, minutes: Keys, start: int
) -> tuple[Columns, Keys]:
    """The readings of one metric of a kind at `minutes` since 1970, device by device, and each row's key."""
    values = values_at(seed, fleet, metric, minutes, start)
    sent = ~silent_at(seed, fleet, minutes, start)
    devices, moments = np.nonzero(sent)
    order = fleet.kind.metrics.index(metric)
    keys = (fleet.numbers[devices] * 4 + order) * MOST_MINUTES + minutes[moments]
    suspect = uniform(seed, "reading/suspect", keys) < SUSPECT
    return {
        # texts as references to one text each: a column of characters would take ten times the memory
        "device_id": fleet.ids.astype(object)[devices],
        "device_kind": np.full(len(devices), fleet.kind.id, dtype=object),
        "metric": np.full(len(devices), metric.id, dtype=object),
        "observed_at": (minutes[moments] * 60_000_000).astype("datetime64[us]"),
        "value": values[sent],
        "quality": np.array(["good", "suspect"], dtype=object)[suspect.astype(int)],
        "seq": minutes[moments] // metric.minutes,
    }, keys


def reading_delivery(
    seed: int, fleets: tuple[Fleet, ...], since: datetime, until: datetime, started: datetime
) -> Content:
    """The readings after `since` up to `until` (aware), their rows and the truth about them."""
    first, last = minute_number(since), minute_number(until)
    parts, keys = [], []
    for fleet in fleets:
        for metric in fleet.kind.metrics:
            step = metric.minutes
            minutes = np.arange(first // step + 1, last // step + 1, dtype=np.int64) * step
            if not len(minutes):
                continue
            part, part_keys = metric_readings(seed, fleet, metric, minutes, minute_number(started))
            parts.append(part)
            keys.append(part_keys)
    columns = {name: np.concatenate([part[name] for part in parts]) for name in SCHEMA.names}
    columns, truth = plant_columns(seed, "sensor_reading", columns, np.concatenate(keys), _key_text, DEFECTS)
    return parquet_of_columns(columns, SCHEMA), len(columns["seq"]), plain_truth(truth)
