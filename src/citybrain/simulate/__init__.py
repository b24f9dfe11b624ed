"""The deterministic demo city: writes what sources would send, dirt included, and keeps the truth."""

from citybrain.simulate.city import CityReport, plan_city, write_city
from citybrain.simulate.ledger import SimulationError, read_ledger, truth_dir
from citybrain.simulate.plan import Delivery
from citybrain.simulate.score import Score, score_quarantine

__all__ = [
    "CityReport",
    "Delivery",
    "Score",
    "SimulationError",
    "plan_city",
    "read_ledger",
    "score_quarantine",
    "truth_dir",
    "write_city",
]
