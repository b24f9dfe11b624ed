"""Two static sites under uvicorn: `feeds`, what an outside vendor would serve, and `pages`, what the
platform publishes.
"""

from html import escape
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from citybrain.settings import get_settings

_TITLES = {"data-docs": "数据质量报告 · Data Docs", "dbt": "数据模型文档 · dbt docs", "wall": "大屏 · Walls"}


def feeds() -> Starlette:
    """Serves `Settings.feeds_dir` with ETag, Last-Modified and 304 answers."""
    folder = get_settings().feeds_dir
    folder.mkdir(parents=True, exist_ok=True)
    return Starlette(routes=[Route("/-/health", _health), Mount("/", StaticFiles(directory=folder))])


def pages() -> Starlette:
    """Serves `Settings.pages_dir`; the front page lists the sites that have been published."""
    folder = get_settings().pages_dir
    folder.mkdir(parents=True, exist_ok=True)

    def front(_request: Request) -> HTMLResponse:
        return HTMLResponse(_front_page(folder))

    site = StaticFiles(directory=folder, html=True)
    return Starlette(routes=[Route("/-/health", _health), Route("/", front), Mount("/", site)])


def _health(_request: Request) -> PlainTextResponse:
    return PlainTextResponse("ok")


def _front_page(folder: Path) -> str:
    published = sorted(path.name for path in folder.iterdir() if (path / "index.html").exists())
    links = "".join(f'<li><a href="/{escape(n)}/">{escape(_TITLES.get(n, n))}</a></li>' for n in published)
    return (
        '<!doctype html><html lang="zh"><meta charset="utf-8"><title>城市大脑 · 已发布页面</title>'
        f"<h1>已发布页面</h1><ul>{links or '<li>尚无页面</li>'}</ul></html>"
    )
