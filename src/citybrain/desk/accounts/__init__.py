"""Organisations, people, and what a role may do."""
