"""The assets that wake DAGs. An event is a wake-up, never a queue: work is claimed from tables, by time too.

Names and URIs are ASCII, Airflow accepts nothing else; Chinese titles stand in the DAGs' display names.
"""

from collections.abc import Iterable

from airflow.sdk import Asset, AssetAlias, AssetAny

from citybrain.catalogue import Dataset

LOADED = AssetAlias(name="loaded", group="raw")
"""Outlet of the gate: which raw tables grew is known only after it ran."""

PUBLISHED = AssetAlias(name="published", group="marts")
"""Outlet of the build: which marts were published is known only after it ran."""

MARTS_READY = Asset(name="marts/ready", uri="citybrain://marts/ready", group="marts")
"""Every model was built and tested; the dashboards may be brought up to date."""

CITY_REFRESHED = Asset(name="city/refreshed", uri="citybrain://city/refreshed", group="marts")
"""The main job ended well: what need not be there with its last figure may be made now."""

POLICIES_MATCHED = Asset(name="policy/matched", uri="citybrain://policy/matched", group="policy")
"""Policies were matched with enterprises; a run may have been made, or nothing had changed."""


def landed(dataset_id: str) -> Asset:
    """A new object of this dataset stands in the lake."""
    return Asset(name=f"landed/{dataset_id}", uri=f"citybrain://landed/{dataset_id}", group="landed")


def raw_table(dataset_id: str) -> Asset:
    """New rows of this dataset passed the gate into `raw.<dataset>`."""
    return Asset(name=f"raw/{dataset_id}", uri=f"citybrain://raw/{dataset_id}", group="raw")


def mart(model: str) -> Asset:
    """The published table of one display mart."""
    return Asset(name=f"marts/{model}", uri=f"citybrain://marts/{model}", group="marts")


def any_landed(datasets: Iterable[Dataset]) -> AssetAny:
    return AssetAny(*(landed(dataset.id) for dataset in datasets))


def any_raw_table(datasets: Iterable[Dataset]) -> AssetAny:
    return AssetAny(*(raw_table(dataset.id) for dataset in datasets))
