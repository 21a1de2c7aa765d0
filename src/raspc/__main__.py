"""`python -m raspc` is `raspc`."""

from raspc.cli import main

if __name__ == "__main__":
    main()
