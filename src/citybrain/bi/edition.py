"""One edition of the dashboards: read, checked and compiled once, for all that is done with the files."""

from dataclasses import dataclass

from citybrain.bi.bundle import Bundle, compile_bundle
from citybrain.bi.content import Dashboards, load_dashboards
from citybrain.settings import Settings


@dataclass(frozen=True)
class Edition:
    """What the files say, and the bundle that says it to Superset."""

    content: Dashboards
    bundle: Bundle


def read_edition(settings: Settings) -> Edition:
    """The edition that `dashboards/` holds now. Raises ContentError when a file is wrong."""
    content = load_dashboards(settings)
    return Edition(content, compile_bundle(settings, content))
