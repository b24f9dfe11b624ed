"""The bridge: messages of MQTT brokers become objects of the lake, and only then are acknowledged."""
