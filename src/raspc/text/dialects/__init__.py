"""C-RASP and B-RASP as text: two dialects of Boolean and counting formulas, with acceptance at the last position."""

from raspc.text.dialects.reading import DIALECTS, read_program

__all__ = ["DIALECTS", "read_program"]
