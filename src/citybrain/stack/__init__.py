"""The embedded stack: PostgreSQL, S3, Airflow, Superset and two static sites, supervised as processes."""
