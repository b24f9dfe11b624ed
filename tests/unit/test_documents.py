"""What the documents promise: links lead somewhere, the settings page is the code's, locks name no host."""

import re
import subprocess
from pathlib import Path

import pytest

from citybrain.cli.settings import markdown
from citybrain.settings import SOURCE_TREE

LINK = re.compile(r"\[[^\]]*\]\((?!https?://|#|mailto:)([^)#\s]+)")


def tracked(pattern: str) -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", pattern],
        cwd=SOURCE_TREE,
        capture_output=True,
        text=True,
        check=True,
    )
    return [SOURCE_TREE / line for line in listed.stdout.splitlines()]


@pytest.mark.parametrize("page", tracked("*.md"), ids=lambda page: str(page.relative_to(SOURCE_TREE)))
def test_links_lead_somewhere(page: Path) -> None:
    missing = [
        link for link in LINK.findall(page.read_text(encoding="utf-8")) if not (page.parent / link).exists()
    ]
    assert missing == []


def test_the_settings_page_is_the_codes_own() -> None:
    assert (SOURCE_TREE / "docs/reference/settings.md").read_text(encoding="utf-8") == markdown()


def test_no_lock_names_a_registry() -> None:
    for lock in tracked("requirements/*.txt"):
        assert not re.search(r"https?://|--(extra-)?index-url", lock.read_text(encoding="utf-8")), lock
