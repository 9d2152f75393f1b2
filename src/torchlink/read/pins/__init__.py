"""Version pins in every kind of file: one reader a kind, behind the contract of ``interface.py``."""
