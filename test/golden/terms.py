"""L = L_mean + L_equiv as functions of a PyTorch model's weights, with derivatives by double backward.

Conventions are those of docs/measuring.md: rotations of the cube, active, x y z; grids (C, D, D, D) with axes z y x.
Losses are means over samples and elements, estimated from K of the group's M rotations as decomposeSums does
(src/equivariance/estimators.ts): L_equiv = (M - 1)/M S/(K - 1), S the sum over rotations of |f_i - mean|^2.

A vector of weights is all parameters that the output depends on, one after another in the order of named_parameters(),
each flattened in PyTorch's own layout.
"""
import numpy as np
import torch

TERMS = ("total", "mean", "equiv")
ORDER = 24


def octahedral_matrices():
    """(24, 3, 3) in the numbering of src/equivariance/octahedral.ts."""
    matrices = np.zeros((ORDER, 3, 3), int)
    for g in range(ORDER):
        p, x, y = g >> 2, -1 if g & 1 else 1, -1 if g & 2 else 1
        for i, sign in enumerate((x, y, x * y if p < 3 else -x * y)):
            matrices[g, i, (i + p) % 3 if p < 3 else (p - i) % 3] = sign
    return matrices


def permutation(size, matrix):
    """Rotated voxel i holds what was at voxel result[i], out(p) = in(R^-1 p) about the centre; voxels z y x."""
    z, y, x = np.indices((size, size, size)).reshape(3, -1)
    doubled = 2 * np.stack([x, y, z]) - (size - 1)
    sx, sy, sz = (np.asarray(matrix).T @ doubled + (size - 1)) // 2
    return torch.from_numpy((sz * size + sy) * size + sx)


def weights_of(gradients, parameters):
    """One vector; what does not depend on a parameter has no gradient there."""
    pairs = zip(gradients, parameters)
    return torch.cat([(torch.zeros_like(p) if g is None else g.detach()).reshape(-1) for g, p in pairs])


class LossTerms:
    """Inputs and targets (N, C, D, D, D), matrices (K, 3, 3) of all samples or (N, K, 3, 3); M elements in the group.

    The matrices of a sample are all different.
    """

    def __init__(self, model, inputs, targets, matrices, group_order=ORDER):
        self.model = model.eval()
        self.inputs, self.targets = inputs, targets
        self.samples, self.elements = len(inputs), inputs[0].numel()
        matrices = np.broadcast_to(matrices, (len(inputs), *np.shape(matrices)[-3:]))
        self.rotations = matrices.shape[1]
        self.correction = (group_order - 1) / group_order if np.isfinite(group_order) else 1
        permutations = {m.tobytes(): permutation(inputs.shape[-1], m) for of in matrices for m in of}
        self.there = [torch.stack([permutations[m.tobytes()] for m in of]) for of in matrices]
        used = torch.autograd.grad(model(inputs[:1]).sum(), list(model.parameters()), allow_unused=True)
        self.names = [name for (name, _), g in zip(model.named_parameters(), used) if g is not None]
        self.parameters = [p for p, g in zip(model.parameters(), used) if g is not None]
        self.size = sum(p.numel() for p in self.parameters)

    def twisted(self, n):
        """Predictions for the rotated copies of sample n, rotated back: (K, C, voxels)."""
        x, there = self.inputs[n], self.there[n]
        rotated = x.flatten(1)[:, there].movedim(1, 0).reshape(-1, *x.shape)
        raw = self.model(rotated).flatten(2)
        return raw.gather(2, there.argsort(1)[:, None].expand_as(raw))

    def terms(self, n, f):
        """What sample n adds to each term, from its twisted predictions."""
        scale = 1 / (self.samples * self.elements)
        total = scale * (f - self.targets[n].flatten(1)).square().sum() / self.rotations
        equiv = scale * self.correction * (f - f.mean(0)).square().sum() / (self.rotations - 1)
        return {"total": total, "mean": total - equiv, "equiv": equiv}

    def losses(self):
        sums = dict.fromkeys(TERMS, 0.0)
        with torch.no_grad():
            for n in range(self.samples):
                for term, value in self.terms(n, self.twisted(n)).items():
                    sums[term] += value.item()
        return sums

    def gradient(self, term):
        result = 0
        for n in range(self.samples):
            loss = self.terms(n, self.twisted(n))[term]
            result = result + weights_of(torch.autograd.grad(loss, self.parameters, allow_unused=True), self.parameters)
        return result

    def split(self, vector):
        pieces = vector.split([p.numel() for p in self.parameters])
        return [piece.view_as(p) for piece, p in zip(pieces, self.parameters)]

    def hessian_product(self, term, direction):
        """H v: the gradient of <gradient, v>, one sample after another, so that one sample's graph is in memory."""
        return sum(self.hessian_product_of(term, n)(direction) for n in range(self.samples))

    def hessian_product_of(self, term, n):
        """A function v -> what sample n adds to H v; the graph of its gradient is made once."""
        loss = self.terms(n, self.twisted(n))[term]
        graph = torch.autograd.grad(loss, self.parameters, create_graph=True, allow_unused=True)

        def product(direction):
            along = sum((g * v).sum() for g, v in zip(graph, self.split(direction)) if g is not None)
            found = torch.autograd.grad(along, self.parameters, retain_graph=True, allow_unused=True)
            return weights_of(found, self.parameters)

        return product

    def jacobian_products(self, n):
        """A function v -> J v for the twisted predictions of sample n, and one c -> J^T c."""
        f = self.twisted(n)
        cotangent = torch.zeros_like(f, requires_grad=True)
        transposed = torch.autograd.grad(f, self.parameters, cotangent, create_graph=True)

        def forward(v):
            return torch.autograd.grad(transposed, cotangent, self.split(v), retain_graph=True)[0]

        def backward(c):
            return weights_of(torch.autograd.grad(f, self.parameters, c, retain_graph=True), self.parameters)

        return forward, backward

    def gauss_newton_product(self, term, direction):
        """G v = 2/N sum of J_i^T J_i v for the loss; for L_equiv J_i less its mean, and the divisor of its estimate."""
        scale = 2 / (self.samples * self.elements)
        result = 0
        for n in range(self.samples):
            forward, backward = self.jacobian_products(n)
            change = forward(direction)
            total = scale / self.rotations * change
            equiv = scale * self.correction / (self.rotations - 1) * (change - change.mean(0))
            result = result + backward({"total": total, "mean": total - equiv, "equiv": equiv}[term])
        return result


def largest_eigenvalue(product, size, most, report=None, relative=5e-3, least=10):
    """The largest (signed) Ritz value of a symmetric operator on float32 vectors, and its residual's norm.

    Lanczos with full reorthogonalisation. An eigenvalue lies within the residual's norm of the value; it ends when that
    is below `relative` of the value, or after `most` products. Never before `least`: the value may rest for some
    products at an eigenvalue that is not the largest. `report` is called with the products, the value and the norm.
    """
    start = np.random.RandomState(1).standard_normal(size)
    basis, projected = [start / np.linalg.norm(start)], np.zeros((most, most))
    for k in range(most):
        w = product(torch.from_numpy(basis[k].astype(np.float32))).double().numpy()
        for _ in range(2):
            for j, q in enumerate(basis):
                along = q @ w
                projected[j, k] += along
                w = w - along * q
        norm = np.linalg.norm(w)
        basis.append(w / norm)
        upper = np.triu(projected[: k + 1, : k + 1])
        values, vectors = np.linalg.eigh(upper + np.triu(upper, 1).T)
        residual = norm * abs(vectors[-1, -1])
        if report:
            report(k + 1, values[-1], residual)
        if k + 1 >= least and residual < relative * abs(values[-1]):
            break
    return values[-1], residual
