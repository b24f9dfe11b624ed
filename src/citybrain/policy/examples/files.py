"""The example policies as files, `policies/<department>/example_*.yml`, laid out as people write them."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml

from citybrain.policy.examples.casing import cases_of
from citybrain.policy.examples.drawing import document_of, items_of, outlines
from citybrain.policy.examples.template_file import Plan, Raw, load_plan, load_templates
from citybrain.policy.facts import Facts
from citybrain.policy.item_file import ITEM_SCHEMA

HEAD = """\
# Made for the demo city by `citybrain simulate policies`. Numbers, dates, funds and roles are examples.
# To change it, change its template, not this file: src/citybrain/policy/examples/templates/{department}.yml.
"""
WIDTH = 1000  # a criterion stays on its line, however long its values are


@dataclass(frozen=True)
class Written:
    """What `write_examples` did. `changed`: files that were not there or said something else."""

    documents: int
    items: int
    templates: int
    changed: int
    removed: int


class _Page(yaml.SafeDumper):
    """Lists stand indented under their key; what holds only plain values takes one line."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _decimal(page: _Page, value: Decimal) -> yaml.Node:
    if value == value.to_integral_value():
        return page.represent_int(int(value))
    return page.represent_scalar("tag:yaml.org,2002:float", format(value, "f"))


class _OneLine(dict[str, Any]):
    """A mapping that stands on one line, lists in it included."""


class _Spread(dict[str, Any]):
    """A mapping with a line for each key."""


_Page.add_representer(Decimal, _decimal)
_Page.add_representer(
    _OneLine, lambda page, value: page.represent_mapping("tag:yaml.org,2002:map", value, flow_style=True)
)
_Page.add_representer(
    _Spread, lambda page, value: page.represent_mapping("tag:yaml.org,2002:map", value, flow_style=False)
)


def _laid_out(value: Any) -> Any:
    """Criteria, tiers, reviews and cases on one line each, as people write them."""
    if isinstance(value, list):
        return [_laid_out(each) for each in value]
    if not isinstance(value, dict):
        return value
    if value.keys() & {"fact", "expect", "notice_days"} or ("kind" in value and "tiers" not in value):
        return _OneLine(value)
    return {key: _laid_out(each) for key, each in value.items()}


def example_documents(facts: Facts, plan: Plan | None = None) -> Iterator[tuple[str, Raw]]:
    """Path below `policies/` and content of every example document. `plan`: default the project's.

    Raises ContentError, CasingError.
    """
    plan = plan or load_plan()
    for outline in outlines(plan, load_templates()):
        items = []
        for item, template in items_of(outline, plan):
            given, cases = cases_of(item, dict(template.sample), facts)
            items.append({**item, "given": given, "cases": cases})
        path = f"{outline.file.department}/{outline.file_name}"
        yield path, {"schema": ITEM_SCHEMA, "document": document_of(outline, plan), "items": items}


def page_of(content: Raw) -> str:
    """The text of one file."""
    document = content["document"]
    laid_out = {**content, "document": _Spread(document), "items": _laid_out(content["items"])}
    return HEAD.format(department=document["department"]) + yaml.dump(
        laid_out, Dumper=_Page, default_flow_style=None, allow_unicode=True, sort_keys=False, width=WIDTH
    )


def write_examples(folder: Path, facts: Facts, dry_run: bool = False, plan: Plan | None = None) -> Written:
    """Write every example below `folder`, take away those no template gives any more.

    `dry_run` only counts; `plan`: default the project's.

    Raises ContentError for a wrong template, CasingError for one nobody can get.
    """
    documents = items = changed = removed = 0
    wanted: set[Path] = set()
    for name, content in example_documents(facts, plan):
        path, text = folder / name, page_of(content)
        wanted.add(path)
        documents, items = documents + 1, items + len(content["items"])
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            changed += 1
            if not dry_run:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
    for path in folder.glob("*/example_*.yml"):
        if path not in wanted:
            removed += 1
            if not dry_run:
                path.unlink()
    templates = sum(len(theme.items) for file in load_templates() for theme in file.themes)
    return Written(documents, items, templates, changed, removed)
