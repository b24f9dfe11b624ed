"""The dbt documentation as one page among the published ones, written when the models changed."""

from pathlib import Path

from citybrain.settings import Settings, get_settings
from citybrain.warehouse.dbt_process import DbtError, run_dbt, target_dir
from citybrain.warehouse.refresh_need import project_hash
from citybrain.warehouse.transform import only_build

# dbt's page carries the code of a usage tracker: the browser is told to open no address but the page's own.
CONTENT_POLICY = "default-src 'self' data: blob: 'unsafe-inline' 'unsafe-eval'"
NOTHING_FROM_OUTSIDE = f'<meta http-equiv="Content-Security-Policy" content="{CONTENT_POLICY}">'
HEAD_BYTES = 1000  # of a page of megabytes: where its head says which project it tells of


def publish_docs() -> Path:
    """Write `<pages_dir>/dbt/index.html`, whole or not at all. Returns its path. Raises DbtError."""
    settings = get_settings()
    with only_build(settings):
        tells_of = _tells_of(settings)  # before dbt reads the files: what changes meanwhile counts as new
        ending = run_dbt(settings, ["docs", "generate", "--static"])
    if ending.code != 0:
        raise DbtError("; ".join(ending.errors) or f"dbt docs generate ended with code {ending.code}")
    page = (target_dir(settings) / "static_index.html").read_text(encoding="utf-8")
    published = _page(settings)
    published.parent.mkdir(parents=True, exist_ok=True)
    draft = published.with_suffix(".new")
    head = f"<head>{NOTHING_FROM_OUTSIDE}{tells_of}"
    draft.write_text(page.replace("<head>", head, 1), encoding="utf-8")
    draft.replace(published)
    return published


def docs_are_current(settings: Settings) -> bool:
    """Does the published page tell of the dbt project and the source files as they are now?"""
    try:
        with _page(settings).open(encoding="utf-8") as page:
            return _tells_of(settings) in page.read(HEAD_BYTES)
    except FileNotFoundError:
        return False


def _page(settings: Settings) -> Path:
    return settings.pages_dir / "dbt" / "index.html"


def _tells_of(settings: Settings) -> str:
    return f'<meta name="citybrain-project" content="{project_hash(settings)}">'
