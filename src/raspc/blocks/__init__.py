"""Heads and neurons on named spaces: demands, lowering, schedule, and the block interpreter."""
