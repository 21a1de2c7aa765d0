"""The checkpoint of `make demo-llama` in vLLM, which needs a GPU and `pip install vllm`; CI does not run it there.

    python examples/serve_with_vllm.py build/llama-sort 3142= 77=

It keeps the recipe of the model card: float32, greedy, and no more tokens than the model was compiled for. For an
HTTP server:  vllm serve build/llama-sort --dtype float32 --max-model-len 22
"""

import json
import sys
from pathlib import Path

if len(sys.argv) < 3:
    raise SystemExit("usage: python examples/serve_with_vllm.py DIRECTORY PROMPT …")
directory, *prompts = sys.argv[1:]
config = Path(directory, "config.json")
if not config.is_file():
    raise SystemExit(f"{directory} holds no checkpoint; `make demo-llama` writes one to build/llama-sort")
try:
    from vllm import LLM, SamplingParams
except ImportError:
    raise SystemExit("vLLM is not installed; it needs a GPU and: pip install vllm") from None

length = json.loads(config.read_text())["max_position_embeddings"]  # as long as the model was compiled for
llm = LLM(model=directory, dtype="float32", max_model_len=length, enforce_eager=True)
greedy = SamplingParams(temperature=0.0, max_tokens=length)
for prompt, written in zip(prompts, llm.generate(prompts, greedy), strict=True):
    print(prompt + written.outputs[0].text)
