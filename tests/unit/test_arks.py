"""Kaldi's arrays: which are read, and that nothing else is, least of all code."""

from __future__ import annotations

import pickle
import struct
from pathlib import Path

import kaldiio
import numpy as np
import pytest

from diar.base.errors import DataError
from diar.kaldi.arks import Scp, read_array, write_ark

MATRIX = np.arange(12, dtype=np.float32).reshape(3, 4)


def binary(array, **options):
    """The bytes of an entry, without its id."""
    path = Path(options.pop("folder")) / "made.ark"
    kaldiio.save_ark(str(path), {"a": array}, **options)
    return path.read_bytes()[2:]


class Runs:
    """A pickle of it writes a file when it is read."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (Path.write_text, (Path(self.path), "run"))


@pytest.mark.parametrize(
    "array",
    [
        MATRIX,
        MATRIX.astype(np.float64),
        MATRIX[0],
        MATRIX[0].astype(np.float64),
        np.array([1, 0, 1], np.int32),
        np.zeros(0, np.float32),
    ],
    ids=["FM", "DM", "FV", "DV", "int32", "empty"],
)
def test_what_kaldi_writes_is_read(tmp_path, array):
    path = tmp_path / "one"
    path.write_bytes(b"left out" + binary(array, folder=tmp_path))
    assert np.array_equal(read_array(path, 8), array)


@pytest.mark.parametrize("method", [1, 2, 3, 4, 5, 6])
def test_compressed_matrices(tmp_path, method):
    path = tmp_path / "one"
    whole = binary(MATRIX, folder=tmp_path, compression_method=method)
    path.write_bytes(whole)
    assert read_array(path) == pytest.approx(MATRIX, abs=0.2)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (" [ 1 0 1 ]\n", [1, 0, 1]),
        (" [ 0 0.5 -1e-05 ]\n", [0, 0.5, -1e-5]),  # the first is a whole number, others are not
        ("[\n  1 2\n  3 4.5 ]\n", [[1, 2], [3, 4.5]]),
        ("[\n  1 2 ]", [[1, 2]]),
        ("[ ]\n", []),
    ],
)
def test_text(tmp_path, text, expected):
    path = tmp_path / "one"
    path.write_text(text)
    assert read_array(path) == pytest.approx(np.array(expected))


def refuse(path, offset=0):
    with pytest.raises(DataError, match="not a Kaldi array, or truncated"):
        read_array(path, offset)


@pytest.mark.parametrize("lead", [b"PKL", b"PKL\n", b"\0BPKL", b" PKL", b"[PKL"])
def test_a_pickle_is_never_read(tmp_path, lead):
    path, trace = tmp_path / "one", tmp_path / "trace"
    path.write_bytes(lead + pickle.dumps(Runs(trace)))
    refuse(path)
    (tmp_path / "xvector.scp").write_text(f"a {path}:0\n")
    with pytest.raises(DataError, match="xvector.scp:1: a: "):
        Scp(tmp_path / "xvector.scp")["a"]
    assert not trace.exists()


@pytest.mark.parametrize("lead", [b"NPY", b"AUDIO", b"RIFF", b"fLaC", b"\0B", b"\0BXX ", b"x", b""])
def test_other_kinds_of_entry_are_refused(tmp_path, lead):
    path = tmp_path / "one"
    path.write_bytes(lead + b"\x01\x40" + bytes(200))
    refuse(path)


@pytest.mark.parametrize("kind", ["FM", "DM", "FV", "DV", "int32", "text", "CM", "CM2", "CM3"])
def test_cut_anywhere(tmp_path, kind):
    """An array may be cut at a whole number of floats: 512 numbers must not become 262."""
    array = MATRIX if "M" in kind else MATRIX[0]
    options = {"CM": {"compression_method": 2}, "CM2": {"compression_method": 3}}.get(kind, {})
    options = {"compression_method": 5} if kind == "CM3" else options
    array = array.astype({"D": np.float64, "i": np.int32}.get(kind[0], np.float32))
    whole = binary(array, folder=tmp_path, text=kind == "text", **options)
    assert kind in ("int32", "text") or whole[2:].startswith(kind.encode() + b" ")
    path = tmp_path / "one"
    path.write_bytes(whole)
    read_array(path)
    for length in range(len(whole.rstrip())):
        path.write_bytes(whole[:length])
        refuse(path)


@pytest.mark.parametrize("rows", [-1, -(2**31), 2**31 - 1])
@pytest.mark.parametrize("kind", [b"FM", b"DM", b"FV", b"CM", b"CM2", b"CM3"])
def test_sizes_that_cannot_be(tmp_path, kind, rows):
    numbers = (
        struct.pack("<bibi", 4, rows, 4, 2)
        if kind[:1] != b"C"
        else struct.pack("<ffii", 0, 1, rows, 2)
    )
    path = tmp_path / "one"
    path.write_bytes(b"\0B" + kind + b" " + numbers + bytes(64))
    refuse(path)


@pytest.mark.parametrize("name", ["run[1]", "a|b", "two  blanks", "[", "a:3"])
def test_a_folder_may_be_called_anything(tmp_path, name):
    (tmp_path / name).mkdir()
    write_ark(tmp_path / name / "x.ark", {"a": MATRIX})
    assert np.array_equal(Scp(tmp_path / name / "x.scp")["a"], MATRIX)


def test_offsets_that_cannot_be(tmp_path):
    path = tmp_path / "one.ark"
    path.write_bytes(binary(MATRIX, folder=tmp_path))
    for offset in ("7", "99999", "9" * 18, "9" * 6000):
        (tmp_path / "xvector.scp").write_text(f"a {path}:{offset}\n")
        with pytest.raises(DataError, match="xvector.scp:1: a: "):
            Scp(tmp_path / "xvector.scp")["a"]
