"""Circuits in the formats of the tools that find them: EAP-IG and MIB, AutoCircuit, ACDC, InterpBench.

    graph = formats.tool_graph(model.circuit(), chosen=model.circuit().under("resample").names)
    formats.write("reverse.json", graph, "eap")
    formats.read("reverse.json", "eap")

`tool_graph`: a circuit as these tools see a model. `eap_graph`, `auto_circuit_names` and `acdc_tuples` give it as
values of Python. `write_case` and `read_case`: a model and its circuit as a case of InterpBench, in JSON and
safetensors.
"""

from raspc.lab.formats.acdc import acdc_tuples
from raspc.lab.formats.auto_circuit import auto_circuit_names
from raspc.lab.formats.eap import eap_graph
from raspc.lab.formats.files import FORMATS, read, write
from raspc.lab.formats.interpbench import Case, read_case, write_case
from raspc.lab.formats.tool_graph import Marked, ToolGraph, tool_graph

__all__ = [
    "FORMATS",
    "Case",
    "Marked",
    "ToolGraph",
    "acdc_tuples",
    "auto_circuit_names",
    "eap_graph",
    "read",
    "read_case",
    "tool_graph",
    "write",
    "write_case",
]
