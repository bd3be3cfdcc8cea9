"""Case U (../unetU.ts) and the denoiser (../../src/models/unet3d.ts) in PyTorch, from parameters by name."""

import re


class Layers:
    """The layers of both networks over parameters in PyTorch's layouts, channels first."""

    def __init__(self, torch, parameters, groups):
        self.functional = torch.nn.functional
        self.torch = torch
        self.parameters = parameters
        self.groups = groups

    def has(self, name):
        return name in self.parameters

    def pair(self, name):
        return self.parameters[name + ".weight"], self.parameters[name + ".bias"]

    def conv(self, name, x, stride=1):
        weight, bias = self.pair(name)
        # Kernels 3 and 4 have padding 1, 1 and 2 none.
        return self.functional.conv3d(x, weight, bias, stride, 1 if weight.shape[2] > 2 else 0)

    def conv_transpose(self, name, x):
        weight, bias = self.pair(name)
        return self.functional.conv_transpose3d(x, weight, bias, 2, 1)

    def norm_silu(self, name, x):
        weight, bias = self.pair(name)
        return self.functional.silu(self.functional.group_norm(x, self.groups, weight, bias, 1e-5))

    def concat(self, x, skip):
        return self.torch.cat([x, skip], dim=1)

    def block(self, name, x):
        h = self.conv(f"{name}.conv1", self.norm_silu(f"{name}.norm1", x))
        y = self.conv(f"{name}.conv2", self.norm_silu(f"{name}.norm2", h))
        return y + (self.conv(f"{name}.shortcut", x) if self.has(f"{name}.shortcut.weight") else x)

    def attend(self, name, x):
        """Self-attention over all voxels in one head, where there are parameters for it; linear weights [in, out]."""
        if not self.has(f"{name}.projection.weight"):
            return x
        linear = lambda layer, x: self.functional.linear(x, *(p.t() if p.dim() == 2 else p for p in self.pair(layer)))
        tokens = x.flatten(2).transpose(1, 2)
        q, k, v = linear(f"{name}.projection", tokens).chunk(3, dim=-1)
        weights = (q @ k.transpose(1, 2) * q.shape[-1] ** -0.5).softmax(-1)
        return (tokens + linear(f"{name}.output", weights @ v)).transpose(1, 2).reshape(x.shape)


def unet_u(layers, x):
    levels = 0
    while layers.has(f"down{levels}.block0.conv1.weight"):
        levels += 1
    x = layers.conv("stem", x)
    skips = []
    for level in range(levels):
        first = layers.block(f"down{level}.block0", x)
        x = layers.block(f"down{level}.block1", first)
        skips.append((first, x))
        if level < levels - 1:
            x = layers.conv(f"down{level}.sample", x, stride=2)
    x = layers.block("middle.block1", layers.block("middle.block0", x))
    for level in reversed(range(levels)):
        first, second = skips[level]
        x = layers.block(f"up{level}.block0", layers.concat(x, second))
        x = layers.block(f"up{level}.block1", layers.concat(x, first))
        if level > 0:
            x = layers.conv_transpose(f"up{level}.sample", x)
    return layers.conv("head.conv", layers.norm_silu("head.norm", x))


def voxmol(layers, x):
    """The denoiser without dropout, under the names of its state dict."""
    x = layers.conv("grid_projection", x)
    skips = [x]
    index = 0
    while True:
        if layers.has(f"down.{index}.res.conv1.weight"):
            x = layers.attend(f"down.{index}.attn", layers.block(f"down.{index}.res", x))
        elif layers.has(f"down.{index}.conv.weight"):
            x = layers.conv(f"down.{index}.conv", x, stride=2)
        else:
            break
        skips.append(x)
        index += 1
    x = layers.attend("middle.attn", layers.block("middle.res1", x))
    x = layers.block("middle.res2", x)
    index = 0
    while True:
        if layers.has(f"up.{index}.res.conv1.weight"):
            x = layers.block(f"up.{index}.res", layers.concat(x, skips.pop()))
            x = layers.attend(f"up.{index}.attn", x)
        elif layers.has(f"up.{index}.conv.weight"):
            x = layers.conv_transpose(f"up.{index}.conv", x)
        else:
            break
        index += 1
    return layers.conv("final", layers.norm_silu("norm", x))


TRANSPOSED = re.compile(r"^(up\d+\.sample|up\.\d+\.conv)\.weight$")


def from_files(name, values):
    if values.dim() != 5:
        return values.clone()
    axes = (3, 4, 0, 1, 2) if TRANSPOSED.match(name) else (4, 3, 0, 1, 2)
    return values.permute(axes).contiguous()


def to_files(name, values):
    if values.dim() != 5:
        return values
    return values.permute((2, 3, 4, 0, 1) if TRANSPOSED.match(name) else (2, 3, 4, 1, 0))


def parameters_of(inputs):
    return {name: from_files(name, values) for name, values in inputs.items() if name not in ("x", "target")}


class Forward:
    def __init__(self, torch, network, groups, inputs):
        self.torch = torch
        self.network = network
        self.layers = Layers(torch, parameters_of(inputs), groups)
        self.x = inputs["x"].movedim(-1, 1).contiguous()

    def run(self):
        with self.torch.no_grad():
            self.y = self.network(self.layers, self.x)

    def read(self):
        return {"y": self.y.movedim(1, -1)}


class Training:
    """Steps of AdamW on the mean squared error; loss and gradients are kept from the first."""

    def __init__(self, torch, network, groups, attributes, inputs):
        self.torch = torch
        self.network = network
        self.parameters = {name: values.requires_grad_() for name, values in parameters_of(inputs).items()}
        self.layers = Layers(torch, self.parameters, groups)
        self.x = inputs["x"].movedim(-1, 1).contiguous()
        self.target = inputs["target"].movedim(-1, 1).contiguous()
        self.optimiser = torch.optim.AdamW(
            list(self.parameters.values()),
            lr=attributes["lr"],
            betas=(attributes["beta1"], attributes["beta2"]),
            eps=attributes["eps"],
            weight_decay=attributes["weightDecay"],
        )
        self.first = None

    def run(self):
        self.optimiser.zero_grad()
        loss = self.torch.nn.functional.mse_loss(self.network(self.layers, self.x), self.target)
        loss.backward()
        if self.first is None:
            self.first = {"loss": loss.detach().clone()}
            for name, parameter in self.parameters.items():
                self.first["grad/" + name] = to_files(name, parameter.grad.detach().clone())
        self.optimiser.step()

    def read(self):
        return self.first


def forward(torch, network, groups, attributes, inputs):
    return Forward(torch, network, attributes.get("groups", groups), inputs)


def training(torch, network, groups, attributes, inputs):
    return Training(torch, network, attributes.get("groups", groups), attributes, inputs)
