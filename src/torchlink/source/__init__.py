"""Edits of a project's own source, by the behaviour rules."""
