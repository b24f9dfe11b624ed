"""Numbers of cases: drawn from a sequence, so two workers never draw the same one."""

from django.db import connection
from django.utils import timezone

from citybrain.catalogue.working_day import SHANGHAI


def next_number() -> str:
    """`BZ-<day>-<number>`; numbers have gaps where a case was not opened after all."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval('ops.case_number')")
        (drawn,) = cursor.fetchone()
    return f"BZ-{timezone.now().astimezone(SHANGHAI):%Y%m%d}-{drawn:06d}"
