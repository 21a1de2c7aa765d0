"""Two compiles of one program give byte-identical directories, in any process, with any hash seed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

COMPILE = """
import sys, warnings, raspc
from raspc import library
warnings.simplefilter("ignore")
for name in ("reverse", "sort", "majority", "dyck1_ptf", "frac_prevs", "sort_freq"):
    entry = library.get(name)
    for level in (0, 1):
        # A set, whose order the hash seed decides.
        model = raspc.compile(
            entry.program, vocab=set(entry.vocab), max_seq_len=entry.max_seq_len, causal=entry.causal, optimize=level
        )
        model.save(f"{sys.argv[1]}/{name}-{level}")
"""


def test_two_compiles_are_byte_identical(tmp_path: Path) -> None:
    """Every file of every model; and what is read back is written as it was."""
    import raspc

    for seed in ("0", "1", "4242"):
        env = {**os.environ, "PYTHONHASHSEED": seed}
        subprocess.run([sys.executable, "-c", COMPILE, str(tmp_path / seed)], env=env, check=True)
    models = sorted(path.name for path in (tmp_path / "0").iterdir())
    assert len(models) == 12
    for name in models:
        raspc.load(tmp_path / "0" / name).save(tmp_path / "again" / name)
        for file in (tmp_path / "0" / name).iterdir():
            expected = file.read_bytes()
            for other in ("1", "4242", "again"):
                assert (tmp_path / other / name / file.name).read_bytes() == expected, f"{name}/{file.name} ({other})"
