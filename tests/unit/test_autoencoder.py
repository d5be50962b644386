"""The residual autoencoder: shapes, the published loss, weights on disk, pretraining."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save

from diar.autoencoder.config import AutoencoderConfig, Phase
from diar.autoencoder.network import (
    SHIPPED,
    SHIPPED_DIM,
    SHIPPED_PAPER,
    ResidualAutoEncoder,
    cosine_loss,
    load_model,
    network_of,
    reconstruction_loss,
    save_model,
)
from diar.autoencoder.pretraining import learn_speakers, pretrain
from diar.base import config
from diar.base.errors import DataError


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(1, 9), min_size=1, max_size=5), st.booleans(), st.booleans())
def test_reconstructs_the_input_of_every_layer(dims, shortcut, length_norm):
    model = ResidualAutoEncoder(7, dims, shortcut=shortcut, length_norm=length_norm)
    x = torch.randn(4, 7)
    z, xo, xr = model(x)
    assert z.shape == (4, dims[-1])
    assert [o.shape for o in xo] == [r.shape for r in xr] == [(4, d) for d in [7, *dims[:-1]]]
    assert torch.equal(model.encode(x), z)
    if not length_norm:
        assert torch.equal(xo[0], x)


def test_paper_configuration_is_plain_layers():
    model = ResidualAutoEncoder(192)
    x = torch.randn(5, 192)
    h = x
    for i, layer in enumerate(model.encoder):
        h = h @ layer.linear.weight.T + layer.linear.bias
        h = torch.relu(h) if i < 3 else h
    assert torch.allclose(model(x)[0], h, atol=1e-5)
    assert [tuple(layer.linear.weight.shape) for layer in model.encoder] == [
        (500, 192), (500, 500), (2000, 500), (30, 2000)
    ]  # fmt: skip
    assert model(x)[0].min() < 0 and model(x)[2][0].min() < 0, "no activation on either end"
    assert all((r >= 0).all() for r in model(x)[2][1:]), "hidden activations are not negative"


def test_loss_weights_fall_with_depth():
    ones, zeros = [torch.ones(2, 3)] * 4, [torch.zeros(2, 3)] * 4
    assert reconstruction_loss(ones, zeros).item() == 4 + 3 + 2 + 1
    first = [torch.zeros(2, 3), *ones[1:]]
    assert reconstruction_loss(ones, first).item() == 3 + 2 + 1 - 6 + 4


def test_cosine_loss_is_zero_for_a_rotation_and_not_for_a_projection():
    x = torch.randn(8, 5)
    rotation = torch.linalg.qr(torch.randn(5, 5))[0]
    assert cosine_loss(x, 3 * x @ rotation).item() < 1e-10
    assert cosine_loss(x, x[:, :2]).item() > 1e-2


def test_length_norm_forgets_the_length():
    model = ResidualAutoEncoder(6, [4, 2], length_norm=True)
    x = torch.randn(3, 6)
    assert torch.allclose(model.encode(x), model.encode(5 * x), atol=1e-5)


@pytest.mark.parametrize("bad", [torch.zeros(3), torch.zeros(3, 5), torch.zeros(1, 2, 6)])
def test_wrong_dimension_is_refused(bad):
    with pytest.raises(ValueError, match=r"\(n, 6\)"):
        ResidualAutoEncoder(6, [3])(bad)


def test_no_layers_are_refused():
    with pytest.raises(ValueError, match="at least one"):
        ResidualAutoEncoder(6, [])


def test_round_trip_through_a_file(tmp_path):
    model = ResidualAutoEncoder(6, [5, 3], shortcut=True, length_norm=True, center=True)
    model.mean += 1.5
    save_model(tmp_path / "m.safetensors", model)
    again = load_model(tmp_path / "m.safetensors")
    x = torch.randn(4, 6)
    assert torch.equal(model.encode(x), again.encode(x))
    assert again.options == model.options


def test_damaged_or_missing_file_is_one_line(tmp_path):
    with pytest.raises(DataError, match="--stage 3"):
        load_model(tmp_path / "none.safetensors")
    (tmp_path / "bad.safetensors").write_bytes(b"not safetensors at all")
    with pytest.raises(DataError, match="not an autoencoder") as caught:
        load_model(tmp_path / "bad.safetensors")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "card",
    [
        {"ip_features": 10**6, "hidden_dims": [10**6]},  # 4 TB
        {"ip_features": 10**5, "hidden_dims": [10**5 - 1], "shortcut": True},
        {"ip_features": 10**30, "hidden_dims": [3]},
        {"ip_features": 3, "hidden_dims": [3] * 10**6},
        {"ip_features": -5, "hidden_dims": [3]},
        {"ip_features": 192, "hidden_dims": []},
        {"ip_features": 19.5, "hidden_dims": [3]},
        {"ip_features": 192, "hidden_dims": None},
        {"ip_features": 192, "hidden_dims": [3], "other": 1},
        {"hidden_dims": [3]},
        3, None, [],
        '{"ip_features": ' + "9" * 6000 + ', "hidden_dims": [3]}',
        "[" * 5000,
    ],
)  # fmt: skip
def test_widths_that_cannot_be_are_one_line_and_take_no_memory(tmp_path, card):
    text = card if isinstance(card, str) else json.dumps(card)
    path = tmp_path / "m.safetensors"
    path.write_bytes(save({"x": torch.zeros(3)}, {"autoencoder": text}))
    with pytest.raises(DataError, match="not an autoencoder of this recipe") as caught:
        load_model(path)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 600


SMALL = AutoencoderConfig(
    hidden_dims=(12, 3),
    cosine_weight=10,
    phases=(Phase(15, 1e-2), Phase(5, 1e-3)),
    batch=32,
    threads=1,
)


def test_pretraining_learns_and_is_repeatable():
    rng = np.random.default_rng(0)
    x = (rng.normal(size=(200, 3)) @ rng.normal(size=(3, 10))).astype(np.float32)
    epochs, again = [], []
    model = pretrain(x[:150], x[150:], SMALL, epochs.append)
    twin = pretrain(x[:150], x[150:], SMALL, again.append)
    assert epochs[-1].valid < 0.5 * epochs[0].valid
    assert epochs == again
    for a, b in zip(model.state_dict().values(), twin.state_dict().values(), strict=True):
        assert torch.equal(a, b)


def test_early_stopping_keeps_the_best_epoch():
    rng = np.random.default_rng(1)
    train = rng.normal(size=(20, 10)).astype(np.float32)  # noise: validation soon gets worse
    valid = rng.normal(size=(20, 10)).astype(np.float32)
    config = AutoencoderConfig(
        hidden_dims=(64, 8), phases=(Phase(200, 1e-2),), patience=3, cosine_weight=0, threads=1
    )
    epochs = []
    pretrain(train, valid, config, epochs.append)
    best = min(epochs, key=lambda e: e.valid)
    assert len(epochs) < 200
    assert epochs[-1].epoch == best.epoch + 3


def test_pretraining_needs_data():
    nothing = np.zeros((0, 4), np.float32)
    with pytest.raises(DataError, match="too few"):
        pretrain(nothing, nothing, SMALL)
    with pytest.raises(DataError, match="validation"):
        pretrain(np.ones((8, 4), np.float32), nothing, SMALL)


def test_shipped_weights_are_taken_continued_or_ignored():
    x = np.random.default_rng(2).normal(size=(64, 192)).astype(np.float32)
    one = (Phase(1, 1e-3),)
    shipped = load_model(SHIPPED)
    models = {}
    for init in ("shipped", "continue", "scratch"):
        epochs = []
        config = AutoencoderConfig(init=init, phases=one, patience=0, threads=1)
        models[init] = pretrain(x, x, config, epochs.append)
        assert [e.epoch for e in epochs] == {"shipped": [0], "continue": [0, 1]}.get(init, [1])
    z = {name: model.encode(torch.from_numpy(x)) for name, model in models.items()}
    assert torch.equal(z["shipped"], shipped.encode(torch.from_numpy(x)))
    assert not torch.equal(z["continue"], z["shipped"])
    near, far = ((z[name] - z["shipped"]).square().mean() for name in ("continue", "scratch"))
    assert near < far / 2
    other = AutoencoderConfig(hidden_dims=(8, 4), phases=one, patience=0, threads=1)
    assert pretrain(x, x, other).latent_dim == 4  # does not fit: trained


@pytest.mark.parametrize("name, path", [("", SHIPPED), ("_paper", SHIPPED_PAPER)])
def test_each_configuration_has_weights_that_ship(root, name, path):
    options = config.load(AutoencoderConfig, root / f"conf/autoencoder{name}.yaml")
    model, shipped = network_of(options, SHIPPED_DIM)
    assert shipped and model.architecture == load_model(path).architecture
    x = torch.from_numpy(np.random.default_rng(4).normal(size=(5, SHIPPED_DIM))).float()
    assert torch.equal(model.encode(x), load_model(path).encode(x))
    assert not network_of(options, SHIPPED_DIM + 1)[1]
    assert not network_of(replace(options, init="scratch"), SHIPPED_DIM)[1]


def test_speaker_space_travels_with_the_weights(tmp_path):
    """What ships makes the spread of neighbouring windows 1 where it was learnt; here: it is used."""
    rng = np.random.default_rng(3)
    model = ResidualAutoEncoder(10, (12, 3), length_norm=True, speaker_space=True).eval()
    recordings = []
    for _ in range(60):
        voice = rng.normal(size=10)
        x = (voice + 0.3 * rng.normal(size=(50, 10))).astype(np.float32)
        recordings.append((x, np.arange(50) * 0.75))
    learn_speakers(model, recordings, 1.5)
    save_model(tmp_path / "m.safetensors", model)
    back = load_model(tmp_path / "m.safetensors")
    with torch.no_grad():
        y = [back.in_speaker_space(back.encode(torch.from_numpy(x))) for x, _ in recordings]
    # Not just 1: the least spread is shrunk towards the mean (Ledoit & Wolf).
    spread = torch.stack([part.var(dim=0) for part in y]).mean(dim=0)
    assert spread.numpy() == pytest.approx(np.ones(3), rel=0.15)
    means = torch.stack([part.mean(dim=0) for part in y])
    assert means.var(dim=0).numpy() == pytest.approx(back.speaker_between.numpy(), rel=0.5)
