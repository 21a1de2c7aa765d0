"""Alignment and certificate are records: what a file says of them is checked once, and read by name or by subscript."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from math import inf
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests import hostile
from tests.hand_built import random_model

import raspc
from raspc import jsonvalues, library
from raspc.compress.rotation import rotate
from raspc.errors import InputError, ModelFormatError
from raspc.records import Record
from raspc.study.ablation import ablations
from raspc.study.explain import explain
from raspc.weights import Model, load, saving
from raspc.weights.alignment import (
    Alignment,
    BoundFacts,
    Compression,
    DesignFacts,
    HeadPart,
    NeuronPart,
    Permutation,
    ScheduleFacts,
)
from raspc.weights.certificate import LARGEST, VERDICTS, Certificate, Link, Measured

KINDS: dict[str, type[Record]] = {"alignment": Alignment, "certificate": Certificate}

ATTRIBUTES = {"for": "block", "values": "moved"}
"""Fields whose names in files are words of Python, or methods of a record."""


@cache
def compiled(name: str, level: int = 2) -> Model:
    """A program of the library for short inputs."""
    entry = library.get(name)
    length = min(entry.max_seq_len, 4)
    return raspc.compile(entry.program, entry.vocab, length, causal=entry.causal, optimize=level)


def written(model: Model) -> dict[str, Any]:
    """Alignment and certificate as the files of a model hold them."""
    held = saving.to_files(model)
    config, labels = (jsonvalues.loads(held[name]) for name in (saving.CONFIG, saving.LABELS))
    return {"alignment": labels["alignment"], "certificate": config["certificate"]}


@cache
def samples() -> tuple[tuple[str, Any], ...]:
    """Records of both kinds as JSON, which between them have every field."""
    wide = compiled("sort_freq")
    found = [
        (kind, obj) for model in (*map(compiled, ("reverse", "hist")), wide) for kind, obj in written(model).items()
    ]
    rotated = rotate(compiled("hist", 1), 3)
    narrowed = msgspec.structs.replace(
        rotated.alignment,
        compression=Compression(3, "pca", None, 0, 9),
        schedule=ScheduleFacts("greedy", False, {"heads": BoundFacts(3, 2, 0.3333)}),
        design=DesignFacts(1, ("steep",)),
        objective="size",
        frontier=((1, 400), (2, 90)),
        permutation=Permutation(1),
        sharpness=0.5,
        margin=10.0,
    )
    failing = raspc.certificate(compiled("double_hist", 1), "bfloat16", accumulate="stored", tolerance=True)
    run = Measured(7, False, 0.5, 1, ("a", (1, 2.5)))
    told = msgspec.structs.replace(failing, longest=2, measured=run, writes="writes tokens")
    return (*found, *written(rotated).items(), ("alignment", narrowed.to_json()), ("certificate", told.to_json()))


def records(record: Any) -> Iterator[Record]:
    """A record and all that are in it."""
    if isinstance(record, Record):
        yield record
        record = {name: getattr(record, name) for name in record.__struct_fields__}
    inner = record.values() if isinstance(record, Mapping) else record if isinstance(record, tuple) else ()
    for item in inner:
        yield from records(item)


def names_of(record: Record) -> list[str]:
    """The types of all records in one; files order variables by name."""
    return sorted(type(inner).__name__ for inner in records(record))


# -- there and back ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(library.PROGRAMS))
def test_a_saved_model_has_the_same_records(name: str, tmp_path: Path) -> None:
    """For every program of the library; and the files are written as they were."""
    model = compiled(name)
    model.save(tmp_path / "model")
    again = load(tmp_path / "model")
    assert (again.alignment, again.certificate) == (model.alignment, model.certificate)
    assert saving.to_files(again) == saving.to_files(model)
    assert isinstance(again.alignment, Alignment) and isinstance(again.certificate, Certificate)
    assert names_of(again.alignment) == names_of(model.alignment)


def test_every_field_is_met() -> None:
    """The samples of this file leave no field of any record at its default throughout."""
    met: dict[type[Record], set[str]] = {}
    for kind, obj in samples():
        for record in records(KINDS[kind].from_json(obj, kind)):
            met.setdefault(type(record), set()).update(record.keys())
    for kind, names in met.items():
        own = {field.encode_name for field in msgspec.structs.fields(kind)} - {"at"}
        assert own - names == set(), kind.__name__
    assert {HeadPart, NeuronPart, Link, Measured} <= set(met)


def test_a_record_reads_alike_by_name_and_by_subscript() -> None:
    """Subscripts give what the file holds, and attributes the same as values."""
    for kind, obj in samples():
        record = KINDS[kind].from_json(obj, kind)
        assert record.to_json() == obj == dict(record)
        assert (list(record), len(record)) == (list(record.keys()), len(obj))
        assert record == obj and record != {} and record != 3
        assert (record != obj) is False
        agree(record, obj)


def agree(value: Any, obj: Any) -> None:
    """A value of a record is that of the JSON."""
    if isinstance(value, Record):
        for name, inner in obj.items():
            assert value[name] == inner == value.get(name) and name in value
            if name not in ("sublayer", "tokens", "example"):
                agree(getattr(value, ATTRIBUTES.get(name, name)), inner)
    elif isinstance(value, Mapping):
        assert list(value) == list(obj)
        for name, inner in obj.items():
            agree(value[name], inner)
    elif isinstance(value, tuple):
        assert len(value) == len(obj)
        for one, other in zip(value, obj, strict=True):
            agree(one, other)
    else:
        assert value == (inf if obj == LARGEST else obj)


def test_subscripts_of_before_keep_working() -> None:
    """As users wrote them when both were dictionaries."""
    model = compiled("hist", 1)
    assert model.certificate is not None and model.certificate["verdict"] == "proved" == model.certificate.verdict
    assert model.certificate["holds"] and model.certificate["proved"] and model.certificate["measured"] is None
    space = model.alignment["variables"]["hist"]["spaces"][0]
    assert space["dims"] == list(model.alignment.variables["hist"].spaces[0].dims)
    parts = model.alignment["variables"]["hist"]["computed_by"]
    assert [part["neurons"] for part in parts if part["sublayer"] == "mlp"]
    assert "rotation" not in model.alignment and model.alignment.get("rotation", 5) == 5
    assert {**model.alignment}.keys() == set(model.alignment)
    with pytest.raises(KeyError):
        model.alignment["rotation"]


def test_tokens_of_every_kind_come_back() -> None:
    """Those of an example and of a failing input: JSON has neither tuples nor infinities, nor infinite margins."""
    tokens = ("a", 1, (1, (2.5, None)), inf)
    link = Link("answer", "x", float("nan"), 1.0, "logits", {3: 1}, tokens)
    measured = Measured(7, False, 0.5, 2, tokens)
    found = Certificate("float32", 4, "fails", (link,), ("assumed",), measured)
    again = Certificate.from_json(jsonvalues.loads(jsonvalues.dumps(found.to_json())), "certificate")
    assert again == found
    assert again.links[0].example == tokens and again.measured is not None and again.measured.tokens == tokens
    assert again.links[0].needed == inf and found["links"][0]["needed"] == LARGEST
    assert found.links[0].at == {3: 1} and again.links[0].at == {}


# -- values ------------------------------------------------------------------------------------------


def test_records_are_values() -> None:
    """Frozen, and the same after pickling and copying."""
    seen: set[type[Record]] = set()
    for kind, obj in samples():
        whole = KINDS[kind].from_json(obj, kind)
        for twin in (pickle.loads(pickle.dumps(whole)), copy.copy(whole), copy.deepcopy(whole)):
            assert twin == whole and names_of(twin) == names_of(whole)
        for record in records(whole):
            for name in record.__struct_fields__:
                with pytest.raises(AttributeError):
                    setattr(record, name, getattr(record, name))
            seen.add(type(record))
    assert len(seen) > 10


def test_a_change_of_json_data_changes_no_record() -> None:
    """What a subscript gives is a copy."""
    model = compiled("hist", 1)
    model.alignment["variables"]["hist"]["spaces"].clear()
    assert model.alignment["variables"]["hist"]["spaces"] and model.alignment.variables["hist"].spaces


# -- malformed ---------------------------------------------------------------------------------------

OPTIONAL = {
    *Alignment.__struct_fields__,
    "values", "column", "until_stage", "cleared", "bounds", "changed", "stored", "given_up",
    "summation", "accumulate", "probabilities", "tolerance", "longest", "failures", "tokens", "example", "writes",
}  # fmt: skip
"""Fields that a record may lack."""
MAPPINGS = {"variables", "selectors", "bounds", "before", "after"}
"""Fields whose keys are names of the program."""
SURE = ("selectors", "sublayer")
"""What a selector uses is a head, whether it says so or not."""
UNBOUNDED = {"needed", "present", "gap", "max_error", "tolerance", "inputs", "failures", "seed"}
"""Numbers that may be large, or are no counts."""


def place_of(kind: str, path: tuple[Any, ...]) -> str:
    """Where a message says that a fault is."""
    found, above = kind, ""
    for step in path:
        found += f"[{step}]" if isinstance(step, int) else "[...]" if above in MAPPINGS else f".{step}"
        above = step if isinstance(step, str) and above not in MAPPINGS else ""
    return found


def faults() -> Iterator[tuple[str, Any, str]]:
    """A kind, JSON of it with one fault, and the place of that."""
    for kind, obj in samples():
        for path in hostile.paths(obj):
            if {"example", "tokens"} & {*path[:-1]} or path[-1] in ("holds", "proved", "verdict"):
                continue
            old, name = hostile.at(obj, path), path[-1]
            named = len(path) > 1 and path[-2] in MAPPINGS
            if isinstance(name, str) and name not in OPTIONAL and not named and path[:1] + path[-1:] != SURE:
                yield kind, changed(obj, path), place_of(kind, path[:-1])
            for value in wrong(name, old):
                # a part of another sublayer is told by what it then lacks
                yield kind, changed(obj, path, value), place_of(kind, path if name != "sublayer" else path[:-1])


def wrong(name: Any, old: Any) -> Iterator[Any]:
    """What a field cannot be: of another type, negative, huge."""
    yield [["x"]] if isinstance(old, str | int | float | bool | None) else 7
    if isinstance(old, str):
        yield 7
    elif type(old) in (int, float):
        yield "x"
        yield True
    if type(old) is int and name not in ("needed", "present"):
        yield -2
        yield from () if name in UNBOUNDED else (2**31, 10**30)
    if type(old) is int and name not in UNBOUNDED:
        yield old + 0.5


def changed(obj: Any, path: tuple[Any, ...], *value: Any) -> Any:
    """A copy with another value at a place, or with nothing there."""
    found = copy.deepcopy(obj)
    holder = hostile.at(found, path[:-1])
    if value:
        holder[path[-1]] = value[0]
    else:
        del holder[path[-1]]
    return found


def test_a_malformed_record_is_refused_with_the_place() -> None:
    """Every field in turn left out, of another type, negative or huge; and fields that no one knows."""
    count = 0
    for kind, obj, place in faults():
        with pytest.raises(ModelFormatError) as caught:
            KINDS[kind].from_json(obj, kind)
        told = str(caught.value)
        assert told.startswith((f"{place}: ", f"{place}.", f"{place}[")), (told, place)
        assert len(told) < 400 and "`" not in told and "$" not in told
        count += 1
    assert count > 3000
    with pytest.raises(ModelFormatError, match=r"^alignment.passes\[0\]: object contains unknown field more"):
        Alignment.from_json({"passes": [{"name": "x", "before": {}, "after": {}, "more": 1}]}, "alignment")


VERDICT_FAULTS = {
    "unknown": ({"verdict": "certain"}, "certificate: unknown verdict 'certain'; known are proved, measured, fails"),
    "of another type": ({"verdict": 3}, "certificate.verdict: needed str, found int"),
    "holds otherwise": ({"holds": False}, "certificate: holds and proved are not those of the verdict 'proved'"),
    "proved a number": ({"proved": 1}, "certificate: holds and proved are not those of the verdict 'proved'"),
    "an example of objects": (
        {"links": [{"kind": "tie", "name": "x", "needed": 0, "present": 1, "unit": "", "example": [{}]}]},
        r"certificate.links\[0\]: found {}, needed a value",
    ),
    "a place in a graph": (
        {"links": [{"kind": "tie", "name": "x", "needed": 0, "present": 1, "unit": "", "at": {"1": 2}}]},
        r"certificate.links\[0\].at: ",
    ),
}


@pytest.mark.parametrize("name", VERDICT_FAULTS)
def test_a_certificate_says_one_thing(name: str) -> None:
    """A verdict is known, and whether the model holds and is proved follows from it."""
    change, words = VERDICT_FAULTS[name]
    sound = written(compiled("hist"))["certificate"]
    with pytest.raises(ModelFormatError, match=f"^{words}"):
        Certificate.from_json(sound | change, "certificate")
    for gone in ("holds", "proved", "verdict"):
        with pytest.raises(ModelFormatError, match=f"certificate: .*{gone}"):
            Certificate.from_json({k: v for k, v in sound.items() if k != gone}, "certificate")


def test_a_verdict_is_told_by_one_table() -> None:
    """Each says whether the model holds and is proved; nothing is proved that does not hold."""
    for verdict, meaning in VERDICTS.items():
        found = Certificate("float32", 4, verdict, (), (), None)
        assert (found.holds, found.proved) == (meaning.holds, meaning.proved)
        assert meaning.holds or not meaning.proved
        assert Certificate.from_json(found.to_json(), "certificate") == found


# -- models by hand ----------------------------------------------------------------------------------


def test_a_model_takes_json_objects() -> None:
    """As tests and users build them; the model then holds records."""
    model, objects = compiled("hist", 1), written(compiled("hist", 1))
    again = replace(model, **objects)
    assert isinstance(again.alignment, Alignment) and isinstance(again.certificate, Certificate)
    assert (again.alignment, again.certificate) == (model.alignment, model.certificate)
    assert Model(model.config, model.params).alignment == {} == Alignment()
    certificate = raspc.certificate(model)
    assert replace(model, certificate=certificate).certificate is certificate


def test_a_model_refuses_what_is_no_record() -> None:
    """One error for JSON of another form, a TypeError for a graph of another kind."""
    model = random_model()
    with pytest.raises(ModelFormatError, match="alignment: object contains unknown field x"):
        replace(model, alignment={"x": object()})
    with pytest.raises(ModelFormatError, match="alignment: needed object, found int"):
        replace(model, alignment=3)
    with pytest.raises(ModelFormatError, match="certificate: object contains unknown field x"):
        replace(model, certificate={"x": float("nan")})
    with pytest.raises(TypeError, match="graph is of type dict, needed a raspc graph or None"):
        replace(model, graph={})


def test_what_a_bare_model_lacks_is_told() -> None:
    """A model without graph or alignment runs; what needs them says so."""
    model = compiled("hist", 1)
    bare = Model(model.config, model.params)
    assert bare.apply(["BOS", "a"]).decoded == model.apply(["BOS", "a"]).decoded and bare.precision.name == "float32"
    for read in (lambda: bare.tabulated, lambda: bare.as_written, lambda: raspc.certificate(bare)):
        with pytest.raises(InputError, match=r"the model holds no graph.*; compile it again"):
            read()
    unaligned = replace(model, alignment=Alignment())
    for told in (raspc.certificate, explain, lambda model: list(ablations(model))):
        with pytest.raises(InputError, match=r"the model holds no .*alignment.*; compile it again"):
            told(unaligned)
