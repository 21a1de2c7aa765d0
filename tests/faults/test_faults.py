"""A compiler with a fault makes a wrong model; the certificate alone refuses it, while compiling and afterwards.

Each fault of the catalogue is planted, and a program that shows it is compiled. The model must differ from its program,
so that a fault that changes nothing fails the test. Then:

- while compiling, with the fault in place, no certificate holds for a wrong model: it is refused, or a design is taken
  that the fault does not touch;
- afterwards the wrong model is saved, and read by the sound compiler: its certificate does not hold.

Faults of *listing* are another matter: the tables themselves are wrong, so that model and graph agree. The interpreter
of expressions finds them, while compiling, and in `raspc.check` where the program is named.
"""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest
from tests.faults.catalogue import FAULTS
from tests.faults.programs import PROGRAMS
from tests.faults.records import DTYPES, LEVELS, WAYS, Fault, Shown, Way, planted

import raspc
from raspc.errors import CertificateError, InputError, ModelFormatError, RaspcError

pytestmark = pytest.mark.filterwarnings("ignore::raspc.UncertainProgram")


REFUSALS = (RaspcError, AssertionError, LookupError, ValueError)
"""What a faulty compiler may end in before there is a model."""


def wrong_model(fault: Fault, shown: Shown, way: Way, directory: Path) -> raspc.Model | None:
    """What the faulty compiler made and saved, as the sound one loads it; None where there is no such model.

    Where the loader refuses what was saved it is the model in memory.
    """
    try:
        with planted(shown.given, *([] if fault.room == "saving" else [fault.patch])):
            model = shown.compiled(way)
    except REFUSALS:
        return None
    with planted(*([fault.patch] if fault.room == "saving" else [])):
        model.save(directory / "model")
    try:
        return raspc.load(directory / "model")
    except ModelFormatError:
        return None if fault.room == "saving" else model


def is_right(fault: Fault, shown: Shown, model: raspc.Model) -> bool:
    """Whether all answers are those of the program: of its expressions where its tables may be wrong."""
    program = shown.program if fault.room == "listing" else None
    return bool(raspc.check(model, program=program).ok)


def is_let_through(fault: Fault, shown: Shown, way: Way) -> bool:
    """Whether the faulty compiler gives a wrong model with a certificate that holds."""
    try:
        with planted(shown.given, fault.patch):
            model = shown.compiled_with_expressions(way) if fault.room == "listing" else shown.compiled(way, True)
    except REFUSALS:
        return False
    assert model.certificate is not None and model.certificate.holds
    return not is_right(fault, shown, model)


def hold_it_to_the_rule(fault: Fault, shown: Shown, way: Way, directory: Path) -> bool:
    """Whether the fault makes this model wrong; then it is refused, while compiling and afterwards."""
    model = wrong_model(fault, shown, way, directory)
    if model is None:
        return fault.room == "saving"
    if is_right(fault, shown, model):
        return False
    if fault.room != "listing":  # of tables that are wrong a certificate knows nothing
        assert is_refused(model)
    if fault.room != "saving":
        assert not is_let_through(fault, shown, way)
    return True


def is_refused(model: raspc.Model) -> bool:
    """By its certificate, or in words where the weights do not lie where the plan says, so that none can be made."""
    try:
        return not raspc.certificate(model).holds
    except InputError as error:
        return "alignment does not fit" in str(error)


NAMES = {f"{fault.room}: {fault.name}": fault for fault in FAULTS}


def test_the_catalogue() -> None:
    """More than 80 faults, of every room, each under one name; each is shown by some program."""
    assert len(NAMES) == len(FAULTS) > 80
    assert len({fault.room for fault in FAULTS}) == 15
    assert all(fault.shows and set(fault.shows) <= set(PROGRAMS) for fault in FAULTS)


@pytest.mark.parametrize("name", NAMES)
def test_a_planted_fault_is_refused(name: str, tmp_path: Path) -> None:
    """In one of the ways to compile that show it: another one for each fault."""
    fault = NAMES[name]
    cases = [(program, way) for program, ways in fault.shows.items() for way in ways]
    program, way = cases[list(NAMES).index(name) % len(cases)]
    assert hold_it_to_the_rule(fault, PROGRAMS[program], WAYS[way], tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_a_planted_fault_is_refused_in_every_way(name: str, tmp_path: Path) -> None:
    """At all levels and in all formats: wherever it is said to make the model wrong, and wherever else it does."""
    fault = NAMES[name]
    for program, (level, dtype) in product(fault.shows, product(LEVELS, DTYPES)):
        way = Way(level, dtype)
        wrong = hold_it_to_the_rule(fault, PROGRAMS[program], way, tmp_path)
        assert wrong or way not in [WAYS[named] for named in fault.shows[program]], (program, way)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name, fault in NAMES.items() if fault.room != "listing"])
def test_no_program_lets_a_planted_fault_through(name: str, tmp_path: Path) -> None:
    """All programs, at one level each. Faults of listing are left out: a compile asks the expressions on few inputs."""
    for place, shown in enumerate(PROGRAMS.values()):
        hold_it_to_the_rule(NAMES[name], shown, Way(place % 3, DTYPES[place % 2]), tmp_path)


def is_sound(shown: Shown, way: Way) -> bool:
    """Without a fault there is no difference: what is found above is the fault. A narrow format may be too narrow."""
    try:
        with planted(shown.given):
            model = shown.compiled(way, True)
    except CertificateError:
        return way.dtype != "float32"
    return bool(raspc.check(model, program=shown.program))


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_programs_are_sound(name: str) -> None:
    """Each of them in one way, of those in which it shows a fault."""
    ways = list(dict.fromkeys(way for fault in FAULTS for way in fault.shows.get(name, ()))) or list(WAYS)
    assert is_sound(PROGRAMS[name], WAYS[ways[list(PROGRAMS).index(name) % len(ways)]])


@pytest.mark.slow
@pytest.mark.parametrize("name", PROGRAMS)
def test_the_programs_are_sound_in_every_way(name: str) -> None:
    """At all levels, and in all formats."""
    assert all(is_sound(PROGRAMS[name], Way(*way)) for way in product(LEVELS, DTYPES))
