"""The demo city's past as the desk would have kept it: 24 months of cases, for the events room to write."""
