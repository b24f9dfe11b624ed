"""The warehouse: connections, roles, migrations and raw tables of the `city` database."""
