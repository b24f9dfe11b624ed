"""What the register says of the camera that watches a case."""

from django.db import connection

_NAME = "SELECT camera_name FROM marts.dim_camera WHERE camera_id = %s"


def camera_name(camera_id: str) -> str:
    """The camera's name; empty for a device that is none, or while the mart is not built."""
    if not camera_id:
        return ""
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('marts.dim_camera') IS NOT NULL")
        if not cursor.fetchone()[0]:
            return ""
        cursor.execute(_NAME, [camera_id])
        found = cursor.fetchone()
    return str(found[0]) if found else ""
