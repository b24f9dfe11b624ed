"""Open311 GeoReport v2: what citizens' applications report and read, as the published standard has it."""
