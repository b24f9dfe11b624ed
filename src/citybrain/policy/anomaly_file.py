"""What counts as a finding: `policies/anomalies.yml`."""

from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator

from citybrain.catalogue import ContentModel, load_content
from citybrain.policy.facts import Name
from citybrain.policy.span import Span
from citybrain.policy.values import Rate
from citybrain.settings import Settings


class Crowd(ContentModel):
    """More enterprises just met than just missed. `within`: of the limit; `least`: in both windows."""

    within: Annotated[Rate, Field(gt=0, le=0.5)]
    least: int = Field(ge=2)
    deviations: float = Field(gt=0, le=10, description="standard deviations of an even split")


class SharedAccount(ContentModel):
    """One account for `least` enterprises or more."""

    least: int = Field(ge=2)


class Split(ContentModel):
    """`least` enterprises of a list that share all columns `same`, founded within a span."""

    same: list[Name] = Field(min_length=1, description="columns of marts.mart_enterprise_facts")
    founded_within: str = Field(description="P1Y, P6M, P30D")
    least: int = Field(ge=2)

    @field_validator("founded_within")
    @classmethod
    def _span(cls, value: str) -> str:
        return str(Span.read(value))

    @property
    def span(self) -> Span:
        return Span.read(self.founded_within)


class AnomalyFile(ContentModel):
    """`policies/anomalies.yml`."""

    format: Literal["citybrain/policy-anomalies@1"] = Field(alias="schema")
    crowd: Crowd
    shared_account: SharedAccount
    split: Split


def anomaly_path(settings: Settings) -> Path:
    return settings.policies_dir / "anomalies.yml"


def load_anomalies(settings: Settings) -> AnomalyFile:
    """Raises ContentError."""
    path = anomaly_path(settings)
    return _load(path, path.stat().st_mtime_ns if path.exists() else 0)


@lru_cache(maxsize=16)
def _load(path: Path, _modified: int) -> AnomalyFile:
    return load_content(path, AnomalyFile)
