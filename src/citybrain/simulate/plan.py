"""Which deliveries the city owes at a moment, given what it has sent."""

from datetime import datetime

from citybrain.simulate.delivery import SHANGHAI, Delivery
from citybrain.simulate.ledger import Ledger
from citybrain.simulate.topics import TOPICS


def owed(ledger: Ledger, moment: datetime) -> list[Delivery]:
    """The deliveries up to `moment` (aware) that the ledger has not, in the order they are sent."""
    local = moment.astimezone(SHANGHAI)
    sent = {(delivery.dataset, delivery.name) for delivery in ledger.sent}
    return [
        delivery
        for topic in TOPICS
        for delivery in topic.deliveries(ledger, local)
        if (delivery.dataset, delivery.name) not in sent
    ]
