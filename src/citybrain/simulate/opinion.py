"""What is written about the city on public sites, counted by day: topic, kind of site, sentiment.

Counts alone, no text and no author. Floods are spoken of when it rains, and talk about safety grows in the
week before the city starts.
"""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from functools import partial

import numpy as np
import pyarrow as pa

from citybrain.simulate.delivery import SHANGHAI, Content, Delivery, dropped
from citybrain.simulate.dirt import Defect, Row, changing, plant, setting
from citybrain.simulate.ledger import Ledger
from citybrain.simulate.meteorology import rain_of_day
from citybrain.simulate.parquet_file import parquet_of

HISTORY_DAYS = 730
POSTS_A_DAY = 3000.0  # at scale 1
# Share of all posts, and how they feel: positive, neutral, negative
TOPICS: dict[str, tuple[float, tuple[float, float, float]]] = {
    "住房物业": (0.17, (0.12, 0.42, 0.46)),
    "交通出行": (0.18, (0.20, 0.50, 0.30)),
    "环境卫生": (0.11, (0.26, 0.44, 0.30)),
    "教育": (0.14, (0.30, 0.48, 0.22)),
    "医疗": (0.11, (0.30, 0.46, 0.24)),
    "就业社保": (0.09, (0.22, 0.50, 0.28)),
    "消费": (0.10, (0.24, 0.44, 0.32)),
    "公共安全": (0.07, (0.24, 0.46, 0.30)),
    "防汛排涝": (0.03, (0.22, 0.44, 0.34)),
}
SITES = {"短视频": 0.46, "微博微信": 0.36, "论坛问政": 0.18}
SENTIMENTS = ("positive", "neutral", "negative")
RISING_TOPIC, RISING_DAYS, RISES_TO = "公共安全", 7, 3.2
SCHEMA = pa.schema(
    [
        ("observed_on", pa.string()),
        ("topic", pa.string()),
        ("site_kind", pa.string()),
        ("sentiment", pa.string()),
        ("posts", pa.int64()),
        ("reads", pa.int64()),
    ]
)
DEFECTS = [
    Defect("posts_negative", 0.001, "posts", setting("posts", -1)),
    Defect("sentiment_unknown", 0.001, "sentiment", setting("sentiment", "unknown")),
    Defect(
        "day_in_future",
        0.001,
        "observed_on",
        changing("observed_on", lambda day: f"{int(day[:4]) + 30}{day[4:]}"),
    ),
    Defect("sent_twice", 0.001, "topic", None),
]


def _expected(
    seed: int, started: date, day: date, scale: float
) -> tuple[list[tuple[str, str, str]], list[float]]:
    rain = rain_of_day(seed, started, day)
    before = (started - day).days
    cells, means = [], []
    for topic, (share, feelings) in TOPICS.items():
        times = 1.0 + (rain / 4.0 if topic == "防汛排涝" and rain > 20 else 0.0)
        rising = topic == RISING_TOPIC and 0 <= before < RISING_DAYS
        for site, of_site in SITES.items():
            for sentiment, feeling in zip(SENTIMENTS, feelings, strict=True):
                more = RISES_TO if rising and sentiment == "negative" else 1.0
                cells.append((topic, site, sentiment))
                means.append(POSTS_A_DAY * scale * share * of_site * feeling * times * more)
    return cells, means


def opinion_delivery(seed: int, started: date, scale: float, first: date, last: date) -> Content:
    """The days from `first` to `last`; cells without a post are left out."""
    rows: list[Row] = []
    keys: list[int] = []
    for ordinal in range(first.toordinal(), last.toordinal() + 1):
        day = date.fromordinal(ordinal)
        cells, means = _expected(seed, started, day, scale)
        random = np.random.default_rng([seed, ordinal, 653])
        posts = random.poisson(np.array(means) * (0.8 if day.weekday() >= 5 else 1.0))
        reads = np.round(posts * np.exp(random.normal(6.2, 0.5, len(posts)))).astype(int)
        for place, (topic, site, sentiment) in enumerate(cells):
            if posts[place]:
                rows.append(
                    {
                        "observed_on": day.isoformat(),
                        "topic": topic,
                        "site_kind": site,
                        "sentiment": sentiment,
                        "posts": int(posts[place]),
                        "reads": int(reads[place]),
                    }
                )
                keys.append(ordinal * 128 + place)
    truth = plant(
        seed,
        "public_opinion_day",
        rows,
        np.array(keys, dtype=np.int64),
        lambda row: f"{row['observed_on']} {row['topic']} {row['site_kind']} {row['sentiment']}",
        DEFECTS,
    )
    return parquet_of(pa.Table.from_pylist(rows, schema=SCHEMA)), len(rows), truth


def opinion_deliveries(ledger: Ledger, local: datetime) -> Iterator[Delivery]:
    """The days that are over: two years at first, then what is new."""
    yesterday = local.date() - timedelta(days=1)
    first = yesterday - timedelta(days=HISTORY_DAYS - 1)
    if ledger.reached is not None:
        first = ledger.reached.astimezone(SHANGHAI).date()
    if first > yesterday:
        return
    name = f"public_opinion_{first:%Y%m%d}_{yesterday:%Y%m%d}.parquet"
    started = ledger.local_start.date()
    make = partial(opinion_delivery, ledger.seed, started, ledger.scale, first, yesterday)
    yield dropped("public_opinion_day", name, local, 1, make)
