"""The bridge: messages of MQTT brokers become objects of the lake, none acknowledged before it stands there."""
