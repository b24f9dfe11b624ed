"""The how-to pages name labels that the screens show."""

import re

import pytest

from citybrain.settings import SOURCE_TREE

SCREENS = (
    *sorted((SOURCE_TREE / "src/citybrain/desk/templates").rglob("*.html")),
    *sorted((SOURCE_TREE / "src/citybrain/desk").rglob("*.py")),
    *sorted((SOURCE_TREE / "src/citybrain/desk/static").rglob("*.js")),
    *sorted((SOURCE_TREE / "src/citybrain/events").glob("*.py")),
    SOURCE_TREE / "src/citybrain/desk/static/desk/phone.js",
    SOURCE_TREE / "src/citybrain/events/transitions.yml",
    SOURCE_TREE / "src/citybrain/desk/accounts/roles.yml",
)
# Put together on the page: `批量` and a step's name, a photo's step, the words of a limit.
STEPS = ("核实属实", "立案", "派遣", "退回受理", "退回派遣", "人工核查通过")
BUILT = {*(f"批量{step}" for step in STEPS), "上传照片，处置完成"}


@pytest.mark.parametrize(
    "page", ["handle-a-case", "report-from-a-phone", "command-the-city", "administer-the-desk"]
)
def test_labels_are_on_the_screens(page: str) -> None:
    text = (SOURCE_TREE / f"docs/how-to/{page}.md").read_text(encoding="utf-8")
    shown = "\n".join(path.read_text(encoding="utf-8") for path in SCREENS)
    labels = set(re.findall(r"\*\*([^*\x00-\x7f]+)\*\*", text))
    assert len(labels) >= 8
    assert {label for label in labels - BUILT if label not in shown} == set()
