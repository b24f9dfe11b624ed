"""The rules of dbt-project-evaluator over a manifest, each as the names of what breaks it.

https://dbt-labs.github.io/dbt-project-evaluator/latest/rules/ says why each stands. The package itself builds
sixty models in the warehouse it judges; the manifest alone tells the same.
"""

import re
from collections.abc import Callable, Iterator
from pathlib import PurePosixPath
from typing import Any

Manifest = dict[str, Any]
Rule = Callable[[Manifest], Iterator[str]]
RULES: dict[str, Rule] = {}
PREFIX_OF = {"staging": "stg_", "intermediate": "int_", "marts/core": ("dim_", "fct_"), "marts": "mart_"}
SCHEMAS = (
    "raw",
    "meta",
    "quarantine",
    "ops",
    "policy",
    "staging",
    "intermediate",
    "marts",
    "marts_build",
    "snapshots",
)
LONGEST_VIEW_CHAIN = 4
JINJA = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}|--[^\n]*", re.DOTALL)
NAMED_TABLE = re.compile(rf"\b(?:from|join)\s+\"?(?:{'|'.join(SCHEMAS)})\"?\.", re.IGNORECASE)


def rule(function: Rule) -> Rule:
    RULES[function.__name__] = function
    return function


def models(manifest: Manifest) -> dict[str, dict[str, Any]]:
    return {key: node for key, node in manifest["nodes"].items() if node["resource_type"] == "model"}


def _name(unique_id: str) -> str:
    return ".".join(unique_id.split(".")[2:])


def _layer(node: dict[str, Any]) -> str:
    folder = node["original_file_path"].removeprefix("models/")
    return next(layer for layer in PREFIX_OF if folder.startswith(f"{layer}/"))


def _parents(manifest: Manifest, key: str, kind: str) -> list[str]:
    return [parent for parent in manifest["parent_map"][key] if parent.startswith(f"{kind}.")]


def _children(manifest: Manifest, key: str) -> list[str]:
    return [child for child in manifest["child_map"][key] if child.startswith("model.")]


@rule
def direct_join_to_source(manifest: Manifest) -> Iterator[str]:
    for key, node in models(manifest).items():
        if _parents(manifest, key, "source") and _parents(manifest, key, "model"):
            yield node["name"]


@rule
def multiple_sources_joined(manifest: Manifest) -> Iterator[str]:
    for key, node in models(manifest).items():
        own, *others = sorted(_parents(manifest, key, "source"), key=_is_of_manifest) or [""]
        yield from (f"{node['name']} + {_name(other)}" for other in others if own)


def _is_of_manifest(source: str) -> bool:
    """The manifest of deliveries comes second beside what was delivered."""
    return source.split(".")[2] == "meta"


@rule
def source_fanout(manifest: Manifest) -> Iterator[str]:
    for key in manifest["sources"]:
        if len(_children(manifest, key)) > 1:
            yield _name(key)


@rule
def duplicate_sources(manifest: Manifest) -> Iterator[str]:
    seen: set[str] = set()
    for key, source in manifest["sources"].items():
        if source["relation_name"] in seen:
            yield _name(key)
        seen.add(source["relation_name"])


@rule
def unused_sources(manifest: Manifest) -> Iterator[str]:
    for key in manifest["sources"]:
        if not manifest["child_map"][key]:
            yield _name(key)


@rule
def root_models(manifest: Manifest) -> Iterator[str]:
    for key, node in models(manifest).items():
        if not manifest["parent_map"][key]:
            yield node["name"]


@rule
def rejoining_of_upstream_concepts(manifest: Manifest) -> Iterator[str]:
    """A model reads a parent and, beside it, a model made of that parent which nobody else reads."""
    for key, node in models(manifest).items():
        parents = _parents(manifest, key, "model")
        for between in parents:
            if manifest["child_map"][between] and _readers(manifest, between) == [key]:
                for parent in set(parents) & set(manifest["parent_map"][between]):
                    yield f"{_name(parent)} > {_name(between)} > {node['name']}"


def _readers(manifest: Manifest, key: str) -> list[str]:
    return [child for child in manifest["child_map"][key] if not child.startswith(("test.", "unit_test."))]


@rule
def hard_coded_references(manifest: Manifest) -> Iterator[str]:
    for node in models(manifest).values():
        if NAMED_TABLE.search(JINJA.sub(" ", node["raw_code"])):
            yield node["name"]


@rule
def staging_dependent_on_staging(manifest: Manifest) -> Iterator[str]:
    yield from _staging_on(manifest, {"staging"})


@rule
def staging_dependent_on_downstream(manifest: Manifest) -> Iterator[str]:
    yield from _staging_on(manifest, {"intermediate", "marts/core", "marts"})


def _staging_on(manifest: Manifest, layers: set[str]) -> Iterator[str]:
    all_models = models(manifest)
    for key, node in all_models.items():
        if _layer(node) == "staging":
            for parent in _parents(manifest, key, "model"):
                if _layer(all_models[parent]) in layers:
                    yield f"{all_models[parent]['name']} > {node['name']}"


@rule
def downstream_models_dependent_on_source(manifest: Manifest) -> Iterator[str]:
    for key, node in models(manifest).items():
        if _layer(node) != "staging" and _parents(manifest, key, "source"):
            yield node["name"]


@rule
def undocumented_models(manifest: Manifest) -> Iterator[str]:
    for node in models(manifest).values():
        if not node["description"] or any(not column["description"] for column in node["columns"].values()):
            yield node["name"]


@rule
def undocumented_sources(manifest: Manifest) -> Iterator[str]:
    for key, source in manifest["sources"].items():
        if not source["description"] or not source["source_description"]:
            yield _name(key)


@rule
def untested_primary_keys(manifest: Manifest) -> Iterator[str]:
    for key, node in models(manifest).items():
        if not _has_key(manifest, key, node):
            yield node["name"]


def _has_key(manifest: Manifest, key: str, node: dict[str, Any]) -> bool:
    """A constraint, a unique index over columns that are never null, a test, a query that gives a key once,
    or every row of a raw table with its batch and line.
    """
    present = {
        name
        for name, column in node["columns"].items()
        if any(constraint["type"] == "not_null" for constraint in column["constraints"])
    }
    if any(constraint["type"] in ("primary_key", "unique") for constraint in node["constraints"]):
        return True
    if any(
        constraint["type"] == "unique" and name in present
        for name, column in node["columns"].items()
        for constraint in column["constraints"]
    ):
        return True
    indexes = node["config"].get("indexes") or []
    contracted = node["config"]["contract"]["enforced"]
    if any(index.get("unique") and (not contracted or set(index["columns"]) <= present) for index in indexes):
        return True
    code = node["raw_code"]
    if "newest_statement(" in code or ("_batch_id as batch_id" in code and "_line as line" in code):
        return True
    tests = (manifest["nodes"].get(child, {}) for child in manifest["child_map"][key])
    return any((test.get("test_metadata") or {}).get("kwargs", {}).get("keys") for test in tests)


@rule
def sources_without_freshness(manifest: Manifest) -> Iterator[str]:
    for key, source in manifest["sources"].items():
        if source["schema"] == "raw" and not (source["freshness"] or {}).get("warn_after"):
            yield _name(key)


@rule
def model_naming_conventions(manifest: Manifest) -> Iterator[str]:
    for node in models(manifest).values():
        if not node["name"].startswith(PREFIX_OF[_layer(node)]):
            yield node["name"]


@rule
def model_directories(manifest: Manifest) -> Iterator[str]:
    """A staging model lies in the folder of the source it reads, and has it in its name."""
    for key, node in models(manifest).items():
        if _layer(node) == "staging":
            owner = PurePosixPath(node["original_file_path"]).parts[2]
            sources = {source.split(".")[2] for source in _parents(manifest, key, "source")} - {"meta"}
            if not node["name"].startswith(f"stg_{owner}__") or sources - {owner}:
                yield node["name"]


@rule
def source_directories(manifest: Manifest) -> Iterator[str]:
    for key, source in manifest["sources"].items():
        if source["original_file_path"] != f"models/staging/{source['source_name']}/_sources.yml":
            yield _name(key)


@rule
def test_directories(manifest: Manifest) -> Iterator[str]:
    """A model is described in the folder it lies in."""
    for node in models(manifest).values():
        described = PurePosixPath((node["patch_path"] or "").split("://")[-1])
        if described.parent != PurePosixPath(node["original_file_path"]).parent:
            yield node["name"]


@rule
def chained_views(manifest: Manifest) -> Iterator[str]:
    all_models = models(manifest)

    def chain(key: str) -> int:
        if key not in all_models or all_models[key]["config"]["materialized"] not in ("view", "ephemeral"):
            return 0
        return 1 + max((chain(parent) for parent in manifest["parent_map"][key]), default=0)

    for key, node in all_models.items():
        if chain(key) > LONGEST_VIEW_CHAIN:
            yield node["name"]


@rule
def exposures_dependent_on_views(manifest: Manifest) -> Iterator[str]:
    all_models = models(manifest)
    for exposure in manifest["exposures"].values():
        for parent in exposure["depends_on"]["nodes"]:
            if parent not in all_models or all_models[parent]["config"]["materialized"] in (
                "view",
                "ephemeral",
            ):
                yield f"{_name(parent)} > {exposure['name']}"


@rule
def exposures_dependent_on_private_models(manifest: Manifest) -> Iterator[str]:
    all_models = models(manifest)
    for exposure in manifest["exposures"].values():
        for parent in exposure["depends_on"]["nodes"]:
            if all_models.get(parent, {}).get("access") == "private":
                yield f"{_name(parent)} > {exposure['name']}"


@rule
def public_models_without_contracts(manifest: Manifest) -> Iterator[str]:
    """Public are the models people read, and what says so of itself."""
    for node in models(manifest).values():
        public = node["access"] == "public" or _layer(node).startswith("marts")
        if public and not node["config"]["contract"]["enforced"]:
            yield node["name"]
