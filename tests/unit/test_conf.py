"""The YAML files say what the code does without them: no default lives in two places."""

import importlib
import math
import re
from dataclasses import replace

import pytest

from diar.autoencoder.config import AutoencoderConfig
from diar.base import config
from diar.extractors.campplus import FBANK
from diar.extractors.fbank import FbankConfig
from diar.jobs.slurm import SlurmConfig
from diar.pipeline.config import BaselineConfig, DecStageConfig
from diar.scoring.rates import ScoringConfig
from diar.speech.vad import VadConfig
from diar.xvectors.windows import XVectorConfig


@pytest.mark.parametrize(
    "name, cls",
    [
        ("vad", VadConfig),
        ("xvector", XVectorConfig),
        ("autoencoder", AutoencoderConfig),
        ("baselines", BaselineConfig),
        ("scoring", ScoringConfig),
        ("slurm", SlurmConfig),
        ("fbank/wespeaker", FbankConfig),
        ("dec_paper", DecStageConfig),  # the defaults of DEC are the published constants
    ],
)
def test_file_repeats_the_defaults(root, name, cls):
    assert config.load(cls, root / "conf" / f"{name}.yaml") == cls()


def test_3dspeaker_has_the_filter_banks_of_its_campplus(root):
    assert config.load(FbankConfig, root / "conf/fbank/3dspeaker.yaml") == FBANK


def test_published_constants(root):
    dec = config.load(DecStageConfig, root / "conf/dec_paper.yaml")
    assert (dec.finetune_iters, dec.start, dec.count) == (100, "spectral", "eigengap")
    assert (dec.refine.niter, dec.refine.lr_encoder, dec.refine.lr_centroids) == (50, 1e-3, 1e-1)
    assert dec.refine.mse_weight == 1 / 300 and dec.refine.kl_mean == "element"
    assert (dec.refine.target_power, dec.refine.frequency_power) == (2, 1)
    ae = config.load(AutoencoderConfig, root / "conf/autoencoder_paper.yaml")
    assert ae.hidden_dims == (500, 500, 2000, 30) and ae.batch == 256
    assert [(p.epochs, p.lr) for p in ae.phases] == [(60, 1e-3), (60, 1e-4)]
    assert not (ae.shortcut or ae.length_norm or ae.center or ae.cosine_weight or ae.patience)
    windows = config.load(XVectorConfig, root / "conf/xvector_paper.yaml")
    assert (windows.layout, windows.window, windows.step) == ("grid", 1.5, 0.75)


def test_default_and_paper_differ(root):
    default, paper = (
        config.load(DecStageConfig, root / f"conf/{n}.yaml") for n in ("dec", "dec_paper")
    )
    assert default.refine.frequency_power == 0 and paper.refine.frequency_power == 1
    assert default.decoding.kind == "frames" and paper.decoding.kind == "cells"


def test_the_default_for_a_plda_differs_in_the_constants_of_vbx_alone(root):
    default, plda = (
        config.load(DecStageConfig, root / f"conf/{n}.yaml") for n in ("dec", "dec_plda")
    )
    own = {name: getattr(plda.sequence, name) for name in ("evidence", "complexity", "turn")}
    assert replace(default, rounds=0, sequence=replace(default.sequence, **own)) == plda
    step = 0.24  # seconds between the windows that VBx has its constants for
    assert own["evidence"] == pytest.approx(0.3 / step) and own["complexity"] == 17
    assert own["turn"] == pytest.approx(-step / math.log(0.99), abs=0.05)
    assert config.load(AutoencoderConfig, root / "conf/autoencoder_plda.yaml").init == "plda"


def test_the_code_that_a_file_names_is_there(root):
    """'Every key: diar/dec/diarization.py, DecConfig' leads to that class."""
    places = [
        place
        for file in (root / "conf").glob("*.yaml")
        for place in re.findall(r"(diar/[\w/]+)\.py(?:, (\w+))?", file.read_text(encoding="utf-8"))
    ]
    assert len(places) > 5
    for module, name in places:
        assert hasattr(importlib.import_module(module.replace("/", ".")), name or "__name__")
