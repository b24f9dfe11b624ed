"""How well rules do where the truth is known: what had been planted against what was told."""

import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from citybrain.settings import DatabaseRole, Settings
from citybrain.warehouse.connection import connect

TOLD = """
SELECT DISTINCT rule, subject, started_at, ended_at, lon, lat FROM sensing.spell
WHERE detector = %s AND confirmed_at IS NOT NULL AND rule = ANY(%s)
    AND coalesce(ended_at, 'infinity') >= %s AND confirmed_at <= %s
"""
SWEPT = "SELECT 1 FROM sensing.swept WHERE detector = %s AND rule = ANY(%s) LIMIT 1"
# Figures that stand are not written again: whoever reads them would take a repetition for news.
KEEP = """
INSERT INTO meta.rule_score (scenario, truths, found, told, right_told, recall, precision_share)
SELECT %(scenario)s, %(truths)s, %(found)s, %(told)s, %(right_told)s, %(recall)s, %(precision)s
WHERE NOT EXISTS (
    SELECT FROM (
        SELECT truths, found, told, right_told FROM meta.rule_score
        WHERE scenario = %(scenario)s ORDER BY scored_at DESC LIMIT 1
    ) AS last
    WHERE (last.truths, last.found, last.told, last.right_told)
        = (%(truths)s, %(found)s, %(told)s, %(right_told)s)
)
"""


METRES_A_DEGREE = 111_320.0  # of latitude
REACH_M = 100.0  # a patch's middle and that of the building below it


@dataclass(frozen=True)
class Happening:
    """Something that really happened (in the demo city: was planted) to one subject, and the rule that has to
    tell it. Where nobody knows the subject's name beforehand it is empty, and the place (WGS84) tells it.
    """

    rule: str
    subject: str
    since: datetime
    until: datetime
    lon: float | None = None
    lat: float | None = None


@dataclass(frozen=True)
class Truth:
    """What happened to the subjects of some rules of a scenario, known from `since` to `until`."""

    scenario: str
    rules: tuple[str, ...]
    since: datetime
    until: datetime
    happenings: tuple[Happening, ...]
    slack: timedelta = timedelta(hours=2)

    @classmethod
    def of(
        cls,
        scenario: str,
        rules: tuple[str, ...],
        since: datetime,
        until: datetime,
        happened: Iterable[Any],
    ) -> "Truth":
        """Of whatever has the fields of a happening."""
        known = tuple(
            Happening(one.rule, one.subject, one.since, one.until, one.lon, one.lat) for one in happened
        )
        return cls(scenario, rules, since, until, known)


@dataclass(frozen=True)
class ScenarioScore:
    scenario: str
    truths: int
    found: int
    told: int
    right_told: int

    @property
    def recall(self) -> float | None:
        return self.found / self.truths if self.truths else None

    @property
    def precision(self) -> float | None:
        return self.right_told / self.told if self.told else None


def score(settings: Settings, truths: Iterable[Truth], keep: bool = True) -> list[ScenarioScore]:
    """Compare spells that were confirmed with the truth, and keep the figures in meta.rule_score.

    What was never swept has no score.
    """
    scores = []
    with connect(settings, DatabaseRole.SENSOR, "citybrain rules score") as city:
        for truth in truths:
            swept = city.execute(SWEPT, (truth.scenario, list(truth.rules))).fetchone()
            if swept is None:  # its table was not built yet: nothing says anything about the rules
                continue
            rows = city.execute(
                TOLD, (truth.scenario, list(truth.rules), truth.since, truth.until)
            ).fetchall()
            told = {tuple(row) for row in rows}
            right = {
                one for one in told if any(_meets(one, happened, truth) for happened in truth.happenings)
            }
            found = sum(any(_meets(one, happened, truth) for one in told) for happened in truth.happenings)
            scores.append(ScenarioScore(truth.scenario, len(truth.happenings), found, len(told), len(right)))
        if keep:
            for one in scores:
                city.execute(KEEP, asdict(one) | {"recall": one.recall, "precision": one.precision})
    return scores


def _meets(told: tuple[Any, ...], happened: Happening, truth: Truth) -> bool:
    rule, subject, started, ended, lon, lat = told
    return bool(
        rule == happened.rule
        and (subject == happened.subject if happened.subject else _near(lon, lat, happened))
        and started <= happened.until + truth.slack
        and (ended is None or ended >= happened.since - truth.slack)
    )


def _near(lon: float | None, lat: float | None, happened: Happening) -> bool:
    if lon is None or lat is None or happened.lon is None or happened.lat is None:
        return False
    east = (lon - happened.lon) * math.cos(math.radians(happened.lat))
    return METRES_A_DEGREE * math.hypot(east, lat - happened.lat) <= REACH_M
