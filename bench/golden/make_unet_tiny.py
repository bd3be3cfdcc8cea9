"""Makes unetTiny.json: what PyTorch computes in float64 for a training step of tiny without noise and dropout.

By `python3 make_unet_tiny.py` in this folder. The file is like unetU.json (make_golden.py), without the output y. Names
and shapes are those of ../../src/models/unetLayout.ts, whose preset tiny it is.
"""

import json
import math
import os

import torch
from make_golden import HERE, from_files, sampled, to_files, uniform
from torch_networks import Layers, voxmol

BATCH, SIZE, ELEMENTS, CHANNELS, GROUPS = 8, 16, 5, (8, 16, 32), 4


def parameter_specs():
    """(name, shape in the files' layout, spread) of every parameter: one block a level, going down with kernel 4."""
    specs = []

    def norm(name, count):
        specs.append((f"{name}.weight", (count,), {"base": 1, "scale": 0.1}))
        specs.append((f"{name}.bias", (count,), {"base": 0, "scale": 0.1}))

    def conv(name, kernel, ci, co):
        spread = {"scale": 1 / math.sqrt(ci * kernel**3)}
        specs.append((f"{name}.weight", (kernel, kernel, kernel, ci, co), spread))
        specs.append((f"{name}.bias", (co,), spread))

    def residual(name, ci, co):
        norm(f"{name}.norm1", ci)
        conv(f"{name}.conv1", 3, ci, co)
        norm(f"{name}.norm2", co)
        conv(f"{name}.conv2", 3, co, co)
        if ci != co:
            conv(f"{name}.shortcut", 1, ci, co)

    conv("grid_projection", 3, ELEMENTS, CHANNELS[0])
    current, skips, index = CHANNELS[0], [CHANNELS[0]], 0
    for level, width in enumerate(CHANNELS):
        residual(f"down.{index}.res", current, width)
        current = width
        skips.append(current)
        index += 1
        if level < len(CHANNELS) - 1:
            conv(f"down.{index}.conv", 4, current, current)
            skips.append(current)
            index += 1
    residual("middle.res1", current, current)
    residual("middle.res2", current, current)
    index = 0
    for level in reversed(range(len(CHANNELS))):
        for width in (CHANNELS[level], CHANNELS[max(level - 1, 0)]):
            residual(f"up.{index}.res", current + skips.pop(), width)
            current = width
            index += 1
        if level > 0:
            conv(f"up.{index}.conv", 4, current, current)
            index += 1
    norm("norm", current)
    conv("final", 3, current, ELEMENTS)
    return specs


def main():
    specs = parameter_specs()
    parameters = {
        name: from_files(name, uniform(f"unet/tiny/{name}", shape, **spread)).double().requires_grad_()
        for name, shape, spread in specs
    }
    shape = (BATCH, SIZE, SIZE, SIZE, ELEMENTS)
    x, target = (uniform(f"unet/tiny/{name}", shape).movedim(-1, 1).contiguous().double() for name in ("x", "target"))
    loss = torch.nn.functional.mse_loss(voxmol(Layers(torch, parameters, GROUPS), x), target)
    loss.backward()
    outputs = {"loss": loss.detach().reshape(1)}
    for name, parameter in parameters.items():
        outputs[f"grad/{name}"] = to_files(name, parameter.grad)
    head = json.dumps({"torch": torch.__version__, "parameters": len(specs)})
    lines = [f'"{name}": {json.dumps(sampled(values))}' for name, values in outputs.items()]
    with open(os.path.join(HERE, "unetTiny.json"), "w") as file:
        file.write(head[:-1] + ', "tensors": {\n' + ",\n".join(lines) + "\n}}\n")
    print(f"{len(specs)} parameter tensors, loss {float(loss.detach()):.6f}")


if __name__ == "__main__":
    main()
