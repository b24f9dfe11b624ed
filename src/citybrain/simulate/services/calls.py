"""Calls of the shared platform's capabilities by system and day, as its gateway exports them."""

from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from citybrain.catalogue.working_day import is_working_day
from citybrain.simulate.delivery import Content
from citybrain.simulate.dirt import Defect, Row, changing, plant_columns, setting
from citybrain.simulate.ledger import Ledger
from citybrain.simulate.noise import normal, uniform
from citybrain.simulate.parquet_file import parquet_bytes
from citybrain.simulate.services.content import load_services
from citybrain.simulate.services.systems import connected_on, system_code

DAY_NUMBERS = 4096  # more than there are pairs of a system and a capability
GETTING_USED_TO_DAYS = 90
SILENT = 27  # place of the system that stops calling
SILENT_BEFORE_START = timedelta(days=18)


def _more_failed_than_called(row: Row, luck: float) -> None:
    row["failed_calls"] = int(row["calls"]) + 1 + int(luck * 50)


DEFECTS = [
    Defect("calls_negative", 0.0010, "calls", setting("calls", -1)),
    Defect("failed_above_calls", 0.0012, "failed_calls", _more_failed_than_called),
    Defect("system_unknown", 0.0010, "system_code", setting("system_code", "SYS99")),
    Defect("capability_missing", 0.0008, "capability", setting("capability", "")),
    Defect(
        "day_in_future",
        0.0006,
        "call_day",
        changing("call_day", lambda day: (day + np.timedelta64(3000, "D")).item()),
    ),
    Defect("sent_twice", 0.0008, "system_code", None),
]


def call_delivery(ledger: Ledger, first: date, last: date) -> Content:
    """The calls of these days, system by system and capability by capability. As Parquet."""
    seed, services = ledger.seed, load_services()
    days = np.arange(np.datetime64(first, "D"), np.datetime64(last, "D") + 1)
    numbers = days.astype(np.int64)
    works = np.array([is_working_day(day)[0] for day in days.tolist()])
    start = np.datetime64(ledger.local_start, "D")
    usual = {capability.id: capability.calls for capability in services.capabilities}
    average = sum(system.weight for system in services.systems) / len(services.systems)
    parts: list[dict[str, NDArray[Any]]] = []
    keys: list[NDArray[np.int64]] = []
    pair = 0
    for place, (system, connected) in enumerate(
        zip(services.systems, connected_on(ledger.local_start.date()), strict=True)
    ):
        since = (days - np.datetime64(connected, "D")).astype(np.int64)
        told = since >= 0
        if place == SILENT:
            silent_from = start - np.timedelta64(SILENT_BEFORE_START.days, "D")
            told &= (days < silent_from) | (days >= silent_from + np.timedelta64(60, "D"))
        for use in system.uses:
            pair += 1
            key = numbers[told] * DAY_NUMBERS + pair
            luck = np.exp(0.3 * normal(seed, "calls/pair", np.array([pair])))
            level = usual[use] * system.weight / average * luck
            grown = 1 - 0.8 * np.exp(-since[told] / GETTING_USED_TO_DAYS)
            rhythm = np.where(works[told], 1.0, 0.3) * np.exp(0.1 * normal(seed, "calls", key))
            calls = np.rint(level * grown * rhythm).astype(np.int64)
            failing = 0.004 * np.exp(0.6 * normal(seed, "calls/failed", key))
            parts.append(
                {
                    "call_day": days[told],
                    "capability": np.full(len(key), use, dtype=object),
                    "system_code": np.full(len(key), system_code(place), dtype=object),
                    "calls": calls,
                    "failed_calls": np.floor(calls * np.minimum(failing, 0.2)).astype(np.int64),
                    "mean_ms": np.rint(60 + 90 * uniform(seed, "calls/ms", key)).astype(np.int64),
                }
            )
            keys.append(key)
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    columns, truth = plant_columns(
        seed,
        "capability_call_day",
        columns,
        np.concatenate(keys),
        lambda row: f"{row['system_code']} {row['capability']} {row['call_day']}",
        DEFECTS,
    )
    return parquet_bytes(columns, {"capability": ""}), len(columns["calls"]), truth


def call_stories(started: datetime) -> list[dict[str, str]]:
    """The system that stops calling."""
    begin = (started - SILENT_BEFORE_START).date()
    return [
        {
            "story": "silent_system",
            "dataset": "capability_call_day",
            "key": system_code(SILENT),
            "from": begin.isoformat(),
            "to": (begin + timedelta(days=60)).isoformat(),
            "what": "one system calls no capability any more: it was switched off, or has built its own",
        }
    ]
