"""Golden numbers of single operations: output and gradients for a random cotangent."""
import json

import numpy as np
import torch
from torch.nn import functional as F

from files import PRECISION, normal, relative_error
from unet import attention


def rotate_trilinear(x, matrix):
    """Active rotation out(p) = in(R^-1 p) about (D-1)/2, zero outside.

    matrix acts on (x, y, z); storage is (z, y, x).
    """
    inverse = matrix.T.to(x.dtype)
    theta = torch.cat([inverse, torch.zeros(3, 1, dtype=x.dtype)], dim=1).expand(x.shape[0], 3, 4)
    where = F.affine_grid(theta, list(x.shape), align_corners=True)
    return F.grid_sample(x, where, mode="bilinear", padding_mode="zeros", align_corners=True)


def op_cases():
    """name -> (function of the arguments, {argument: shape}, attributes)."""
    cases = {}

    def conv(name, shape, cout, k, s, p, transposed=False):
        cin = shape[1]
        weight = (cin, cout, k, k, k) if transposed else (cout, cin, k, k, k)
        apply = F.conv_transpose3d if transposed else F.conv3d
        cases[name] = (lambda x, weight, bias: apply(x, weight, bias, stride=s, padding=p),
                       dict(x=shape, weight=weight, bias=(cout,)),
                       dict(op="convTranspose3d" if transposed else "conv3d", kernel=k, stride=s, padding=p))

    conv("conv-k3s1", (2, 5, 4, 3, 6), 7, 3, 1, 1)
    conv("conv-k3s1-wide", (1, 8, 4, 4, 4), 12, 3, 1, 1)
    conv("conv-k1s1", (2, 6, 3, 4, 5), 4, 1, 1, 0)
    conv("conv-k3s2", (2, 4, 6, 6, 6), 4, 3, 2, 1)
    conv("conv-k3s2-odd", (1, 3, 5, 7, 3), 5, 3, 2, 1)
    conv("conv-k4s2", (2, 4, 6, 4, 8), 4, 4, 2, 1)
    conv("conv-k2s2", (2, 3, 4, 6, 4), 5, 2, 2, 0)
    conv("transposed-k4s2", (2, 4, 3, 4, 3), 4, 4, 2, 1, True)
    conv("transposed-k4s2-uneven", (1, 3, 2, 3, 4), 5, 4, 2, 1, True)
    conv("transposed-k2s2", (2, 5, 3, 2, 3), 3, 2, 2, 0, True)

    def norm(name, shape, groups, silu):
        def apply(x, weight, bias):
            y = F.group_norm(x, groups, weight, bias, 1e-5)
            return F.silu(y) if silu else y
        cases[name] = (apply, dict(x=shape, weight=shape[1:2], bias=shape[1:2]),
                       dict(op="groupNorm", groups=groups, silu=silu, eps=1e-5))

    norm("norm", (2, 8, 4, 3, 5), 4, False)
    norm("norm-silu", (2, 8, 4, 3, 5), 4, True)
    norm("norm-silu-odd", (3, 6, 3, 2, 5), 2, True)
    norm("norm-silu-single", (1, 4, 3, 3, 3), 4, True)

    cases["silu"] = (lambda x: F.silu(x), dict(x=(2, 3, 3, 2, 4)), dict(op="silu"))
    cases["linear"] = (lambda x, weight, bias: F.linear(x, weight, bias),
                       dict(x=(2, 9, 6), weight=(10, 6), bias=(10,)), dict(op="linear"))
    shapes = {"attention": (2, 27, 8), "attention-one": (1, 1, 4), "attention-wide": (1, 64, 12)}
    for name, (n, tokens, c) in shapes.items():
        cases[name] = (attention, dict(qkv=(n, tokens, 3 * c)), dict(op="attention"))

    tilt = rotation_matrix(0.7, (1.0, 2.0, -0.5))
    cases["rotate-trilinear"] = (lambda x: rotate_trilinear(x, tilt), dict(x=(2, 3, 6, 6, 6)),
                                 dict(op="rotateTrilinear", matrix=tilt.flatten().tolist()))
    quarter = torch.tensor([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])  # x to y: a quarter turn about z
    cases["rotate-quarter"] = (lambda x: rotate_trilinear(x, quarter), dict(x=(1, 2, 4, 4, 4)),
                               dict(op="rotateTrilinear", matrix=quarter.flatten().tolist()))
    return cases


def rotation_matrix(angle, axis):
    """Rodrigues, rounded to float32 so that both sides use the same numbers."""
    x, y, z = np.array(axis) / np.linalg.norm(axis)
    k = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return torch.from_numpy((np.eye(3) + np.sin(angle) * k + (1 - np.cos(angle)) * k @ k).astype(np.float32))


def run_op(apply, values, cotangent, dtype):
    arguments = {k: v.clone().to(dtype).requires_grad_() for k, v in values.items()}
    y = apply(**arguments)
    if cotangent is None:
        return y.shape
    y.backward(cotangent.to(dtype))
    return {"y": y.detach().numpy(), **{f"grad.{k}": a.grad.numpy() for k, a in arguments.items()}}


def make_ops():
    random = np.random.RandomState(7)
    tensors, attributes, worst = {}, {}, 0.0
    for name, (apply, shapes, info) in op_cases().items():
        values = {k: normal(random, *shape) for k, shape in shapes.items()}
        cotangent = normal(random, *run_op(apply, values, None, torch.float64))
        truth = run_op(apply, values, cotangent, torch.float64)
        single = run_op(apply, values, cotangent, torch.float32)
        for key, value in truth.items():
            if np.linalg.norm(value) > 1e-12:  # attention on one token: the gradients of q and k vanish
                worst = max(worst, relative_error(single[key], value))
        tensors.update((f"{name}/{k}", v.numpy()) for k, v in values.items())
        tensors[f"{name}/grad.y"] = cotangent.numpy()
        tensors.update((f"{name}/{k}", v) for k, v in truth.items())
        attributes[name] = info
    print(f"  float32 against float64, worst tensor: {worst:.1e}")
    assert worst < 1e-5
    metadata = dict(format="pt", precision=PRECISION, cases=json.dumps(attributes),
                    tensors="CASE/argument, CASE/y (output), CASE/grad.y (cotangent), CASE/grad.argument")
    return tensors, metadata
