"""Makes flow.json: what PyTorch computes in float64 for the cases of ../suites/flow.ts.

By `python3 make_flow.py` in this folder. Tensors are as in unetTiny.json, by case: "sampling", and the training steps
"unconditioned" and "conditioned". Where times and noise come from is in ../../shaders/flow; they are made again here.
"""

import json
import os
import sys

import numpy
import torch
from make_golden import HERE, sampled, uniform

sys.path.insert(0, os.path.join(HERE, "..", "peers"))
from torch_flow import Sampling, Training, centred

CHAINS, RESIDUES, STEPS, FIRST = 8, 64, 400, 200
# The preset's seed, times and streams.
SEED, ALPHA, UNIFORM_SHARE, TIMES, NOISE = 1, 1.9, 0.02, 2, 3
SAMPLES = {"sampling": 64, "unconditioned": 16, "conditioned": 16}
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


def philox(counters, seed):
    """Philox4x32-10 (Salmon et al., SC11, 2011): u32 [..., 4] from counters [..., 4]; the seed is below 2^32."""
    c, key = counters.astype(numpy.uint64), numpy.array([seed, 0], numpy.uint64)
    low, shift = numpy.uint64(0xFFFFFFFF), numpy.uint64(32)
    for _ in range(10):
        a, b = numpy.uint64(0xD2511F53) * c[..., 0], numpy.uint64(0xCD9E8D57) * c[..., 2]
        c = numpy.stack([(b >> shift) ^ c[..., 1] ^ key[0], b & low, (a >> shift) ^ c[..., 3] ^ key[1], a & low], -1)
        key = (key + numpy.array([0x9E3779B9, 0xBB67AE85], numpy.uint64)) & low
    return c


def uniforms(bits):
    return ((bits >> numpy.uint64(8)) | numpy.uint64(1)).astype(numpy.float64) / 2**24


def normals(bits):
    """Of each four, the first three of two pairs by Box and Muller."""
    radius = numpy.sqrt(-2 * numpy.log(uniforms(bits[..., 0::2])))
    turns = ((bits[..., 1::2] >> numpy.uint64(6)).astype(numpy.float64) * 64 + 32) / 2**32
    pairs = numpy.stack([radius * numpy.cos(2 * numpy.pi * turns), radius * numpy.sin(2 * numpy.pi * turns)], -1)
    return pairs.reshape(bits.shape)[..., :3]


def first_batch():
    """Times, and places on the way from noise to the targets, of the trainer's first step."""
    chain, residue = numpy.arange(CHAINS)[:, None], numpy.arange(RESIDUES)[None]
    zero = numpy.zeros((CHAINS, RESIDUES), int)
    drawn = lambda first, stream: philox(numpy.stack([first, zero + stream, zero, zero + chain], -1), SEED)
    coin, number = uniforms(drawn(zero, TIMES)[:, 0])[:, :2].T
    times = torch.from_numpy(numpy.where(coin < UNIFORM_SHARE, number, number ** (1 / ALPHA)))
    noise = centred(torch.from_numpy(normals(drawn(zero + residue, NOISE))))
    targets = centred(uniform("flow/targets", (CHAINS, RESIDUES, 3), 1.5).double())
    x = (1 - times)[:, None, None] * noise + times[:, None, None] * targets
    # Engines are given them in float32.
    return {name: values.float().double() for name, values in {"x": x, "times": times, "targets": targets}.items()}


def main():
    weights = {name: uniform("flow/" + name, shape, **spread(name, shape)).double() for name, shape in specs().items()}
    fresh = lambda: {name: values.clone() for name, values in weights.items()}
    paths = {name: uniform("flow/" + name, (CHAINS, RESIDUES, 3)).double() for name in ("x", "previous")}
    sampling = Sampling(torch, {"heads": HEADS, "steps": STEPS, "first": FIRST}, {**paths, **fresh()})
    optimiser = {"lr": 1e-3, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8}
    training = [
        Training(torch, {"heads": HEADS, "conditioned": conditioned, **optimiser}, {**first_batch(), **fresh()})
        for conditioned in (0, 1)
    ]
    cases = {}
    for name, work in zip(("sampling", "unconditioned", "conditioned"), (sampling, *training)):
        work.run()
        cases[name] = {tensor: sampled(values, most=SAMPLES[name]) for tensor, values in work.read().items()}
    with open(os.path.join(HERE, "flow.json"), "w") as file:
        json.dump(cases, file, indent=None, separators=(",", ":"))
        file.write("\n")


if __name__ == "__main__":
    main()
