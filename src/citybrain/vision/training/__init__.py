"""Training a detector from a recipe, measuring it, and shipping its weights; all of it in the vision
environment.
"""
