"""The hotline centre's tickets as JSON lines: two years at first, then what came in or was answered since."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson

from citybrain.catalogue import load_departments
from citybrain.reading import load_demands
from citybrain.simulate.delivery import SHANGHAI, Content, Delivery, dropped
from citybrain.simulate.dirt import Defect, Row, plant, setting
from citybrain.simulate.hotline.calls import PhoneCall, calls_of_day, cut_compound, repeat_market
from citybrain.simulate.hotline.rates import load_rates
from citybrain.simulate.hotline.streets import street_deliveries
from citybrain.simulate.ledger import Ledger
from citybrain.simulate.places import load_villages

if TYPE_CHECKING:
    from citybrain.reading import Truth

DATASET = "hotline_ticket"
HISTORY = timedelta(days=730)
LONGEST_FILE = timedelta(days=184)
ANSWERED_WITHIN = timedelta(days=45)
COPIES_WITHIN = timedelta(days=2)
DEFECTS = [
    Defect("number_malformed", 0.0010, "工单编号", setting("工单编号", "HL-000")),
    Defect("text_missing", 0.0010, "内容", setting("内容", None)),
    Defect("channel_unknown", 0.0008, "渠道", setting("渠道", "其他")),
    Defect("rating_impossible", 0.0008, "满意度", setting("满意度", 9)),
    Defect(
        "answered_before_call", 0.0008, "办结回复时间", setting("办结回复时间", "2019-01-01T00:00:00+08:00")
    ),
    Defect("sent_twice", 0.0010, "工单编号", None),
]


def ticket_delivery(ledger: Ledger, since: datetime, until: datetime, asked: datetime) -> Content:
    """Tickets that came in after `since` up to `until`, as they stand at `asked`; all times aware."""
    calls = [call for call in _calls(ledger, since, until) if since < call.received_at <= until]
    return _file(ledger.seed, calls, asked)


def news_delivery(ledger: Ledger, since: datetime, until: datetime) -> Content:
    """Tickets that came in or were answered after `since` up to `until`: an answer sends a ticket again."""
    calls = [
        call
        for call in _calls(ledger, since - ANSWERED_WITHIN, until)
        if since < call.received_at <= until
        or (call.received_at <= since and call.replied_at is not None and since < call.replied_at <= until)
    ]
    return _file(ledger.seed, calls, until)


def _calls(ledger: Ledger, since: datetime, until: datetime) -> list[PhoneCall]:
    """Every call that may have come in between: a copy may come two days after its day."""
    first, last = (since - COPIES_WITHIN).date(), until.date()
    days = range(first.toordinal(), last.toordinal() + 1)
    found = [call for day in days for call in calls_of_day(ledger, date.fromordinal(day))]
    return sorted(found, key=lambda call: (call.received_at, call.number))


def _file(seed: int, calls: list[PhoneCall], asked: datetime) -> Content:
    leads = _departments()
    rows: list[Row] = [_row(call, asked, leads) for call in calls]
    keys = np.array([call.number for call in calls], dtype=np.int64)
    numbers = {id(row): call.ticket_no for row, call in zip(rows, calls, strict=True)}
    truth = plant(seed, DATASET, rows, keys, lambda row: numbers[id(row)], DEFECTS)
    return b"".join(orjson.dumps(row) + b"\n" for row in rows), len(rows), truth


def _departments() -> dict[str, str]:
    """Class of demand -> Chinese name of the department that handles it."""
    names = {name: department.zh for name, department in load_departments().items()}
    return {one.id: names[one.lead] for one in load_demands().classes}


def _row(call: PhoneCall, asked: datetime, leads: dict[str, str]) -> dict[str, Any]:
    answered = call.replied_at is not None and call.replied_at <= asked
    return {
        "工单编号": call.ticket_no,
        "来电时间": call.received_at.isoformat(),
        "渠道": call.channel,
        "内容": call.text,
        "来电号码": call.phone,
        "区县": call.county,
        "承办单位": leads[call.matter.partition(".")[0]],
        "办结回复时间": call.replied_at.isoformat() if answered and call.replied_at else None,
        "是否解决": ("是" if call.solved else "否") if answered else None,
        "满意度": call.satisfaction if answered else None,
    }


def hotline_deliveries(ledger: Ledger, local: datetime) -> Iterator[Delivery]:
    """The register of places, then tickets."""
    yield from street_deliveries(ledger, local)
    until = local.astimezone(SHANGHAI).replace(second=0, microsecond=0)
    if ledger.reached is not None:
        since = ledger.reached.astimezone(SHANGHAI).replace(second=0, microsecond=0)
        if since < until:
            name = f"{DATASET}_{since:%Y%m%dT%H%M}_{until:%Y%m%dT%H%M}.jsonl"
            yield dropped(DATASET, name, local, 1, partial(news_delivery, ledger, since, until))
        return
    since = until - HISTORY
    while since < until:
        end = min(since + LONGEST_FILE, until)
        name = f"{DATASET}_{since:%Y%m%dT%H%M}_{end:%Y%m%dT%H%M}.jsonl"
        yield dropped(DATASET, name, local, 1, partial(ticket_delivery, ledger, since, end, until))
        since = end


def hotline_truths(ledger: Ledger) -> "list[Truth]":
    """What every ticket up to the ledger's time means; empty before the city has sent anything."""
    from citybrain.reading import Truth

    if ledger.reached is None:
        return []
    codes = load_villages().codes
    since = ledger.started.astimezone(SHANGHAI) - HISTORY
    return [
        Truth(
            call.ticket_no,
            call.matter,
            None if call.village is None else str(codes[call.village]),
            f"HL{call.same:011}",
        )
        for call in _calls(ledger, since, ledger.reached.astimezone(SHANGHAI))
    ]


def waiting_groups(
    ledger: Ledger, until: datetime, heard: timedelta
) -> Iterator[tuple[str, datetime, datetime]]:
    """Matters that at least two calls not older than `heard` wait for an answer to at once: the ticket of the
    first call, and from when to when. Only what reaches into the time since the city began; all times aware.
    A call whose words fit several places is none of them: nobody can tell that it belongs to the others.
    """
    groups: dict[int, list[PhoneCall]] = {}
    local = until.astimezone(SHANGHAI)
    for call in _calls(ledger, ledger.started.astimezone(SHANGHAI) - 2 * heard, local):
        if call.village is not None:
            groups.setdefault(call.same, []).append(call)
    for calls in groups.values():
        waits = [
            (call.received_at, min(call.received_at + heard, call.replied_at or local)) for call in calls
        ]
        for begin, end in overlaps(waits):
            if end >= ledger.started and begin <= until:
                yield calls[0].ticket_no, begin, end


def overlaps(spans: list[tuple[datetime, datetime]]) -> Iterator[tuple[datetime, datetime]]:
    """From when to when at least two of the spans go on; a span of no length counts as none."""
    edges = [edge for begin, end in spans if begin < end for edge in ((begin, 1), (end, -1))]
    going, since = 0, None
    for moment, step in sorted(edges):
        going += step
        if since is None and going >= 2:
            since = moment
        elif since is not None and going < 2:
            if moment > since:
                yield since, moment
            since = None


def hotline_stories(ledger: Ledger) -> list[dict[str, str]]:
    """What happens before the city starts, for people and tests."""
    stories, started = load_rates().stories, ledger.local_start
    codes = load_villages().codes
    cut, market = cut_compound(), repeat_market(ledger.seed)
    cut_day = started - timedelta(days=stories.water_cut.days_before)
    return [
        {
            "story": "water_cut",
            "dataset": DATASET,
            "key": f"{codes[cut.village]} {cut.name}",
            "from": f"{cut_day:%Y-%m-%d}",
            "to": f"{cut_day:%Y-%m-%d}",
            "what": f"{stories.water_cut.calls} people call about one cut of the water of a compound",
        },
        {
            "story": "rising_topic",
            "dataset": DATASET,
            "key": stories.rising.matter,
            "from": f"{started - timedelta(days=stories.rising.days - 1):%Y-%m-%d}",
            "to": f"{started:%Y-%m-%d}",
            "what": "calls about charging electric bicycles indoors rise against the week before",
        },
        {
            "story": "repeat_place",
            "dataset": DATASET,
            "key": f"{codes[market.village]} {market.name}",
            "from": f"{started - timedelta(days=stories.repeat_place.days):%Y-%m-%d}",
            "to": f"{started:%Y-%m-%d}",
            "what": "stalls before one market bring a call every few days for three months",
        },
    ]
