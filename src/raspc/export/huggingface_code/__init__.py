"""Code that travels beside an exported causal model; it knows transformers, and nothing of raspc."""
