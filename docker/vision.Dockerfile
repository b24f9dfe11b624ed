# The vision workers in their own environment, on top of the platform image whose launcher starts them. About 6 GB: torch brings
# NVIDIA's libraries along and does not import without them.
#   docker build --file docker/vision.Dockerfile --build-arg PLATFORM=citybrain/platform --tag citybrain/vision .
ARG PLATFORM=citybrain/platform
# hadolint ignore=DL3006  -- the tag comes with the argument
FROM ${PLATFORM}

USER 0
WORKDIR /opt/citybrain
# The captions of evidence frames are Chinese.
# hadolint ignore=DL3008
RUN apt-get update && apt-get install --yes --no-install-recommends fonts-noto-cjk && rm -rf /var/lib/apt/lists/*
COPY requirements/vision.txt requirements/vision.txt
RUN uv venv .venv-vision \
    && uv pip sync --no-cache --python .venv-vision/bin/python --require-hashes requirements/vision.txt \
    && uv pip install --no-cache --python .venv-vision/bin/python --no-deps --editable .
USER 10001
CMD ["vision"]
