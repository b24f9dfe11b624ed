"""Days of weather by county and the forecasts made for them; the storm that raises the rivers is among them.

Observations come first as preliminary, are checked two days later, and are sent again then. A forecast is
issued every morning for seven days ahead; the further ahead, the further off.
"""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from functools import cache, partial

import numpy as np
import orjson
from numpy.typing import NDArray

from citybrain.catalogue import load_areas
from citybrain.simulate.csv_file import csv_bytes
from citybrain.simulate.delivery import SHANGHAI, Content, Delivery, dropped
from citybrain.simulate.dirt import Defect, Row, changing, plant, setting
from citybrain.simulate.ledger import Ledger
from citybrain.simulate.noise import normal, smooth, uniform

Floats = NDArray[np.float64]

HISTORY_DAYS = 730
FORECAST_HISTORY_DAYS = 60
LEAD_DAYS = 7
CHECKED_AFTER = 2
BLOCK_DAYS = 512  # whose rain is worked out together
STORM_EVERY, STORM_BEFORE_START = 30, 8  # days, as in the river gauges
STORM_RAIN = (78.0, 41.0, 6.0)  # mm on its days
STORM_WIND = (9.0, 6.0, 1.0)  # m/s on top

DAY_HEADERS = {
    "county_code": "区县代码",
    "observed_on": "日期",
    "rain_mm": "降水量",
    "temp_max_c": "最高气温",
    "temp_min_c": "最低气温",
    "wind_max_ms": "最大风速",
    "humidity_pct": "平均相对湿度",
    "quality": "质量码",
}
DAY_DEFECTS = [
    Defect("rain_negative", 0.003, "rain_mm", setting("rain_mm", -9.9)),
    Defect("temp_missing_code", 0.003, "temp_max_c", setting("temp_max_c", 999.9)),
    Defect("day_missing", 0.002, "observed_on", setting("observed_on", "")),
    Defect("sent_twice", 0.002, "county_code", None),
]
FORECAST_DEFECTS = [
    Defect("rain_negative", 0.002, "rain_mm", setting("rain_mm", -1.0)),
    Defect(
        "issued_after_day",
        0.002,
        "issued_at",
        changing("issued_at", lambda time: f"{int(time[:4]) + 1}{time[4:]}"),
    ),
    Defect("sent_twice", 0.001, "county_code", None),
]


def county_codes() -> list[str]:
    return [county.code for county in load_areas().counties]


def _storm(days: NDArray[np.int64], started: date, of_days: tuple[float, ...]) -> Floats:
    """What the storm adds on its days; `days` as ordinals."""
    into = (days - started.toordinal() + STORM_BEFORE_START) % STORM_EVERY
    return np.where(into < len(of_days), np.array(of_days)[np.minimum(into, len(of_days) - 1)], 0.0)


def weather(seed: int, started: date, days: NDArray[np.int64], county: int) -> dict[str, Floats]:
    """The true weather of one county on `days` (ordinals): mm, °C, m/s, %."""
    keys = days * 8 + county
    of_year = 2 * np.pi * ((days % 365.25) - 15) / 365.25
    summer = -np.cos(of_year)
    front = smooth(seed, "weather/front", days, 3) + 0.35 * normal(seed, "weather/rain", keys)
    wet = np.clip(front - 0.75 + 0.3 * summer, 0, None)
    storm = _storm(days, started, STORM_RAIN) * (0.8 + 0.4 * uniform(seed, "weather/storm", keys))
    rain = 11.0 * wet**1.4 * (1.0 + 0.6 * summer) + storm
    mean = 15.4 + 12.8 * summer + 2.6 * smooth(seed, "weather/warm", days, 6) - 2.0 * (rain > 5)
    spread = 4.6 + 1.1 * uniform(seed, "weather/spread", keys) - 1.8 * (rain > 5)
    wind = 4.2 + 1.3 * np.abs(normal(seed, "weather/wind", keys)) + _storm(days, started, STORM_WIND)
    humidity = np.clip(62 + 9 * summer + 14 * (rain > 1) + 6 * normal(seed, "weather/damp", keys), 18, 100)
    return {
        "rain_mm": np.round(np.where(rain < 0.1, 0.0, rain), 1),
        "temp_max_c": np.round(mean + spread, 1),
        "temp_min_c": np.round(mean - spread, 1),
        "wind_max_ms": np.round(wind, 1),
        "humidity_pct": np.round(humidity),
    }


def rain_of_day(seed: int, started: date, day: date) -> float:
    """mm, the mean of the counties."""
    block, within = divmod(day.toordinal(), BLOCK_DAYS)
    return float(_rain_of_block(seed, started, block)[within])


@cache
def _rain_of_block(seed: int, started: date, block: int) -> Floats:
    days = np.arange(block * BLOCK_DAYS, (block + 1) * BLOCK_DAYS)
    counties = range(len(county_codes()))
    rain: Floats = np.mean([weather(seed, started, days, county)["rain_mm"] for county in counties], axis=0)
    return rain


def weather_day_delivery(seed: int, started: date, first: date, last: date) -> Content:
    """The days from `first` to `last`, as they stand on the day after `last`."""
    days = np.arange(first.toordinal(), last.toordinal() + 1)
    rows: list[Row] = []
    keys: list[int] = []
    for county, code in enumerate(county_codes()):
        known = weather(seed, started, days, county)
        for place, day in enumerate(days.tolist()):
            checked = last.toordinal() - day >= CHECKED_AFTER
            row: Row = {name: float(values[place]) for name, values in known.items()}
            if not checked:  # the gauge is read again by hand
                row["rain_mm"] = round(row["rain_mm"] * 0.96, 1)
            observed = date.fromordinal(day)
            rows.append(
                {
                    "county_code": code,
                    "observed_on": observed.isoformat(),
                    **row,
                    "quality": "0" if checked else "9",
                }
            )
            keys.append(day * 8 + county)
    truth = plant(
        seed,
        "weather_day",
        rows,
        np.array(keys),
        lambda row: f"{row['county_code']} {row['observed_on']}",
        DAY_DEFECTS,
    )
    content = csv_bytes(DAY_HEADERS, rows).decode().encode("gb18030")
    return content, len(rows), truth


def weather_forecast_delivery(seed: int, started: date, first: date, last: date) -> Content:
    """The forecasts issued at eight in the morning of the days from `first` to `last`."""
    rows: list[Row] = []
    keys: list[int] = []
    for issued in range(first.toordinal(), last.toordinal() + 1):
        ahead = issued + np.arange(1, LEAD_DAYS + 1)
        for county, code in enumerate(county_codes()):
            known = weather(seed, started, ahead, county)
            number = (issued * 8 + county) * 16 + np.arange(1, LEAD_DAYS + 1)
            lead = np.sqrt(np.arange(1, LEAD_DAYS + 1))
            warmer = 0.8 * lead * normal(seed, "forecast/warm", number)
            wetter = np.exp(0.28 * lead * normal(seed, "forecast/rain", number))
            wind = np.clip(known["wind_max_ms"] + 0.7 * lead * normal(seed, "forecast/wind", number), 0, None)
            for place, day in enumerate(ahead.tolist()):
                rows.append(
                    {
                        "county_code": code,
                        "issued_at": f"{date.fromordinal(issued).isoformat()}T08:00:00+08:00",
                        "forecast_for": date.fromordinal(day).isoformat(),
                        "rain_mm": round(float(known["rain_mm"][place] * wetter[place]), 1),
                        "temp_max_c": round(float(known["temp_max_c"][place] + warmer[place]), 1),
                        "temp_min_c": round(float(known["temp_min_c"][place] + warmer[place]), 1),
                        "wind_max_ms": round(float(wind[place]), 1),
                    }
                )
                keys.append(int(number[place]))
    truth = plant(
        seed,
        "weather_forecast",
        rows,
        np.array(keys),
        lambda row: f"{row['county_code']} {row['issued_at']} {row['forecast_for']}",
        FORECAST_DEFECTS,
    )
    return b"".join(orjson.dumps(row) + b"\n" for row in rows), len(rows), truth


def weather_deliveries(ledger: Ledger, local: datetime) -> Iterator[Delivery]:
    """Yesterday and the two days before it, which are checked by now; and the morning's forecast."""
    seed, started = ledger.seed, ledger.local_start.date()
    yesterday = local.date() - timedelta(days=1)
    morning = local.date() if local.hour >= 8 else yesterday
    if ledger.reached is None:
        since, issued = (
            yesterday - timedelta(days=HISTORY_DAYS - 1),
            morning - timedelta(days=FORECAST_HISTORY_DAYS),
        )
    else:
        reached = ledger.reached.astimezone(SHANGHAI)
        since = reached.date() - timedelta(days=1 + CHECKED_AFTER)
        issued = reached.date() + timedelta(days=1 if reached.hour >= 8 else 0)
    name = f"weather_day_{yesterday:%Y%m%d}.csv"
    yield dropped(
        "weather_day", name, local, 2, partial(weather_day_delivery, seed, started, since, yesterday)
    )
    if issued <= morning:
        name = f"weather_forecast_{morning:%Y%m%d}.jsonl"
        make = partial(weather_forecast_delivery, seed, started, issued, morning)
        yield dropped("weather_forecast", name, local, 1, make)
