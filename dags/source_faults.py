"""No airflow DAG: shows broken files of `dags/sources/` as its own import error, with file, line, reason."""

from citybrain.orchestration.sources import raise_faults, read_sources
from citybrain.settings import get_settings

raise_faults(read_sources(get_settings()))
