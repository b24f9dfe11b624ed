"""What changed on the ground from one quarter to the next, in satellite scenes of the lake."""

from citybrain.vision.satellite.rule import ChangeRule, load_change_rule
from citybrain.vision.satellite.run import QuarterReport, look_at_quarter, quarters_to_look_at

__all__ = ["ChangeRule", "QuarterReport", "load_change_rule", "look_at_quarter", "quarters_to_look_at"]
