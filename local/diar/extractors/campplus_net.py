"""CAM++ as a torch module.

H. Wang et al., "CAM++: A fast and efficient network for speaker verification using context-aware
masking", Interspeech 2023, arXiv 2303.00332. Attribute names follow the published state dict, so that
it loads with ``strict=True``. Widths and strides are those of its shapes; the dilations of the three
blocks (1, 2, 2) are those of the published network, which ends in a normalisation and no ReLU.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import cast

import torch
from torch import Tensor, nn

SEGMENT = 100  # frames (after subsampling by 2) that share one context-aware mask


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions over (frequency, time) and a shortcut; frequency may be subsampled."""

    def __init__(self, channels: int, stride: int):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, (stride, 1), 1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.shortcut = nn.Sequential()
        if stride > 1:
            self.shortcut.append(nn.Conv2d(channels, channels, 1, (stride, 1), bias=False))
            self.shortcut.append(nn.BatchNorm2d(channels))

    def forward(self, x: Tensor) -> Tensor:
        """Map (b, c, f, t) to (b, c, f / stride, t)."""
        y = torch.relu(self.bn1(self.conv1(x)))
        return torch.relu(self.bn2(self.conv2(y)) + self.shortcut(x))


class ConvolutionHead(nn.Module):
    """Front-end convolution module, over frequency and time."""

    def __init__(self, channels: int = 32):
        super().__init__()
        self.conv1 = nn.Conv2d(1, channels, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.layer1 = nn.Sequential(ResidualBlock(channels, 2), ResidualBlock(channels, 1))
        self.layer2 = nn.Sequential(ResidualBlock(channels, 2), ResidualBlock(channels, 1))
        self.conv2 = nn.Conv2d(channels, channels, 3, (2, 1), 1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        """Map (b, mels, t) to (b, channels * mels / 8, t)."""
        x = torch.relu(self.bn1(self.conv1(x.unsqueeze(1))))
        x = self.layer2(self.layer1(x))
        return torch.relu(self.bn2(self.conv2(x))).flatten(1, 2)


def norm(channels: int) -> nn.Sequential:
    """Make a batch normalisation, followed by a ReLU."""
    return nn.Sequential(OrderedDict(batchnorm=nn.BatchNorm1d(channels), relu=nn.ReLU()))


class ContextMask(nn.Module):
    """Context-aware masking: a convolution gated by what its whole surroundings sound like."""

    def __init__(self, width: int, growth: int, dilation: int):
        super().__init__()
        self.linear_local = nn.Conv1d(width, growth, 3, 1, dilation, dilation, bias=False)
        self.linear1 = nn.Conv1d(width, width // 2, 1)
        self.linear2 = nn.Conv1d(width // 2, growth, 1)

    def forward(self, x: Tensor, pool: Tensor, spread: Tensor) -> Tensor:
        """Map (b, width, t) to (b, growth, t); see ``segment_matrices`` for the other two."""
        # One gate per segment, copied to its frames, instead of one gate per frame.
        context = x.mean(-1, keepdim=True) + x @ pool
        gate = torch.sigmoid(self.linear2(torch.relu(self.linear1(context))))
        return self.linear_local(x) * (gate @ spread)


class DenseLayer(nn.Module):
    """One layer of a D-TDNN block."""

    def __init__(self, channels: int, width: int, growth: int, dilation: int):
        super().__init__()
        self.nonlinear1 = norm(channels)
        self.linear1 = nn.Conv1d(channels, width, 1, bias=False)
        self.nonlinear2 = norm(width)
        self.cam_layer = ContextMask(width, growth, dilation)

    def forward(self, x: Tensor, pool: Tensor, spread: Tensor) -> Tensor:
        """Map (b, channels, t) to (b, growth, t); see ``segment_matrices`` for the other two."""
        return self.cam_layer(self.nonlinear2(self.linear1(self.nonlinear1(x))), pool, spread)


class CamPlusPlus(nn.Module):
    """Filter banks to speaker embeddings."""

    mels, dim = 80, 192
    growth, width, channels = 32, 128, 128
    blocks = ((12, 1), (24, 2), (16, 2))  # (layers, dilation)

    def __init__(self) -> None:
        super().__init__()
        self.head = ConvolutionHead()
        channels = self.channels
        net = nn.ModuleDict()
        net["tdnn"] = nn.Sequential(
            OrderedDict(
                linear=nn.Conv1d(32 * self.mels // 8, channels, 5, 2, 2, bias=False),
                nonlinear=norm(channels),
            )
        )
        for number, (layers, dilation) in enumerate(self.blocks, 1):
            net[f"block{number}"] = block = nn.ModuleDict()
            for layer in range(1, layers + 1):
                block[f"tdnnd{layer}"] = DenseLayer(channels, self.width, self.growth, dilation)
                channels += self.growth
            net[f"transit{number}"] = nn.Sequential(
                OrderedDict(
                    nonlinear=norm(channels),
                    linear=nn.Conv1d(channels, channels // 2, 1, bias=False),
                )
            )
            channels //= 2
        net["out_nonlinear"] = norm(channels)
        net["dense"] = nn.Sequential(
            OrderedDict(
                linear=nn.Conv1d(2 * channels, self.dim, 1, bias=False),
                nonlinear=nn.Sequential(
                    OrderedDict(batchnorm=nn.BatchNorm1d(self.dim, affine=False))
                ),
            )
        )
        self.xvector = net

    def forward(self, features: Tensor) -> Tensor:
        """Map (b, t, mels) log filter banks, mean of each filter removed, to (b, dim); t at least 3."""
        net = self.xvector
        x = net["tdnn"](self.head(features.transpose(1, 2)))
        pool, spread = segment_matrices(x)
        for number in range(1, len(self.blocks) + 1):
            for layer in cast(nn.ModuleDict, net[f"block{number}"]).values():
                x = torch.cat([x, layer(x, pool, spread)], 1)
            x = net[f"transit{number}"](x)
        x = net["out_nonlinear"](x)
        # Mean and (unbiased) standard deviation over time, spelt out for the export.
        mean = x.mean(-1, keepdim=True)
        variance = ((x - mean) ** 2).sum(-1, keepdim=True) / (x.shape[-1] - 1)
        return net["dense"](torch.cat([mean, variance.sqrt()], 1)).squeeze(-1)


def segment_matrices(x: Tensor) -> tuple[Tensor, Tensor]:
    """Make matrices for the means over segments of 100 frames: (t, s) averages, (s, t) copies back."""
    frames = torch.arange(x.shape[-1], device=x.device)
    segment = frames // SEGMENT
    spread = (segment.unsqueeze(0) == frames[::SEGMENT].unsqueeze(1) // SEGMENT).to(x.dtype)
    return (spread / spread.sum(1, keepdim=True)).T, spread
