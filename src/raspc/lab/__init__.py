"""The laboratory: what the compiler knows of a model, as values to hold interpretability methods against.

`circuit(model)`: which part reads what of which other part; `model.spaces`: where each variable lives.
"""
