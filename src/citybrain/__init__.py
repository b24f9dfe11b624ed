"""citybrain: an open, workflow-orchestrated city data platform."""

__version__ = "0.1.0"
