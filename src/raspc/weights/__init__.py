"""Weights: the model as arrays, its forward pass in NumPy, and its form on disk."""

from raspc.weights.config import Config, Output
from raspc.weights.model import BatchOutput, Model, ModelOutput
from raspc.weights.params import Params, shapes
from raspc.weights.saving import Limits, load

__all__ = ["BatchOutput", "Config", "Limits", "Model", "ModelOutput", "Output", "Params", "load", "shapes"]
