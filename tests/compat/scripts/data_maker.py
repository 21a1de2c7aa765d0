"""A maker of data sets: random programs, their graphs, weights and examples, as benchmarks of circuits do it."""
# ruff: noqa - written as its author would write it

import random

import networkx as nx
import numpy as np
from tracr.compiler import compiling, nodes, rasp_to_graph
from tracr.rasp import rasp

VOCAB, MAX_LEN = {1, 2, 3, 4, 5}, 5
rng = random.Random(7)


def random_select(sops):
    keys, queries = rng.choice(sops), rng.choice(sops)
    return rasp.Select(keys, queries, rng.choice([rasp.Comparison.EQ, rasp.Comparison.LT, rasp.Comparison.GEQ]))


def random_program(size):
    sops = [rasp.tokens, rasp.indices]
    for i in range(size):
        kind = rng.choice(["map", "seqmap", "width", "aggregate", "operator"])
        if kind == "map":
            sop = rasp.Map(lambda x, c=rng.randint(0, 3): (x + c) % 4, rng.choice(sops))
        elif kind == "seqmap":
            sop = rasp.SequenceMap(lambda x, y: max(x, y), rng.choice(sops), rng.choice(sops))
        elif kind == "width":
            sop = rasp.SelectorWidth(random_select(sops))
        elif kind == "aggregate":
            key = rng.choice(sops)
            pick = rasp.Select(rasp.indices, key, rasp.Comparison.EQ)
            sop = rasp.Aggregate(pick, rng.choice(sops), default=0)
        else:
            sop = rng.choice(sops) > rng.randint(0, 3)
            sop = rasp.numerical(sop)
        sops.append(sop.named(f"step_{i}"))
    return sops[-1]


rows = []
for number in range(12):
    program = random_program(rng.randint(3, 7))
    graph = rasp_to_graph.extract_rasp_graph(program)
    assert nx.is_directed_acyclic_graph(graph.graph)
    assert graph.sink[nodes.EXPR] is program and graph.sink[nodes.ID] == program.label
    depth = nx.dag_longest_path_length(graph.graph)

    model = compiling.compile_rasp_to_model(program, vocab=VOCAB, max_seq_len=MAX_LEN, compiler_bos="BOS")
    weights = {f"{m}/{p}": np.array(w) for m, group in model.params.items() for p, w in group.items()}
    size = sum(w.size for w in weights.values())
    for _ in range(6):
        tokens = [rng.choice(sorted(VOCAB)) for _ in range(rng.randint(1, MAX_LEN))]
        expected = program(tokens)
        decoded = model.apply(["BOS"] + tokens).decoded[1:]
        assert all(a == b or abs(a - b) < 1e-4 for a, b in zip(decoded, expected)), (
            number,
            tokens,
            decoded,
            expected,
        )
        rows.append((tokens, decoded))
    print(number, depth, len(graph.graph), model.model_config.num_layers, size)
print(len(rows), "examples")
