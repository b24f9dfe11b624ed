"""Getting data in: connectors land deliveries in the lake, the gate judges them and loads the good rows
once."""

from citybrain.ingest.backfill import BackfillReport, BackfillStep, backfill, plan_backfill
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
    "backfill",
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
    "waiting",
]
