"""Where each rule stands: last sweep, what stands by it, what was told."""

from collections.abc import Iterable
from typing import Any

from psycopg.rows import dict_row

from citybrain.sensing.rule_file import RuleFile
from citybrain.settings import DatabaseRole, Settings
from citybrain.warehouse.connection import connect

STATUS = """
SELECT detector, rule, swept_at, clock,
    (SELECT count(*) FROM sensing.spell AS o WHERE o.detector = s.detector AND o.rule = s.rule
        AND o.confirmed_at IS NOT NULL AND o.ended_at IS NULL) AS standing,
    (SELECT count(*) FROM sensing.spell AS o WHERE o.detector = s.detector AND o.rule = s.rule
        AND o.told_key IS NOT NULL) AS told
FROM sensing.swept AS s
"""


def rule_status(settings: Settings, files: Iterable[RuleFile]) -> list[dict[str, Any]]:
    """One row a rule: detector, rule, kind, title, swept_at and clock (None before the first sweep), how many
    spells stand and how many were told of.
    """
    with connect(settings, DatabaseRole.SENSOR, "citybrain rules list") as city:
        rows = city.cursor(row_factory=dict_row).execute(STATUS).fetchall()
    known = {(row["detector"], row["rule"]): row for row in rows}
    nothing = {"swept_at": None, "clock": None, "standing": 0, "told": 0}
    return [
        {
            "detector": file.id,
            "rule": rule.id,
            "kind": rule.kind,
            "title": rule.title.zh,
            **{name: known.get((file.id, rule.id), nothing)[name] for name in nothing},
        }
        for file in files
        for rule in file.rules
    ]
