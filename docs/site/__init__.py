"""What the site shows that is generated: from the program, from its docstrings, from the library."""
