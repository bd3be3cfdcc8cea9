#!/usr/bin/env python3
"""Makes landscape.safetensors: gradients, Hessians and Gauss-Newton matrices of L, L_mean and L_equiv, by PyTorch.

    apt-get install python3-torch python3-numpy      (made with PyTorch 1.13, Debian 12; some ten minutes on two cores)
    python3 test/golden/make_landscape.py            trains a small U-Net and writes the file beside this script
    python3 test/golden/make_landscape.py --check    makes all but the weights and samples anew and compares

Everything is computed in float64 by double backward on weights and samples that are exact float32 numbers, whole
matrices column by column, so that no figure is an estimate. The network is that of CONFIG in landscape.py: 851 weights.
landscape.ts reads the file. Arrays, P the number of weights:

    inputs, targets             (3, 2, 8, 8, 8), PyTorch's (N, C, D, H, W); noisy, and what they should become
    twirled                     (3, 2, 8, 8, 8), the mean over the 24 rotations of predictions rotated back
    weight.NAME                 each parameter, PyTorch's layout
    directions                  (2, P), standard normal
    gradient.TERM               (P), TERM one of total, mean, equiv
    hessianProducts.TERM        (2, P), the Hessian applied to each direction
    gaussNewtonProducts.TERM    (2, P), the Gauss-Newton matrix applied to each direction
    eigenvalues.TERM            (P), all eigenvalues of the Hessian, ascending

Metadata: config, weightNames (the order of vectors of P), parameters (P), the conventions in words, and figures, JSON
with numbers that are not rounded:

    losses.TERM                 means over samples, voxels and channels
    spread                      for each sample, the sum over rotations, voxels and channels of |f_i - mean|^2
    hessian.TERM, gaussNewton.TERM: lambdaMax (the largest, signed), lambdaMin (the smallest), lambdas (the five
                                largest, descending), trace, frobeniusSquared (the sum of the squared eigenvalues)
"""
import json
import sys
from pathlib import Path

import torch

from files import read_metadata, read_safetensors, relative_error, write_safetensors
from landscape import make_landscape

PATH = Path(__file__).resolve().parent / "landscape.safetensors"


def compare(tensors, metadata):
    """With the stored file."""
    stored, figures = read_safetensors(PATH), json.loads(read_metadata(PATH)["figures"])
    assert stored.keys() == tensors.keys()
    for name, value in tensors.items():
        assert relative_error(stored[name], value) < 1e-6, name
    for kind in ("hessian", "gaussNewton"):
        for term, found in json.loads(metadata["figures"])[kind].items():
            for name in ("lambdas", "trace", "frobeniusSquared"):
                assert relative_error(figures[kind][term][name], found[name]) < 1e-9, (kind, term, name)


def main():
    torch.set_num_threads(1)
    if "--check" in sys.argv[1:]:
        compare(*make_landscape(read_safetensors(PATH)))
        print("  agrees with the stored file")
        return
    tensors, metadata = make_landscape()
    write_safetensors(PATH, tensors, metadata)
    print(f"  {PATH.name}: {PATH.stat().st_size / 1e3:.0f} kB, {metadata['parameters']} parameters")


if __name__ == "__main__":
    main()
