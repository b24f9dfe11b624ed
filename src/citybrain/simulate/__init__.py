"""The deterministic demo city: writes what sources would send, dirt included, and keeps the truth."""

import lazy_loader

# Found when asked for: the vision environment draws scenery and has not what the deliveries are written with.
# The names and their modules stand in __init__.pyi.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
