"""What `dags/*.py` are wired from: defaults, assets and task factories. The only room that imports airflow.

Nothing heavy is imported at module level (no pyarrow, psycopg, dbt or Great Expectations): the DAG processor
reads these modules at every parse, the work itself is imported inside the tasks.
"""
