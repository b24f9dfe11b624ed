"""The demo city's yards as their cameras would see them: rendered, and marked as rendered in every frame."""

from citybrain.simulate.scenery.light import Light
from citybrain.simulate.scenery.placing import place_vehicles
from citybrain.simulate.scenery.scene import Scene, Truth, render
from citybrain.simulate.scenery.training import training_scenes
from citybrain.simulate.scenery.vehicles import Vehicle
from citybrain.simulate.scenery.yards import Yard, lane_of, random_yard, yard_of

__all__ = [
    "Light",
    "Scene",
    "Truth",
    "Vehicle",
    "Yard",
    "lane_of",
    "place_vehicles",
    "random_yard",
    "render",
    "training_scenes",
    "yard_of",
]
