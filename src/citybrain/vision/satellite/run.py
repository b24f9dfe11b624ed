"""A quarter looked at: every polygon that its scenes reach is compared, and what changed is written down."""

import hashlib
import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import structlog

from citybrain.lake import create_object, download, ensure_bucket, spool, spool_folder
from citybrain.settings import DatabaseRole, Settings
from citybrain.vision.satellite import store
from citybrain.vision.satellite.change import KINDS, Compared, Patch, compare, patches
from citybrain.vision.satellite.chips import chip
from citybrain.vision.satellite.grid import Grid, OnGrid, grid_of, inside_of, on_grid, to_wgs84
from citybrain.vision.satellite.rule import ChangeRule, load_change_rule
from citybrain.warehouse.connection import connect

log = structlog.get_logger(__name__)


@dataclass
class QuarterReport:
    """What a look at a quarter found: polygons by outcome, and changes by kind."""

    quarter: date
    outcomes: Counter[str] = field(default_factory=Counter)
    changes: Counter[str] = field(default_factory=Counter)


def quarter_start(moment: date) -> date:
    return date(moment.year, (moment.month - 1) // 3 * 3 + 1, 1)


def quarters_to_look_at(settings: Settings) -> list[date]:
    """The quarters with an earlier one to compare with whose scenes were loaded after they were last looked
    at, or the scenes of a quarter they are compared with; the earliest first. Raises NoScenesError.
    """
    with connect(settings, DatabaseRole.WATCHER, "citybrain satellite", autocommit=True) as city:
        known, done = store.scenes(city), store.looked_at(city)
    loaded: dict[date, Any] = {}
    for scene in known:
        loaded[scene.quarter] = max(loaded.get(scene.quarter, scene.loaded_at), scene.loaded_at)
    wanted = []
    for quarter in sorted(loaded)[1:]:
        beside = [loaded[one] for one in (quarter, before(quarter), last_year(quarter)) if one in loaded]
        if quarter not in done or max(beside) > done[quarter]:
            wanted.append(quarter)
    return wanted


def before(quarter: date) -> date:
    return quarter_start(date.fromordinal(quarter.toordinal() - 1))


def last_year(quarter: date) -> date:
    return quarter.replace(year=quarter.year - 1)


def look_at_quarter(settings: Settings, quarter: date) -> QuarterReport:
    """Compare every polygon with its past and settle it; looked at again, it replaces the look before.

    Polygons that no scene of the quarter or of the one before reaches are left out: nothing can be said.
    Raises NoScenesError, ContentError; LakeError when a scene is damaged.
    """
    rule, report = load_change_rule(settings), QuarterReport(quarter)
    with (
        connect(settings, DatabaseRole.WATCHER, "citybrain satellite", autocommit=True) as city,
        spool_folder(settings) as folder,
    ):
        files = _Files(settings, folder)
        known = store.scenes(city)
        for zone in store.zones(city, rule.polygons):
            reaching = [scene for scene in known if _reaches(scene, zone)]
            sides = [
                [scene for scene in reaching if scene.quarter == one]
                for one in (quarter, before(quarter), last_year(quarter))
            ]
            if not sides[0] or not (sides[1] or sides[2]):
                continue
            look = _look(settings, rule, zone, quarter, sides, files)
            store.settle(city, look)
            report.outcomes[look.outcome] += 1
            report.changes.update(change.kind for change in look.changes)
    log.info("satellite", quarter=str(quarter), **report.outcomes, **report.changes)
    return report


@dataclass
class _Files:
    """Scenes of the lake, fetched once for all polygons."""

    settings: Settings
    folder: Path

    def of(self, scenes: Sequence[store.Scene]) -> list[Path]:
        found = []
        for scene in scenes:
            path = self.folder / f"{hashlib.sha256(scene.object_key.encode()).hexdigest()}.tif"
            if not path.exists():
                download(self.settings, "landing", scene.object_key, path)
            found.append(path)
        return found


def _reaches(scene: store.Scene, zone: store.Zone) -> bool:
    from rasterio.features import bounds

    west, south, east, north = bounds(zone.polygon)
    return bool(west < scene.east and scene.west < east and south < scene.north and scene.south < north)


def _look(
    settings: Settings,
    rule: ChangeRule,
    zone: store.Zone,
    quarter: date,
    sides: Sequence[Sequence[store.Scene]],
    files: _Files,
) -> store.Look:
    now, then = sides[0], sides[1] or sides[2]
    newest = files.of([now[-1]])[0]
    grid = _grid(zone, newest, now)
    with (
        on_grid(files.of(now), grid) as at_now,
        on_grid(files.of(then), grid) as at_then,
        on_grid(files.of(sides[2]), grid) as at_last_year,
    ):
        inside = inside_of(zone.polygon, grid)
        compared = _compared(rule, grid, inside, at_now, at_then, at_last_year if sides[2] else None)
        share = float(compared.known[inside].mean()) if inside.any() else 0.0
        quarter_before = before(quarter) if sides[1] else last_year(quarter)
        origin = "synthetic" if "synthetic" in {zone.origin, *(s.origin for s in (*now, *then))} else "real"
        comparable = share >= rule.least_compared_share
        seasonal = rule.against == "same_quarter_of_last_year" and bool(sides[2])
        against = last_year(quarter) if seasonal else quarter_before
        changes = [
            _change(settings, rule, zone, quarter, against, grid, patch, (now, then), (at_now, at_then))
            for patch in (patches(rule, compared, grid.transform, inside) if comparable else ())
        ]
    outcome = "not_comparable" if not comparable else "changed" if changes else "unchanged"
    names = [[scene.scene_id for scene in side] for side in ((*then, *sides[2]), now)]
    return store.Look(
        zone,
        quarter_before,
        quarter,
        outcome,
        round(share, 4),
        sorted(set(names[0])),
        names[1],
        origin,
        changes,
    )


def _grid(zone: store.Zone, newest: Path, scenes: Sequence[store.Scene]) -> Grid:
    """The zone's grid, no wider than what the scenes show of it, on the pixels of the newest scene."""
    import rasterio
    import shapely
    from shapely.geometry import mapping, shape

    shown = shapely.union_all([shapely.box(one.west, one.south, one.east, one.north) for one in scenes])
    part = shape(zone.polygon).intersection(shown)
    with rasterio.open(newest) as scene:
        origin, pixel = (scene.transform.c, scene.transform.f), abs(scene.transform.a)
        return grid_of(mapping(part.envelope), str(scene.crs), origin, pixel)


def _compared(
    rule: ChangeRule, grid: Grid, inside: Any, now: OnGrid, then: OnGrid, a_year_ago: OnGrid | None
) -> Compared:
    """Block by block, so that a county takes no more memory than its result."""
    shape = (grid.height, grid.width)
    whole = Compared(
        np.zeros(shape, np.uint8),
        np.zeros(shape, np.bool_),
        np.full(shape, np.nan, np.float32),
        np.full(shape, np.nan, np.float32),
    )
    for rows, columns in grid.blocks():
        if not inside[rows, columns].any():
            continue
        part = compare(
            rule,
            now.composite(rows, columns),
            then.composite(rows, columns),
            a_year_ago.composite(rows, columns) if a_year_ago is not None else None,
        )
        for name in ("kind", "known", "ndvi_before", "ndvi_after"):
            getattr(whole, name)[rows, columns] = getattr(part, name)
    return whole


def _change(
    settings: Settings,
    rule: ChangeRule,
    zone: store.Zone,
    quarter: date,
    against: date,
    grid: Grid,
    patch: Patch,
    scenes: tuple[Sequence[store.Scene], Sequence[store.Scene]],
    views: tuple[OnGrid, OnGrid],
) -> store.Change:
    from shapely.geometry import shape

    outline = to_wgs84(patch.outline, grid.crs)
    middle = shape(outline).representative_point()
    rows, columns = _around(patch.window, rule.chips.margin_pixels, grid)
    frame = (
        slice(patch.window[0].start - rows.start, patch.window[0].stop - rows.start),
        slice(patch.window[1].start - columns.start, patch.window[1].stop - columns.start),
    )
    now, then = scenes
    evidence = [
        _keep(settings, kind, *chip(view.bands(rows, columns), frame, rule.chips.side_pixels))
        for kind, view in (("before", views[1]), ("after", views[0]))
    ]
    square = abs(grid.transform.a * grid.transform.e)
    place = f"{middle.x:.4f},{middle.y:.4f}"  # ten metres: the same patch gets the same key
    return store.Change(
        key=f"{zone.kind}:{zone.zone_id}:{quarter.isoformat()}:{patch.kind}:{place}",
        kind=patch.kind,
        before_at=then[-1].acquired_at,
        observed_at=now[-1].acquired_at,
        area_m2=round(patch.pixels * square, 1),
        pixels=patch.pixels,
        ndvi_before=round(patch.ndvi_before, 4),
        ndvi_after=round(patch.ndvi_after, 4),
        score=patch.score,
        lon=round(middle.x, 6),
        lat=round(middle.y, 6),
        geojson=outline,
        evidence=evidence,
        detail={"experimental": rule.experimental, "measured_against": against.isoformat()},
    )


def _around(window: tuple[slice, slice], margin: int, grid: Grid) -> tuple[slice, slice]:
    rows, columns = window
    return (
        slice(max(rows.start - margin, 0), min(rows.stop + margin, grid.height)),
        slice(max(columns.start - margin, 0), min(columns.stop + margin, grid.width)),
    )


def _keep(settings: Settings, kind: str, content: bytes, size: tuple[int, int]) -> dict[str, Any]:
    sha256 = hashlib.sha256(content).hexdigest()
    bucket, key = ensure_bucket(settings, "evidence"), f"{sha256[:2]}/{sha256}.jpg"
    with spool_folder(settings) as folder:
        spooled = spool(io.BytesIO(content), folder / "chip", settings.max_object_mb)
        create_object(settings, "evidence", key, spooled, {"content": "image/jpeg"})
    return {"bucket": bucket, "key": key, "sha256": sha256, "kind": kind, "width": size[0], "height": size[1]}


__all__ = ["KINDS", "QuarterReport", "before", "last_year", "look_at_quarter", "quarters_to_look_at"]
