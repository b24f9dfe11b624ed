"""What the city is made of, as typed files: everything else keys on the ids found here."""

from citybrain.catalogue.content_file import ContentError, ContentModel, line_of, load_content, read_yaml
from citybrain.catalogue.dataset import (
    Column,
    Dataset,
    active_datasets,
    dataset_files,
    load_dataset,
    load_datasets,
)

__all__ = [
    "Column",
    "ContentError",
    "ContentModel",
    "Dataset",
    "active_datasets",
    "dataset_files",
    "line_of",
    "load_content",
    "load_dataset",
    "load_datasets",
    "read_yaml",
]
