"""Golden numbers of a loss landscape: a trained U-Net so small that whole Hessians can be made, on three samples."""
import json
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import torch
from torch.nn import functional as F

from files import normal
from terms import TERMS, LossTerms, octahedral_matrices
from unet import UNet3d
from whole_networks import initial_weights

GRID, SAMPLES, SIGMA = 8, 3, 0.3
# The seed makes everything: initial weights, training, samples, directions.
SEED, STEPS, BATCH, LR = 4, 400, 8, 1e-2
CONFIG = dict(inChannels=2, outChannels=2, channels=[1, 1], blocks=1, attention=[False, False], middleAttention=False,
              groups=1, dropout=0.0, down="k4s2")
EXTREMES = 5

CONVENTIONS = dict(
    precision="computed in float64 from exact float32 weights, samples and directions; arrays rounded to float32, "
              "figures not rounded",
    losses="means over samples, voxels and channels; all 24 rotations, so that no estimate is involved",
    rotations="active, in the order of voxtwirl's octahedralMatrices",
    weights="parameters one after another in the order of weightNames, each flattened in PyTorch's layout; "
            "gradients, directions and products have the same order",
    gaussNewton="2/N sum of J_i^T J_i over the N twisted predictions' numbers for total; J_i less its mean over the "
                "rotations for equiv; mean is the difference",
)


def clean_grids(random, count):
    """(count, 2, 8, 8, 8): three Gaussian atoms in the first channel, two in the second, joined as VoxMol does."""
    empty = np.ones((count, 2, GRID, GRID, GRID))
    position = np.arange(GRID)
    for n in range(count):
        for channel in (0, 0, 0, 1, 1):
            atom = random.uniform(1, GRID - 2, 3)
            along = [np.exp(-(((position - p) / 1.4) ** 2)) for p in atom]
            empty[n, channel] *= 1 - np.einsum("i,j,k->ijk", *along)
    return torch.from_numpy((1 - empty).astype(np.float32))


def batch_of(random, count):
    """Noisy inputs and clean targets, exact float32 numbers."""
    targets = clean_grids(random, count)
    return targets + SIGMA * normal(random, *targets.shape), targets


def trained_weights(random):
    """After some hundred steps on fresh samples, rounded to float32, so that the spectrum is like that of a run."""
    model = UNet3d(CONFIG)
    model.load_state_dict(initial_weights(model, random))
    model.double()
    optimiser = torch.optim.AdamW(model.parameters(), lr=LR)
    for step in range(STEPS):
        inputs, targets = batch_of(random, BATCH)
        optimiser.zero_grad()
        loss = F.mse_loss(model(inputs.double()), targets.double())
        loss.backward()
        optimiser.step()
        if step % 50 == 0 or step == STEPS - 1:
            print(f"  step {step}: {loss.item():.4f}, predicting zero {targets.square().mean().item():.4f}", flush=True)
    return {name: value.float() for name, value in model.state_dict().items()}


def loss_terms(weights, inputs, targets):
    model = UNet3d(CONFIG).double()
    model.load_state_dict(weights)
    return LossTerms(model, inputs.double(), targets.double(), octahedral_matrices())


def hessian_part(weights, inputs, targets, term, n):
    """What sample n adds to the Hessian of a term: every column by double backward."""
    torch.set_num_threads(1)
    of = loss_terms(weights, inputs, targets)
    product = of.hessian_product_of(term, n)
    return np.stack([product(column).numpy() for column in torch.eye(of.size, dtype=torch.float64)], 1)


def gauss_newton_part(weights, inputs, targets, n):
    """What sample n adds to the Gauss-Newton matrices of the total and of L_mean: from J whole, column by column."""
    torch.set_num_threads(1)
    of = loss_terms(weights, inputs, targets)
    forward, _ = of.jacobian_products(n)
    columns = torch.eye(of.size, dtype=torch.float64)
    jacobian = torch.stack([forward(column).reshape(of.rotations, -1) for column in columns], -1)
    scale = 2 / (of.samples * of.elements)
    mean, rows = jacobian.mean(0), jacobian.flatten(0, 1)
    return (scale / of.rotations * rows.T @ rows).numpy(), (scale * mean.T @ mean).numpy()


def matrices(weights, inputs, targets):
    """Hessians and Gauss-Newton matrices of each term; those of L_mean are the differences."""
    samples = range(SAMPLES)
    with ProcessPoolExecutor(max_workers=2) as pool:
        parts = {(term, n): pool.submit(hessian_part, weights, inputs, targets, term, n)
                 for term in ("total", "equiv") for n in samples}
        gauss = [pool.submit(gauss_newton_part, weights, inputs, targets, n) for n in samples]
        hessian = {term: sum(parts[term, n].result() for n in samples) for term in ("total", "equiv")}
        total, mean = (sum(part.result()[i] for part in gauss) for i in (0, 1))
    hessian["mean"] = hessian["total"] - hessian["equiv"]
    return hessian, {"total": total, "mean": mean, "equiv": total - mean}


def spectrum(matrix):
    """Ascending eigenvalues of a matrix that is symmetric but for rounding."""
    assert np.abs(matrix - matrix.T).max() < 1e-12 * np.abs(matrix).max()
    return np.linalg.eigvalsh((matrix + matrix.T) / 2)


def figures_of(matrix, values):
    """Figures of a matrix with these eigenvalues."""
    assert abs(values.sum() / np.trace(matrix) - 1) < 1e-9
    return dict(lambdaMax=values[-1], lambdaMin=values[0], lambdas=values[::-1][:EXTREMES].tolist(),
                trace=np.trace(matrix), frobeniusSquared=np.square(matrix).sum())


def make_landscape(stored=None):
    """Tensors and metadata; with `stored` tensors from a file, those of its weights and samples."""
    random = np.random.RandomState(SEED)
    if stored is None:
        weights = trained_weights(random)
        inputs, targets = batch_of(random, SAMPLES)
        directions = normal(random, 2, sum(w.numel() for w in weights.values()))
    else:
        weights = {n: torch.from_numpy(stored[f"weight.{n}"].copy()) for n, _ in UNet3d(CONFIG).named_parameters()}
        inputs, targets, directions = (torch.from_numpy(stored[n].copy()) for n in ("inputs", "targets", "directions"))
    of = loss_terms(weights, inputs, targets)
    assert of.names == list(weights)

    twisted = [of.twisted(n).detach() for n in range(SAMPLES)]
    losses = of.losses()
    print("  losses", losses, f"{100 * losses['equiv'] / losses['total']:.2f} %", flush=True)
    tensors = {"inputs": inputs, "targets": targets, "directions": directions,
               "twirled": torch.stack([f.mean(0) for f in twisted]).view(inputs.shape)}
    tensors.update((f"weight.{name}", value) for name, value in weights.items())
    for term in TERMS:
        tensors[f"gradient.{term}"] = of.gradient(term)
        for kind, product in (("hessian", of.hessian_product), ("gaussNewton", of.gauss_newton_product)):
            tensors[f"{kind}Products.{term}"] = torch.stack([product(term, v.double()) for v in directions])

    hessian, gauss_newton = matrices(weights, inputs, targets)
    figures = dict(losses=losses, hessian={}, gaussNewton={})
    for kind, by_term in (("hessian", hessian), ("gaussNewton", gauss_newton)):
        for term, matrix in by_term.items():
            values = spectrum(matrix)
            figures[kind][term] = figures_of(matrix, values)
            if kind == "hessian":
                tensors[f"eigenvalues.{term}"] = values
            for v, product in zip(directions.double().numpy(), tensors[f"{kind}Products.{term}"].numpy()):
                assert np.linalg.norm(matrix @ v - product) < 1e-11 * np.linalg.norm(product)
            print(f"  {kind} {term}:", {k: v for k, v in figures[kind][term].items() if k != "lambdas"}, flush=True)
    figures["spread"] = [(f - f.mean(0)).square().sum().item() for f in twisted]
    metadata = dict(CONVENTIONS, format="pt", config=json.dumps(CONFIG), weightNames=json.dumps(of.names),
                    parameters=str(of.size), figures=json.dumps(figures))
    return {name: np.asarray(value) for name, value in tensors.items()}, metadata
