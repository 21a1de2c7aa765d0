"""A model as a directory of data: no pickle, no code, the same bytes from every process.

    config.json        sizes, vocabulary, output, the certificate, and the hash that ties the files together
    model.safetensors  the parameters under their canonical names, float32
    graph.json         the tabulated program, before the passes and after them
    labels.json        residual labels and the alignment
    plan.json          all that the compiler decided, by which the model is certified, traced and explained
    plan.safetensors   the arrays that the plan names

Format 1 had no plan; it is read as well.

A directory from a stranger may be malformed or huge: `load` raises ModelFormatError and nothing else, in
memory bounded by `Limits`.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from msgspec.structs import replace

from raspc import arguments, jsonvalues
from raspc.errors import ModelFormatError, RaspcError
from raspc.graph import Graph, GraphLimits, from_json, to_json
from raspc.plan import files as plans
from raspc.plan.fitting import plan_faults
from raspc.plan.plan import Plan
from raspc.plan.switches import OPTIONAL
from raspc.run.plain import Array
from raspc.target import Axes
from raspc.weights import files, replacing
from raspc.weights.align import alignment as aligned
from raspc.weights.align import alignment_of_old
from raspc.weights.alignment import Alignment
from raspc.weights.certificate import Certificate
from raspc.weights.config import Config
from raspc.weights.fitting import alignment_faults, frame_faults
from raspc.weights.format1 import plan_of
from raspc.weights.model import Model
from raspc.weights.params import Params, parameters_of, shapes

CONFIG, WEIGHTS, GRAPH, LABELS = "config.json", "model.safetensors", "graph.json", "labels.json"
HASHED = (WEIGHTS, GRAPH, LABELS, plans.PLAN, plans.ARRAYS)
"""The files beside the config, in the order in which they are hashed; the plan's are there since format 2."""


@dataclass(frozen=True)
class Limits:
    """The most that `load` reads, in bytes, file by file; and what a graph may claim.

    Pass larger ones to load a larger model.
    """

    config: int = 16 * 2**20
    weights: int = 4 * 2**30
    header: int = 16 * 2**20
    graph: int = 64 * 2**20
    labels: int = 64 * 2**20
    plan: int = 64 * 2**20
    arrays: int = 256 * 2**20
    claims: GraphLimits = field(default_factory=GraphLimits)


READS = 100
"""How often a directory is read anew that was replaced while it was read."""

DEFAULT_LIMITS = Limits()


def save(model: Model, directory: str | PathLike[str], beside: Mapping[str, bytes] | None = None) -> None:
    """Write the files into a temporary sibling of `directory`, then rename it.

    `beside`: other files of the directory, by name, which appear with the model's. Raises InputError for a path that
    cannot be written or that holds something other than a model, and UnsupportedProgram for values that JSON lacks; the
    old directory is then untouched.
    """
    arguments.path("directory", directory)
    contents = to_files(model) | dict(beside or {})
    with files.fresh_directory(directory, marker=CONFIG) as building:
        files.write_files(building, contents)


def to_files(model: Model) -> dict[str, bytes]:
    """The bytes of each file. Raises UnsupportedProgram for values that JSON lacks."""
    contents = {
        WEIGHTS: _weights_bytes(model),
        GRAPH: jsonvalues.dumps(_graphs(model)),
        LABELS: jsonvalues.dumps(
            {"residual_labels": list(model.residual_labels), "alignment": model.alignment.to_json()}
        ),
    }
    contents |= plans.to_files(plan_of(model))
    config = model.config.to_json() | {"certificate": _plain(model.certificate)}
    return contents | {CONFIG: jsonvalues.dumps(config | {"hash": _hash(config, contents)}, indent=1)}


def fingerprint(model: Model) -> str:
    """The hash that ties the files of the model together. Raises UnsupportedProgram for values that JSON lacks."""
    found: str = jsonvalues.loads(to_files(model)[CONFIG])["hash"]
    return found


def _weights_bytes(model: Model) -> bytes:
    from safetensors.numpy import save as safetensors_bytes

    # `Params` are contiguous, without which safetensors writes wrong numbers silently; and there is no
    # metadata, whose order would change the bytes from run to run.
    arrays: dict[str, Array] = dict(model.params)
    return safetensors_bytes(arrays)


def _graphs(model: Model) -> dict[str, Any] | None:
    """The graph that the blocks compute, the one before the passes if they changed it, and the passes left out."""
    if model.graph is None:
        return None
    program = None if model.program is model.graph else to_json(model.as_written)
    without = {"without": list(model.without)} if model.without else {}
    return {**to_json(model.graph), "program": program, **without}


def _plain(certificate: Certificate | None) -> dict[str, Any] | None:
    return None if certificate is None else certificate.to_json()


def _hash(config: Mapping[str, Any], contents: Mapping[str, bytes]) -> str:
    """Over the graph, the weights, the labels, the plan, and the rest of the config: what belongs together."""
    digest = hashlib.sha256(jsonvalues.dumps(config))
    for name in (name for name in HASHED if name in contents):
        digest.update(hashlib.sha256(contents[name]).digest())
    return digest.hexdigest()


def load(directory: str | PathLike[str], limits: Limits = DEFAULT_LIMITS) -> Model:
    """The model in a directory that `save` wrote; the old or the new one where a save replaces it meanwhile.

    Raises ModelFormatError for everything else, whoever made it.
    """
    for _ in range(READS):
        path = _directory(directory)
        found = replacing.identity(path)
        try:
            return _load(path, limits)
        except ModelFormatError:
            if replacing.identity(path) == found:
                raise
    raise ModelFormatError(f"{path}: is replaced again and again while it is read; load it when its writers are done")


def _load(path: Path, limits: Limits) -> Model:
    config, written, stated = _read_config(files.read_file(path, CONFIG, limits.config))
    most = {WEIGHTS: _most_of_weights(config, limits), GRAPH: limits.graph, LABELS: limits.labels}
    if written["format_version"] > 1:
        most |= {plans.PLAN: limits.plan, plans.ARRAYS: limits.arrays}
    contents = {name: files.read_file(path, name, size) for name, size in most.items()}
    said = written["certificate"]
    params = parse_safetensors(contents[WEIGHTS], config, limits.header)
    labels, alignment = _read_labels(contents[LABELS], config)
    certificate = None if said is None else Certificate.from_json(said, f"{CONFIG}: certificate")
    graph, program, without = _read_graphs(contents[GRAPH], limits.claims)
    if faults := [*frame_faults(config, graph), *alignment_faults(alignment, config, graph)]:
        raise ModelFormatError(f"{path}: " + "; ".join(faults[:5]))
    if stated != _hash(written, contents):
        raise ModelFormatError(
            f"{path}: the files do not belong together (their hash differs from the one in {CONFIG}); "
            "save the model again"
        )
    plan = _read_plan(contents, config, alignment, graph, program)
    return Model(config, params, labels, alignment, graph, certificate, program, without, plan)


def _most_of_weights(config: Config, limits: Limits) -> int:
    """How large the file of weights may be: a sparse one that the config does not need is not read."""
    needed = 8 + limits.header + 4 * parameters_of(config)
    if needed - limits.header > limits.weights:
        raise ModelFormatError(f"{CONFIG}: needs {needed} bytes of weights, the limit is {limits.weights}")
    return min(needed, limits.weights)


PROGRAMS = (".rasp", ".crasp", ".brasp", ".py")
"""How files of programs end, which are no models yet."""


def _directory(directory: str | PathLike[str]) -> Path:
    if str(directory) == "":
        raise ModelFormatError(f"the path is empty; {NEEDED}")
    try:
        path = Path(directory)
        found = path.is_dir()
    except (OSError, ValueError, TypeError) as error:
        raise ModelFormatError(f"{directory!r}: not a path: {error}") from error
    if not found:
        kind = "a file" if path.is_file() else "no such directory"
        advice = f"; a program is compiled first: `raspc compile {path}`" if path.suffix in PROGRAMS else ""
        raise ModelFormatError(f"{path}: {kind}; {NEEDED}{advice}")
    return path


NEEDED = "needed a directory that `raspc compile -o` or `save` wrote"


def _read_config(data: bytes) -> tuple[Config, dict[str, Any], Any]:
    """The config, all that is written but the hash, and the hash."""
    obj = jsonvalues.loads(data, CONFIG)
    if not isinstance(obj, dict) or not {"certificate", "hash"} <= set(obj):
        raise ModelFormatError(f"{CONFIG}: needed an object with a certificate and a hash; is this a saved model?")
    stated = obj.pop("hash")
    return Config.from_json({name: obj[name] for name in obj if name != "certificate"}), obj, stated


def _read_labels(data: bytes, config: Config) -> tuple[list[str], Alignment]:
    obj = jsonvalues.loads(data, LABELS)
    if not isinstance(obj, dict) or set(obj) != {"residual_labels", "alignment"}:
        raise ModelFormatError(f"{LABELS}: needed an object with residual_labels and alignment")
    labels, alignment = obj["residual_labels"], obj["alignment"]
    if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
        raise ModelFormatError(f"{LABELS}: residual_labels must be a list of strings")
    if len(labels) != config.d_model:
        raise ModelFormatError(f"{LABELS}: found {len(labels)} residual labels, needed {config.d_model}")
    return labels, Alignment.from_json(alignment, f"{LABELS}: alignment")


def _read_graphs(data: bytes, limits: GraphLimits) -> tuple[Graph | None, Graph | None, tuple[str, ...]]:
    """The graph, the one before the passes, and the passes left out; no graph where the model was saved without one.

    Whatever reading it raises is a fault of the file: a stranger wrote it, and the promise is one error.
    """
    obj = jsonvalues.loads(data, GRAPH)
    if obj is None:
        return None, None, ()
    graph = _read_graph(obj, limits)
    inner = obj.get("program")
    if isinstance(inner, dict) and inner.get("program") is not None:
        raise ModelFormatError(f"{GRAPH}: a program has passed its passes once only")
    program = graph if inner is None else _read_graph(inner, limits)
    if _frame(graph) != _frame(program):
        raise ModelFormatError(f"{GRAPH}: the program is of another vocabulary, length or mask than the graph")
    without = obj.get("without", [])
    if not isinstance(without, list) or not set(map(repr, without)) <= set(map(repr, OPTIONAL)):
        raise ModelFormatError(f"{GRAPH}: without must be names of passes")
    return graph, program, tuple(without)


def _read_plan(
    contents: Mapping[str, bytes], config: Config, alignment: Alignment, graph: Graph | None, program: Graph | None
) -> Plan | None:
    """The plan, if there is one; it fits what it is a plan of."""
    if plans.PLAN not in contents:
        return None
    plan = plans.from_files(contents[plans.PLAN], contents[plans.ARRAYS], graph, program)
    narrowed = {} if alignment.compression is None else {"d_model": alignment.compression.full}
    if plan is not None and (
        faults := list(plan_faults(plan, config.d_vocab_out, vars(config) | _of_the_plain(config) | narrowed))
    ):
        raise ModelFormatError(f"{plans.PLAN}: " + "; ".join(faults[:5]))
    if plan is not None and not any(_is_aligned(alignment, told(plan)) for told in (aligned, alignment_of_old)):
        raise ModelFormatError(f"{LABELS}: the alignment is not that of the plan")
    return plan


def _of_the_plain(config: Config) -> dict[str, int]:
    """The sizes of the plain model, where the parameters are those of a stock family."""
    held = config.held
    names = ("d_model", "n_heads", "d_head", "d_mlp")
    return {} if held is None else {name: getattr(held, name) for name in names}


def _is_aligned(said: Alignment, planned: Alignment) -> bool:
    """Whether an alignment is that of a plan, but for spaces that a change of basis has taken away.

    In a model whose heads and neurons were brought to another order, other parts compute each variable.
    """
    if said.permutation is not None:
        said, planned = (_anywhere(one) for one in (said, planned))
    return said.variables.keys() == planned.variables.keys() and all(
        facts in (planned.variables[label], replace(planned.variables[label], spaces=()))
        for label, facts in said.variables.items()
    )


def _anywhere(alignment: Alignment) -> Alignment:
    """The alignment without the parts that compute each variable."""
    return replace(
        alignment, variables={label: replace(facts, computed_by=()) for label, facts in alignment.variables.items()}
    )


def _frame(graph: Graph) -> tuple[Any, ...]:
    """What two graphs of one program have in common."""
    return graph.vocab, graph.max_seq_len, graph.causal, graph.where, graph.variable(graph.output).domain


def _read_graph(obj: Any, limits: GraphLimits) -> Graph:
    try:
        return from_json(obj, limits)
    except Exception as error:
        words = str(error) if isinstance(error, RaspcError) else f"malformed ({type(error).__name__}: {error})"
        raise ModelFormatError(f"{GRAPH}: {words}") from error


def parse_safetensors(data: bytes, config: Config, most_header: int) -> Params:
    """The parameters, after the header has been compared with what the config needs.

    Nothing is allocated on the word of the header: names, types, shapes and offsets must be exactly those of
    the config, back to back, up to the last byte. Raises ModelFormatError.
    """
    header, body = _header(data, most_header)
    _check_count(config, len(header), len(body))
    needed = shapes(config)
    if faults := [fault for name in needed if (fault := _entry_fault(header, name, needed[name]))]:
        raise ModelFormatError(f"{WEIGHTS}: " + "; ".join(faults[:5]))
    spans = sorted(header[name]["data_offsets"] for name in needed)
    starts, ends = [span[0] for span in spans], [span[1] for span in spans]
    if starts != [0, *ends[:-1]] or ends[-1] != len(body):
        raise ModelFormatError(f"{WEIGHTS}: the tensors do not fill the file back to back; is it truncated?")
    return Params({name: _array(body, header[name], needed[name]) for name in needed}, config)


def _header(data: bytes, most: int) -> tuple[dict[str, Any], memoryview]:
    if len(data) < 8:
        raise ModelFormatError(f"{WEIGHTS}: truncated: found {len(data)} bytes")
    (size,) = struct.unpack("<Q", data[:8])
    if size > min(most, len(data) - 8):
        raise ModelFormatError(f"{WEIGHTS}: the header claims {size} bytes; truncated or altered")
    header = jsonvalues.loads(data[8 : 8 + size], f"{WEIGHTS} header")
    if not isinstance(header, dict):
        raise ModelFormatError(f"{WEIGHTS}: the header is not an object")
    header.pop("__metadata__", None)
    return header, memoryview(data)[8 + size :]


def tensors_of(config: Config) -> int:
    """How many parameters there are: so many at the ends, and so many a layer."""
    if config.held is None:
        return 4 + sum(2 * len(widths.roles) for widths in config.widths)
    one, two = (len(shapes(config.with_layers(n))) for n in (1, 2))
    return one + (config.n_layers - 1) * (two - one)


def _check_count(config: Config, tensors: int, size: int) -> None:
    """Before any shape is listed, so that a config which claims a billion layers costs nothing."""
    if (many := tensors_of(config)) != tensors:
        raise ModelFormatError(f"{WEIGHTS}: found {tensors} tensors, needed {many}: four, and two for each linear map")
    needed = 4 * parameters_of(config)
    if needed != size:
        raise ModelFormatError(f"{WEIGHTS}: found {size} bytes of tensors, needed {needed}; truncated or altered")


def _entry_fault(header: Mapping[str, Any], name: str, shape: Axes) -> str | None:
    entry = header.get(name)
    if not isinstance(entry, dict) or set(entry) != {"dtype", "shape", "data_offsets"}:
        return f"{name} is missing or malformed"
    if entry["dtype"] != "F32" or entry["shape"] != list(shape):
        return f"{name} is {str(entry['dtype'])[:20]} {str(entry['shape'])[:60]}, needed F32 {list(shape)}"
    offsets, size = entry["data_offsets"], 4 * int(np.prod(shape, dtype=object))
    if not isinstance(offsets, list) or len(offsets) != 2 or not all(type(offset) is int for offset in offsets):
        return f"{name} has malformed offsets"
    return None if offsets[1] - offsets[0] == size else f"{name} has offsets that do not fit its shape"


def _array(body: memoryview, entry: Mapping[str, Any], shape: Axes) -> Array:
    start, end = entry["data_offsets"]
    return np.frombuffer(body[start:end], dtype="<f4").reshape(shape)
