"""The YAML files say what the code does without them: no default lives in two places."""

import ast
import importlib
import itertools
import math
import numbers
import re
from dataclasses import replace

import pytest
import yaml

from diar.autoencoder.config import AutoencoderConfig
from diar.base import config
from diar.extractors.campplus import FBANK
from diar.extractors.fbank import FbankConfig
from diar.identity.config import IdentityConfig
from diar.jobs.slurm import SlurmConfig
from diar.pipeline.config import BaselineConfig, DecStageConfig
from diar.report.recordings import ReportConfig
from diar.scoring.rates import ScoringConfig
from diar.speech.vad import VadConfig
from diar.turns.confidence import ConfidenceConfig
from diar.xvectors.windows import XVectorConfig


@pytest.mark.parametrize(
    "name, cls",
    [
        ("identity", IdentityConfig),
        ("vad", VadConfig),
        ("xvector", XVectorConfig),
        ("autoencoder", AutoencoderConfig),
        ("baselines", BaselineConfig),
        ("report", ReportConfig),
        ("scoring", ScoringConfig),
        ("slurm", SlurmConfig),
        ("fbank/wespeaker", FbankConfig),
        ("dec_paper", DecStageConfig),  # the defaults of DEC are the published constants
    ],
)
def test_file_repeats_the_defaults(root, name, cls):
    assert config.load(cls, root / "conf" / f"{name}.yaml") == cls()


def test_what_is_doubtful_is_the_same_everywhere(root):
    dec = config.load(DecStageConfig, root / "conf/dec.yaml")
    assert config.load(ReportConfig, root / "conf/report.yaml").doubtful == dec.confidence.doubtful


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
    sequence = replace(default.sequence, **own)
    # How sure its posteriors are is another matter, and was not measured.
    assert replace(default, rounds=0, sequence=sequence, confidence=ConfidenceConfig()) == plda
    step = 0.24  # seconds between the windows that VBx has its constants for
    assert own["evidence"] == pytest.approx(0.3 / step) and own["complexity"] == 17
    assert own["turn"] == pytest.approx(-step / math.log(0.99), abs=0.05)
    assert config.load(AutoencoderConfig, root / "conf/autoencoder_plda.yaml").init == "plda"


def test_the_configuration_for_telephones_differs_in_the_offset_alone(root):
    default, telephone = (
        config.load(DecStageConfig, root / f"conf/{n}.yaml") for n in ("dec", "dec_telephone")
    )
    own = {name: getattr(telephone.sequence, name) for name in ("offset", "complexity")}
    sequence = replace(default.sequence, **own)
    assert replace(default, sequence=sequence, confidence=ConfidenceConfig()) == telephone
    assert default.sequence.offset == 0 < telephone.sequence.offset


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


# Every key is explained, and every number that one may want to change is a key

NAMES = {"corpora": "sets", "mini_corpus": "sets", "scoring": "protocols"}  # below: names of data


def uncommented(path):
    """The keys of a file, dotted, that have neither a comment on their line nor one in its head."""
    lines = path.read_text(encoding="utf-8").splitlines()
    head = " ".join(itertools.takewhile(lambda line: line.startswith("#"), lines))

    def walk(node, where):
        if isinstance(node, yaml.SequenceNode):
            for item in node.value:
                yield from walk(item, where)
        if not isinstance(node, yaml.MappingNode) or node.flow_style:
            return
        for key, value in node.value:
            number, name = key.start_mark.line, key.value
            above = lines[number - 1].lstrip() if number else ""
            own = " #" in lines[number] or above.startswith("#")
            named = re.search(rf"(?<!\w){re.escape(name)}(?!\w)", head)
            if not own and not named and where != [NAMES.get(path.stem)]:
                yield ".".join([*where, name])
            yield from walk(value, [*where, name])

    return list(walk(yaml.compose("\n".join(lines)), []))


def test_no_key_is_without_a_comment(root, tmp_path):
    files = sorted((root / "conf").rglob("*.yaml"))
    assert len(files) > 15
    assert {str(f.relative_to(root)): found for f in files if (found := uncommented(f))} == {}
    (tmp_path / "x.yaml").write_text("# one: first\none: 1\ntwo:  # second\n  three: 3\n")
    assert uncommented(tmp_path / "x.yaml") == ["two.three"]


@pytest.mark.parametrize("name, cls", [("dec", DecStageConfig), ("baselines", BaselineConfig)])
def test_a_file_states_every_key(root, name, cls):
    def dotted(values, where=""):
        for key, value in values.items():
            yield where + key
            if isinstance(value, dict):
                yield from dotted(value, f"{where}{key}.")

    text = yaml.safe_load((root / f"conf/{name}.yaml").read_text())
    missing = set(dotted(yaml.safe_load(config.dump(cls())))) - set(dotted(text))
    # Options of other starts than the one of dec.yaml, and of decodings without DEC's posteriors.
    assert {key for key in missing if not key.startswith("clustering")} <= {"decoding.sharpen"}


# Numbers of the algorithm that are no keys: module -> names. Why is in the comment beside each.
NO_KEYS = {
    "autoencoder.network": {"BLOCK", "PAPER_DIMS", "SHIPPED_DIM"},
    "autoencoder.speaker_space": {"_LEAST_SHRINKAGE"},
    "clustering.counting": {"EPS"},
    "clustering.linkage": {"BLOCK"},
    "clustering.methods": {"_STRETCH"},
    "clustering.sampling": {"EXACT", "SAMPLE", "_BLOCK"},
    "dec.links": {"_BLOCK", "_TOUCH"},
    "dec.markov": {"SEQUENTIAL", "_PIECE", "_SAME"},
    "dec.objective": {"EPS"},
    "dec.sequence": {"_CONVERGED"},
    "dec.start": {"_EPS"},
    "identity.linking": {"_NEVER"},
    "identity.profiles": {"_BLOCK"},
    "identity.voices": {"VERSION", "_ALIKE", "_PROBE"},
    "speech.segmentation": {"HALF_BATCH", "HALF_WORTH"},  # of the machine
    "speech.segmentation_net": {"FIELD", "FILTER", "LEAST_HZ", "RATE", "SHIFT"},
    "speech.vad": {
        "FAINT_SECONDS",
        "FAINT_SHARE",
        "FRAMES",
        "HOP",
        "LOUD",
        "SILERO_CHUNK",
        "SILERO_RESET",
        "VERY_QUIET",
        "WIDTH",
    },
    "turns.doubts": {"SHORT"},
    "xvectors.extraction": {"STRETCH"},
    "xvectors.grid": {"SILENCE"},
    "xvectors.neighbours": {"LEAST_PAIRS", "_PAIRS"},
    "xvectors.windows": {"MILLISECOND"},
}
FIXED = {"speech.segmentation_net"}  # by the weights: all of it
PACKAGES = ("dec", "autoencoder", "clustering", "xvectors", "turns", "speech", "identity")


def numbers_of(path, module):
    """(name, whether a comment says why) of the numbers that the module itself assigns."""
    text = path.read_text(encoding="utf-8")
    lines = text.splitlines()
    for node in ast.parse(text).body:
        if not isinstance(node, (ast.Assign, ast.AnnAssign)):
            continue
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        names = [n.id for t in targets for n in ast.walk(t) if isinstance(n, ast.Name)]
        for name in names:
            value = getattr(module, name)
            items = value if isinstance(value, tuple) else (value,)
            if items and all(isinstance(x, numbers.Real) for x in items):
                above = lines[node.lineno - 2].startswith("#")
                yield name, above or "  # " in lines[node.lineno - 1]


def test_numbers_of_the_algorithm_are_keys_or_say_why_not(root):
    found = {}
    for package in PACKAGES:
        for path in sorted((root / "local/diar" / package).glob("*.py")):
            name = f"{package}.{path.stem}"
            constants = dict(numbers_of(path, importlib.import_module(f"diar.{name}")))
            assert all(constants.values()) or name in FIXED, (
                f"{name}: no comment says why: {constants}"
            )
            if constants:
                found[name] = set(constants)
    assert found == NO_KEYS, "a number that one may want to change goes into conf/"
