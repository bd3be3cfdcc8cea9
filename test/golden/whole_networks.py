"""Golden numbers of whole networks: forward, gradients, optimiser steps and EMA."""
import json
import math

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from files import PRECISION, normal, relative_error
from unet import AttentionBlock, ResidualBlock, UNet3d

# Ten times the usual weight decay: with less, five steps would not show in a comparison to 1e-4 whether there is any.
STEPS, LR, BETAS, EPS, WEIGHT_DECAY, EMA_DECAY = 5, 1e-3, (0.9, 0.999), 1e-8, 1e-1, 0.99

# Adam divides by the gradient's own size, so an entry near zero turns rounding into a step. The seeds are, of the first
# twelve, those whose weights after five steps move least under gradient noise (1e-5 of a norm for 3e-6 of noise).
UNETS = {
    "unet-k3s2": dict(seed=6, batch=2, grid=8, config=dict(
        inChannels=3, outChannels=3, channels=[6, 8], blocks=1, attention=[False, True], middleAttention=True,
        groups=2, dropout=0.0, down="k3s2")),
    # Four groups on four channels: the case of one channel a group, where a bias before the norm has no gradient.
    "unet-k4s2": dict(seed=11, batch=2, grid=8, config=dict(
        inChannels=3, outChannels=3, channels=[4, 4, 8], blocks=1, attention=[False, False, True],
        middleAttention=False, groups=4, dropout=0.0, down="k4s2")),
}

CONVENTIONS = dict(
    precision=PRECISION,
    loss="mean((output - target)^2) over batch, channels and voxels",
    losses=f"entry k is the loss of the weights after k optimiser steps, k = 0..{STEPS}; always the same batch",
    optimiser="AdamW: w *= 1 - lr*wd; m = b1*m + (1-b1)*g; v = b2*v + (1-b2)*g^2; "
              "w -= lr * (m/(1-b1^t)) / (sqrt(v/(1-b2^t)) + eps), t = 1..5; "
              "parameters without a gradient stay as they are",
    ema="starts at the initial weights; after step t: ema = d*ema + (1-d)*w, d = min(0.99, (1+t)/(10+t)), t = 1..5",
)


def initial_weights(model, random):
    """PyTorch's default bounds for convolutions and linear layers.

    Norms are moved off 1 and 0, which would hide mistakes.
    """
    weights = {}
    for name, module in model.named_modules():
        if isinstance(module, nn.GroupNorm):
            weights[f"{name}.weight"] = 1 + 0.2 * normal(random, module.num_channels)
            weights[f"{name}.bias"] = 0.1 * normal(random, module.num_channels)
        elif hasattr(module, "weight"):
            bound = 1 / math.sqrt(module.weight[0].numel())
            for part in ("weight", "bias"):
                shape = tuple(getattr(module, part).shape)
                weights[f"{name}.{part}"] = torch.from_numpy(random.uniform(-bound, bound, shape).astype(np.float32))
    assert set(weights) == set(model.state_dict())
    return {name: weights[name] for name in model.state_dict()}


def zero_gradients(model, groups):
    """Slices [name, from, to) of bias vectors that the loss does not depend on, by symmetry.

    A key bias adds the same to every score of a query. A bias before a norm with one channel a group is taken away
    again.
    """
    slices = []
    for name, module in model.named_modules():
        if isinstance(module, AttentionBlock):
            c = module.output.out_features
            slices.append([f"{name}.projection.bias", c, 2 * c])
        if isinstance(module, ResidualBlock) and module.conv1.out_channels == groups:
            slices.append([f"{name}.conv1.bias", 0, groups])
    if model.norm.num_channels == groups:
        last = model.up[-1].res  # its output goes into the final norm and nowhere else
        biases = ["conv2.bias"] + (["shortcut.bias"] if isinstance(last.shortcut, nn.Conv3d) else [])
        slices.extend([f"up.{len(model.up) - 1}.res.{bias}", 0, groups] for bias in biases)
    return slices


def train(config, weights, x, target, dtype):
    """Forward, gradients, then the optimiser steps, all in one precision."""
    model = UNet3d(config).to(dtype)
    model.load_state_dict(weights)
    x, target = x.to(dtype), target.to(dtype)
    optimiser = torch.optim.AdamW(model.parameters(), lr=LR, betas=BETAS, eps=EPS, weight_decay=WEIGHT_DECAY)
    ema = {name: p.detach().clone() for name, p in model.named_parameters()}
    result, losses = {}, []
    for t in range(STEPS + 1):
        optimiser.zero_grad(set_to_none=True)
        output = model(x)
        loss = F.mse_loss(output, target)
        losses.append(loss.item())
        if t == STEPS:
            break
        loss.backward()
        if t == 0:
            result["output"] = output.detach().numpy()
            graded = ((n, p.grad) for n, p in model.named_parameters() if p.grad is not None)
            result.update((f"grad.{n}", grad.numpy().copy()) for n, grad in graded)
        optimiser.step()
        decay = min(EMA_DECAY, (2 + t) / (11 + t))  # t counts from 0 here
        for name, p in model.named_parameters():
            ema[name] = decay * ema[name] + (1 - decay) * p.detach()
    result["losses"] = np.array(losses)
    result.update((f"final.{n}", p.detach().numpy().copy()) for n, p in model.named_parameters())
    result.update((f"ema.{n}", e.numpy()) for n, e in ema.items())
    return result


def without_slices(name, array, slices):
    """The entries of a grad, final or ema tensor that a comparison may look at."""
    keep = np.ones(array.shape, bool)
    for parameter, first, last in slices:
        if name.split(".", 1)[-1] == parameter:
            keep[first:last] = False
    return array[keep]


def make_unet(name, seed, batch, grid, config):
    random = np.random.RandomState(seed)
    model = UNet3d(config)
    weights = initial_weights(model, random)
    x = normal(random, batch, config["inChannels"], grid, grid, grid)
    target = normal(random, batch, config["outChannels"], grid, grid, grid)
    slices = zero_gradients(model, config["groups"])

    truth = train(config, weights, x, target, torch.float64)
    single = train(config, weights, x, target, torch.float32)
    scale = max(np.abs(v).max() for k, v in truth.items() if k.startswith("grad."))
    for parameter, first, last in slices:
        largest = np.abs(truth[f"grad.{parameter}"][first:last]).max()
        assert largest < 1e-14 * scale, (parameter, largest)
        truth[f"grad.{parameter}"][first:last] = 0
    grads = {k: v for k, v in truth.items() if k.startswith("grad.")}
    smallest = min(np.abs(without_slices(k, v, slices)).min(initial=math.inf) for k, v in grads.items())
    print(f"  gradients from {smallest:.1e} to {scale:.1e}")
    errors = {k: relative_error(without_slices(k, single[k], slices), without_slices(k, v, slices))
              for k, v in truth.items() if without_slices(k, v, slices).size}
    for prefix in ("output", "grad.", "losses", "final.", "ema."):
        worst = max((k for k in errors if k.startswith(prefix)), key=errors.get)
        print(f"  {prefix:8s} float32 against float64, worst tensor: {errors[worst]:.1e} ({worst})")
        assert errors[worst] < 1e-5, (worst, errors[worst])

    metadata = dict(CONVENTIONS, format="pt", config=json.dumps(config),
                    optimiserValues=json.dumps(dict(lr=LR, betas=BETAS, eps=EPS, weightDecay=WEIGHT_DECAY, steps=STEPS,
                                                    emaDecay=EMA_DECAY)),
                    parameters=str(sum(w.numel() for w in weights.values())),
                    zeroGradients=json.dumps(slices),
                    unused=json.dumps([n for n in weights if f"grad.{n}" not in truth]))
    tensors = {"input": x.numpy(), "target": target.numpy(), "output": truth["output"], "losses": truth["losses"]}
    tensors.update((f"weight.{n}", w.numpy()) for n, w in weights.items())
    tensors.update((k, v) for k, v in truth.items() if k not in tensors)
    return tensors, metadata
