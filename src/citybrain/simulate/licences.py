"""Licences of enterprises, as market regulation keeps them in its exchange database: changes by day."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cache, partial

import numpy as np
from numpy.typing import NDArray

from citybrain.simulate.csv_file import csv_bytes
from citybrain.simulate.delivery import SHANGHAI, Content, Delivery, Place
from citybrain.simulate.dirt import Defect, Row, changing, one_of, plant, setting, wrong_check_character
from citybrain.simulate.firms import FAILING, Days, Firms, firms_until
from citybrain.simulate.industries import load_industries
from citybrain.simulate.ledger import Ledger
from citybrain.simulate.noise import uniform
from citybrain.simulate.places import load_villages

DATASET = "enterprise_licence"
TABLE = "market_regulation/enterprise_licence"
COLUMNS = ("licence_no", "uscc", "licence_kind", "issued_on", "valid_until", "status", "updated_at")

HOLDING = 1 / 3  # of the firms
SECOND = 0.2  # of the holders have two
TERM = 1826  # days: five years
RENEWED_BEFORE = 30  # days before a licence ends
RENEWING = 0.85
REVOKED = 0.012
MOST_TERMS = 12
# Section of the trade -> kinds of licence and the letters of their numbers; the first that fits counts.
KINDS: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = (
    ("C27", (("药品生产许可证", "YS"), ("医疗器械生产许可证", "QS"))),
    ("C1", (("食品生产许可证", "SC"), ("食品经营许可证", "JY"))),
    ("C", (("工业产品生产许可证", "XK"), ("特种设备生产许可证", "TS"))),
    ("E", (("特种设备生产许可证", "TS"), ("工业产品生产许可证", "XK"))),
    ("F", (("食品经营许可证", "JY"), ("药品经营许可证", "YP"))),
    ("", (("食品经营许可证", "JY"), ("医疗器械经营许可证", "QJ"))),
)


def _before_issue(row: Row, luck: float) -> None:
    row["valid_until"] = (
        date.fromisoformat(row["issued_on"]) - timedelta(days=1 + int(luck * 700))
    ).isoformat()


def _issued_later(row: Row, luck: float) -> None:
    row["issued_on"] = (
        date.fromisoformat(row["issued_on"]) + timedelta(days=20_000 + int(luck * 900))
    ).isoformat()


DEFECTS = [
    Defect("uscc_check_character", 0.0040, "uscc", changing("uscc", wrong_check_character)),
    Defect("uscc_missing", 0.0015, "uscc", setting("uscc", "")),
    Defect("kind_unknown", 0.0015, "licence_kind", one_of("licence_kind", ["其他", "许可证", "食品"])),
    Defect("status_unknown", 0.0015, "status", one_of("status", ["正常", "0", "待核"])),
    Defect("ends_before_issue", 0.0020, "valid_until", _before_issue),
    Defect("issued_in_future", 0.0015, "issued_on", _issued_later),
]


@dataclass(frozen=True)
class Licences:
    """One entry for each licence that was issued by a day, as it stands at the end of that day."""

    holders: NDArray[np.int64]  # index into the firms
    keys: NDArray[np.int64]  # unique, the same every day
    issued: Days
    valid_until: Days
    status: NDArray[np.str_]
    changed: Days


def licences_of(seed: int, firms: Firms, day: date) -> Licences:
    """Every licence ever issued up to `day`: renewed, run out, given up with the firm, or revoked."""
    today = np.datetime64(day)
    has = (uniform(seed, "licence/has", firms.numbers) < HOLDING) | (firms.numbers == FAILING)
    second = has & (uniform(seed, "licence/second", firms.numbers) < SECOND)
    holders = np.concatenate([np.flatnonzero(has), np.flatnonzero(second)])
    keys = firms.numbers[holders] * 2 + np.repeat([0, 1], [has.sum(), second.sum()])
    wait = 20 + np.floor(uniform(seed, "licence/wait", keys) ** 3 * 1400).astype(np.int64)
    issued = firms.established[holders] + wait.astype("timedelta64[D]")
    given = (issued <= today) & (issued < firms.closed[holders])
    holders, keys, issued = holders[given], keys[given], issued[given]
    closed = firms.closed[holders]

    valid_until, changed = issued + np.timedelta64(TERM, "D"), issued.copy()
    going_on = np.ones(len(keys), dtype=bool)
    for term in range(MOST_TERMS):
        renewal = valid_until - np.timedelta64(RENEWED_BEFORE, "D")
        lucky = uniform(seed, f"licence/renewal/{term}", keys) < RENEWING
        going_on &= lucky & (renewal <= today) & (renewal < closed)
        valid_until = np.where(going_on, valid_until + np.timedelta64(TERM, "D"), valid_until)
        changed = np.where(going_on, renewal, changed)

    status: NDArray[np.str_] = np.full(len(keys), "有效", dtype="<U2")
    revoked_on = issued + (200 + uniform(seed, "licence/revoked_on", keys) * 3000).astype("timedelta64[D]")
    revoked = uniform(seed, "licence/revoked", keys) < REVOKED
    ends = (
        ("过期", valid_until + np.timedelta64(1, "D"), np.ones(len(keys), dtype=bool)),
        ("注销", closed, closed <= valid_until),
        ("吊销", revoked_on, revoked & (revoked_on <= valid_until) & (revoked_on < closed)),
    )
    for name, since, possible in ends:
        ended = possible & (since <= today)
        status[ended] = name
        changed = np.where(ended, since, changed)
    return Licences(holders, keys, issued, valid_until, status, changed)


def licence_rows(
    seed: int, firms: Firms, licences: Licences, chosen: NDArray[np.bool_]
) -> tuple[list[Row], NDArray[np.int64]]:
    """The chosen licences as the exchange holds them, by time of change and number, and their keys."""
    trades, places = load_industries().codes[firms.industries], load_villages()
    counties = places.county_codes[places.counties[firms.villages]]
    seconds = (uniform(seed, "licence/moment", licences.keys) * 10 * 3600).astype(np.int64)
    found: list[tuple[str, str, Row, int]] = []
    for place in np.flatnonzero(chosen).tolist():
        holder, key = int(licences.holders[place]), int(licences.keys[place])
        kinds = next(kinds for prefix, kinds in KINDS if str(trades[holder]).startswith(prefix))
        kind, letters = kinds[key % 2]
        moment = datetime.combine(licences.changed[place].item(), time(8)) + timedelta(
            seconds=int(seconds[place])
        )
        row = {
            "licence_no": f"{letters}{counties[holder]}{key:012d}",
            "uscc": str(firms.codes[holder]),
            "licence_kind": kind,
            "issued_on": str(licences.issued[place]),
            "valid_until": str(licences.valid_until[place]),
            "status": str(licences.status[place]),
            "updated_at": f"{moment:%Y-%m-%d %H:%M:%S}+08",
        }
        found.append((row["updated_at"], row["licence_no"], row, key))
    found.sort(key=lambda entry: entry[:2])
    return [row for _, _, row, _ in found], np.array([key for *_, key in found], dtype=np.int64)


def licence_changes(seed: int, firms: Firms, day: date, everything: bool) -> Content:
    """The rows that changed on `day` as CSV, or with `everything` all rows as they stand at its end.

    Written as the database itself writes CSV, so that a pull of these rows alone has the same bytes.
    """
    licences = licences_of(seed, firms, day)
    chosen = np.full(len(licences.keys), True) if everything else licences.changed == np.datetime64(day)
    rows, keys = licence_rows(seed, firms, licences, chosen)
    truth = plant(seed, DATASET, rows, keys, lambda row: str(row["licence_no"]), DEFECTS)
    content = csv_bytes({name: name for name in COLUMNS}, rows)
    return content.replace(b"\r\n", b"\n"), len(rows), truth


def licence_deliveries(ledger: Ledger, local: datetime) -> Iterator[Delivery]:
    """At first all licences as of the day before; each day after it what changed on the day before."""
    first_day = ledger.started.astimezone(SHANGHAI).date()

    @cache
    def firms() -> Firms:
        return firms_until(ledger.seed, ledger.enterprises, first_day, local.date())

    def make(day: date) -> Content:
        return licence_changes(ledger.seed, firms(), day - timedelta(days=1), everything=day == first_day)

    for number in range((local.date() - first_day).days + 1):
        day = first_day + timedelta(days=number)
        moment = datetime.combine(day, time(), SHANGHAI) if number else local
        name = f"{DATASET}_{day:%Y%m%d}"
        yield Delivery(DATASET, name, Place.EXCHANGE, f"{TABLE}/{name}", moment, 2, partial(make, day))
