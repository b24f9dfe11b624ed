"""Getting data in: connectors land deliveries in the lake, the gate judges them and loads the good rows
once."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from citybrain.ingest.backfill import BackfillReport, BackfillStep, plan_backfill, run_backfill
    from citybrain.ingest.connectors import SourceError
    from citybrain.ingest.decisions import DecisionError, HeldBatch, decide_held_batch, held_batches
    from citybrain.ingest.gate import GateError, gate_landed_batches
    from citybrain.ingest.gate_processes import gate_everything
    from citybrain.ingest.landing import LandingReport, land_dataset, land_file, waiting
    from citybrain.ingest.orders import DataOrder, data_orders
    from citybrain.ingest.reports import QuarantineSummary, batches, quarantine_of
    from citybrain.ingest.retention import Expired, apply_retention, expired_batches
    from citybrain.ingest.settle import BatchOutcome

__all__ = [
    "BackfillReport",
    "BackfillStep",
    "BatchOutcome",
    "DataOrder",
    "DecisionError",
    "Expired",
    "GateError",
    "HeldBatch",
    "LandingReport",
    "QuarantineSummary",
    "SourceError",
    "apply_retention",
    "batches",
    "data_orders",
    "decide_held_batch",
    "expired_batches",
    "gate_everything",
    "gate_landed_batches",
    "held_batches",
    "land_dataset",
    "land_file",
    "plan_backfill",
    "quarantine_of",
    "run_backfill",
    "waiting",
]

# Found when asked for: who only wants to know whether the bridge lives does not wait for the gate.
_HOMES = {
    "BackfillReport": "backfill",
    "BackfillStep": "backfill",
    "plan_backfill": "backfill",
    "run_backfill": "backfill",
    "SourceError": "connectors",
    "DecisionError": "decisions",
    "HeldBatch": "decisions",
    "decide_held_batch": "decisions",
    "held_batches": "decisions",
    "GateError": "gate",
    "gate_landed_batches": "gate",
    "gate_everything": "gate_processes",
    "LandingReport": "landing",
    "land_dataset": "landing",
    "land_file": "landing",
    "waiting": "landing",
    "DataOrder": "orders",
    "data_orders": "orders",
    "QuarantineSummary": "reports",
    "batches": "reports",
    "quarantine_of": "reports",
    "Expired": "retention",
    "apply_retention": "retention",
    "expired_batches": "retention",
    "BatchOutcome": "settle",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
