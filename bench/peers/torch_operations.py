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


def backward(torch, grad_y, x, weight, attributes, mask):
    three = lambda value: [value] * 3
    return torch.ops.aten.convolution_backward(
        grad_y, x, weight, None, three(attributes["stride"]), three(attributes["padding"]),
        three(1), False, three(0), 1, mask,
    )


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


def group_norm(torch, attributes, inputs):
    x, gamma, beta = channels_first(inputs["x"]), inputs["gamma"], inputs["beta"]
    groups, eps, silu = attributes["groups"], attributes["eps"], attributes["silu"]

    def run():
        y = torch.nn.functional.group_norm(x, groups, gamma, beta, eps)
        return {"y": torch.nn.functional.silu(y) if silu else y}

    return Work(torch, run, {"y": channels_last})


def attention(torch, attributes, inputs):
    qkv, scale = inputs["qkv"], attributes["scale"]

    def run():
        q, k, v = qkv.chunk(3, dim=-1)
        scores = torch.matmul(q, k.transpose(-1, -2)) * scale
        return {"y": torch.matmul(torch.softmax(scores, dim=-1), v)}

    return Work(torch, run, {"y": same})


def rotate(torch, _, inputs):
    x, matrix = channels_first(inputs["x"]), inputs["matrix"]

    def run():
        # A point of the output reads at R^-1 p, in coordinates from -1 to 1 in the order x, y, z.
        theta = torch.zeros(x.shape[0], 3, 4)
        theta[:, :, :3] = matrix.transpose(-1, -2)
        grid = torch.nn.functional.affine_grid(theta, list(x.shape), align_corners=True)
        sampled = torch.nn.functional.grid_sample(x, grid, "bilinear", "zeros", align_corners=True)
        return {"y": sampled}

    return Work(torch, run, {"y": channels_last})


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


def networks():
    return beside("torch_networks")


def beside(name):
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), name + ".py")
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


OPERATIONS = {
    "conv3d": conv3d,
    "conv3dGradInput": conv3d_grad_input,
    "conv3dGradWeight": conv3d_grad_weight,
    "convTranspose3d": conv_transpose3d,
    "groupNorm": group_norm,
    "attention": attention,
    "rotate": rotate,
    "variance": variance,
    "unet": unet,
    "unetTrain": unet_train,
    "tinyTrain": tiny_train,
    "lanczos": lanczos,
}
