"""Working days of a notice: holidays and make-up days of China's calendar."""

from datetime import datetime

import pytest

from citybrain.catalogue.working_day import SHANGHAI
from citybrain.policy.grants.working_days import notice_period


@pytest.mark.parametrize(
    ("opened", "days", "closes", "provisional"),
    [
        ("2026-11-24T09:00", 5, "2026-12-02T00:00", False),  # Tuesday; a weekend between
        ("2026-09-30T17:00", 5, "2026-10-14T00:00", False),  # the National Day week, and a make-up Saturday
        ("2026-11-28T10:00", 1, "2026-12-01T00:00", False),  # opened on a Saturday
        ("2026-12-30T10:00", 2, "2027-01-02T00:00", True),  # 2027 is not published: the plain week
    ],
)
def test_a_notice_runs_for_whole_working_days(opened: str, days: int, closes: str, provisional: bool) -> None:
    period = notice_period(datetime.fromisoformat(opened).replace(tzinfo=SHANGHAI), days)
    assert period.closes_at == datetime.fromisoformat(closes).replace(tzinfo=SHANGHAI)
    assert period.provisional is provisional
