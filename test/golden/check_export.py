#!/usr/bin/env python3
"""Makes the figures of an export anew with NumPy and PyTorch and compares: what `measure` or `analyze` --export wrote.

    apt-get install python3-torch python3-numpy
    python3 test/golden/check_export.py DIR                            the terms, from the arrays alone
    python3 test/golden/check_export.py DIR --model model.safetensors  the predictions and lambdaMax too

DIR holds inputs.npy (N, D, H, W, C; noisy, not rotated), targets.npy (the same shape), rotations.npy (K, 3, 3; active,
x y z; with fewer than 24 each sample has its own, (N, K, 3, 3)), predictions.npy (N, K, D, H, W, C; rotated back) and
figures.json: what --json prints, and model: { file, sha256 }. Of it are read percentEquiv, lossTotal, lossMean,
lossEquiv, lossZero, loss, precision, group, and where it is there landscape: its samples, the first ones of the
export, and TERM.lambdaMax. Of other losses than the squared error there are only the predictions to compare.

With --model the network is built from the configuration in the file, the predictions are made from inputs and rotations
by index permutations, and lambdaMax is found by Lanczos on double backward. For the preset tiny and 8 molecules a
product takes some 15 seconds on two cores, and a term ten products or more; --products says how many at most, --terms
of which terms (default total,mean,equiv). Exits with 1 where a figure is further off than its tolerance.
"""
import argparse
import hashlib
import json
import math
import os
import sys
from pathlib import Path

import numpy as np
import torch

from files import read_metadata, read_safetensors, relative_error
from terms import TERMS, LossTerms, largest_eigenvalue
from unet import UNet3d

GROUP_ORDERS = {"octahedral": 24, "full-octahedral": 48}
# Of sums in float32; of lambdaMax; of predictions by norms, by the precision in which they were made.
TOLERANCE, LAMBDA_TOLERANCE = 1e-4, 1e-2
PREDICTION_TOLERANCES = {"f32": 1e-4, "f16": 1e-2}


class Comparison:
    def __init__(self):
        self.failed = False

    def figure(self, name, ours, theirs, tolerance):
        """`ours` is made here, `theirs` is in figures.json."""
        difference = abs(theirs - ours) / max(abs(ours), 1e-300)
        self.line(name, f"{theirs:.7g} exported, {ours:.7g} here", difference, tolerance)

    def line(self, name, what, difference, tolerance):
        wrong = not difference <= tolerance
        self.failed |= wrong
        print(f"{name:22s} {what}: differs by {difference:.1e}" + (f", more than {tolerance:.0e}" if wrong else ""))


def decompose(predictions, targets, group_order):
    """Losses per element from (N, K, ...) predictions that are rotated back; decomposeSums in estimators.ts."""
    f, y = predictions.astype(np.float64), targets.astype(np.float64)
    count, elements = f.shape[1], y[0].size
    correction = 1 if math.isinf(group_order) else (group_order - 1) / group_order
    mean = f.mean(1)
    total = sum(((f[:, i] - y) ** 2).sum() for i in range(count)) / count
    equiv = correction * sum(((f[:, i] - mean) ** 2).sum() for i in range(count)) / (count - 1)
    scale = 1 / (len(y) * elements)
    return {"lossTotal": scale * total, "lossMean": scale * (total - equiv), "lossEquiv": scale * equiv,
            "lossZero": scale * (y**2).sum(), "percentEquiv": 100 * equiv / total}


def load_network(path):
    """The U-Net of a file that voxtwirl wrote."""
    training = json.loads(read_metadata(path)["config"])["training"]
    channels = len(training["elements"])
    names = ("channels", "blocks", "attention", "middleAttention", "groups", "dropout", "down")
    model = UNet3d(dict(inChannels=channels, outChannels=channels, **{name: training[name] for name in names}))
    model.load_state_dict({name: torch.from_numpy(value.copy()) for name, value in read_safetensors(path).items()})
    return model.eval()


def channels_first(array):
    return torch.from_numpy(np.moveaxis(array, -1, 1).astype(np.float32))


def check_model(path, figures, arrays, group_order, options, compare):
    named = figures.get("model")
    if isinstance(named, dict):
        found = hashlib.sha256(path.read_bytes()).hexdigest()
        compare.line("model", f"sha256 {found[:12]}...", float(found != named["sha256"]), 0)
    inputs, targets, rotations, predictions = arrays
    network, matrices = load_network(path), np.rint(rotations).astype(int)

    def terms_of(count):
        first = matrices[:count] if matrices.ndim == 4 else matrices
        return LossTerms(network, channels_first(inputs[:count]), channels_first(targets[:count]), first, group_order)

    of = terms_of(len(inputs))
    with torch.no_grad():
        twisted = [of.twisted(n).movedim(1, -1).reshape(predictions.shape[1:]) for n in range(of.samples)]
        ours = torch.stack(twisted).numpy()
    tolerance = PREDICTION_TOLERANCES[figures.get("precision", "f32")]
    compare.line("predictions", "by norms", relative_error(predictions, ours.astype(np.float64)), tolerance)
    landscape = figures.get("landscape")
    if landscape is None:
        return
    of = terms_of(landscape["samples"])
    for term in options.terms:
        theirs = landscape.get(term, {}).get("lambdaMax")
        if theirs is None:
            print(f"figures.json has no lambdaMax of {term}")
            continue
        report = lambda k, value, error: print(f"  {term}, product {k}: {value:.6g} +- {error:.1e}", flush=True)
        value, error = largest_eigenvalue(lambda v: of.hessian_product(term, v), of.size, options.products, report)
        compare.figure(f"lambdaMax of {term}", value, theirs, LAMBDA_TOLERANCE)
        if error > LAMBDA_TOLERANCE * abs(value):
            print(f"  not converged: within {error:.1e}; allow more --products")
            compare.failed = True


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--terms", type=lambda text: text.split(","), default=list(TERMS))
    parser.add_argument("--products", type=int, default=30)
    options = parser.parse_args()
    if not set(options.terms) <= set(TERMS):
        parser.error(f"--terms takes some of {','.join(TERMS)}")
    names = ("inputs", "targets", "rotations", "predictions")
    arrays = [np.load(options.folder / f"{name}.npy") for name in names]
    inputs, targets, rotations, predictions = arrays
    figures = json.loads((options.folder / "figures.json").read_text(encoding="utf-8"))
    assert inputs.shape == targets.shape, (inputs.shape, targets.shape)
    assert rotations.shape[-2:] == (3, 3) and rotations.shape[:-3] in [(), (len(inputs),)], rotations.shape
    assert predictions.shape == (len(inputs), rotations.shape[-3], *inputs.shape[1:]), predictions.shape

    compare = Comparison()
    group_order = GROUP_ORDERS.get(figures.get("group", "octahedral"), math.inf)
    if figures["loss"] == "squared":
        for name, value in decompose(predictions, targets, group_order).items():
            compare.figure(name, value, figures[name], TOLERANCE)
    else:
        print(f"the loss is {figures['loss']}: its terms are not compared")
    if options.model is not None:
        # Debian's build starts with one thread whatever the machine has.
        torch.set_num_threads(os.cpu_count())
        check_model(options.model, figures, arrays, group_order, options, compare)
    print("differs" if compare.failed else "agrees")
    return 1 if compare.failed else 0


if __name__ == "__main__":
    sys.exit(main())
