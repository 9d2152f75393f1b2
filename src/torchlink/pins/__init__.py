"""Pins of a project: told, compared, rewritten together, and locked."""
