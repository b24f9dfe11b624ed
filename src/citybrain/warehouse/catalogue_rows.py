"""Rows of the catalogue that dbt joins: datasets with their honest labels, areas, departments, scenarios."""

import psycopg

from citybrain.catalogue import active_datasets, dataset_files, load_areas, load_departments, usable_datasets
from citybrain.catalogue.scenario import EventScenario, load_scenarios
from citybrain.settings import Settings

DATASET = """
INSERT INTO meta.dataset (dataset, title_zh, title_en, owner, owner_zh, owner_en, family, origin, source_note,
    personal_data, schedule, arrival_sla, is_active, identifier, columns_described, synced_at)
VALUES (%(dataset)s, %(title_zh)s, %(title_en)s, %(owner)s, %(owner_zh)s, %(owner_en)s, %(family)s,
    %(origin)s, %(source_note)s, %(personal_data)s, %(schedule)s, %(arrival_sla)s, %(is_active)s,
    %(identifier)s, %(columns_described)s, now())
"""
AREA = """
INSERT INTO meta.area (area_code, level, name_zh, name_en, residents, synced_at)
VALUES (%s, %s, %s, %s, %s, now())
"""
DEPARTMENT = (
    "INSERT INTO meta.department (department, name_zh, name_en, synced_at) VALUES (%s, %s, %s, now())"
)
SCENARIO = """
INSERT INTO meta.scenario (scenario, kind, title_zh, title_en, domain, domain_zh, domain_en, provenance,
    synced_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, now())
"""


def write_catalogue_rows(connection: psycopg.Connection, settings: Settings) -> None:
    """Replace the catalogue's rows in schema meta by what its files say, in one transaction. Raises
    ContentError when areas, departments or scenarios are wrong; a wrong dataset file keeps the row it had.
    """
    departments = load_departments()
    active = active_datasets(settings)
    datasets = [
        {
            "dataset": dataset.id,
            "title_zh": dataset.title.zh,
            "title_en": dataset.title.en,
            "owner": dataset.owner,
            "owner_zh": departments[dataset.owner].zh,
            "owner_en": departments[dataset.owner].en,
            "family": dataset.family.value,
            "origin": dataset.origin,
            "source_note": dataset.source_note,
            "personal_data": dataset.personal_data,
            "schedule": dataset.schedule,
            "arrival_sla": dataset.arrival_sla,
            "is_active": dataset.id in active,
            "identifier": dataset.identifier(departments[dataset.owner].uscc),
            "columns_described": len(dataset.columns),
        }
        for dataset in usable_datasets(settings).values()
    ]
    areas = load_areas()
    rows = [
        (county.code, "county", county.zh, county.en, county.residents_thousand * 1000)
        for county in areas.counties
    ]
    rows.append((areas.city.code, "city", areas.city.zh, areas.city.en, sum(row[-1] for row in rows)))
    scenarios = load_scenarios()
    scenario_rows = [
        (
            scenario.id,
            "event" if isinstance(scenario, EventScenario) else "display",
            scenario.zh,
            scenario.en,
            scenario.domain,
            scenarios.domains[scenario.domain].zh,
            scenarios.domains[scenario.domain].en,
            scenario.provenance,
        )
        for scenario in scenarios.all
    ]
    with connection.transaction(), connection.cursor() as cursor:
        # A file that is wrong just now keeps the row it had: its data are still on people's screens.
        files = [path.stem for path in dataset_files(settings)]
        known = [dataset["dataset"] for dataset in datasets]
        cursor.execute(
            "DELETE FROM meta.dataset WHERE dataset = ANY(%s) OR dataset <> ALL(%s)", (known, files)
        )
        cursor.executemany(DATASET, datasets)
        cursor.execute("DELETE FROM meta.area")
        cursor.executemany(AREA, rows)
        cursor.execute("DELETE FROM meta.department")
        cursor.executemany(DEPARTMENT, [(name, d.zh, d.en) for name, d in departments.items()])
        cursor.execute("DELETE FROM meta.scenario")
        cursor.executemany(SCENARIO, scenario_rows)
