"""Does a service answer? Asked over its own port; Airflow's programs without a port report through the API
server.
"""

import httpx
import psycopg

from citybrain.settings import DatabaseRole, Settings
from citybrain.stack import mosquitto, postgres, seaweedfs
from citybrain.stack.services import Service
from citybrain.vision.heartbeat import live_workers

_AIRFLOW_JOBS = {
    "airflow-scheduler": "scheduler",
    "airflow-dag-processor": "dag_processor",
    "airflow-triggerer": "triggerer",
}


def answers(service: Service, settings: Settings) -> bool:
    """Whether the service does its work now. Quick: at most about three seconds when something hangs."""
    if service.name == "postgres":
        return postgres.is_ready(settings)
    if service.name == "s3":
        return seaweedfs.is_ready(settings)
    if service.name == "mqtt":
        return mosquitto.is_ready(settings)
    if service.name == "mqtt-bridge":
        return bridge_is_alive(settings)
    if service.name in _AIRFLOW_JOBS:
        return airflow_job_is_healthy(settings, _AIRFLOW_JOBS[service.name])
    if service.name == "desk-worker":
        return worker_is_alive(settings)
    if service.name == "vision":
        return watcher_is_alive(settings)
    response = _get(f"{service.url}{service.health_path}")
    return response is not None and response.status_code == httpx.codes.OK


def airflow_job_is_healthy(settings: Settings, job: str) -> bool:
    """What Airflow's API says about its scheduler, dag_processor or triggerer (by their last heartbeat)."""
    response = _get(f"{settings.airflow_url}/api/v2/monitor/health")
    if response is None or response.status_code != httpx.codes.OK:
        return False
    return bool(response.json().get(job, {}).get("status") == "healthy")


def bridge_is_alive(settings: Settings) -> bool:
    """Whether the bridge has lately been subscribed at the city's broker, and going."""
    from citybrain.ingest.mqtt.bridge import is_alive

    return is_alive(settings)


def worker_is_alive(settings: Settings) -> bool:
    """Whether a worker of the desk's queue has reported within the last minute."""
    try:
        with psycopg.connect(settings.dsn(DatabaseRole.DESK), connect_timeout=3) as connection:
            found = connection.execute(
                "SELECT 1 FROM ops.procrastinate_workers WHERE last_heartbeat > now() - interval '1 minute'"
            ).fetchone()
    except (psycopg.OperationalError, psycopg.errors.UndefinedTable):
        return False
    return found is not None


def watcher_is_alive(settings: Settings) -> bool:
    """Whether a vision worker, its networks loaded, has reported within the last two minutes."""
    try:
        with psycopg.connect(settings.dsn(DatabaseRole.WATCHER), connect_timeout=3) as connection:
            return bool(live_workers(connection))
    except (psycopg.OperationalError, psycopg.errors.UndefinedTable):
        return False


def _get(url: str) -> httpx.Response | None:
    """Ask on loopback, where no proxy of the shell may stand between, and without reading the machine's
    certificates, which would cost more than all else while every service is asked three times a second.
    """
    try:
        return httpx.get(url, timeout=3, trust_env=False, verify=False)  # noqa: S501  # plain HTTP
    except httpx.HTTPError:
        return None
