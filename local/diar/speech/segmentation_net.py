"""The segmentation network: who of up to three local speakers is active, frame by frame of ten seconds.

SincNet (Ravanelli and Bengio, SLT 2018), then an LSTM, as in Bredin, "pyannote.audio 2.1 speaker
diarization pipeline", Interspeech 2023; its classes are sets of speakers, see Plaquet and Bredin,
"Powerset multi-class cross entropy loss for neural speaker diarization", Interspeech 2023.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

RATE = 16000
FILTER = 251  # samples
LEAST_HZ = 50.0  # of a lower edge, and of a band
SHIFT, FIELD = 270, 991  # samples: from frame to frame, and what a frame sees of them


class SegmentationNet(nn.Module):
    """From (b, samples) audio of full scale 1 to (b, frames, classes) log probabilities.

    Args:
        classes: sets of speakers that can be active at once; 7 of three speakers, two at once.
    """

    def __init__(self, classes: int = 7):
        super().__init__()
        self.scale = nn.InstanceNorm1d(1, affine=True)
        self.filters = nn.Conv1d(1, 80, FILTER, stride=10, bias=False)
        self.convolutions = nn.ModuleList([nn.Conv1d(80, 60, 5), nn.Conv1d(60, 60, 5)])
        self.norms = nn.ModuleList(nn.InstanceNorm1d(n, affine=True) for n in (80, 60, 60))
        self.lstm = nn.LSTM(60, 128, num_layers=4, bidirectional=True, batch_first=True)
        self.linear = nn.ModuleList([nn.Linear(256, 128), nn.Linear(128, 128)])
        self.classifier = nn.Linear(128, classes)

    def forward(self, samples: Tensor) -> Tensor:
        """Map (b, samples) to (b, frames, classes)."""
        return self.classes(self.filters(self.scale(samples.unsqueeze(1))))

    def classes(self, filtered: Tensor) -> Tensor:
        """Map what the filters gave, (b, filters, t), to (b, frames, classes)."""
        x = F.leaky_relu(self.norms[0](F.max_pool1d(filtered.abs(), 3)))
        for convolution, norm in zip(self.convolutions, self.norms[1:], strict=True):
            x = F.leaky_relu(norm(F.max_pool1d(convolution(x), 3)))
        x, _ = self.lstm(x.transpose(1, 2))
        for layer in self.linear:
            x = F.leaky_relu(layer(x))
        return F.log_softmax(self.classifier(x), dim=-1)


class SplitNet(nn.Module):
    """The network for bfloat16, from (b, 3, samples) audio as ``diar.speech.segmentation.split`` makes it.

    The filters find soft bands beside loud ones: eight bits of audio, or of a filter, are too few for
    that. So each is a sum of two numbers of eight bits; the product of the smaller two is left out.
    """

    def __init__(self, net: SegmentationNet):
        super().__init__()
        self.net = net
        filters = net.filters.weight.detach()
        gain, offset = net.scale.weight.detach(), net.scale.bias.detach()
        first = (filters * gain).bfloat16().float()
        self.weight = nn.Parameter(torch.cat([first, first, filters * gain - first], dim=1))
        self.bias = nn.Parameter(filters.sum(dim=(1, 2)) * offset)

    def forward(self, audio: Tensor) -> Tensor:
        """Map (b, 3, samples) to (b, frames, classes)."""
        return self.net.classes(F.conv1d(audio, self.weight, self.bias, stride=10))


def sinc_filters(low: Tensor, band: Tensor) -> Tensor:
    """Make (2 n, 1, FILTER) band-pass filters, even ones first, of n learnt edges and bands in Hz (n, 1).

    The edges are moved up by LEAST_HZ, as in training; a Hamming window ends the impulse response.
    """
    start = LEAST_HZ + low.double().abs()
    end = (start + LEAST_HZ + band.double().abs()).clamp(LEAST_HZ, RATE / 2)
    half = FILTER // 2
    time = 2 * math.pi * torch.arange(-half, 0, dtype=torch.double) / RATE  # left half, (half,)
    window = torch.hamming_window(FILTER, periodic=False, dtype=torch.double)[:half]
    width = end - start
    even = (torch.sin(end * time) - torch.sin(start * time)) / (time / 2) * window
    odd = (torch.cos(start * time) - torch.cos(end * time)) / (time / 2) * window
    even = torch.cat([even, 2 * width, even.flip(1)], dim=1)
    odd = torch.cat([odd, torch.zeros_like(width), -odd.flip(1)], dim=1)
    return (torch.cat([even, odd]) / (2 * width).repeat(2, 1)).unsqueeze(1).float()


def load(state: dict[str, Tensor]) -> SegmentationNet:
    """Make the network of the published weights, in evaluation mode; they say how many classes it has."""
    names = {
        "sincnet.wav_norm1d": "scale",
        "sincnet.conv1d.1": "convolutions.0",
        "sincnet.conv1d.2": "convolutions.1",
        "sincnet.norm1d": "norms",
    }
    bank = "sincnet.conv1d.0.filterbank."
    own = {"filters.weight": sinc_filters(state[f"{bank}low_hz_"], state[f"{bank}band_hz_"])}
    for name, weight in state.items():
        if not name.startswith(bank):
            theirs = next((x for x in names if name.startswith(f"{x}.")), "")
            own[names[theirs] + name.removeprefix(theirs) if theirs else name] = weight
    net = SegmentationNet(len(state["classifier.bias"]))
    net.load_state_dict(own, strict=True)
    return net.eval()
