"""Checkpoints of stock families: directories that unmodified software loads, with no code of ours in them."""
