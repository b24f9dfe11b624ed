"""The operations centre's live page: the map, what is open, places that flood, teams and pumps, devices."""
