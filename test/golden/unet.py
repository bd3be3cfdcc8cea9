"""The 3D U-Net of the golden files, with the parameter names that voxtwirl reads and writes."""
import torch
from torch import nn
from torch.nn import functional as F


class ResidualBlock(nn.Module):
    def __init__(self, cin, cout, groups, dropout):
        super().__init__()
        self.norm1 = nn.GroupNorm(groups, cin)
        self.conv1 = nn.Conv3d(cin, cout, 3, padding=1)
        self.norm2 = nn.GroupNorm(groups, cout)
        self.conv2 = nn.Conv3d(cout, cout, 3, padding=1)
        self.shortcut = nn.Conv3d(cin, cout, 1) if cin != cout else nn.Identity()
        self.dropout = nn.Dropout(dropout)

    def forward(self, x):
        h = self.conv1(F.silu(self.norm1(x)))
        h = self.conv2(self.dropout(F.silu(self.norm2(h))))
        return h + self.shortcut(x)


class AttentionBlock(nn.Module):
    """Single-head self-attention over the voxels.

    The norm exists for the parameter names and count; nothing uses it.
    """

    def __init__(self, channels, groups):
        super().__init__()
        self.norm = nn.GroupNorm(groups, channels)
        self.projection = nn.Linear(channels, 3 * channels)
        self.output = nn.Linear(channels, channels)

    def forward(self, x):
        tokens = x.flatten(2).transpose(1, 2)
        mixed = self.output(attention(self.projection(tokens)))
        return x + mixed.transpose(1, 2).reshape(x.shape)


def attention(qkv):
    """(N, T, 3C) holding q | k | v -> (N, T, C)."""
    q, k, v = qkv.chunk(3, dim=-1)
    scores = q @ k.transpose(1, 2) * q.shape[-1] ** -0.5
    return scores.softmax(dim=-1) @ v


class Stage(nn.Module):
    """One entry of the down or up list: a residual block, with attention where the level has it."""

    def __init__(self, cin, cout, with_attention, groups, dropout):
        super().__init__()
        self.res = ResidualBlock(cin, cout, groups, dropout)
        self.attn = AttentionBlock(cout, groups) if with_attention else nn.Identity()

    def forward(self, x):
        return self.attn(self.res(x))


class Downsample(nn.Module):
    GEOMETRY = {"k3s2": (3, 1), "k4s2": (4, 1), "k2s2": (2, 0)}

    def __init__(self, channels, kind):
        super().__init__()
        kernel, padding = self.GEOMETRY[kind]
        self.conv = nn.Conv3d(channels, channels, kernel, stride=2, padding=padding)

    def forward(self, x):
        return self.conv(x)


class Upsample(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv = nn.ConvTranspose3d(channels, channels, 4, stride=2, padding=1)

    def forward(self, x):
        return self.conv(x)


class Middle(nn.Module):
    def __init__(self, channels, with_attention, groups, dropout):
        super().__init__()
        self.res1 = ResidualBlock(channels, channels, groups, dropout)
        self.attn = AttentionBlock(channels, groups) if with_attention else nn.Identity()
        self.res2 = ResidualBlock(channels, channels, groups, dropout)

    def forward(self, x):
        return self.res2(self.attn(self.res1(x)))


class UNet3d(nn.Module):
    """Every output of the stem and of the down list is kept; each residual block going up takes the latest one."""

    def __init__(self, config):
        super().__init__()
        channels, blocks, groups, dropout = (config[k] for k in ("channels", "blocks", "groups", "dropout"))
        self.grid_projection = nn.Conv3d(config["inChannels"], channels[0], 3, padding=1)
        kept, width = [channels[0]], channels[0]
        down, up = [], []
        for level, cout in enumerate(channels):
            for _ in range(blocks):
                down.append(Stage(width, cout, config["attention"][level], groups, dropout))
                width = cout
                kept.append(width)
            if level + 1 < len(channels):
                down.append(Downsample(width, config["down"]))
                kept.append(width)
        self.down = nn.ModuleList(down)
        self.middle = Middle(width, config["middleAttention"], groups, dropout)
        for level in reversed(range(len(channels))):
            for block in range(blocks + 1):
                cout = channels[max(level - 1, 0)] if block == blocks else channels[level]
                up.append(Stage(width + kept.pop(), cout, config["attention"][level], groups, dropout))
                width = cout
            if level > 0:
                up.append(Upsample(width))
        self.up = nn.ModuleList(up)
        self.norm = nn.GroupNorm(groups, width)
        self.final = nn.Conv3d(width, config["outChannels"], 3, padding=1)

    def forward(self, x):
        x = self.grid_projection(x)
        kept = [x]
        for module in self.down:
            x = module(x)
            kept.append(x)
        x = self.middle(x)
        for module in self.up:
            x = module(x) if isinstance(module, Upsample) else module(torch.cat([x, kept.pop()], dim=1))
        return self.final(F.silu(self.norm(x)))


def parameter_count(**config):
    return sum(p.numel() for p in UNet3d(config).parameters())


def check_parameter_counts():
    voxmol = dict(channels=[32, 64, 128, 512], blocks=2, attention=[False, False, True, True], middleAttention=True,
                  groups=16, dropout=0.1, down="k3s2")
    assert parameter_count(inChannels=5, outChannels=5, **voxmol) == 111_515_237
    assert parameter_count(inChannels=8, outChannels=8, **voxmol) == 111_520_424
    assert parameter_count(**TINY) == 363_669, parameter_count(**TINY)


TINY = dict(inChannels=5, outChannels=5, channels=[8, 16, 32], blocks=1, attention=[False] * 3, middleAttention=False,
            groups=4, dropout=0.0, down="k4s2")
