"""The same interventions in models of other frameworks, by the hooks that these have.

In each of them the model runs as it is, and what its heads mix, its neurons read and its logits are is passed through
the edits of the intervention: exactly what `Intervention` does in NumPy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from raspc import arguments
from raspc.errors import InputError, wrong_kind
from raspc.graph.evaluate import Batch
from raspc.graph.nodes import UNDEFINED
from raspc.lab.forcing import Edits
from raspc.lab.interventions import Intervention
from raspc.run.plain import Ids

Hook = Callable[..., Any]


def edits_of(intervention: Intervention, ids: Any) -> Edits:
    """What is changed in a run on padded ids [input, position], BOS first. Raises InputError for other inputs."""
    config = _intervention(intervention).model.config
    given = np.asarray(ids.detach().cpu().numpy() if hasattr(ids, "detach") else ids)
    if given.ndim != 2 or given.dtype.kind not in "iu" or given.shape[1] < 1:
        raise InputError(f"ids are {given.dtype} of shape {given.shape}, needed whole numbers [input, position]")
    if not ((given >= 0) & (given < config.d_vocab)).all():
        raise InputError(f"ids go from {given.min()} to {given.max()}, needed ids from 0 to {config.d_vocab - 1}")
    found: Ids = given.astype(np.intp)
    real = (found != config.pad_id)[:, 1:]
    tokens = np.where(real, found[:, 1:], UNDEFINED).astype(np.int32)
    return intervention.edits(Batch(tokens, real.sum(axis=1).astype(np.int64), config.causal), found)


def _intervention(given: Any) -> Intervention:
    found: Intervention = arguments.an(Intervention, "intervention", given, "what model.intervene gives")
    return found


@contextmanager
def hooked(intervention: Intervention, module: Any) -> Iterator[Any]:
    """Within it, `model.to("torch")` answers under the intervention.

    with hooked(model.intervene({"opposite": 1}), module):
        logits = module(ids)

    Raises TypeError for another kind of module, InputError for one of another number of layers.
    """
    layers = getattr(module, "layers", None)
    if layers is None or not hasattr(module, "unembed"):
        raise wrong_kind("module", module, 'a module, as model.to("torch") gives it')
    if len(layers) != _intervention(intervention).model.config.n_layers:
        needed = intervention.model.config.n_layers
        raise InputError(f"the module has {len(layers)} layers, the model of the intervention {needed}")
    seen: dict[str, Any] = {}

    def begin(_: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> None:
        seen["edits"] = edits_of(intervention, args[0] if args else kwargs["ids"])

    handles = [module.register_forward_pre_hook(begin, with_kwargs=True)]
    for i, layer in enumerate(layers):
        handles += _layer_hooks(layer, i, seen)
    handles.append(
        module.unembed.register_forward_hook(
            lambda _, x, out: _like(out, seen["edits"].logits(_array(x[0]), _array(out)))
        )
    )
    try:
        yield module
    finally:
        for handle in handles:
            handle.remove()


def _layer_hooks(layer: Any, i: int, seen: dict[str, Any]) -> list[Any]:
    """The hooks of one layer of a PyTorch module."""

    def keep(name: str) -> Hook:
        def kept(_: Any, x: Any, out: Any) -> None:
            seen["x"], seen[name] = _array(x[0]), _array(out)

        return kept

    def mixed(_: Any, x: Any) -> Any:
        found = seen["edits"].mixed(i, seen["x"], seen["q"], seen["k"], seen["v"], _array(x[0]))
        return (_like(x[0], found),)

    def neurons(_: Any, x: Any, out: Any) -> Any:
        return _like(out, seen["edits"].neurons(i, _array(x[0]), _array(out)))

    attn, found = layer.attn, list[Any]()
    if attn.linear is not None:
        sides = zip("qkv", (attn.query, attn.key, attn.value), strict=True)
        found += [side.register_forward_hook(keep(name)) for name, side in sides]
        found.append(attn.linear.register_forward_pre_hook(mixed))
    if layer.mlp.linear_1 is not None:
        found.append(layer.mlp.linear_1.register_forward_hook(neurons))
    return found


def lens_hooks(intervention: Intervention, ids: Any) -> list[tuple[str, Hook]]:
    """Hook functions for TransformerLens: `lens.run_with_hooks(ids, fwd_hooks=lens_hooks(intervention, ids))`.

    They are for these ids [input, position], which open with BOS.
    """
    edits, seen = edits_of(intervention, ids), dict[str, Any]()
    found: list[tuple[str, Hook]] = []
    for i in range(intervention.model.config.n_layers):
        found += _lens_layer(edits, seen, i)

    def last(x: Any, hook: Any) -> None:
        seen["last"] = _array(x)

    def logits(out: Any, hook: Any) -> Any:
        return _like(out, edits.logits(seen["last"], _array(out)))

    return [*found, ("unembed.hook_in", last), ("unembed.hook_out", logits)]


def _lens_layer(edits: Edits, seen: dict[str, Any], i: int) -> list[tuple[str, Hook]]:
    def keep(name: str) -> Hook:
        def kept(x: Any, hook: Any) -> None:
            seen[name] = _flat(_array(x))

        return kept

    def mixed(z: Any, hook: Any) -> Any:
        given = _array(z)
        found = edits.mixed(i, seen["pre"], seen["q"], seen["k"], seen["v"], _flat(given))
        return _like(z, np.reshape(found, given.shape))

    def neurons(out: Any, hook: Any) -> Any:
        return _like(out, edits.neurons(i, seen["mid"], _array(out)))

    block = f"blocks.{i}"
    return [
        (f"{block}.hook_resid_pre", keep("pre")),
        *((f"{block}.attn.hook_{name}", keep(name)) for name in "qkv"),
        (f"{block}.attn.hook_z", mixed),
        (f"{block}.hook_resid_mid", keep("mid")),
        (f"{block}.mlp.hook_pre", neurons),
    ]


def _flat(x: Any) -> Any:
    """Heads side by side: [input, position, head · d_head]."""
    return x.reshape(*x.shape[:2], -1)


def _array(x: Any) -> Any:
    return x.detach().cpu().numpy()


def _like(tensor: Any, found: Any) -> Any:
    """An array as a tensor; the tensor itself where nothing was changed, so that gradients flow through it."""
    given = _array(tensor)
    if found is given or (np.shape(found) == given.shape and np.array_equal(found, given)):
        return tensor
    changed = np.asarray(found) != given
    new = tensor.new_tensor(np.asarray(found))
    return tensor.where(tensor.new_tensor(~changed).bool(), new)
