"""The C-alpha flow-matching net (after Proteina, arXiv 2503.00710) in PyTorch, written from ../../docs/flow.md.

Matrices lie as in our files, [in, out]. Chains are whole: all of a batch have the same residues, and none is broken.
"""

import math

BOUNDS = (0.1, 3.0)
SEPARATION, PREVIOUS, DISTANCE = 127, 128, 64


class FlowNet:
    def __init__(self, torch, parameters, heads):
        self.torch, self.f = torch, torch.nn.functional
        self.p, self.heads = parameters, heads
        self.layers = 1 + max(int(name.split(".")[1]) for name in parameters if name.startswith("layers."))
        self.registers, self.hidden = parameters["registers"].shape
        self.index_numbers = parameters["token.weight"].shape[0] - 4

    def linear(self, name, x, bias=True):
        y = x @ self.p[name + ".weight"]
        return y + self.p[name + ".bias"] if bias else y

    def norm(self, name, x):
        return self.f.layer_norm(x, x.shape[-1:], self.p[name + ".gain"], self.p[name + ".bias"], 1e-5)

    def swiglu(self, name, x):
        a, g = self.linear(name + ".up", x, bias=False).chunk(2, -1)
        return self.linear(name + ".down", a * self.f.silu(g), bias=False)

    def ada(self, name, x, c):
        """x [b, ..., D] and a vector a chain, c [b, C] or one for each of its tokens."""
        e = self.norm(name + ".condNorm", c)
        scale, shift = self.linear(name + ".scale", e).sigmoid(), self.linear(name + ".shift", e, bias=False)
        return self.f.layer_norm(x, x.shape[-1:], eps=1e-5) * self.spread(scale, x) + self.spread(shift, x)

    def spread(self, of_chains, x):
        """Over the tokens: of [b, 2, D] the first is the residues', the second the registers'."""
        if of_chains.dim() == 2:
            return of_chains.reshape(of_chains.shape[:1] + (1,) * (x.dim() - 2) + of_chains.shape[1:])
        residues, registers = of_chains.unbind(1)
        count = x.shape[1] - self.registers
        return self.torch.cat(
            [registers[:, None].expand(-1, self.registers, -1), residues[:, None].expand(-1, count, -1)], 1
        )

    def time_embedding(self, t):
        half = self.p["cond.input.weight"].shape[0] // 2
        k = self.torch.arange(half, dtype=self.torch.float64)
        angles = 2000 * t.double()[:, None] * self.torch.exp(-k * math.log(2000) / (half - 1))
        return self.torch.cat([angles.sin(), angles.cos()], -1).to(t.dtype)

    def index_embedding(self, residues, dtype):
        k = self.torch.arange(self.index_numbers // 2, dtype=self.torch.float64)
        i = self.torch.arange(1, residues + 1, dtype=self.torch.float64)
        angles = math.pi * i[:, None] / 2056 ** (2 * k / self.index_numbers)
        return self.torch.cat([angles.sin(), angles.cos()], -1).to(dtype)

    def distance_bins(self, x, count):
        """The number of limits strictly below each distance."""
        difference = x[:, :, None] - x[:, None]
        distance = difference.square().sum(-1).sqrt()
        limits = self.torch.linspace(*BOUNDS, count - 1, dtype=self.torch.float64).to(x.dtype)
        return self.torch.bucketize(distance.contiguous(), limits)

    def pairs(self, x, previous, embedded):
        """[b, S, S, P], 0 where one of the two is a register."""
        n = x.shape[1]
        separation, distance_of_previous, distance = self.p["pair.input.weight"].split([SEPARATION, PREVIOUS, DISTANCE])
        i = self.torch.arange(n)
        rows = separation[(i[:, None] - i).clamp(-63, 63) + 63] + distance[self.distance_bins(x, DISTANCE)]
        if previous is not None:
            rows = rows + distance_of_previous[self.distance_bins(previous, PREVIOUS)]
        c = self.norm("pair.condNorm", self.linear("pair.cond", embedded, bias=False))
        pair = self.ada("pair.ada", self.norm("pair.norm", rows), c)
        return self.f.pad(pair, (0, 0, self.registers, 0, self.registers, 0))

    def attend(self, name, x, c, pair):
        b, tokens, width = x.shape
        y = self.norm(name + ".norm", self.ada(name + ".ada", x, c))
        q, k, v = self.linear(name + ".qkv", y).chunk(3, -1)
        q, k = self.norm(name + ".qNorm", q), self.norm(name + ".kNorm", k)
        q, k, v = (z.reshape(b, tokens, self.heads, -1).transpose(1, 2) for z in (q, k, v))
        bias = self.linear(name + ".pairBias", self.norm(name + ".pairNorm", pair), bias=False)
        weights = q @ k.transpose(-1, -2) * (width / self.heads) ** -0.5 + bias.permute(0, 3, 1, 2)
        mixed = (weights.softmax(-1) @ v).transpose(1, 2).reshape(x.shape)
        return self.linear(name + ".out", self.linear(name + ".gate", y).sigmoid() * mixed)

    def gated(self, name, x, y, c):
        return x + y * self.spread(self.linear(name + ".outGate", c).sigmoid(), x)

    def __call__(self, x_t, t, previous=None):
        """Velocities [b, n, 3] of residues at x_t [b, n, 3] at the times t [b]."""
        torch = self.torch
        b, n, _ = x_t.shape
        embedded = self.time_embedding(t)
        c = self.swiglu("cond.mix2", self.swiglu("cond.mix1", self.linear("cond.input", embedded)))
        c = torch.stack([c, torch.zeros_like(c)], 1)
        places = self.index_embedding(n, x_t.dtype).expand(b, -1, -1)
        given = torch.zeros_like(x_t) if previous is None else previous
        token = torch.cat([places, torch.zeros_like(places[..., :1]), given], -1)
        embed = self.linear("xyz", x_t, bias=False) + self.linear("token", token, bias=False)
        x = torch.cat([self.p["registers"].expand(b, -1, -1), embed], 1)
        pair = self.pairs(x_t, previous, embedded)
        for layer in range(self.layers):
            name = f"layers.{layer}.attn"
            x = self.gated(name, x, self.attend(name, x, c, pair), c)
            name = f"layers.{layer}.mlp"
            x = self.gated(name, x, self.swiglu(name, self.ada(name + ".ada", x, c)), c)
        return self.linear("head.out", self.norm("head.norm", x), bias=False)[:, self.registers :]


def centred(x):
    return x - x.mean(1, keepdim=True)


class Sampling:
    """Steps without noise, one a run, from `first` of `steps` on; x and endpoints are kept from the first run."""

    def __init__(self, torch, attributes, inputs):
        self.torch = torch
        self.start = {name: inputs.pop(name) for name in ("x", "previous")}
        self.net = FlowNet(torch, inputs, int(attributes["heads"]))
        self.steps, self.first = int(attributes["steps"]), int(attributes["first"])
        self.step, self.kept = self.first, None
        self.x, self.previous = self.start["x"], self.start["previous"]

    def time(self, k):
        return (1 - 10 ** (-2 * k / self.steps)) / (1 - 10**-2)

    def run(self):
        if self.step == self.steps:
            self.step, self.x, self.previous = self.first, self.start["x"], self.start["previous"]
        t, following = self.time(self.step), self.time(self.step + 1)
        with self.torch.no_grad():
            times = self.torch.full(self.x.shape[:1], t, dtype=self.x.dtype)
            self.previous = self.x + (1 - t) * self.net(self.x, times, self.previous)
            velocity = centred(self.previous - self.x) / (1 - t)
            self.x = centred(self.x + (following - t) * velocity)
        self.step += 1
        if self.kept is None:
            self.kept = {"x1": self.x.clone(), "endpoints": self.previous.clone()}

    def read(self):
        return self.kept


class Training:
    """Steps of Adam with the paths given; loss and gradients are kept from the first."""

    def __init__(self, torch, attributes, inputs):
        self.torch = torch
        self.x, self.times, self.targets = (inputs.pop(name) for name in ("x", "times", "targets"))
        self.parameters = inputs
        for values in inputs.values():
            values.requires_grad_()
        self.net = FlowNet(torch, inputs, int(attributes["heads"]))
        self.conditioned = bool(attributes["conditioned"])
        betas = attributes["beta1"], attributes["beta2"]
        self.optimiser = torch.optim.Adam(inputs.values(), lr=attributes["lr"], betas=betas, eps=attributes["eps"])
        self.first = None

    def endpoints(self, previous=None):
        return self.x + (1 - self.times)[:, None, None] * self.net(self.x, self.times, previous)

    def loss(self):
        previous = None
        if self.conditioned:
            with self.torch.no_grad():
                previous = self.endpoints()
        errors = (self.endpoints(previous) - self.targets).square().mean((1, 2))
        return (errors / ((1 - self.times).square() + 1e-5)).mean()

    def run(self):
        self.optimiser.zero_grad()
        loss = self.loss()
        loss.backward()
        if self.first is None:
            self.first = {"loss": loss.detach().clone().reshape(1)}
            for name, parameter in self.parameters.items():
                self.first["grad/" + name] = parameter.grad.detach().clone()
        self.optimiser.step()

    def read(self):
        return self.first
