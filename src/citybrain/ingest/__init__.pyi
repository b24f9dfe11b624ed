from .backfill import (
    BackfillReport as BackfillReport,
)
from .backfill import (
    BackfillStep as BackfillStep,
)
from .backfill import (
    plan_backfill as plan_backfill,
)
from .backfill import (
    run_backfill as run_backfill,
)
from .connectors import SourceError as SourceError
from .decisions import (
    DecisionError as DecisionError,
)
from .decisions import (
    HeldBatch as HeldBatch,
)
from .decisions import (
    decide_held_batch as decide_held_batch,
)
from .decisions import (
    held_batches as held_batches,
)
from .gate import GateError as GateError
from .gate import gate_landed_batches as gate_landed_batches
from .gate_processes import gate_everything as gate_everything
from .landing import (
    LandingReport as LandingReport,
)
from .landing import (
    land_dataset as land_dataset,
)
from .landing import (
    land_file as land_file,
)
from .landing import (
    waiting as waiting,
)
from .orders import DataOrder as DataOrder
from .orders import data_orders as data_orders
from .reports import (
    QuarantineSummary as QuarantineSummary,
)
from .reports import (
    batches as batches,
)
from .reports import (
    quarantine_of as quarantine_of,
)
from .retention import (
    Expired as Expired,
)
from .retention import (
    apply_retention as apply_retention,
)
from .retention import (
    expired_batches as expired_batches,
)
from .settle import BatchOutcome as BatchOutcome
