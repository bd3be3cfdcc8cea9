"""How much of a model's error is rotation symmetry it has not learned, while it trains in PyTorch.

measure(model, inputs, targets) predicts on turned copies of vectors [N, n, 3], such as positions, and gives what
`voxtwirl measure --json` says of the predicted vectors [N, n, 3], such as forces: percentEquiv, lossTotal and others.
"""

import json
import subprocess
import tempfile

import numpy
import torch


def measure(model, inputs, targets, count=24, seed=0, voxtwirl=("npx", "voxtwirl")):
    # Rotations by Haar measure: the Q of a QR decomposition, with R's diagonal and the determinant made positive.
    normal = numpy.random.default_rng(seed).normal(size=(count, 3, 3))
    q, r = numpy.linalg.qr(normal)
    q *= numpy.sign(numpy.diagonal(r, axis1=1, axis2=2))[:, None]
    q[..., 0] *= numpy.linalg.det(q)[:, None]
    turned = torch.as_tensor(q, dtype=inputs.dtype, device=inputs.device)
    with torch.no_grad(), tempfile.TemporaryDirectory() as folder:
        predictions = torch.stack([model(inputs @ rotation.T) for rotation in turned], 1)
        arrays = {"predictions": predictions, "targets": targets, "rotations": turned}
        files = {name: f"{folder}/{name}.npy" for name in arrays}
        for name, values in arrays.items():
            numpy.save(files[name], values.cpu().numpy())
        options = [part for name, file in files.items() for part in (f"--{name}", file)]
        command = [*voxtwirl, "measure", *options, "--kind", "vectors", "--group", "so3", "--json"]
        return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


if __name__ == "__main__":
    # A force field that has learned a bit too much of one axis: half of z is missing.
    springs = lambda x: -x * torch.tensor([1.0, 1.0, 0.5])
    positions = torch.randn(8, 5, 3, generator=torch.Generator().manual_seed(0))
    measured = measure(springs, positions, -positions)
    print(f"{measured['percentEquiv']:.1f} % of the loss is symmetry not learned")
