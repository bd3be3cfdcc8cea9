"""Makes unetU.json: what PyTorch computes in float64 for case U (../unetU.ts).

By `python3 make_golden.py` in this folder. Inputs are those of ../data.ts, made again here. The loss is the mean
squared error against the target, and the gradients are those of the loss for every parameter. The file holds

    torch        version of PyTorch
    parameters   number of parameter tensors
    flops        operations of the forward pass's convolutions, two a multiply-add, padding counted as if it were there
    inputs       the first values of some inputs, to check that both languages make the same ones
    tensors      by name, "y", "loss" and "grad/NAME":
      shape      in the layout of ../protocol.ts: channels last, weights [k, k, k, C in, C out]
      norm       the Euclidean norm of the whole tensor
      stride     value i of `values` is element (i * stride) mod size of the flattened tensor; stride and size have
                 no common factor, so all channels and taps are met
      values     at most 64 samples, rounded to 10 digits
"""

import json
import math
import os
import sys

import numpy
import torch

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.append(os.path.join(HERE, "..", "peers"))

from torch_networks import Layers, from_files, to_files, unet_u  # noqa: E402

BATCH, SIZE, IN_CHANNELS, CHANNELS, GROUPS = 1, 32, 5, (32, 64, 128), 16
SAMPLES = 64


def mix(z):
    z = z ^ (z >> numpy.uint32(16))
    z = z * numpy.uint32(0x85EBCA6B)
    z = z ^ (z >> numpy.uint32(13))
    z = z * numpy.uint32(0xC2B2AE35)
    return z ^ (z >> numpy.uint32(16))


def uniform(name, shape, scale=1.0, base=0.0):
    """The values of ../data.ts in float32."""
    seed = 0x811C9DC5
    for byte in name.encode("ascii"):
        seed = ((seed ^ byte) * 0x01000193) & 0xFFFFFFFF
    index = numpy.arange(math.prod(shape), dtype=numpy.uint32)
    bits = mix(mix(index) + numpy.uint32(seed))
    u = (bits >> numpy.uint32(8)).astype(numpy.float32) / numpy.float32(2**23) - numpy.float32(1)
    values = numpy.float32(base) + numpy.float32(scale) * u
    return torch.from_numpy(values.reshape(shape))


def parameter_specs(in_channels, channels):
    """(name, shape in the files' layout, spread) of every parameter."""
    specs = []

    def vector(name, count, **spread):
        specs.append((name, (count,), spread))

    def conv(name, ci, co, kernel):
        specs.append((f"{name}.weight", (kernel, kernel, kernel, ci, co), {"scale": math.sqrt(3 / (ci * kernel**3))}))
        vector(f"{name}.bias", co, scale=0.1)

    def conv_transpose(name, count):
        specs.append((f"{name}.weight", (4, 4, 4, count, count), {"scale": math.sqrt(3 / (count * 8))}))
        vector(f"{name}.bias", count, scale=0.1)

    def norm(name, count):
        vector(f"{name}.weight", count, base=1, scale=0.1)
        vector(f"{name}.bias", count, scale=0.1)

    def block(name, ci, co):
        norm(f"{name}.norm1", ci)
        conv(f"{name}.conv1", ci, co, 3)
        norm(f"{name}.norm2", co)
        conv(f"{name}.conv2", co, co, 3)
        if ci != co:
            conv(f"{name}.shortcut", ci, co, 1)

    conv("stem", in_channels, channels[0], 3)
    current = channels[0]
    for level, width in enumerate(channels):
        block(f"down{level}.block0", current, width)
        block(f"down{level}.block1", width, width)
        current = width
        if level < len(channels) - 1:
            conv(f"down{level}.sample", width, width, 3)
    block("middle.block0", current, current)
    block("middle.block1", current, current)
    for level in reversed(range(len(channels))):
        width = channels[level]
        block(f"up{level}.block0", current + width, width)
        block(f"up{level}.block1", width + width, width)
        current = width
        if level > 0:
            conv_transpose(f"up{level}.sample", width)
    norm("head.norm", current)
    conv("head.conv", current, in_channels, 3)
    return specs


class CountingLayers(Layers):
    """Layers that count operations."""

    flops = 0

    def conv(self, name, x, stride=1):
        y = super().conv(name, x, stride)
        weight = self.parameters[name + ".weight"]
        self.flops += 2 * y.numel() * weight[0].numel()
        return y

    def conv_transpose(self, name, x):
        weight = self.parameters[name + ".weight"]
        self.flops += 2 * x.numel() * weight[0].numel()
        return super().conv_transpose(name, x)


def compute(batch, size, in_channels, channels, groups):
    """Outputs in the files' layout and float64 by name, the operations, and the number of parameter tensors."""
    specs = parameter_specs(in_channels, channels)
    parameters = {}
    for name, shape, spread in specs:
        values = uniform(f"unet/U/{name}", shape, **spread)
        parameters[name] = from_files(name, values).double().requires_grad_()
    shape = (batch, size, size, size, in_channels)
    x = uniform("unet/U/x", shape).movedim(-1, 1).contiguous().double()
    target = uniform("unet/U/target", shape).movedim(-1, 1).contiguous().double()
    layers = CountingLayers(torch, parameters, groups)
    y = unet_u(layers, x)
    loss = torch.nn.functional.mse_loss(y, target)
    loss.backward()
    outputs = {"y": y.detach().movedim(1, -1), "loss": loss.detach().reshape(1)}
    for name, parameter in parameters.items():
        outputs[f"grad/{name}"] = to_files(name, parameter.grad)
    return outputs, layers.flops, len(specs)


def first_values(name, count=8):
    spread = {spec[0]: spec[2] for spec in parameter_specs(IN_CHANNELS, CHANNELS)}.get(name, {})
    return [float(value) for value in uniform(f"unet/U/{name}", (count,), **spread)]


def sampled(values, most=SAMPLES):
    flat = values.reshape(-1)
    size = flat.numel()
    stride = max(1, size // most)
    while math.gcd(stride, size) != 1:
        stride -= 1
    picks = [float(flat[(i * stride) % size]) for i in range(min(size, most))]
    digits = lambda value: float(f"{value:.10g}")
    return {
        "shape": list(values.shape),
        "norm": digits(float(flat.norm())),
        "stride": stride,
        "values": [digits(value) for value in picks],
    }


def main():
    outputs, flops, count = compute(BATCH, SIZE, IN_CHANNELS, CHANNELS, GROUPS)
    golden = {
        "torch": torch.__version__,
        "parameters": count,
        "flops": flops,
        "inputs": {
            name: first_values(name) for name in ("x", "target", "stem.weight", "up1.sample.weight", "head.norm.weight")
        },
        "tensors": {name: sampled(values) for name, values in outputs.items()},
    }
    lines = [f'"{name}": {json.dumps(tensor)}' for name, tensor in golden["tensors"].items()]
    head = json.dumps({key: value for key, value in golden.items() if key != "tensors"})
    with open(os.path.join(HERE, "unetU.json"), "w") as file:
        file.write(head[:-1] + ', "tensors": {\n' + ",\n".join(lines) + "\n}}\n")
    print(f"{count} parameter tensors, {flops / 1e9:.3f} GFLOP forward, loss {float(outputs['loss']):.6f}")


if __name__ == "__main__":
    main()
