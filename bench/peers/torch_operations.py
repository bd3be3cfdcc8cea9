"""The operations of ../protocol.ts in PyTorch. Each entry of OPERATIONS makes, from attributes and inputs in the
files' layouts, an object with run() and read(), the latter giving outputs by name in the files' layouts."""

import importlib.util
import os


def channels_first(x):
    return x.movedim(-1, -4).contiguous()


def channels_last(x):
    return x.movedim(-4, -1)


def conv_weight(weight):
    """[k, k, k, C in, C out] to [C out, C in, k, k, k]."""
    return weight.permute(4, 3, 0, 1, 2).contiguous()


def transposed_weight(weight):
    """[k, k, k, C in, C out] to [C in, C out, k, k, k]."""
    return weight.permute(3, 4, 0, 1, 2).contiguous()


def conv_weight_back(weight):
    return weight.permute(2, 3, 4, 1, 0)


def transposed_weight_back(weight):
    return weight.permute(2, 3, 4, 0, 1)


class Work:
    """A function to run, and how its outputs return to the files' layouts."""

    def __init__(self, torch, function, back):
        self.torch = torch
        self.function = function
        self.back = back
        self.outputs = None

    def run(self):
        with self.torch.no_grad():
            self.outputs = self.function()

    def read(self):
        return {name: self.back[name](value) for name, value in self.outputs.items()}


def same(values):
    return values


def conv3d(torch, attributes, inputs):
    x, weight, bias = channels_first(inputs["x"]), conv_weight(inputs["weight"]), inputs.get("bias")
    stride, padding = attributes["stride"], attributes["padding"]
    run = lambda: {"y": torch.nn.functional.conv3d(x, weight, bias, stride, padding)}
    return Work(torch, run, {"y": channels_last})


def backward(torch, grad_y, x, weight, attributes, mask, transposed=False):
    three = lambda value: [value] * 3
    return torch.ops.aten.convolution_backward(
        grad_y, x, weight, None, three(attributes["stride"]), three(attributes["padding"]),
        three(1), transposed, three(0), 1, mask,
    )


class Gradient:
    """The backward pass of a function. The graph is made once: what it keeps of the forward pass is not timed."""

    def __init__(self, torch, function, inputs, grad_y, back):
        self.torch = torch
        self.inputs = [values.requires_grad_() for values in inputs.values()]
        self.names = ["grad" + name[0].upper() + name[1:] for name in inputs]
        self.y = function()
        self.grad_y = grad_y
        self.back = back

    def run(self):
        self.grads = self.torch.autograd.grad(self.y, self.inputs, self.grad_y, retain_graph=True)

    def read(self):
        return {name: self.back.get(name, same)(value) for name, value in zip(self.names, self.grads)}


def conv3d_grad_input(torch, attributes, inputs):
    grad_y, weight = channels_first(inputs["gradY"]), conv_weight(inputs["weight"])
    size = [side * attributes["stride"] for side in grad_y.shape[2:]]
    x = torch.empty(grad_y.shape[0], weight.shape[1], *size)
    run = lambda: {"gradX": backward(torch, grad_y, x, weight, attributes, [True, False, False])[0]}
    return Work(torch, run, {"gradX": channels_last})


def conv3d_grad_weight(torch, attributes, inputs):
    x, grad_y = channels_first(inputs["x"]), channels_first(inputs["gradY"])
    stride, padding = attributes["stride"], attributes["padding"]
    kernel = x.shape[2] + 2 * padding - (grad_y.shape[2] - 1) * stride
    # With stride 2 two kernels give this output; ours are odd.
    kernel -= 1 if stride == 2 and kernel % 2 == 0 else 0
    weight = torch.empty(grad_y.shape[1], x.shape[1], kernel, kernel, kernel)
    run = lambda: {"gradWeight": backward(torch, grad_y, x, weight, attributes, [False, True, False])[1]}
    return Work(torch, run, {"gradWeight": conv_weight_back})


def conv_transpose3d(torch, attributes, inputs):
    x, weight = channels_first(inputs["x"]), transposed_weight(inputs["weight"])
    stride, padding = attributes["stride"], attributes["padding"]
    run = lambda: {"y": torch.nn.functional.conv_transpose3d(x, weight, None, stride, padding)}
    return Work(torch, run, {"y": channels_last})


def conv_transpose3d_grad_input(torch, attributes, inputs):
    grad_y, weight = channels_first(inputs["gradY"]), transposed_weight(inputs["weight"])
    x = torch.empty(grad_y.shape[0], weight.shape[0], *(side // attributes["stride"] for side in grad_y.shape[2:]))
    run = lambda: {"gradX": backward(torch, grad_y, x, weight, attributes, [True, False, False], True)[0]}
    return Work(torch, run, {"gradX": channels_last})


def conv_transpose3d_grad_weight(torch, attributes, inputs):
    x, grad_y = channels_first(inputs["x"]), channels_first(inputs["gradY"])
    kernel = grad_y.shape[2] - (x.shape[2] - 1) * attributes["stride"] + 2 * attributes["padding"]
    weight = torch.empty(x.shape[1], grad_y.shape[1], kernel, kernel, kernel)
    run = lambda: {"gradWeight": backward(torch, grad_y, x, weight, attributes, [False, True, False], True)[1]}
    return Work(torch, run, {"gradWeight": transposed_weight_back})


def normed(torch, attributes, x, gamma, beta):
    y = torch.nn.functional.group_norm(x, attributes["groups"], gamma, beta, attributes["eps"])
    return torch.nn.functional.silu(y) if attributes["silu"] else y


def group_norm(torch, attributes, inputs):
    x, gamma, beta = channels_first(inputs["x"]), inputs["gamma"], inputs["beta"]
    return Work(torch, lambda: {"y": normed(torch, attributes, x, gamma, beta)}, {"y": channels_last})


def group_norm_grad(torch, attributes, inputs):
    to = {"x": channels_first(inputs["x"]), "gamma": inputs["gamma"], "beta": inputs["beta"]}
    run = lambda: normed(torch, attributes, *to.values())
    return Gradient(torch, run, to, channels_first(inputs["gradY"]), {"gradX": channels_last})


def normed_rows(torch, attributes, x, weight, bias=None):
    if not attributes["rms"]:
        return torch.nn.functional.layer_norm(x, x.shape[-1:], weight, bias, attributes["eps"])
    return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + attributes["eps"]) * weight


def layer_norm(torch, attributes, inputs):
    return Work(torch, lambda: {"y": normed_rows(torch, attributes, **inputs)}, {"y": same})


def layer_norm_grad(torch, attributes, inputs):
    to = {name: values for name, values in inputs.items() if name != "gradY"}
    return Gradient(torch, lambda: normed_rows(torch, attributes, **to), to, inputs["gradY"], {})


def gelu(torch, _, inputs):
    return Work(torch, lambda: {"y": torch.nn.functional.gelu(inputs["x"])}, {"y": same})


def gelu_grad(torch, _, inputs):
    x = inputs["x"]
    return Gradient(torch, lambda: torch.nn.functional.gelu(x), {"x": x}, inputs["gradY"], {})


def matmul(torch, _, inputs):
    return Work(torch, lambda: {"y": torch.matmul(inputs["a"], inputs["b"])}, {"y": same})


def matmul_grad(torch, _, inputs):
    to = {name: inputs[name] for name in ("a", "b")}
    return Gradient(torch, lambda: torch.matmul(*to.values()), to, inputs["gradY"], {})


def attended(torch, attributes, qkv, pairBias=None):
    n, tokens, width = qkv.shape
    heads = int(attributes["heads"])
    q, k, v = qkv.reshape(n, tokens, 3, heads, width // (3 * heads)).permute(2, 0, 3, 1, 4)
    scores = torch.matmul(q, k.transpose(-1, -2)) * attributes["scale"]
    weights = torch.softmax(scores if pairBias is None else scores + pairBias, dim=-1)
    return torch.matmul(weights, v).transpose(1, 2).reshape(n, tokens, width // 3)


def attention(torch, attributes, inputs):
    return Work(torch, lambda: {"y": attended(torch, attributes, **inputs)}, {"y": same})


def attention_grad(torch, attributes, inputs):
    to = {name: values for name, values in inputs.items() if name != "gradY"}
    return Gradient(torch, lambda: attended(torch, attributes, **to), to, inputs["gradY"], {})


def rotated(torch, x, matrix):
    # A point of the output reads at R^-1 p, in coordinates from -1 to 1 in the order x, y, z.
    theta = torch.zeros(x.shape[0], 3, 4)
    theta[:, :, :3] = matrix.transpose(-1, -2)
    grid = torch.nn.functional.affine_grid(theta, list(x.shape), align_corners=True)
    return torch.nn.functional.grid_sample(x, grid, "bilinear", "zeros", align_corners=True)


def catmull_rom(torch, x, matrix):
    """As `rotated` with 64 taps, which PyTorch has for pictures alone: a gather for each."""
    size = x.shape[-1]
    axis = torch.arange(size) - (size - 1) / 2
    z, y, x_ = torch.meshgrid(axis, axis, axis, indexing="ij")
    # Rows of coordinates x, y, z of the point that each voxel reads at.
    points = matrix.t() @ torch.stack([x_.flatten(), y.flatten(), z.flatten()]) + (size - 1) / 2
    first = points.floor()
    t = points - first
    weights = [
        ((-0.5 * t + 1) * t - 0.5) * t,
        (1.5 * t - 2.5) * t * t + 1,
        ((-1.5 * t + 2) * t + 0.5) * t,
        (0.5 * t - 0.5) * t * t,
    ]
    places = [first.long() + k - 1 for k in range(4)]
    # Outside the grid nothing is read.
    weights = [w * ((p >= 0) & (p < size)) for w, p in zip(weights, places)]
    places = [p.clamp(0, size - 1) for p in places]
    flat = x.flatten(2)
    result = torch.zeros_like(flat)
    for wz, pz in zip(weights, places):
        for wy, py in zip(weights, places):
            for wx, px in zip(weights, places):
                at = (pz[2] * size + py[1]) * size + px[0]
                result.addcmul_(flat.index_select(2, at), wz[2] * wy[1] * wx[0])
    return result.view(x.shape)


def rotate_catmull_rom(torch, _, inputs):
    x, matrix = channels_first(inputs["x"]), inputs["matrix"]
    return Work(torch, lambda: {"y": catmull_rom(torch, x, matrix)}, {"y": channels_last})


def rotate(torch, _, inputs):
    x, matrix = channels_first(inputs["x"]), inputs["matrix"]
    return Work(torch, lambda: {"y": rotated(torch, x, matrix)}, {"y": channels_last})


def rotate_adjoint(torch, _, inputs):
    grad_y, matrix = channels_first(inputs["gradY"]), inputs["matrix"]
    x = torch.zeros_like(grad_y)
    return Gradient(torch, lambda: rotated(torch, x, matrix), {"x": x}, grad_y, {"gradX": channels_last})


def rotate_octahedral(torch, _, inputs):
    x, turns = inputs["x"], turns_of(inputs["matrices"])
    return Work(torch, lambda: {"y": torch.cat([turned(x, *turn) for turn in turns])}, {"y": same})


def twirl(torch, _, inputs):
    predictions, target, turns = inputs["predictions"].split(1), inputs["target"], turns_of(inputs["matrices"])

    def run():
        twisted = torch.cat([turned(x, *turn) for x, turn in zip(predictions, turns)])
        mean = twisted.mean(0, keepdim=True)
        sums = [(mean - target).square_().sum(), (twisted - mean).square_().sum(), target.square().sum()]
        return {"mean": mean, "sums": torch.stack([*sums, torch.zeros(())])}

    return Work(torch, run, {"mean": same, "sums": same})


def turns_of(matrices):
    return [axes_of(matrix) for matrix in matrices.view(-1, 3, 3).tolist()]


def turned(x, axes, flips):
    return x.permute(axes).flip(flips) if flips else x.permute(axes)


def axes_of(matrix):
    """How a rotation of the cube permutes the axes of [N, D, H, W, C], and which it flips then."""
    axes, flips = [0], []
    # Dimension 3 - i is axis i of x, y, z; row i has the one input axis that output axis i runs along.
    for i in (2, 1, 0):
        j = max(range(3), key=lambda column: abs(matrix[i][column]))
        axes.append(3 - j)
        if matrix[i][j] < 0:
            flips.append(3 - i)
    return axes + [4], flips


class AdamW:
    """torch.optim.AdamW on one parameter, and its moving average; outputs are kept from the first update."""

    def __init__(self, torch, attributes, inputs):
        self.torch = torch
        self.weights = inputs["weights"].requires_grad_()
        self.weights.grad = inputs["grads"]
        self.ema = inputs["ema"]
        self.share = 1 - attributes["emaDecay"]
        self.optimiser = torch.optim.AdamW(
            [self.weights],
            lr=attributes["lr"],
            betas=(attributes["beta1"], attributes["beta2"]),
            eps=attributes["eps"],
            weight_decay=attributes["weightDecay"],
        )
        step = torch.tensor(float(attributes["step"]))
        self.state = {"step": step, "exp_avg": inputs["m"], "exp_avg_sq": inputs["v"]}
        self.optimiser.state[self.weights] = self.state
        self.first = None

    def run(self):
        self.optimiser.step()
        with self.torch.no_grad():
            self.ema.lerp_(self.weights, self.share)
        if self.first is None:
            now = {"weights": self.weights, "m": self.state["exp_avg"], "v": self.state["exp_avg_sq"], "ema": self.ema}
            self.first = {name: values.detach().clone() for name, values in now.items()}

    def read(self):
        return self.first


def voxelize(torch, attributes, inputs):
    atoms = inputs["atoms"]
    samples, channels = (int(attributes[key]) for key in ("samples", "channels"))
    size, resolution = int(attributes["size"]), attributes["resolution"]
    squared_radius, squared_cutoff = attributes["radius"] ** 2, attributes["cutoff"] ** 2
    centres = (torch.arange(size) - (size - 1) / 2) * resolution

    def run():
        y = torch.zeros(samples, channels, size, size, size)
        # One axis at a time: the squares of the distances are a sum over three.
        x2, y2, z2 = ((centres - atoms[:, axis : axis + 1]).square() for axis in (1, 2, 3))
        for sample in range(samples):
            for channel in range(channels):
                which = ((atoms[:, 0] == sample) & (atoms[:, 4] == channel)).nonzero()[:, 0]
                if len(which) == 0:
                    continue
                xs, ys, zs = (squares[which] for squares in (x2, y2, z2))
                squared = zs[:, :, None, None] + ys[:, None, :, None] + xs[:, None, None, :]
                occupied = squared.div(-squared_radius).exp_().masked_fill_(squared > squared_cutoff, 0)
                y[sample, channel] = 1 - (1 - occupied).prod(0)
        return {"y": y}

    return Work(torch, run, {"y": channels_last})


def neighbours(torch, attributes, inputs):
    """SciPy's tree of one structure after the other where this Python has it, else all pairs."""
    positions, cutoff = inputs["positions"][..., :3].contiguous(), attributes["cutoff"]
    structures, atoms, slots = *positions.shape[:2], int(attributes["slots"])
    first = torch.arange(structures).view(-1, 1, 1) * atoms
    in_order = lambda nearest: {"neighbours": nearest.sort(-1).values + first}
    if importlib.util.find_spec("scipy"):
        from scipy.spatial import cKDTree

        # The nearest of all is the atom itself.
        nearest = lambda own: cKDTree(own).query(own, k=slots + 1, distance_upper_bound=cutoff, workers=-1)[1][:, 1:]
        points = positions.double().numpy()
        run = lambda: in_order(torch.stack([torch.from_numpy(nearest(own)) for own in points]))
        return Noted(torch, run, {"neighbours": same}, "SciPy's cKDTree")
    # So many squares at a time stay in the cache.
    rows = max(1, 2**20 // (structures * atoms))

    def run():
        found = []
        for begin in range(0, atoms, rows):
            some = positions[:, begin : begin + rows]
            squared = sum((some[..., k, None] - positions[:, None, :, k]).square_() for k in range(3))
            squared.masked_fill_((squared <= 1e-4) | (squared > cutoff**2), float("inf"))
            found.append(squared.topk(slots, largest=False, sorted=False).indices)
        return in_order(torch.cat(found, 1))

    return Noted(torch, run, {"neighbours": same}, "all pairs, without SciPy")


class Noted(Work):
    """Work that says how it is done."""

    def __init__(self, torch, function, back, *workarounds):
        super().__init__(torch, function, back)
        self.workarounds = list(workarounds)


def bond_order(torch, attributes, inputs):
    x, y, z, _ = inputs["edges"].unbind(-1)
    degrees = int(attributes["degree"]) + 1

    def run():
        squares = [torch.zeros(()) for _ in range(degrees)]
        turn, lead = torch.complex(torch.ones_like(x), torch.zeros_like(x)), 1.0
        xy = torch.complex(x, y)
        for m in range(degrees):
            before, legendre = None, torch.full_like(z, lead)
            for l in range(m, degrees):
                if l > m:
                    a = ((4 * l * l - 1) / (l * l - m * m)) ** 0.5
                    b = a * (((l - 1) ** 2 - m * m) / (4 * (l - 1) ** 2 - 1)) ** 0.5
                    following = a * z * legendre if before is None else a * z * legendre - b * before
                    before, legendre = legendre, following
                mean = (legendre * turn).mean(-1)
                squares[l] = squares[l] + mean.real.square() + mean.imag.square()
            turn = turn * xy
            lead *= ((2 * m + 3) / (2 * m + 2) * (2 if m == 0 else 1)) ** 0.5
        return {"y": torch.stack(squares, -1).sqrt()}

    return Work(torch, run, {"y": same})


def variance(torch, _, inputs):
    x = inputs["x"]

    def run():
        mean = x.mean(0)
        m2 = (x - mean).square_().sum(dim=(0, 2, 3, 4, 5))
        return {"mean": mean, "m2": m2}

    return Work(torch, run, {"mean": same, "m2": same})


def unet(torch, attributes, inputs):
    return networks().forward(torch, networks().unet_u, 16, attributes, inputs)


def unet_train(torch, attributes, inputs):
    return networks().training(torch, networks().unet_u, 16, attributes, inputs)


def tiny_train(torch, attributes, inputs):
    return networks().training(torch, networks().voxmol, 4, attributes, inputs)


def lanczos(torch, attributes, inputs):
    return beside("torch_landscape").Lanczos(torch, networks(), attributes, inputs)


def evaluation(torch, attributes, inputs):
    noisy, clean, turns = inputs["noisy"], inputs["clean"], turns_of(inputs["matrices"])
    rows = inputs["matrices"].view(-1, 3, 3)
    back = turns_of(rows.transpose(1, 2).reshape(len(turns), 9))
    parameters = {name: values for name, values in inputs.items() if name not in ("noisy", "clean", "matrices")}
    module = networks()
    layers = module.Layers(torch, module.parameters_of(parameters), int(attributes["groups"]))

    def run():
        x = torch.cat([turned(noisy, *turn) for turn in turns])
        y = module.voxmol(layers, x.movedim(-1, 1).contiguous()).movedim(1, -1)
        f = torch.cat([turned(one, *turn) for one, turn in zip(y.split(1), back)])
        mean = f.mean(0, keepdim=True)
        variance = (f - mean).square_().sum() / (len(turns) - 1)
        total = (f - clean).square_().mean()
        equivariant = variance * (23 / 24) / clean.numel()
        return {"terms": torch.stack([total, total - equivariant, equivariant, clean.square().mean()])}

    return Work(torch, run, {"terms": same})


def noise(torch, attributes, inputs):
    if "x" in inputs:
        x, sigma = inputs["x"], attributes["sigma"]
        return Work(torch, lambda: {"y": torch.randn_like(x).mul_(sigma).add_(x)}, {"y": same})
    make = torch.rand if attributes.get("uniform") else torch.randn
    return Work(torch, lambda: {"y": make(int(attributes["count"]))}, {"y": same})


def networks():
    return beside("torch_networks")


def beside(name):
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), name + ".py")
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def neighbour_attended(torch, attributes, qkv, edges, bias):
    heads = int(attributes["heads"])
    shape = qkv.shape[:-1] + (3, heads, qkv.shape[-1] // (3 * heads))
    q, k, v = qkv.reshape(shape).permute(2, 0, 3, 1, 4)
    direction = edges[..., :3]
    angles = (direction @ direction.transpose(-1, -2)) * bias
    weights = (q @ k.transpose(-1, -2) * shape[-1] ** -0.5 + angles[:, None]).softmax(-1)
    return (weights @ v).transpose(1, 2).flatten(-2)


def neighbour_attention(torch, attributes, inputs):
    return Work(torch, lambda: {"y": neighbour_attended(torch, attributes, **inputs)}, {"y": same})


def neighbour_attention_grad(torch, attributes, inputs):
    to = {name: inputs[name] for name in ("qkv", "bias")}
    run = lambda: neighbour_attended(torch, attributes, edges=inputs["edges"], **to)
    return Gradient(torch, run, to, inputs["gradY"], {})


def escaip_train(torch, attributes, inputs):
    return beside("torch_escaip").Training(torch, attributes, inputs)


def escaip_evaluation(torch, attributes, inputs):
    return beside("torch_escaip").Evaluation(torch, attributes, inputs)


def flow_sample(torch, attributes, inputs):
    return beside("torch_flow").Sampling(torch, attributes, inputs)


def flow_train(torch, attributes, inputs):
    return beside("torch_flow").Training(torch, attributes, inputs)


OPERATIONS = {
    "flowSample": flow_sample,
    "flowTrain": flow_train,
    "neighbourAttention": neighbour_attention,
    "neighbourAttentionGrad": neighbour_attention_grad,
    "escaipTrain": escaip_train,
    "escaipEvaluation": escaip_evaluation,
    "conv3d": conv3d,
    "conv3dGradInput": conv3d_grad_input,
    "conv3dGradWeight": conv3d_grad_weight,
    "convTranspose3d": conv_transpose3d,
    "convTranspose3dGradInput": conv_transpose3d_grad_input,
    "convTranspose3dGradWeight": conv_transpose3d_grad_weight,
    "groupNorm": group_norm,
    "groupNormGrad": group_norm_grad,
    "layerNorm": layer_norm,
    "layerNormGrad": layer_norm_grad,
    "gelu": gelu,
    "geluGrad": gelu_grad,
    "matmul": matmul,
    "matmulGrad": matmul_grad,
    "attention": attention,
    "attentionGrad": attention_grad,
    "rotate": rotate,
    "rotateCatmullRom": rotate_catmull_rom,
    "rotateAdjoint": rotate_adjoint,
    "rotateOctahedral": rotate_octahedral,
    "twirl": twirl,
    "voxelize": voxelize,
    "neighbours": neighbours,
    "bondOrder": bond_order,
    "adamw": AdamW,
    "variance": variance,
    "unet": unet,
    "unetTrain": unet_train,
    "tinyTrain": tiny_train,
    "lanczos": lanczos,
    "evaluation": evaluation,
    "noise": noise,
}
