"""The keys of a node of the graph that `rasp_to_graph` makes."""

from typing import Any

Node = dict[str, Any]
NodeID = str

ID = "ID"
"""The node's name in the graph: the expression's label."""

EXPR = "EXPR"
"""The RASP expression."""

VALUE_SET = "VALUE_SET"
"""The values that an s-op can take."""

OUTPUT_BASIS = "OUTPUT_BASIS"
"""The directions of an s-op in the residual stream."""

MODEL_BLOCK = "MODEL_BLOCK"
"""The part of the model that computes an s-op."""
