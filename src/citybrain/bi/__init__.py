"""Dashboards as files: checked against the marts, compiled, applied, verified, rendered."""
