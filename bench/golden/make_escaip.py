"""Makes escaip.json: what PyTorch computes in float64 for the cases forces/train and forces/evaluation.

By `python3 make_escaip.py` in this folder. The file is like unetTiny.json. Names and shapes are those of
../../test/golden/escaip/weights.safetensors, the data those of ../suites/forces.ts.
"""

import json
import math
import os
import struct
import sys

import numpy
import torch
from make_golden import HERE, sampled, uniform

sys.path.insert(0, os.path.join(HERE, "..", "peers"))
from torch_escaip import Evaluation, Training

STRUCTURES, PLACES, EVALUATED = 16, 21, 4


def specs():
    """Names and shapes in the files' layout: linear weights [in, out], tables and vectors as they are."""
    with open(os.path.join(HERE, "..", "..", "test", "golden", "escaip", "weights.safetensors"), "rb") as file:
        header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        shape = entry["shape"]
        turned = len(shape) == 2 and "atomic_embedding" not in name
        yield name, tuple(reversed(shape)) if turned else tuple(shape) or (1,)


def spread(name, shape):
    if "atomic_embedding" in name:
        return {"scale": 0.5}
    if len(shape) == 2:
        return {"scale": math.sqrt(6 / (shape[0] + shape[1]))}
    return {"scale": 0.1} if name.endswith("bias") else {"base": 1, "scale": 0.1}


def batch(structures):
    atoms = structures * PLACES
    jitter = uniform("forces/small/positions", (atoms, 3), 0.25).numpy()
    i = numpy.arange(atoms) % PLACES
    lattice = 1.5 * numpy.stack([i % 3, i // 3 % 3, i // 9], -1)
    positions = (jitter.astype(numpy.float64) + lattice).astype(numpy.float32)
    at = numpy.arange(atoms)
    numbers = numpy.array([6, 1, 8, 7])[(5 * at + at // 7) % 4]
    return {
        "positions": torch.from_numpy(positions).double().view(structures, PLACES, 3),
        "numbers": torch.from_numpy(numbers).double().view(structures, PLACES),
        "energies": uniform("forces/small/energies", (structures,)).double(),
        "forces": uniform("forces/small/forces", (structures, PLACES, 3)).double(),
    }


def cube():
    """The 24 rotations of the cube; their order does not matter."""
    signs = [(a, b, c) for a in (1, -1) for b in (1, -1) for c in (1, -1)]
    orders = [(0, 1, 2), (1, 2, 0), (2, 0, 1), (0, 2, 1), (2, 1, 0), (1, 0, 2)]
    all_of_them = []
    for order in orders:
        for sign in signs:
            matrix = torch.zeros(3, 3, dtype=torch.float64)
            for row in range(3):
                matrix[row, order[row]] = sign[row]
            if torch.linalg.det(matrix) > 0:
                all_of_them.append(matrix)
    return torch.stack(all_of_them).view(24, 9)


def main():
    named = {name: uniform("forces/small/" + name, shape, **spread(name, shape)).double() for name, shape in specs()}
    fresh = lambda: {name: values.clone() for name, values in named.items()}
    attributes = {
        "heads": 4, "energyWeight": 4, "forceWeight": 100, "clip": 10,
        "lr": 1e-3, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8, "weightDecay": 0.01,
    }
    training = Training(torch, attributes, {**batch(STRUCTURES), **fresh()})
    training.run()
    data = batch(EVALUATED)
    evaluated = {"positions": data["positions"], "numbers": data["numbers"], "target": data["forces"]}
    evaluation = Evaluation(torch, attributes, {**evaluated, "matrices": cube(), **fresh()})
    evaluation.run()
    tensors = {name: sampled(values) for name, values in {**training.read(), **evaluation.read()}.items()}
    with open(os.path.join(HERE, "escaip.json"), "w") as file:
        json.dump({"tensors": tensors}, file, indent=None, separators=(",", ":"))
        file.write("\n")


if __name__ == "__main__":
    main()
