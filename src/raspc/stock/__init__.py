"""Compiled models in the parameters of stock architectures: one converter, which is linear algebra on named spaces."""
