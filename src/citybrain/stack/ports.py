"""TCP ports of the embedded stack: which setting names which, whether one is taken, and free ones for a
second stack.
"""

import random
import socket
from itertools import islice

import psutil

from citybrain.settings import Settings
from citybrain.stack.errors import StackError

GRPC_OFFSET = 10_000  # SeaweedFS opens a gRPC twin of each HTTP port
# With their twins below Linux's ephemeral range, so no client socket takes them.
_LOWEST, _HIGHEST = 20_000, 22_700
_claims: list[socket.socket] = []


def service_ports(settings: Settings, service: str) -> dict[str, int]:
    """The ports `service` will open, by the setting that names each; a gRPC twin is named by its HTTP
    port's setting.
    """
    if service == "postgres":
        return {"CITYBRAIN_POSTGRES_PORT": settings.postgres_port}
    if service == "s3":
        http = {
            "CITYBRAIN_S3_PORT": settings.s3_port,
            "CITYBRAIN_S3_MASTER_PORT": settings.s3_master_port,
            "CITYBRAIN_S3_VOLUME_PORT": settings.s3_volume_port,
            "CITYBRAIN_S3_FILER_PORT": settings.s3_filer_port,
        }
        twins = {f"{name} + {GRPC_OFFSET}": port + GRPC_OFFSET for name, port in http.items()}
        return http | twins
    names = {
        "airflow-api": "airflow_port",
        "superset": "superset_port",
        "feeds": "feeds_port",
        "pages": "pages_port",
        "desk": "desk_port",
        "mqtt": "mqtt_port",
    }
    if service not in names:
        return {}
    return {f"CITYBRAIN_{names[service].upper()}": getattr(settings, names[service])}


def is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Whether a server could listen on `port` now (a port in TIME_WAIT counts as free, as it does for
    servers).
    """
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def require_free_ports(settings: Settings, service: str) -> None:
    """Raise StackError naming the setting of the first port of `service` that something else listens on."""
    for setting, port in service_ports(settings, service).items():
        if not 0 < port < 65_536:
            raise StackError(f"{service}: port {port} ({setting}) is not a TCP port; choose a lower one")
        if not is_free(port, settings.bind_host):
            raise StackError(
                f"{service}: port {port} is in use{_owner_of(port)}."
                f" Stop that program or set {setting} to a free port."
            )


def _owner_of(port: int) -> str:
    try:
        connections = psutil.net_connections("tcp")
    except psutil.AccessDenied:  # an ordinary user may not see other people's sockets on some systems
        return ""
    for connection in connections:
        address = connection.laddr
        if connection.status == psutil.CONN_LISTEN and address and address.port == port and connection.pid:
            return f" by pid {connection.pid}"
    return ""


def free_ports(count: int) -> list[int]:
    """`count` different ports that are free, and whose twin at + 10000 is free too.

    They are this process's for as long as it lives: no other caller is given one of them meanwhile.
    """
    candidates = random.SystemRandom().sample(range(_LOWEST, _HIGHEST), _HIGHEST - _LOWEST)
    usable = (port for port in candidates if is_free(port) and is_free(port + GRPC_OFFSET) and _claim(port))
    found = list(islice(usable, count))
    if len(found) < count:
        raise StackError(f"fewer than {count} free ports between {_LOWEST} and {_HIGHEST}")
    return found


def _claim(port: int) -> bool:
    """Take a port before its server listens on it, by a name that the kernel gives to one process only."""
    claim = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        claim.bind(f"\0citybrain port {port}")
    except OSError:
        claim.close()
        return False
    _claims.append(claim)
    return True
