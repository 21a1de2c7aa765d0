"""Checking: the model is run against its program, and two of them against each other."""
