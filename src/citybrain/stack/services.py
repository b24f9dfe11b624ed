"""The programs of the embedded stack: names, addresses, logs and the order in which they stand on
each other.
"""

from dataclasses import dataclass
from pathlib import Path

from citybrain.settings import Settings

DESK_SERVICES = ("desk", "desk-worker")
AIRFLOW_SERVICES = ("airflow-api", "airflow-scheduler", "airflow-dag-processor", "airflow-triggerer")


@dataclass(frozen=True)
class Service:
    """One supervised program. `url` is where it answers, None for programs without a port of their own."""

    name: str
    url: str | None
    log: Path
    health_path: str = "/"


def services(settings: Settings) -> list[Service]:
    """The programs to run under `settings`, in starting order. An outside PostgreSQL or S3 is not among
    them.
    """

    def service(name: str, url: str | None, health_path: str = "/") -> Service:
        return Service(name, url, settings.log_dir / f"{name}.log", health_path)

    postgres = f"postgresql://127.0.0.1:{settings.postgres_port}/city"
    programs = [
        service("postgres", postgres) if settings.postgres_embedded else None,
        service("s3", f"http://{settings.s3_address}") if settings.s3_embedded else None,
        service("mqtt", f"mqtt://127.0.0.1:{settings.mqtt_port}") if settings.mqtt_embedded else None,
        service("mqtt-bridge", None) if settings.mqtt_bridged else None,
        service("feeds", f"http://127.0.0.1:{settings.feeds_port}", "/-/health"),
        service("pages", settings.pages_url, "/-/health"),
        service("airflow-api", settings.airflow_url, "/api/v2/monitor/health"),
        *(service(name, None) for name in AIRFLOW_SERVICES[1:]),
        service("superset", settings.superset_url, "/health"),
        service("desk", settings.desk_url, "/-/health"),
        service("desk-worker", None),
        service("vision", None),
    ]
    return [program for program in programs if program is not None]
