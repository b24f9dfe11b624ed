"""What the desk's worker does for webhooks, every few seconds, beside the messages to people."""

from citybrain.desk.systems.delivering import deliver_due
from citybrain.events.tasks import every


@every("* * * * * */3", "deliver_webhooks")
def deliver_webhooks() -> None:
    deliver_due()
