"""What a checkpoint writes after each line of the standard input, as a list of JSON; nothing but transformers is used.

printf '3142=\n77=' | python generate_with_transformers.py DIRECTORY
"""

import json
import sys

from transformers import pipeline

sys.modules["raspc"] = None  # so that importing it would be an error
generate = pipeline("text-generation", model=sys.argv[1])
found = generate(sys.stdin.read().splitlines(), return_full_text=False, batch_size=16)
print(json.dumps([texts[0]["generated_text"] for texts in found]))
