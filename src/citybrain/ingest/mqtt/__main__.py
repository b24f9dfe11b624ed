"""`python -m citybrain.ingest.mqtt`: the bridge as a service."""

from citybrain.ingest.mqtt.bridge import main

main()
