"""RASP in its own syntax: files, environments, the prompt, and the programs that come with the package."""

from raspc.text.environment import Environment
from raspc.text.frames import MAX_STEPS
from raspc.text.loading import SUFFIXES, load_program
from raspc.text.programs import Program, programs

__all__ = ["MAX_STEPS", "SUFFIXES", "Environment", "Program", "load_program", "programs"]
