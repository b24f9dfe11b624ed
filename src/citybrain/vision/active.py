"""The detectors that can look: enabled, with weights that are there and a camera to look through."""

import structlog

from citybrain.settings import Settings
from citybrain.vision.detector_file import Detector, load_detectors
from citybrain.vision.weights import is_available

log = structlog.get_logger(__name__)


def active_detectors(settings: Settings) -> dict[str, Detector]:
    """The enabled detectors with a zone on some camera whose weights can be had, by id; the others are named
    in the log.

    A shipped detector is active even without weights, so that a broken checkout fails and does not fall
    silent. Raises ContentError.
    """
    active: dict[str, Detector] = {}
    for detector in load_detectors(settings).values():
        if not detector.cameras:
            log.info("detector inactive: nobody drew a zone on a camera", detector=detector.id)
        elif detector.model.weights == "shipped" or is_available(settings, detector.model.name):
            active[detector.id] = detector
        else:
            log.warning(
                "detector inactive: its weights are missing",
                detector=detector.id,
                weights=detector.model.name,
            )
    return active
