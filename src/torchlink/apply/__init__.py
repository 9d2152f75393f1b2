"""Carries a plan out on an environment and a project, as one transaction that is kept whole or undone."""
