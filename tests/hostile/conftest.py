"""The trial city, shared with the hostile corpus."""

from trial_city import city

__all__ = ["city"]
