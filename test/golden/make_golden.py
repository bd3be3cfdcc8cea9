#!/usr/bin/env python3
"""Makes the golden files of this folder: numbers of a 3D U-Net and of single operations that voxtwirl did not compute.

    apt-get install python3-torch python3-numpy      (made with PyTorch 1.13, Debian 12)
    python3 test/golden/make_golden.py               writes unet-k3s2, unet-k4s2 and ops .safetensors beside this script
    python3 test/golden/make_golden.py --check       makes them anew and compares with the files that are here

All arithmetic is done in float64 on inputs and weights that are exact float32 numbers, and the results are rounded to
float32 once, so a golden value is the truth to half a unit in the last place. The script also does everything in
float32 and stops if PyTorch itself does not come within 1e-5 of each tensor's norm.

Layouts are PyTorch's: activations (N, C, D, H, W), conv weights (out, in, kz, ky, kx), transposed conv weights
(in, out, kz, ky, kx), linear weights (out, in). Random numbers come from numpy's RandomState, whose streams are frozen.
"""
import sys
from pathlib import Path

import torch

from files import read_safetensors, relative_error, write_safetensors
from operations import make_ops
from unet import check_parameter_counts
from whole_networks import UNETS, make_unet

HERE = Path(__file__).resolve().parent


def main():
    torch.set_num_threads(1)
    check_parameter_counts()
    check = "--check" in sys.argv[1:]
    makers = {name: (lambda name=name, spec=spec: make_unet(name, **spec)) for name, spec in UNETS.items()}
    makers["ops"] = make_ops
    for name, make in makers.items():
        print(name)
        tensors, metadata = make()
        path = HERE / f"{name}.safetensors"
        if check:
            stored = read_safetensors(path)
            assert stored.keys() == tensors.keys()
            for key, value in tensors.items():
                assert relative_error(stored[key], value) < 1e-6, key
            print("  agrees with the stored file")
        else:
            write_safetensors(path, tensors, metadata)
            print(f"  {path.name}: {path.stat().st_size / 1e3:.0f} kB, {metadata.get('parameters', len(tensors))} "
                  f"{'parameters' if 'parameters' in metadata else 'tensors'}")


if __name__ == "__main__":
    main()
