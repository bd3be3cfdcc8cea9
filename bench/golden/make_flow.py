"""Makes flow.json: what PyTorch computes in float64 for the case flow/sample.

By `python3 make_flow.py` in this folder. The file is like unetTiny.json. Data are those of ../suites/flow.ts.
"""

import json
import os
import sys

import torch
from make_golden import HERE, sampled, uniform

sys.path.insert(0, os.path.join(HERE, "..", "peers"))
from torch_flow import Sampling

CHAINS, RESIDUES, STEPS, FIRST = 8, 64, 400, 200
HIDDEN, LAYERS, HEADS, CONDITIONING, PAIR, TIME, INDEX, REGISTERS = 128, 4, 4, 64, 32, 64, 32, 10


def specs():
    """Names and shapes of flow-small, matrices [in, out]."""
    shapes = {"registers": (REGISTERS, HIDDEN), "xyz.weight": (3, HIDDEN), "token.weight": (INDEX + 4, HIDDEN)}

    def linear(name, rows, columns, bias=True):
        shapes[name + ".weight"] = (rows, columns)
        if bias:
            shapes[name + ".bias"] = (columns,)

    def norm(name, columns):
        shapes[name + ".gain"] = shapes[name + ".bias"] = (columns,)

    def swiglu(name, columns, inner):
        linear(name + ".up", columns, 2 * inner, bias=False)
        linear(name + ".down", inner, columns, bias=False)

    def ada(name, columns):
        norm(name + ".condNorm", CONDITIONING)
        linear(name + ".scale", CONDITIONING, columns)
        linear(name + ".shift", CONDITIONING, columns, bias=False)

    linear("cond.input", TIME, CONDITIONING)
    swiglu("cond.mix1", CONDITIONING, 2 * CONDITIONING)
    swiglu("cond.mix2", CONDITIONING, 2 * CONDITIONING)
    linear("pair.input", 319, PAIR, bias=False)
    norm("pair.norm", PAIR)
    linear("pair.cond", TIME, CONDITIONING, bias=False)
    norm("pair.condNorm", CONDITIONING)
    ada("pair.ada", PAIR)
    for layer in range(LAYERS):
        attn, mlp = f"layers.{layer}.attn", f"layers.{layer}.mlp"
        ada(attn + ".ada", HIDDEN)
        norm(attn + ".norm", HIDDEN)
        linear(attn + ".qkv", HIDDEN, 3 * HIDDEN)
        norm(attn + ".qNorm", HIDDEN)
        norm(attn + ".kNorm", HIDDEN)
        norm(attn + ".pairNorm", PAIR)
        linear(attn + ".pairBias", PAIR, HEADS, bias=False)
        linear(attn + ".gate", HIDDEN, HIDDEN)
        linear(attn + ".out", HIDDEN, HIDDEN)
        linear(attn + ".outGate", CONDITIONING, HIDDEN)
        ada(mlp + ".ada", HIDDEN)
        swiglu(mlp, HIDDEN, 4 * HIDDEN)
        linear(mlp + ".outGate", CONDITIONING, HIDDEN)
    norm("head.norm", HIDDEN)
    linear("head.out", HIDDEN, 3, bias=False)
    return shapes


def spread(name, shape):
    if len(shape) == 2:
        return {"scale": (6 / (shape[0] + shape[1])) ** 0.5}
    return {"scale": 0.1} if name.endswith("bias") else {"base": 1, "scale": 0.1}


def main():
    inputs = {name: uniform("flow/" + name, shape, **spread(name, shape)).double() for name, shape in specs().items()}
    for name in ("x", "previous"):
        inputs[name] = uniform("flow/" + name, (CHAINS, RESIDUES, 3)).double()
    sampling = Sampling(torch, {"heads": HEADS, "steps": STEPS, "first": FIRST}, inputs)
    sampling.run()
    tensors = {name: sampled(values) for name, values in sampling.read().items()}
    with open(os.path.join(HERE, "flow.json"), "w") as file:
        json.dump({"tensors": tensors}, file, indent=None, separators=(",", ":"))
        file.write("\n")


if __name__ == "__main__":
    main()
