"""Lanczos on the Hessian of a term of the loss by double backward, as ../protocol.ts says of the operation lanczos."""

from itertools import permutations, product

# The order of the attribute `term`.
TERMS = ("total", "mean", "equiv")


def cube_rotations():
    """Of each of the 24: the order to bring the axes into, and which to flip then."""
    turns = []
    for axes in permutations(range(3)):
        for flips in product((False, True), repeat=3):
            swaps = sum(axes[i] < axes[j] for i in range(3) for j in range(i))
            if (swaps + sum(flips)) % 2 == 0:
                turns.append((axes, [axis for axis in range(3) if flips[axis]]))
    return turns


def turn(x, axes, flips):
    return x.permute(0, *(1 + axis for axis in axes)).flip([1 + axis for axis in flips])


def turn_back(x, axes, flips):
    return x.flip([1 + axis for axis in flips]).permute(0, *(1 + axes.index(axis) for axis in range(3)))


class Lanczos:
    """On the loss of the network of the preset tiny; `networks` is the module torch_networks."""

    def __init__(self, torch, networks, attributes, inputs):
        self.torch = torch
        self.networks = networks
        start = {name: values for name, values in inputs.items() if name.startswith("start/")}
        named = networks.parameters_of({name: values for name, values in inputs.items() if name not in start})
        self.names, self.parameters = list(named), [values.requires_grad_() for values in named.values()]
        self.layers = networks.Layers(torch, named, attributes.get("groups", 4))
        self.start = self.flat([networks.from_files(name, start["start/" + name]) for name in self.names])
        self.x, self.target = (inputs[name].movedim(-1, 1).contiguous() for name in ("x", "target"))
        self.term = TERMS[attributes["term"]]
        self.products = attributes["products"]
        self.turns = cube_rotations()

    def flat(self, values):
        return self.torch.cat([value.reshape(-1) for value in values])

    def split(self, vector):
        pieces = vector.split([p.numel() for p in self.parameters])
        return [piece.view_as(p) for piece, p in zip(pieces, self.parameters)]

    def loss(self, n):
        """What molecule n adds to the term; all rotations of the group, so that nothing is estimated."""
        x = self.torch.stack([turn(self.x[n], *each) for each in self.turns])
        raw = self.networks.voxmol(self.layers, x)
        twisted = self.torch.stack([turn_back(y, *each) for y, each in zip(raw, self.turns)])
        mean = twisted.mean(0)
        if self.term == "equiv":
            return (twisted - mean).square().mean() / len(self.x)
        return ((mean if self.term == "mean" else twisted) - self.target[n]).square().mean() / len(self.x)

    def hessian_product(self, vector):
        """One molecule after another, so that memory holds the graph of one."""
        torch = self.torch
        directions = self.split(vector)
        result = torch.zeros_like(vector)
        for n in range(len(self.x)):
            # What the term does not depend on (the last bias, of L_equiv) has no gradient.
            grads = torch.autograd.grad(self.loss(n), self.parameters, create_graph=True)
            along = sum((g * v).sum() for g, v in zip(grads, directions))
            found = torch.autograd.grad(along, self.parameters, allow_unused=True)
            result += self.flat([torch.zeros_like(p) if h is None else h for h, p in zip(found, self.parameters)])
        return result

    def run(self):
        """With full reorthogonalisation, twice."""
        torch = self.torch
        basis = [self.start / self.start.norm()]
        projected = torch.zeros(self.products, self.products, dtype=torch.float64)
        for k in range(self.products):
            w = self.hessian_product(basis[k])
            if k == 0:
                self.product = w * self.start.norm()
            for _ in range(2):
                for j, q in enumerate(basis):
                    along = q @ w
                    projected[j, k] += along.item()
                    w = w - along * q
            basis.append(w / w.norm())
        self.lambda_max = torch.linalg.eigvalsh(projected.triu() + projected.triu(1).T)[-1:]

    def read(self):
        pieces = zip(self.names, self.split(self.product))
        products = {"product/" + name: self.networks.to_files(name, piece) for name, piece in pieces}
        return {"lambdaMax": self.lambda_max, **products}
