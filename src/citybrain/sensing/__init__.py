"""Sensing: rules over readings, tracks and tables become signals; a rule is data, `detectors/*/rules.yml`."""
