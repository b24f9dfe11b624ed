"""The desk: the Django site in which people decide. Its apps' models live beside the rooms they serve."""
