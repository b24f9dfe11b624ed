"""The vision room: cameras are looked at in rounds; what stands where nothing may stand becomes a signal.

Importing the room is light: torch and ultralytics are imported when a network is first loaded.
"""
