"""transformers: what `forward.py` and `pipelines.py` do, in one process.

python quick.py DIRECTORY…
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import forward
import pipelines
import torch
from common import report

if __name__ == "__main__":
    torch.set_grad_enabled(False)
    report(lambda case: {**forward.results(case), **pipelines.results(case)}, sys.argv[1:])
