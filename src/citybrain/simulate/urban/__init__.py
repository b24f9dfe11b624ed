"""The city on the street: unit grids and what stands in them, fleets, traffic, and what is kept for emergencies."""

from citybrain.simulate.urban.deliveries import urban_deliveries, urban_stories

__all__ = ["urban_deliveries", "urban_stories"]
