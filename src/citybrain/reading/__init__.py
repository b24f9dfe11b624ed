"""Reads the free text of hotline tickets: what each is about, where it is, and which tell of one matter."""

import lazy_loader

# Found when asked for: who only wants the list of demands does not wait for the learning library.
# The names and their modules stand in __init__.pyi.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
