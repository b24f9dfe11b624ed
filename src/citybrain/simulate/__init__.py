"""The deterministic demo city: writes what sources would send, dirt included, and keeps the truth."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from citybrain.simulate.city import CityReport, plan_city, write_city
    from citybrain.simulate.delivery import Delivery
    from citybrain.simulate.hotline.held_out import held_out_registers, held_out_tickets
    from citybrain.simulate.hotline.tickets import hotline_truths
    from citybrain.simulate.ledger import SimulationError, read_ledger, truth_dir
    from citybrain.simulate.live_devices import Published, publish_readings
    from citybrain.simulate.score import Score, score_quarantine
    from citybrain.simulate.sensing_truth import Planted, sensing_truths

__all__ = [
    "CityReport",
    "Delivery",
    "Planted",
    "Published",
    "Score",
    "SimulationError",
    "held_out_registers",
    "held_out_tickets",
    "hotline_truths",
    "plan_city",
    "publish_readings",
    "read_ledger",
    "score_quarantine",
    "sensing_truths",
    "truth_dir",
    "write_city",
]

# Found when asked for: the vision environment draws scenery and has not what the deliveries are written with.
_HOMES = {
    "CityReport": "city",
    "plan_city": "city",
    "write_city": "city",
    "held_out_registers": "hotline.held_out",
    "held_out_tickets": "hotline.held_out",
    "hotline_truths": "hotline.tickets",
    "SimulationError": "ledger",
    "read_ledger": "ledger",
    "truth_dir": "ledger",
    "Published": "live_devices",
    "publish_readings": "live_devices",
    "Delivery": "delivery",
    "Planted": "sensing_truth",
    "sensing_truths": "sensing_truth",
    "Score": "score",
    "score_quarantine": "score",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
