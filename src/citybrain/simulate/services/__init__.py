"""The counters of the government and the platform its systems share."""

from citybrain.simulate.services.topic import service_deliveries, service_stories

__all__ = ["service_deliveries", "service_stories"]
