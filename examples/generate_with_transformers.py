"""What a checkpoint writes after each line of the standard input, as a list of JSON; nothing but transformers is used.

printf '3142=\n77=' | python generate_with_transformers.py DIRECTORY [AT_ONCE]

AT_ONCE texts are one batch, 16 where nothing is said: padded on the left, and with keys and values kept.
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path


def answers(directory: Path, prompts: Sequence[str]) -> list[str]:
    """What a checkpoint writes after each prompt, in a process of its own. Raises RuntimeError where that fails."""
    command = [sys.executable, "-I", __file__, str(directory)]
    ran = subprocess.run(command, input="\n".join(prompts), capture_output=True, text=True)
    if ran.returncode:
        raise RuntimeError(ran.stderr)
    return list(json.loads(ran.stdout))


def main() -> None:
    """Prints the answers."""
    at_once = int(sys.argv[2]) if len(sys.argv) > 2 else 16
    from transformers import pipeline

    sys.modules["raspc"] = None  # type: ignore[assignment]  # so that importing it would be an error
    generate = pipeline("text-generation", model=sys.argv[1])
    found = generate(sys.stdin.read().splitlines(), return_full_text=False, batch_size=at_once)
    print(json.dumps([texts[0]["generated_text"] for texts in found]))


if __name__ == "__main__":
    main()
