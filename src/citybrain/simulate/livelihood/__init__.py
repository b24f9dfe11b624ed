"""Health, education, social security and work of the demo city's people."""

from citybrain.simulate.livelihood.topic import livelihood_deliveries, livelihood_stories

__all__ = ["livelihood_deliveries", "livelihood_stories"]
