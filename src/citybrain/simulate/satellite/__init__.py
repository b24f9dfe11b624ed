"""What is seen from above: quarterly scenes, hot spots, and drone pictures of rivers with their management
lines.

All of it shows one made-up landscape (`landscape`), so that a building of the newest scene stands on the
drone's picture too. No scene, fire, line or picture is real.
"""
