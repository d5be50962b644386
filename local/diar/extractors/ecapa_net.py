"""ECAPA-TDNN as a torch module.

B. Desplanques, J. Thienpondt, K. Demuynck, "ECAPA-TDNN: Emphasized channel attention, propagation and
aggregation in TDNN based speaker verification", Interspeech 2020, arXiv 2005.07143. The details that the
paper leaves open are those of SpeechBrain, whose weights it takes: batch normalisation after the ReLU,
convolutions that see their input mirrored at its ends, dilations 2, 3, 4. Names of parameters are
SpeechBrain's less one component, see ``load``.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

SCALE = 8  # groups of channels in a block
DILATIONS = (2, 3, 4)  # of the blocks: the input is mirrored by up to 4 frames, and must be longer


class Tdnn(nn.Module):
    """Convolution over time that keeps its length, ReLU, batch normalisation."""

    def __init__(self, inputs: int, outputs: int, kernel: int = 1, dilation: int = 1):
        super().__init__()
        self.pad = dilation * (kernel - 1) // 2
        self.conv = nn.Conv1d(inputs, outputs, kernel, dilation=dilation)
        self.norm = nn.BatchNorm1d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Map (b, inputs, t) to (b, outputs, t)."""
        if self.pad:
            x = nn.functional.pad(x, (self.pad, self.pad), mode="reflect")
        return self.norm(torch.relu(self.conv(x)))


class Res2Net(nn.Module):
    """Channels in eight groups: the first stays, each other one also hears the one before."""

    def __init__(self, channels: int, dilation: int):
        super().__init__()
        width = channels // SCALE
        self.blocks = nn.ModuleList(Tdnn(width, width, 3, dilation) for _ in range(SCALE - 1))

    def forward(self, x: Tensor) -> Tensor:
        """Map (b, channels, t) to the same shape."""
        first, *others = x.chunk(SCALE, dim=1)
        parts = [first]
        for block, part in zip(self.blocks, others, strict=True):
            parts.append(block(part + parts[-1] if len(parts) > 1 else part))
        return torch.cat(parts, dim=1)


class SqueezeExcitation(nn.Module):
    """Channels weighted by what the whole window sounds like."""

    def __init__(self, channels: int, width: int):
        super().__init__()
        self.conv1 = nn.Conv1d(channels, width, 1)
        self.conv2 = nn.Conv1d(width, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Map (b, channels, t) to the same shape."""
        gate = torch.relu(self.conv1(x.mean(-1, keepdim=True)))
        return x * torch.sigmoid(self.conv2(gate))


class SERes2Block(nn.Module):
    """TDNN, Res2Net, TDNN, squeeze and excitation, and a shortcut around them."""

    def __init__(self, channels: int, squeeze: int, dilation: int):
        super().__init__()
        self.tdnn1 = Tdnn(channels, channels)
        self.res2net_block = Res2Net(channels, dilation)
        self.tdnn2 = Tdnn(channels, channels)
        self.se_block = SqueezeExcitation(channels, squeeze)

    def forward(self, x: Tensor) -> Tensor:
        """Map (b, channels, t) to the same shape."""
        return x + self.se_block(self.tdnn2(self.res2net_block(self.tdnn1(x))))


class AttentiveStatistics(nn.Module):
    """Mean and standard deviation over time, each channel with its own attention.

    The attention hears the frame together with mean and deviation of the whole window.
    """

    def __init__(self, channels: int, attention: int):
        super().__init__()
        self.tdnn = Tdnn(3 * channels, attention)
        self.conv = nn.Conv1d(attention, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Map (b, c, t) to (b, 2 c, 1)."""
        even = torch.full_like(x[:, :1], 1.0) / x.shape[-1]
        context = [s.expand_as(x) for s in statistics(x, even)]
        weights = self.conv(torch.tanh(self.tdnn(torch.cat([x, *context], dim=1))))
        return torch.cat(statistics(x, torch.softmax(weights, dim=-1)), dim=1)


def statistics(x: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
    """Compute mean and standard deviation over time, (b, c, 1) each; a channel's weights sum to 1."""
    mean = (weights * x).sum(-1, keepdim=True)
    variance = (weights * (x - mean) ** 2).sum(-1, keepdim=True)
    return mean, variance.clamp(min=1e-12).sqrt()


class EcapaTdnn(nn.Module):
    """Log filter banks to speaker embeddings.

    Args:
        mels: filters of the input.
        channels: of the blocks; wide: of what is pooled.
        squeeze, attention: widths of the gates of the blocks, and of the pooling.
        dim: size of the embedding.
    """

    def __init__(
        self,
        mels: int = 80,
        channels: int = 1024,
        wide: int = 3072,
        squeeze: int = 128,
        attention: int = 128,
        dim: int = 192,
    ):
        super().__init__()
        self.mels = mels
        self.blocks = nn.ModuleList([Tdnn(mels, channels, kernel=5)])
        for dilation in DILATIONS:
            self.blocks.append(SERes2Block(channels, squeeze, dilation))
        self.mfa = Tdnn(len(DILATIONS) * channels, wide)
        self.asp = AttentiveStatistics(wide, attention)
        self.asp_bn = nn.BatchNorm1d(2 * wide)
        self.fc = nn.Conv1d(2 * wide, dim, 1)

    def forward(self, features: Tensor) -> Tensor:
        """Map (b, t, mels) log filter banks, mean of each removed, to (b, dim); t at least 5."""
        x = self.blocks[0](features.transpose(1, 2))
        outputs = []
        for block in self.blocks[1:]:
            x = block(x)
            outputs.append(x)
        x = self.mfa(torch.cat(outputs, dim=1))
        return self.fc(self.asp_bn(self.asp(x))).squeeze(-1)


def load(state: dict[str, Tensor]) -> EcapaTdnn:
    """Make the network of these weights of SpeechBrain's ``ECAPA_TDNN``, in evaluation mode.

    SpeechBrain wraps every convolution and normalisation in a module of its own: ``mfa.conv.conv.weight``
    is ``mfa.conv.weight`` here, ``asp_bn.norm.bias`` is ``asp_bn.bias``, and so for all. Widths are read
    from the shapes.

    Raises:
        KeyError, RuntimeError: the state dict is of another network.
    """
    ours = {}
    for key, value in state.items():
        *path, _, name = key.split(".")
        ours[".".join([*path, name])] = value
    channels, mels, _ = ours["blocks.0.conv.weight"].shape
    net = EcapaTdnn(
        mels,
        channels,
        wide=ours["mfa.conv.weight"].shape[0],
        squeeze=ours["blocks.1.se_block.conv1.weight"].shape[0],
        attention=ours["asp.conv.weight"].shape[1],
        dim=ours["fc.weight"].shape[0],
    )
    net.load_state_dict(ours, strict=True)
    return net.eval()
