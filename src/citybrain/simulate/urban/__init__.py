"""The city on the street: unit grids and their components, fleets, traffic, what is kept for emergencies."""

from citybrain.simulate.urban.deliveries import urban_deliveries, urban_stories

__all__ = ["urban_deliveries", "urban_stories"]
