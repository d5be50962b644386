"""The residual autoencoder: network, layer-wise reconstruction loss, weights on disk."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn
from torch.nn import functional as F

from diar.autoencoder.config import AutoencoderConfig
from diar.base import arguments
from diar.base.errors import DataError
from diar.base.files import open_whole

SHIPPED = Path(__file__).parent / "pretrained" / "default.safetensors"
SHIPPED_PAPER = SHIPPED.with_name("paper.safetensors")
SHIPPED_EXTRACTOR, SHIPPED_DIM = "campplus", 192  # the x-vectors they were trained on
BLOCK = 1 << 14  # x-vectors encoded at a time, to limit memory
PAPER_DIMS = (500, 500, 2000, 30)  # the published default; conf/autoencoder.yaml has others


class Layer(nn.Module):
    """A linear layer with an optional activation and an optional linear shortcut around both.

    ``relu(W x + b)``, or ``relu(W x + b) + S x``: the identity-mapping shortcut of He et al.
    ("Identity mappings in deep residual networks", 2016), with S a projection where the widths
    differ, so that a path without any nonlinearity runs through the whole network.
    """

    def __init__(self, n_in: int, n_out: int, *, relu: bool, shortcut: bool):
        super().__init__()
        self.linear = nn.Linear(n_in, n_out)
        self.relu = relu
        self.shortcut: nn.Module | None = None
        if shortcut and n_in == n_out:
            self.shortcut = nn.Identity()
        elif shortcut:
            self.shortcut = nn.Linear(n_in, n_out, bias=False)
            nn.init.orthogonal_(self.shortcut.weight)

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, n_in) to (n, n_out)."""
        y = self.linear(x)
        if self.relu:
            y = F.relu(y)
        return y if self.shortcut is None else y + self.shortcut(x)


class ResidualAutoEncoder(nn.Module):
    """Autoencoder that reconstructs the input of every encoder layer, not only the first.

    Linear layers with ReLU between them, but not on the bottleneck or the final reconstruction.

    Args:
        ip_features: dimension d of the x-vectors.
        hidden_dims: widths of the encoder layers, at least one; the last is that of the latent.
        shortcut: add ResNet-style linear shortcuts around every layer (the published code has none).
        length_norm: scale each input to length sqrt(d) first (Garcia-Romero & Espy-Wilson,
            Interspeech 2011), so that only the direction of an x-vector matters.
        center: subtract the mean of the training x-vectors before that (buffer ``mean``).
        speaker_space: store the speaker space of the latents with the weights (``learn_speakers``).
        speaker_norm: scale each vector in it to the length expected from its variance, as Kaldi does
            (``Plda::TransformIvector``, normalize_length).

    ``encode(x)`` returns only the latents.

    Raises:
        TypeError, ValueError: widths are not whole numbers of at least 1, or there are none.
    """

    mean: Tensor
    speaker_mean: Tensor
    speaker_transform: Tensor
    speaker_between: Tensor

    def __init__(
        self,
        ip_features: int,
        hidden_dims: Sequence[int] = PAPER_DIMS,
        *,
        shortcut: bool = False,
        length_norm: bool = False,
        center: bool = False,
        speaker_space: bool = False,
        speaker_norm: bool = False,
    ):
        super().__init__()
        self.ip_features = arguments.whole("ip_features", ip_features, 1)
        self.hidden_dims = _widths(hidden_dims)
        options = {
            "shortcut": shortcut,
            "length_norm": length_norm,
            "center": center,
            "speaker_space": speaker_space,
            "speaker_norm": speaker_norm,
        }
        self.options = {name: arguments.truth(name, value) for name, value in options.items()}
        widths = [self.ip_features, *self.hidden_dims]
        depth = len(self.hidden_dims)
        self.encoder = nn.ModuleList(
            Layer(widths[i], widths[i + 1], relu=i < depth - 1, shortcut=shortcut)
            for i in range(depth)
        )
        # decoder[i] reconstructs the input of encoder[i]; applied from the last to the first.
        self.decoder = nn.ModuleList(
            Layer(widths[i + 1], widths[i], relu=i > 0, shortcut=shortcut) for i in range(depth)
        )
        if center:
            self.register_buffer("mean", torch.zeros(self.ip_features))
        if speaker_space:
            self.register_buffer("speaker_mean", torch.zeros(self.latent_dim))
            # Not torch.eye: on the device "meta" of load_model it imports a second's worth of torch.compile.
            identity = torch.zeros(self.latent_dim, self.latent_dim).fill_diagonal_(1.0)
            self.register_buffer("speaker_transform", identity)
            self.register_buffer("speaker_between", torch.ones(self.latent_dim))

    @property
    def architecture(self) -> dict[str, Any]:
        """The constructor arguments that build the same network."""
        dims = {"ip_features": self.ip_features, "hidden_dims": self.hidden_dims}
        return {**dims, **self.options}

    @property
    def latent_dim(self) -> int:
        """The width of the bottleneck."""
        return self.hidden_dims[-1]

    def _input(self, x: Tensor) -> Tensor:
        dtype = next(self.parameters()).dtype
        if not isinstance(x, Tensor) or x.dtype != dtype:
            expected = f"a tensor (n, {self.ip_features}) of {dtype}"
            raise arguments.wrong_kind("x", expected, x)
        if x.ndim != 2 or x.shape[1] != self.ip_features:
            raise arguments.wrong_value("x", f"x-vectors (n, {self.ip_features})", x)
        if self.options["center"]:
            x = x - self.mean
        if self.options["length_norm"]:
            x = F.normalize(x, dim=1) * self.ip_features**0.5
        return x

    def encode(self, x: Tensor) -> Tensor:
        """Return latents (n, hidden_dims[-1]) of x-vectors (n, ip_features)."""
        z = self._input(x)
        for layer in self.encoder:
            z = layer(z)
        return z

    @torch.no_grad()
    def encode_all(self, x: Tensor) -> Tensor:
        """Encode any number of x-vectors without gradients, in blocks.

        The hidden layers of a whole long recording would take much memory.
        """
        return torch.cat([self.encode(block) for block in x.split(BLOCK)])

    def in_speaker_space(self, z: Tensor) -> Tensor:
        """Transform latents (n, l) to coordinates (n, l) whose variance within a speaker is 1."""
        y = (F.normalize(z, dim=1) - self.speaker_mean) @ self.speaker_transform
        if self.options["speaker_norm"]:
            squares = (y**2 / (1 + self.speaker_between)).mean(dim=1, keepdim=True)
            y = y / squares.clamp_min(torch.finfo(y.dtype).tiny).sqrt()
        return y

    def forward(self, x: Tensor) -> tuple[Tensor, list[Tensor], list[Tensor]]:
        """Return (z, xo, xr): latents, inputs of the encoder layers, and their reconstructions.

        ``xo[0]`` is the input (centred and length-normalised, if configured), ``xr[i]`` has the
        shape of ``xo[i]``.

        Raises:
            TypeError: ``x`` is not a tensor, or does not have the dtype of the weights.
            ValueError: its shape is not (n, ip_features).
        """
        z = self._input(x)
        xo = []
        for layer in self.encoder:
            xo.append(z)
            z = layer(z)
        xr = [z]
        for layer in reversed(self.decoder):
            xr.append(layer(xr[-1]))
        return z, xo, xr[:0:-1]


def _widths(hidden_dims: Any) -> list[int]:
    wanted = "a list of whole numbers, the widths of the layers, at least one"
    if isinstance(hidden_dims, str) or not hasattr(hidden_dims, "__iter__"):
        raise arguments.wrong_kind("hidden_dims", wanted, hidden_dims)
    widths = [arguments.whole(f"hidden_dims[{i}]", width, 1) for i, width in enumerate(hidden_dims)]
    if not widths:
        raise arguments.wrong_value("hidden_dims", wanted, hidden_dims)
    return widths


def reconstruction_loss(xo: Sequence[Tensor], xr: Sequence[Tensor]) -> Tensor:
    """Return the sum over depth k = 1..L of (L + 1 - k) MSE(xo_k, xr_k): the input counts most."""
    depth = len(xo)
    terms = [(depth - i) * F.mse_loss(r, o) for i, (o, r) in enumerate(zip(xo, xr, strict=True))]
    return torch.stack(terms).sum()


def cosine_loss(x: Tensor, z: Tensor) -> Tensor:
    """Return the mean squared difference between pairwise cosines in a batch before and after encoding.

    Clustering compares directions, so the latent should keep the angles between x-vectors
    (metric multidimensional scaling, Torgerson 1952, on the unit sphere).
    """
    a, b = F.normalize(x, dim=1), F.normalize(z, dim=1)
    return F.mse_loss(b @ b.T, a @ a.T)


def save_model(
    path: str | Path, model: ResidualAutoEncoder, dtype: torch.dtype = torch.float32
) -> None:
    """Write weights and architecture atomically to one safetensors file."""
    tensors = {k: v.detach().to("cpu", dtype).contiguous() for k, v in model.state_dict().items()}
    with open_whole(path, "wb") as stream:
        stream.write(save(tensors, {"autoencoder": json.dumps(model.architecture)}))


def load_model(path: str | Path, device: str | torch.device = "cpu") -> ResidualAutoEncoder:
    """Read a model written by ``save_model``, from its path or directory; converts half precision to float32.

    Raises:
        DataError: no such file, or not an autoencoder of this recipe.
    """
    if Path(path).is_dir():
        path = Path(path) / "model.safetensors"
    if not Path(path).exists():
        raise DataError("no such autoencoder: train it with ./run.sh --stage 3", path)
    try:
        with safe_open(path, "pt") as bundle:
            card = json.loads((bundle.metadata() or {})["autoencoder"])
            weights = {
                name: bundle.get_tensor(name).to(torch.float32, copy=True)
                for name in bundle.keys()  # noqa: SIM118 (not a dict)
            }
        if len(card["hidden_dims"]) > len(weights):
            raise ValueError("more layers than weights")
        with torch.device("meta"):  # check that the weights fit before allocating memory
            model = ResidualAutoEncoder(card.pop("ip_features"), card.pop("hidden_dims"), **card)
        model.load_state_dict(weights, assign=True)
    except (
        SafetensorError,
        KeyError,
        TypeError,
        ValueError,
        RuntimeError,
        AttributeError,
    ) as error:
        reason = " ".join(str(error).split())[:200]
        raise DataError(f"not an autoencoder of this recipe: {reason}", path) from None
    return model.to(device).eval()


@torch.no_grad()
def network_of_plda(
    mean: np.ndarray, transform: np.ndarray, between: np.ndarray
) -> ResidualAutoEncoder:
    """Make an autoencoder that does not change x-vectors, with a PLDA as its speaker space.

    It has one layer with zero weights and an identity shortcut: its latents are the x-vectors, its
    reconstruction is exact, and the refinement of a recording starts there.

    Args:
        mean: (d,), transform: (d, d) and between: (d,) of a two-covariance model of x-vectors of length
            sqrt(d): transform @ (x - mean) has variance 1 within speakers and ``between`` between
            speakers.
    """
    dim = len(mean)
    model = ResidualAutoEncoder(
        dim, [dim], shortcut=True, length_norm=True, speaker_space=True, speaker_norm=True
    )
    for layer in (*model.encoder, *model.decoder):
        layer.linear.weight.zero_()
        layer.linear.bias.zero_()
    length = dim**0.5  # of the x-vectors of the PLDA; latents are scaled to 1
    model.speaker_mean.copy_(torch.from_numpy(mean / length))
    model.speaker_transform.copy_(torch.from_numpy(np.ascontiguousarray(transform.T) * length))
    model.speaker_between.copy_(torch.from_numpy(between))
    return model.eval()


def network_of(config: AutoencoderConfig, dim: int) -> tuple[ResidualAutoEncoder, bool]:
    """Make a network for x-vectors of this dimension; also return whether it has shipped weights.

    Shipped weights are used if the architecture matches, unless ``init`` is 'scratch'.
    """
    model = ResidualAutoEncoder(
        dim,
        config.hidden_dims,
        shortcut=config.shortcut,
        length_norm=config.length_norm,
        center=config.center,
        speaker_space=config.speaker_space,
    )
    if config.init != "scratch":
        for path in filter(Path.exists, (SHIPPED, SHIPPED_PAPER)):
            shipped = load_model(path)
            if shipped.architecture == model.architecture:
                return shipped.train(), True
    return model, False
