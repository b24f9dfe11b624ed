"""Rows of the catalogue that dbt joins: datasets with their honest labels, the city and its counties."""

import psycopg

from citybrain.catalogue import active_datasets, dataset_files, load_areas, load_departments, usable_datasets
from citybrain.settings import Settings

DATASET = """
INSERT INTO meta.dataset (dataset, title_zh, title_en, owner, owner_zh, owner_en, family, origin, source_note,
    personal_data, schedule, arrival_sla, is_active, synced_at)
VALUES (%(dataset)s, %(title_zh)s, %(title_en)s, %(owner)s, %(owner_zh)s, %(owner_en)s, %(family)s,
    %(origin)s, %(source_note)s, %(personal_data)s, %(schedule)s, %(arrival_sla)s, %(is_active)s, now())
"""
AREA = """
INSERT INTO meta.area (area_code, level, name_zh, name_en, residents, synced_at)
VALUES (%s, %s, %s, %s, %s, now())
"""


def write_catalogue_rows(connection: psycopg.Connection, settings: Settings) -> None:
    """Replace meta.dataset and meta.area by what the files say, in one transaction. Raises ContentError
    when the areas or departments are wrong; a wrong dataset file keeps the row it had.
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
        }
        for dataset in usable_datasets(settings).values()
    ]
    areas = load_areas()
    rows = [
        (county.code, "county", county.zh, county.en, county.residents_thousand * 1000)
        for county in areas.counties
    ]
    rows.append((areas.city.code, "city", areas.city.zh, areas.city.en, sum(row[-1] for row in rows)))
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
