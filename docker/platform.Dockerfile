# The platform: Airflow's processes, tasks, dbt, the gate and the command line. Built from the repository's root:
#   docker build --file docker/platform.Dockerfile --tag citybrain/platform .
FROM python:3.11-slim-bookworm

ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy \
    VIRTUAL_ENV=/opt/citybrain/.venv PATH=/opt/citybrain/.venv/bin:$PATH \
    CITYBRAIN_PROJECT=/opt/citybrain CITYBRAIN_HOME=/var/lib/citybrain CITYBRAIN_BIND_HOST=0.0.0.0

# The MQTT broker; started as the service mqtt alone, never by the package itself.
# hadolint ignore=DL3008
RUN apt-get update && apt-get install --yes --no-install-recommends mosquitto && rm -rf /var/lib/apt/lists/*

RUN useradd --system --uid 10001 --create-home --home-dir /home/citybrain citybrain \
    && install --directory --owner=citybrain --group=citybrain --mode=700 /var/lib/citybrain

WORKDIR /opt/citybrain
RUN pip install --no-cache-dir uv==0.13.9 && uv venv
# The lock first: a change of our own code does not install 200 packages again.
COPY requirements/main.txt requirements/main.txt
RUN uv pip sync --no-cache --require-hashes requirements/main.txt
COPY LICENSE README.md pyproject.toml ./
COPY src src
RUN uv pip install --no-cache --no-deps --editable .
COPY dags dags
# The help text of the DAGs.
COPY docs/reference docs/reference
COPY dbt_project dbt_project
COPY expectations expectations
COPY dashboards dashboards
COPY policies policies
COPY detectors detectors
# dbt writes its parse cache beside the project.
RUN install --directory --owner=citybrain --group=citybrain dbt_project/target dbt_project/logs

USER 10001
VOLUME /var/lib/citybrain
ENTRYPOINT ["python", "-m", "citybrain.stack.launch"]
CMD ["airflow-scheduler"]
