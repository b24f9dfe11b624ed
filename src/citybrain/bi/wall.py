"""Walls: one page a hall that plays its dashboards in turn, with a clock and a banner when data is late.

A theme belongs to a dashboard: of one that is light for analysts, halls play a dark twin, the same charts
without filters and without the tabs that no hall shows.

Superset 6.1 does not refresh a dashboard without its bars by itself, so the page loads the next dashboard
behind the one on show and turns to it. How old the data is stands in `state.json` beside the pages, written
whenever dashboards are published: when publishing stops, the ages grow and the banner says so.
"""

import html
import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from pydantic import Field, field_validator

from citybrain.bi.checks import Dashboards
from citybrain.bi.datasets import MARTS_SCHEMA
from citybrain.bi.identity import layout_id
from citybrain.bi.spec import Scenario
from citybrain.bi.wording import Identifier, ScreenText
from citybrain.catalogue import ContentError, ContentModel, line_of, load_content, read_yaml
from citybrain.settings import DatabaseRole, Settings

TWIN = "__wall"  # what the slug of a dark twin ends with
CLEAN = 3  # Superset's standalone mode without bars, tabs and filters
SHOWN = ("surface", "raised", "line", "text", "quiet", "brand", "late")


class WallPage(ContentModel):
    scenario: Identifier
    tab: Identifier


class Hall(ScreenText):
    """What one screen plays, in this order, over and over."""

    hall: Identifier
    seconds: int = Field(ge=20, le=600, description="how long each dashboard stays")
    pages: list[WallPage] = Field(min_length=1, max_length=12)

    @field_validator("pages")
    @classmethod
    def _each_once(cls, pages: list[WallPage]) -> list[WallPage]:
        if len({(page.scenario, page.tab) for page in pages}) < len(pages):
            raise ValueError("a page is played twice")
        return pages


def load_halls(settings: Settings, content: Dashboards) -> list[Hall]:
    """Every hall of `dashboards/wall/`, checked against the scenarios. Raises ContentError."""
    halls = []
    for path in sorted((settings.dashboards_dir / "wall").glob("*.yml")):
        hall = load_content(path, Hall)
        faults = list(_faults(hall, path, content))
        if faults:
            raise ContentError(path, faults)
        halls.append(hall)
    return halls


def _faults(hall: Hall, path: Path, content: Dashboards) -> Iterator[tuple[int, str]]:
    tree = read_yaml(path)
    if hall.hall != path.stem:
        yield line_of(tree, ["hall"]), f"hall is {hall.hall!r}, but the file is called {path.name}"
    for index, page in enumerate(hall.pages):
        scenario = content.scenarios.get(page.scenario)
        line = line_of(tree, ["pages", index])
        if scenario is None:
            yield line, f"there is no dashboard {page.scenario!r}"
        elif page.tab not in {tab.id for tab in scenario.tabs}:
            yield line, f"{page.scenario} has no tab {page.tab!r}"
        elif "big" not in scenario.screens:
            yield line, f"{page.scenario} is not made for big screens"


def twin_slug(slug: str) -> str:
    return f"{slug}{TWIN}"


def dark_twins(halls: list[Hall], content: Dashboards) -> dict[str, Scenario]:
    """For each light dashboard that some hall plays its dark twin, by the slug of the light one."""
    played: dict[str, set[str]] = {}
    for page in (page for hall in halls for page in hall.pages):
        if content.scenarios[page.scenario].theme == "light":
            played.setdefault(page.scenario, set()).add(page.tab)
    twins = {}
    for slug in sorted(played):
        scenario = content.scenarios[slug]
        shown = [tab for tab in scenario.tabs if tab.id in played[slug]]
        title = f"{scenario.title}（大屏）"
        twins[slug] = scenario.model_copy(
            update={"theme": "dark", "title": title, "tabs": shown, "filters": []}
        )
    return twins


def page_url(settings: Settings, scenario: Scenario, slug: str, tab: str) -> str:
    """A dashboard's tab without any bar; `slug` is that of the scenario or of its twin."""
    anchor = f"#{layout_id('TAB', scenario.slug, tab)}" if len(scenario.tabs) > 1 else ""
    return f"{settings.superset_url}/superset/dashboard/{slug}/?standalone={CLEAN}{anchor}"


def hall_page(settings: Settings, hall: Hall, content: Dashboards) -> str:
    """The hall's page, from the one template."""
    dark = content.tokens.dark
    twins = dark_twins(load_halls(settings, content), content)
    shown = {
        "superset": settings.superset_url,
        "seconds": hall.seconds,
        "pages": [
            {
                "scenario": page.scenario,
                "title": content.scenarios[page.scenario].title,
                "url": page_url(
                    settings,
                    twins.get(page.scenario, content.scenarios[page.scenario]),
                    twin_slug(page.scenario) if page.scenario in twins else page.scenario,
                    page.tab,
                ),
            }
            for page in hall.pages
        ],
    }
    template = (settings.dashboards_dir / "wall" / "page.html").read_text(encoding="utf-8")
    tokens = " ".join(f"--{name}: {getattr(dark, name)};" for name in SHOWN)
    return (
        template.replace("__TITLE__", html.escape(hall.title))
        .replace("__TOKENS__", tokens)
        .replace("__FONT__", content.tokens.font_family)
        .replace("__HALL__", json.dumps(shown, ensure_ascii=False, indent=1).replace("</", "<\\/"))
    )


def _newest(reader: psycopg.Connection, scenario: Scenario) -> datetime | None:
    age = scenario.freshness
    query = sql.SQL("SELECT max({}) FROM {}").format(
        sql.Identifier(age.column), sql.Identifier(MARTS_SCHEMA, age.mart)
    )
    row = reader.execute(query).fetchone()
    return row[0] if row else None


def data_state(settings: Settings, content: Dashboards) -> dict[str, Any]:
    """When each dashboard's data was new, and how old it may be."""
    dashboards = []
    with psycopg.connect(settings.dsn(DatabaseRole.BI_READER), autocommit=True) as reader:
        for slug, scenario in content.scenarios.items():
            newest = _newest(reader, scenario)
            dashboards.append(
                {
                    "slug": slug,
                    "title": scenario.title,
                    "as_of": newest.isoformat() if newest else None,
                    "limit_seconds": int(scenario.freshness.sla.total_seconds()),
                }
            )
    return {"dashboards": dashboards}


def write_walls(settings: Settings, content: Dashboards) -> list[str]:
    """Pages and state below the published pages (`/wall/`); the halls' names."""
    folder = settings.pages_dir / "wall"
    folder.mkdir(parents=True, exist_ok=True)
    halls = load_halls(settings, content)
    for hall in halls:
        (folder / hall.hall).mkdir(parents=True, exist_ok=True)
        (folder / hall.hall / "index.html").write_text(hall_page(settings, hall, content), encoding="utf-8")
    links = "".join(f'<li><a href="{hall.hall}/">{html.escape(hall.title)}</a></li>' for hall in halls)
    head = '<!doctype html><html lang="zh"><meta charset="utf-8"><title>大屏</title><h1>大屏</h1>'
    (folder / "index.html").write_text(f"{head}<ul>{links}</ul></html>", encoding="utf-8")
    draft = folder / "state.json.new"
    draft.write_text(json.dumps(data_state(settings, content), ensure_ascii=False), encoding="utf-8")
    draft.replace(folder / "state.json")
    return [hall.hall for hall in halls]
