"""Events: signals become cases, cases move along transitions kept as data, and every step is recorded.

The room is a Django app (`events`). What pages call: `citybrain.events.acting` (apply, actions_for),
`citybrain.events.photos` (add_photo), `citybrain.events.reporting` (report).
"""
