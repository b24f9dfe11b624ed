"""Example policies of the demo city: documents and items drawn from templates, always `origin: synthetic`."""

from citybrain.policy.examples.casing import CasingError
from citybrain.policy.examples.files import Written, example_documents, page_of, write_examples

__all__ = ["CasingError", "Written", "example_documents", "page_of", "write_examples"]
