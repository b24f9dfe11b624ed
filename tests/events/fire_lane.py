"""A fire lane of the demo city and the camera that watches it."""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from psycopg.types.json import Jsonb

from citybrain.catalogue.working_day import SHANGHAI
from citybrain.settings import DatabaseRole, Settings
from citybrain.warehouse.connection import connect

COMPOUND, VILLAGE, COUNTY = "341602C001", "341602001001", "341602"
CAMERA, ZONE = "341602F001", "lane"
COMPANY = "000-TRIAL"  # the first company by code: that of the demo account `property`


@dataclass(frozen=True)
class Spot:
    """A camera and zone of one test, so that tests do not meet in one case."""

    settings: Settings
    camera: str
    zone: str = ZONE
    place_id: str = COMPOUND

    def send(
        self,
        kind: str = "detected",
        at: datetime | None = None,
        key: str | None = None,
        class_code: str = "car",
        evidence: list[dict[str, Any]] | None = None,
        **changes: Any,
    ) -> str:
        """Add a signal the way a vision worker does; its key."""
        row = {
            "key": key or uuid.uuid4().hex,
            "scenario": "fire_lane_occupancy",
            "class_code": class_code,
            "kind": kind,
            "source_kind": "video",
            "source_id": self.camera,
            "zone": self.zone,
            "place_id": self.place_id,
            "place_name": "合欢苑",
            "area_code": VILLAGE,
            "lon": 115.78,
            "lat": 33.85,
            "observed_at": at or datetime.now(SHANGHAI) - timedelta(seconds=1),
            "evidence": Jsonb(evidence or []),
            "origin": "synthetic",
            **changes,
        }
        columns, places = ", ".join(row), ", ".join(f"%({name})s" for name in row)
        with connect(self.settings, DatabaseRole.WATCHER, autocommit=True) as watcher:
            watcher.execute(
                f"INSERT INTO ops.signal ({columns}) VALUES ({places}) ON CONFLICT (key) DO NOTHING".encode(),
                row,
            )
        return str(row["key"])

    def case(self) -> Any:
        """The spot's newest case."""
        from citybrain.events.models import Case
        from citybrain.events.scope import as_system

        with as_system():
            return Case.objects.filter(source_id=self.camera).order_by("-id").first()
