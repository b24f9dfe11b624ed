"""What the city is made of, as typed files: everything else keys on the ids found here."""

from citybrain.catalogue.area import Areas, City, County, load_areas
from citybrain.catalogue.checks import Fault, check
from citybrain.catalogue.content_file import ContentError, ContentModel, line_of, load_content, read_yaml
from citybrain.catalogue.crs import gcj02_to_wgs84, wgs84_to_gcj02
from citybrain.catalogue.dataset import (
    Column,
    Dataset,
    Label,
    active_datasets,
    dataset_files,
    load_dataset,
    load_datasets,
    usable_datasets,
)
from citybrain.catalogue.department import Department, load_departments
from citybrain.catalogue.plain_yaml import plain_yaml
from citybrain.catalogue.scenario import (
    DisplayScenario,
    EventScenario,
    Indicator,
    Limit,
    Scenarios,
    TimeUnit,
    load_scenarios,
)

__all__ = [
    "Areas",
    "City",
    "Column",
    "ContentError",
    "ContentModel",
    "County",
    "Dataset",
    "Department",
    "DisplayScenario",
    "EventScenario",
    "Fault",
    "Indicator",
    "Label",
    "Limit",
    "Scenarios",
    "TimeUnit",
    "active_datasets",
    "check",
    "dataset_files",
    "gcj02_to_wgs84",
    "line_of",
    "load_areas",
    "load_content",
    "load_dataset",
    "load_datasets",
    "load_departments",
    "load_scenarios",
    "plain_yaml",
    "read_yaml",
    "usable_datasets",
    "wgs84_to_gcj02",
]
