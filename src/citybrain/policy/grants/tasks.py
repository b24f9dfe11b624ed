"""What the desk's worker does for grants: close the notices whose time has run."""

from procrastinate.contrib.django import app

from citybrain.policy.grants.notices import close_due_notices


@app.periodic(cron="*/5 * * * *")
@app.task(name="grants.close_due_notices", queueing_lock="grants.close_due_notices")
def close_notices(timestamp: int) -> list[str]:
    """Every five minutes; `timestamp` is the minute it was due, and closing late changes nothing."""
    return close_due_notices()
