"""Readers of the files that checkpoints come in. Each says what a file holds; none judges it."""
