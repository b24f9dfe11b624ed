# Superset in its own environment, on top of the platform image whose launcher starts it:
#   docker build --file docker/superset.Dockerfile --build-arg PLATFORM=citybrain/platform --tag citybrain/superset .
ARG PLATFORM=citybrain/platform
# hadolint ignore=DL3006  -- the tag comes with the argument
FROM ${PLATFORM}

USER 0
WORKDIR /opt/citybrain
COPY requirements/superset.txt requirements/superset.txt
RUN uv venv .venv-superset \
    && uv pip sync --no-cache --python .venv-superset/bin/python --require-hashes requirements/superset.txt
USER 10001
CMD ["superset"]
