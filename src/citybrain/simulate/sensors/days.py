"""Two years of daily figures that the platforms of the device owners hand over once."""

from datetime import date, datetime, time, timedelta
from itertools import pairwise

import numpy as np
import pyarrow as pa

from citybrain.simulate.delivery import SHANGHAI, Content
from citybrain.simulate.dirt import Defect, Row, plant_columns, setting
from citybrain.simulate.sensors.columns import Columns, parquet_of_columns, plain_truth
from citybrain.simulate.sensors.fleet import Fleet
from citybrain.simulate.sensors.signal import minute_number, silent_at, values_at

SCHEMA = pa.schema(
    [
        ("device_id", pa.string()),
        ("device_kind", pa.string()),
        ("metric", pa.string()),
        ("day", pa.date32()),
        ("value_min", pa.float64()),
        ("value_mean", pa.float64()),
        ("value_max", pa.float64()),
        ("reading_count", pa.int64()),
    ]
)
KINDS = ("gas", "leak", "bridge", "drainage")  # whose platforms keep daily figures
SAMPLES = 6  # moments of a day the figures are taken from
MINUTES_A_DAY = 1440
MOST_DAYS = 2**16
DEFECTS = [
    Defect("mean_above_max", 0.0005, "value_mean", setting("value_mean", 9_000.0)),
    Defect("count_negative", 0.0004, "reading_count", setting("reading_count", -1)),
    Defect("device_missing", 0.0003, "device_id", setting("device_id", "")),
    Defect("sent_twice", 0.0004, "device_id", None),
]


def _key_text(row: Row) -> str:
    return f"{row['device_id']} {row['metric']} {row['day']}"


def first_minute(day: date) -> int:
    """The minute since 1970 at which a day of Shanghai begins."""
    return minute_number(datetime.combine(day, time(), SHANGHAI))


def _days_of(seed: int, fleet: Fleet, first: date, days: int, start: int) -> tuple[Columns, np.ndarray]:
    metric = fleet.kind.metric
    moments = first_minute(first) + np.arange(days * SAMPLES, dtype=np.int64) * (MINUTES_A_DAY // SAMPLES)
    shape = (len(fleet.numbers), days, SAMPLES)
    values = values_at(seed, fleet, metric, moments, start).reshape(shape)
    sent = ~silent_at(seed, fleet, moments, start).reshape(shape)
    devices, places = np.nonzero(sent.any(axis=2))
    taken = np.where(sent, values, np.nan)[devices, places]
    day_numbers = np.datetime64(first, "D") + places
    keys = fleet.numbers[devices] * MOST_DAYS + day_numbers.astype(np.int64)
    share = sent[devices, places].mean(axis=1)
    return {
        "device_id": fleet.ids.astype(object)[devices],
        "device_kind": np.full(len(devices), fleet.kind.id, dtype=object),
        "metric": np.full(len(devices), metric.id, dtype=object),
        "day": day_numbers,
        "value_min": np.nanmin(taken, axis=1),
        "value_mean": np.round(np.nanmean(taken, axis=1), metric.digits),
        "value_max": np.nanmax(taken, axis=1),
        "reading_count": np.maximum(1, np.rint(share * MINUTES_A_DAY / metric.minutes)).astype(np.int64),
    }, keys


def day_delivery(
    seed: int, fleets: tuple[Fleet, ...], first: date, until: date, started: datetime
) -> Content:
    """The days from `first` up to and without `until`, their rows and the truth about them."""
    parts, keys = [], []
    for fleet in fleets:
        if fleet.kind.id not in KINDS:
            continue
        part, part_keys = _days_of(seed, fleet, first, (until - first).days, minute_number(started))
        parts.append(part)
        keys.append(part_keys)
    columns = {name: np.concatenate([part[name] for part in parts]) for name in SCHEMA.names}
    columns, truth = plant_columns(
        seed, "sensor_reading_day", columns, np.concatenate(keys), _key_text, DEFECTS
    )
    return parquet_of_columns(columns, SCHEMA), len(columns["day"]), plain_truth(truth)


def history_spans(last: date, months: int = 24, at_once: int = 6) -> list[tuple[date, date]]:
    """The objects the history comes in: `months` months of 30.4 days until `last`, first and end of each."""
    begin = last - timedelta(days=round(months * 365 / 12))
    edges = [begin + (last - begin) * part / (months // at_once) for part in range(months // at_once + 1)]
    return list(pairwise(edges))
