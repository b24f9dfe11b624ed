"""Rules that judge messages as they are received: a signal within a second, and one case with the sweep.

Whoever receives messages says each one to a `Watch` and lets it settle now and then; both cost next to
nothing while all is quiet. What stands is kept in a table, so that a process that was killed goes on where it
was, and a told spell is one of `sensing.spell`: a sweep finds it there and tells nothing twice.
"""

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg

from citybrain.catalogue import ContentError, Dataset
from citybrain.sensing.live_judge import Limits, Said, Standing, follow
from citybrain.sensing.live_message import MessageReader, record_of
from citybrain.sensing.live_store import Connection, Key, limits_of, load_standing, write
from citybrain.sensing.rule_file import ReadingRule, RuleFile, load_rule_file, rule_files
from citybrain.settings import DatabaseRole, Settings
from citybrain.warehouse.connection import connect

log = logging.getLogger(__name__)
STATEMENT_TIMEOUT = timedelta(seconds=5)
REGISTER_SECONDS = 60.0  # how old what the register says may be
PAUSE_SECONDS = 15.0  # after the database was away; messages wait for nobody
AHEAD_OF_US = timedelta(minutes=10)  # a device's clock that is wrong by more says nothing about when
MOST_WAITING = 20_000  # changes that wait for the database; the sweep tells the rest


@dataclass
class LiveRule:
    """One rule over one dataset's messages: limits by subject, and what stands."""

    file: RuleFile
    rule: ReadingRule
    reader: MessageReader
    limits: dict[str, dict[str, Limits]] = field(default_factory=dict)
    standing: dict[Key, Standing] = field(default_factory=dict)
    judged_until: dict[str, datetime] = field(default_factory=dict)
    dirty: set[Key] = field(default_factory=set)
    said: list[tuple[Key, Said, Standing]] = field(default_factory=list)

    @property
    def name(self) -> str:
        return f"{self.file.id}/{self.rule.id}"

    def hear(self, record: Mapping[str, object], now: datetime) -> None:
        """Judge a record if it is a reading, newer than all others of a subject that the register knows."""
        reading = self.reader.reading(record)
        if reading is None or reading.subject not in self.limits:
            return
        oldest = now - timedelta(hours=self.file.tell_within_hours)
        if not oldest <= reading.at <= now + AHEAD_OF_US:
            return
        known = self.judged_until.get(reading.subject)
        if known is not None and reading.at <= known:  # said again, or late: the sweep looks at it
            return
        self.judged_until[reading.subject] = reading.at
        for class_code, limits in self.limits[reading.subject].items():
            key = reading.subject, class_code
            before = self.standing.get(key)
            after, said = follow(before, reading.at, reading.value, limits)
            if before is None and after is None:
                continue
            self.dirty.add(key)
            if said and after is not None and len(self.said) < MOST_WAITING:
                self.said.append((key, said, after))
            if after is None or after.ended_at is not None:
                self.standing.pop(key, None)
            else:
                self.standing[key] = after


class Watch:
    """The live rules over some datasets. Not for several threads at once."""

    def __init__(self, settings: Settings, datasets: Mapping[str, Dataset]) -> None:
        self._settings, self._datasets = settings, datasets
        self._rules: dict[str, list[LiveRule]] = {}
        for one in live_rules(settings, datasets):
            self._rules.setdefault(str(one.rule.live), []).append(one)
        self._city: Connection | None = None
        self._looked_at: float | None = None
        self._rest_until = 0.0

    @property
    def rules(self) -> list[LiveRule]:
        return [one for rules in self._rules.values() for one in rules]

    def hear(self, dataset: str, fields: Mapping[str, str], payload: bytes) -> None:
        """One message of a dataset; `fields` is what its topic says, by header. Never raises, never waits."""
        if not (rules := self._rules.get(dataset)):
            return
        record = record_of(self._datasets[dataset], fields, payload)
        if record is None:
            return
        now = datetime.now(UTC)
        for rule in rules:
            rule.hear(record, now)

    def settle(self) -> int:
        """Tell what has to be told and keep what stands; how many signals there were.

        Never raises: while the database is away changes wait, and what was judged meanwhile is not lost.
        """
        now = time.monotonic()
        if not self._rules or now < self._rest_until:
            return 0
        stale = self._looked_at is None or now - self._looked_at > REGISTER_SECONDS
        if not stale and not any(one.dirty for one in self.rules):
            return 0
        try:
            return self._settle(stale)
        except psycopg.Error as error:
            log.warning("live rules wait for the database: %s", error)
            self.close()
            self._rest_until = time.monotonic() + PAUSE_SECONDS
            return 0

    def close(self) -> None:
        if self._city is not None:
            self._city.close()
            self._city = None

    def _settle(self, stale: bool) -> int:
        if self._city is None:
            self._city = connect(
                self._settings,
                DatabaseRole.SENSOR,
                "citybrain live rules",
                STATEMENT_TIMEOUT,
                autocommit=True,
            )
        if stale:
            self._look_up(self._city)
        told = 0
        for one in self.rules:
            if one.dirty:
                told += write(self._city, one.file, one.rule, one.dirty, one.standing, one.said)
        return told

    def _look_up(self, city: Connection) -> None:
        """What the register says now; at first also what stood when the last process ended."""
        for one in self.rules:
            if self._looked_at is None:
                one.standing = load_standing(city, one.file, one.rule)
                for (subject, _), standing in one.standing.items():
                    known = one.judged_until.get(subject, standing.judged_until)
                    one.judged_until[subject] = max(known, standing.judged_until)
            try:
                one.limits = limits_of(city, one.file.register, one.rule)
            except psycopg.errors.UndefinedTable:
                log.info("%s waits: its register is not built yet", one.name)
        self._looked_at = time.monotonic()


def live_rules(settings: Settings, datasets: Mapping[str, Dataset]) -> list[LiveRule]:
    """The rules of enabled files that judge messages of these datasets.

    A file that is wrong is logged and left out: nobody else's messages wait for it.
    """
    found = []
    for path in rule_files(settings):
        try:
            file = load_rule_file(path)
            for rule in file.rules if file.enabled else []:
                if isinstance(rule, ReadingRule) and rule.live is not None and rule.live in datasets:
                    found.append(LiveRule(file, rule, MessageReader(datasets[rule.live], rule)))
        except (ContentError, ValueError) as error:
            log.error("%s is not judged live: %s", path, error)
    return found


def stamp(settings: Settings) -> tuple[tuple[Path, int], ...]:
    """Changes when a file of rules does."""
    return tuple((path, path.stat().st_mtime_ns) for path in rule_files(settings))
