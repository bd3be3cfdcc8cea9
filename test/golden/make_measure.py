#!/usr/bin/env python3
"""Runs the PyTorch code of docs/measuring.md on a small network, and keeps what it saves in measure/.

    apt-get install python3-torch python3-numpy      (made with PyTorch 1.13, Debian 12)
    python3 test/golden/make_measure.py

measure/expected.json holds the decomposition of the same predictions, computed here in float64 and without that code:
predictions are rotated back voxel by voxel from the definition out(p) = in(R^-1 p).
"""
import json
import os
import re
from pathlib import Path

import numpy as np
import torch

HERE = Path(__file__).resolve().parent
N, C, D = 4, 2, 5


def documented_code():
    text = (HERE / "../../docs/measuring.md").read_text(encoding="utf-8")
    return re.search(r"```python\n(.*?)```", text, re.S).group(1)


def rotate_by_definition(grid, m):
    """grid (D, D, D, C), axes z y x; m active, x y z."""
    out = np.zeros_like(grid)
    centre = (D - 1) / 2
    for z in range(D):
        for y in range(D):
            for x in range(D):
                source = m.T @ (np.array([x, y, z]) - centre) + centre
                sx, sy, sz = np.rint(source).astype(int)
                out[z, y, x] = grid[sz, sy, sx]
    return out


def main():
    torch.set_num_threads(1)
    torch.manual_seed(3)
    model = torch.nn.Sequential(
        torch.nn.Conv3d(C, 4, 3, padding=1), torch.nn.SiLU(), torch.nn.Conv3d(4, C, 3, padding=1)
    )
    random = np.random.RandomState(5)
    targets = torch.from_numpy(random.rand(N, C, D, D, D).astype("f4"))
    inputs = targets + 0.3 * torch.from_numpy(random.randn(N, C, D, D, D).astype("f4"))

    code = documented_code()
    names = {}
    exec(code, names)
    folder = HERE / "measure"
    folder.mkdir(exist_ok=True)
    os.chdir(folder)
    names["export"](model, inputs, targets)

    y = targets.movedim(1, -1).numpy().astype("f8")
    terms = np.zeros(4)
    for n in range(N):
        twisted = []
        for m in names["rotations"]:
            turned = rotate_by_definition(inputs[n].movedim(0, -1).numpy(), m)
            with torch.no_grad():
                raw = model(torch.from_numpy(turned).movedim(-1, 0)[None])[0].movedim(0, -1).numpy()
            twisted.append(rotate_by_definition(raw.astype("f8"), m.T))
        f = np.stack(twisted)
        mu = f.mean(0)
        terms += [((f - y[n]) ** 2).mean(), ((mu - y[n]) ** 2).mean(), ((f - mu) ** 2).mean(), (y[n] ** 2).mean()]
    total, mean, equiv, zero = terms / N
    expected = {
        "lossTotal": total, "lossMean": mean, "lossEquiv": equiv, "lossZero": zero,
        "percentEquiv": 100 * equiv / total, "torch": torch.__version__, "code": code,
    }
    Path("expected.json").write_text(json.dumps(expected, indent=2) + "\n", encoding="utf-8")
    print({key: value for key, value in expected.items() if key != "code"})


if __name__ == "__main__":
    main()
