"""RASP in its own syntax: files, environments, the prompt, and the programs that come with the package."""

from raspc.text.environment import Environment, load_program
from raspc.text.programs import Program, programs

__all__ = ["Environment", "Program", "load_program", "programs"]
