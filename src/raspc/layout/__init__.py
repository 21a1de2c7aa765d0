"""Layers, heads, dimensions: which block is where."""
