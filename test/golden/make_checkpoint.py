#!/usr/bin/env python3
"""Makes test/golden/checkpoint: files that PyTorch itself wrote, for the reader of them.

    apt-get install python3-torch python3-numpy      (made with PyTorch 1.13, Debian 12)
    python3 test/golden/make_checkpoint.py           writes voxmol.pth.tar, types2.pt, types5.pt, legacy.pt, module.pt

`voxmol.pth.tar` is laid out as VoxMol's code saves: epoch, config, state_dict_ema (with the names of torch.compile and
of parallel training) and optimizer; beside them other weights, and a prediction of the averaged ones. Its grids have
the axes (N, C, x, y, z). `types*.pt` have tensors of every type and views of all kinds, by two pickle protocols.
"""
from collections import OrderedDict
from pathlib import Path

import numpy as np
import torch

from unet import UNet3d

HERE = Path(__file__).resolve().parent / "checkpoint"
NETWORK = dict(inChannels=5, outChannels=5, channels=[2, 4], blocks=1, attention=[False, True], middleAttention=True,
               groups=2, dropout=0.1, down="k3s2")
CONFIG = dict(model_name="unet3d", dset_name="qm9", elements=["C", "H", "O", "N", "F"], grid_dim=16, smooth_sigma=0.7,
              n_channels=2, ch_mults=[1, 2], is_attn=[False, True], n_blocks=1, n_groups=2, dropout=0.1, lr=3e-5,
              wd=1e-2, batch_size=4, resume=None, debug=False)


def values(random, tensor):
    return torch.from_numpy(0.3 * random.standard_normal(tuple(tensor.shape)).astype(np.float32))


def voxmol():
    random = np.random.RandomState(31)
    network = UNet3d(NETWORK).eval()
    averaged = {name: values(random, value) for name, value in network.state_dict().items()}
    raw = {name: values(random, value) for name, value in averaged.items() if name.startswith("final")}
    optimizer = torch.optim.AdamW(network.final.parameters(), lr=3e-5, betas=(0.99, 0.999))
    network.final(torch.ones(1, 2, 4, 4, 4)).sum().backward()
    optimizer.step()
    network.load_state_dict(averaged)
    grids = torch.from_numpy(random.standard_normal((2, 5, 4, 4, 4)).astype(np.float32))
    with torch.no_grad():
        prediction = network.double()(grids.double()).float()
    state = network.float().state_dict()
    return {"epoch": 7, "config": CONFIG,
            "state_dict_ema": OrderedDict(("module._orig_mod." + name, value) for name, value in state.items()),
            "state_dict": raw, "optimizer": optimizer.state_dict(), "grids": grids, "prediction": prediction}


def types(protocol):
    base = torch.arange(24, dtype=torch.float32)
    tensors = {"whole": base.view(2, 3, 4), "transposed": base.view(4, 6).t(), "part": base[5:9],
               "strided": base.view(4, 6)[1:, ::2], "parameter": torch.nn.Parameter(base[:3].clone()),
               "scalar": torch.tensor(3.5), "empty": torch.zeros(0, 4),
               "channelsLast": base.view(1, 2, 3, 4).contiguous(memory_format=torch.channels_last)}
    for name in ("float64", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8", "bool"):
        tensors[name] = torch.tensor([0, 1, 1, 0, 1]).to(getattr(torch, name))
    others = {"int": 7, "negative": -8, "large": 2**40, "huge": 10**30, "float": 2.5, "none": None, "yes": True,
              "text": "\u00fcber", "list": [1, [2]], "tuple": (1, "a"),
              "size": torch.Size([2, 3]), 5: "number", "dtype": torch.float32}
    # Protocol 2 has no opcodes for these.
    later = {"set": {3}, "bytes": b"\x00\x01"} if protocol > 2 else {}
    return {"tensors": OrderedDict(tensors), "others": others, "later": later}


def main():
    HERE.mkdir(exist_ok=True)
    torch.save(voxmol(), HERE / "voxmol.pth.tar")
    torch.save(types(2), HERE / "types2.pt")
    torch.save(types(5), HERE / "types5.pt", pickle_protocol=5)
    torch.save({"a": torch.zeros(2)}, HERE / "legacy.pt", _use_new_zipfile_serialization=False)
    torch.save({"model": torch.nn.Linear(1, 1)}, HERE / "module.pt")
    for path in sorted(HERE.iterdir()):
        print(f"{path.name}: {path.stat().st_size / 1e3:.1f} kB")


if __name__ == "__main__":
    main()
