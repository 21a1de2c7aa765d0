"""The checkpoint of `make demo-llama` in vLLM, which needs a GPU and `pip install vllm`; no test runs this.

    python examples/serve_with_vllm.py build/llama-sort 3142= 77=

It keeps the recipe of the model card: float32, greedy, and no more tokens than the model was compiled for. For an
HTTP server:  vllm serve build/llama-sort --dtype float32 --max-model-len 22
"""

import sys

from vllm import LLM, SamplingParams

directory, *prompts = sys.argv[1:]
llm = LLM(model=directory, dtype="float32", enforce_eager=True)
length = llm.llm_engine.model_config.max_model_len
greedy = SamplingParams(temperature=0.0, max_tokens=length)
for prompt, written in zip(prompts, llm.generate(prompts, greedy), strict=True):
    print(prompt + written.outputs[0].text)
