"""`python -m citybrain.desk prepare`: tables, roles, organisations and demo accounts, in one process."""

from django.core.management import call_command
from django.core.management.base import BaseCommand

from citybrain.desk.accounts.sync import sync
from citybrain.events.editions import publish
from citybrain.settings import get_settings


class Command(BaseCommand):
    help = (
        "Migrate the desk's tables as their owner, then bring roles, organisations and accounts up to date."
    )

    def handle(self, *_arguments: object, **options: object) -> None:
        call_command("migrate", database="owner", interactive=False, verbosity=options["verbosity"])
        edition, _ = publish()
        done = sync(get_settings())
        self.stdout.write(
            f"{done.roles} roles, {done.organisations} organisations, {done.accounts} accounts,"
            f" case classes {edition.scheme} {edition.version}"
        )
