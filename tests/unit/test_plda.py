"""Kaldi's PLDA: read in every form that Kaldi writes, and the speaker space that it becomes."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from diar.autoencoder.network import load_model, network_of_plda, save_model
from diar.base.errors import DataError
from diar.kaldi.plda import Plda, read_plda, write_plda


def made_up(dim=5, seed=0):
    rng = np.random.default_rng(seed)
    between = np.sort(rng.uniform(0.5, 5, dim))[::-1].copy()
    return Plda(rng.normal(size=dim), rng.normal(size=(dim, dim)), between)


def as_kaldi_writes(plda, kind):
    """The bytes of Kaldi's Plda::Write, of float or double, or as text."""
    arrays = (plda.mean, plda.transform, plda.between)
    if kind == "text":
        rows = "\n  ".join(" ".join(f"{x:.8g}" for x in row) for row in plda.transform)
        mean, between = (" ".join(f"{x:.8g}" for x in v) for v in (plda.mean, plda.between))
        return f"<Plda>  [ {mean} ]\n [\n  {rows} ]\n [ {between} ]\n</Plda> ".encode()
    content = b"\0B<Plda> "
    for array in arrays:
        content += kind.encode() + (b"V " if array.ndim == 1 else b"M ")
        content += b"".join(b"\4" + n.to_bytes(4, "little") for n in array.shape)
        content += array.astype("<f4" if kind == "F" else "<f8").tobytes()
    return content + b"</Plda> "


@pytest.mark.parametrize("kind", ["F", "D", "text"])
def test_what_kaldi_writes_is_read(tmp_path, kind):
    plda = made_up()
    (tmp_path / "plda").write_bytes(as_kaldi_writes(plda, kind))
    found = read_plda(tmp_path / "plda")
    for name in ("mean", "transform", "between"):
        assert getattr(found, name) == pytest.approx(getattr(plda, name), rel=1e-5)


def test_what_is_written_is_kaldis(tmp_path):
    plda = made_up()
    write_plda(tmp_path / "plda", plda)
    assert (tmp_path / "plda").read_bytes() == as_kaldi_writes(plda, "D")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not a Kaldi PLDA"),
        (b"\0BFV \4\1\0\0\0abcd", "not a Kaldi PLDA"),
        (as_kaldi_writes(made_up(), "D")[:-1].replace(b"</Plda>", b""), "does not end in </Plda>"),
        (as_kaldi_writes(made_up(), "D") + b"x", "does not end in </Plda>"),
        (b"\0B<Plda> DV \4\xff\xff\xff\x7fab", "damaged or truncated"),
        (b"\0B<Plda> PKL\x80\x04", "damaged or truncated"),
        (as_kaldi_writes(Plda(np.ones(2), np.eye(3), np.ones(3)), "F"), "of one dimension"),
        (as_kaldi_writes(Plda(np.ones(0), np.ones((0, 0)), np.ones(0)), "F"), "of one dimension"),
        (as_kaldi_writes(Plda(np.ones(2), np.eye(2) * np.nan, np.ones(2)), "F"), "NaN"),
        (as_kaldi_writes(Plda(np.ones(2), np.eye(2), -np.ones(2)), "text"), "must be positive"),
    ],
)
def test_anything_else_is_one_clear_line(tmp_path, content, message):
    (tmp_path / "plda").write_bytes(content)
    with pytest.raises(DataError, match="plda: ") as error:
        read_plda(tmp_path / "plda")
    assert message in str(error.value)
    with pytest.raises(DataError, match="none: cannot be read: No such file"):
        read_plda(tmp_path / "none")


@given(st.data(), st.sampled_from(["F", "D", "text"]))
def test_a_plda_that_is_cut_short_is_never_read(tmp_path_factory, data, kind):
    whole = as_kaldi_writes(made_up(), kind)
    path = tmp_path_factory.getbasetemp() / "plda"
    path.write_bytes(whole[: data.draw(st.integers(0, len(whole) - 2))])
    with pytest.raises(DataError):
        read_plda(path)


@pytest.mark.parametrize("length", [1.0, np.sqrt(8)], ids=["VBx", "Kaldi"])
def test_the_model_itself_says_how_long_vectors_are(length):
    x = np.random.default_rng(0).normal(size=(5000, 8))
    x *= length / np.linalg.norm(x, axis=1, keepdims=True)
    within = 0.3 * np.cov(x.T)  # the rest is between speakers
    values, vectors = np.linalg.eigh(within)
    transform = (vectors / np.sqrt(values)).T
    plda = Plda(x.mean(axis=0), transform, np.full(8, 0.7 / 0.3))
    assert plda.for_unit_length == (length == 1)
    assert not plda.rescaled(np.sqrt(8) / length).for_unit_length


class TestSpeakerSpace:
    """Of x-vectors of length sqrt(d), as ivector-plda-scoring-dense transforms them."""

    def transformed(self, x, plda):
        """Kaldi's Plda::TransformIvector, of one example, normalize_length true."""
        y = plda.transform @ (x - plda.mean)
        return y * np.sqrt(len(y) / (y**2 / (plda.between + 1)).sum())

    def test_it_is_kaldis(self, tmp_path):
        plda = made_up(6)
        x = np.random.default_rng(1).normal(size=(9, 6))
        x *= np.sqrt(6) / np.linalg.norm(x, axis=1, keepdims=True)
        save_model(tmp_path / "m", network_of_plda(plda.mean, plda.transform, plda.between))
        model = load_model(tmp_path / "m")
        rows = torch.from_numpy(x.astype(np.float32))
        z, xo, xr = model(rows)
        assert torch.allclose(z, rows, atol=1e-6) and torch.allclose(xr[0], xo[0], atol=1e-6)
        expected = [self.transformed(row, plda) for row in x]
        assert model.in_speaker_space(z).detach().numpy() == pytest.approx(
            np.array(expected), rel=1e-3, abs=1e-4
        )
        assert model.speaker_between.numpy() == pytest.approx(plda.between, rel=1e-6)

    def test_a_vector_without_length_stays_finite(self):
        plda = made_up(6)
        model = network_of_plda(np.zeros(6), plda.transform, plda.between)
        assert torch.isfinite(model.in_speaker_space(model.encode(torch.zeros(1, 6)))).all()
