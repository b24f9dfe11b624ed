"""Calls to 12345 in the demo city: free text about real divisions, made-up compounds, roads and callers."""
