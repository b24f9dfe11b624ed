"""Dashboards as files: checked against the marts, compiled, applied, verified, rendered."""

from citybrain.bi import provision as _provision
from citybrain.bi import verification as _verification
from citybrain.bi.provision import ApplyReport
from citybrain.bi.verification import VerifyError, VerifyReport
from citybrain.settings import get_settings

__all__ = ["ApplyReport", "VerifyError", "VerifyReport", "apply", "verify"]


def apply() -> ApplyReport:
    """Bring the running Superset in line with `dashboards/`. Raises ContentError, SupersetError."""
    return _provision.apply(get_settings())


def verify() -> VerifyReport:
    """Query every chart through Superset. Raises VerifyError when one has no answer."""
    return _verification.verify(get_settings())
