"""Small functional checks that really run something, each in a process that may die."""
