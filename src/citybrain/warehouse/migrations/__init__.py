"""The tables that are nobody's dataset: schemas, manifest, gate results, quarantine, and who may touch them.

Alembic runs plain SQL files as the owner role; dataset tables follow from `dags/sources/`
(`citybrain.warehouse.raw_tables`).
"""

from pathlib import Path

from alembic import command
from alembic.config import Config

from citybrain.settings import DatabaseRole, Settings


def _config(settings: Settings) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.attributes["url"] = settings.dsn(DatabaseRole.OWNER, scheme="postgresql+psycopg")
    return config


def upgrade(settings: Settings) -> None:
    """Bring the `city` database to the newest revision. Safe to run twice, and by two processes at once.

    The databases and roles must exist. Raises sqlalchemy.exc.SQLAlchemyError when the server refuses.
    """
    command.upgrade(_config(settings), "head")
