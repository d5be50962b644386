"""Kaldi directories: what is read, what is refused and where the message points."""

import shutil

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diar.base.errors import DataError
from diar.base.regions import regions_of
from diar.base.types import Region, Subsegments
from diar.kaldi.arks import Scp, write_ark
from diar.kaldi.tables import (
    read_map,
    read_numbers,
    read_segments,
    read_wav_scp,
    write_map,
    write_segments,
)
from diar.kaldi.xvector_dir import XVectorDir
from diar.xvectors.windows import segment_id


def put(path, text):
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


class TestMaps:
    def test_round_trip_is_sorted(self, tmp_path):
        write_map(tmp_path / "m", {"b": 2, "a-1": "x", "B": 1.5})
        assert (tmp_path / "m").read_text() == "B 1.5\na-1 x\nb 2\n"
        assert read_map(tmp_path / "m") == {"B": "1.5", "a-1": "x", "b": "2"}

    def test_blank_lines_tabs_and_a_byte_order_mark(self, tmp_path):
        path = put(tmp_path / "m", "\ufeffa\t1\r\n\n  b   2  ")
        assert read_numbers(path) == {"a": 1.0, "b": 2.0}

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("a 1\n\nb\n", ":3: expected '<id> <value>', found 1 field(s)"),
            ("a 1\nb 2 3\n", ":2: expected '<id> <value>', found 3 field(s)"),
            ("a 1\n\na 2\n", ":3: duplicate id 'a'"),
            ("a 1\n\nb x\n", ":3: 'x' is not a number >= 0"),
            ("a 1\n\nb -1\n", ":3: '-1' is not a number >= 0"),
            ("a nan\n", ":1: 'nan' is not a number >= 0"),
            ("a 1_0\n", ":1: '1_0' is not a number >= 0"),
            (b"a \xff\xfe\n", ": not a UTF-8 text file"),
        ],
    )
    def test_refused(self, tmp_path, text, message):
        path = put(tmp_path / "reco2dur", text)
        with pytest.raises(DataError) as error:
            read_numbers(path)
        assert str(error.value) == f"{path}{message}"

    def test_no_file(self, tmp_path):
        with pytest.raises(DataError, match="none: no such file"):
            read_map(tmp_path / "none")
        with pytest.raises(DataError, match="a directory"):
            read_map(tmp_path)


class TestWavScp:
    def test_paths_and_faults(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        data = tmp_path / "data"
        data.mkdir()
        put(data / "with blank.wav", "")
        put(tmp_path / "here.wav", "")
        lines = ["a with blank.wav", "b here.wav", f"c {data / 'with blank.wav'}",
                 "d", "e none.wav", "f sox x.wav -t wav - |"]  # fmt: skip
        wavs, faults = read_wav_scp(put(data / "wav.scp", "\n".join(lines)))
        assert {key: path.resolve() for key, path in wavs.items()} == {
            "a": data / "with blank.wav",
            "b": tmp_path / "here.wav",
            "c": data / "with blank.wav",
        }
        assert faults["d"] == f"{data / 'wav.scp'}:4: no audio path after the recording id"
        assert faults["e"] == f"{data / 'wav.scp'}:5: no such audio file: none.wav"
        assert ":6: a command, which is run only by" in faults["f"]
        assert len(faults) == 3

    @pytest.mark.parametrize(
        ("text", "message"), [("", "empty"), ("a x\na y\n", ":2: duplicate recording 'a'")]
    )
    def test_refused(self, tmp_path, text, message):
        with pytest.raises(DataError, match=message):
            read_wav_scp(put(tmp_path / "wav.scp", text))


class TestSegments:
    @given(
        st.lists(
            st.tuples(st.sampled_from("ab"), st.integers(0, 10**6), st.integers(10, 10**5)),
            unique_by=lambda x: (x[0], x[1] // 10, (x[1] + x[2]) // 10),
            max_size=20,
        )
    )
    def test_round_trip(self, tmp_path_factory, spans):
        directory = tmp_path_factory.mktemp("segments")
        rows = [(r, start / 1000, (start + length) / 1000) for r, start, length in spans]
        ids = [f"{segment_id(*row)}-{i}" for i, row in enumerate(rows)]
        written = Subsegments(
            ids,
            [row[0] for row in rows],
            np.array([row[1] for row in rows]),
            np.array([row[2] for row in rows]),
        )
        write_segments(directory, written)
        back = read_segments(directory / "segments")
        order = np.argsort(ids) if ids else []
        assert list(back.ids) == sorted(ids)
        assert list(back.recordings) == list(written.take(order).recordings)
        assert np.allclose(back.starts, written.take(order).starts, atol=1e-9)
        assert np.allclose(back.ends, written.take(order).ends, atol=1e-9)
        assert read_map(directory / "utt2spk") == dict(zip(ids, written.recordings, strict=True))

    def test_ids_sort_by_time_and_may_hold_anything(self, tmp_path):
        assert segment_id("a-b_1", 9.25, 10.75) < segment_id("a-b_1", 10.0, 11.5)
        path = put(tmp_path / "segments", "x-0-1 a-b-9 0.5 2\n")
        assert list(read_segments(path).recordings) == ["a-b-9"]

    @pytest.mark.parametrize(
        ("line", "message"),
        [
            (
                "u r 0",
                "expected '<utterance> <recording> <start> <end> [<channel>]', found 3 field(s)",
            ),
            ("u r 2 1", "end 1 is not after start 2"),
            ("u r 1 1", "end 1 is not after start 1"),
            ("u r -1 1", "'-1' is not a number >= 0"),
            ("u r 0 inf", "'inf' is not a number >= 0"),
            ("first r 0 1", "duplicate utterance 'first'"),
        ],
    )
    def test_refused(self, tmp_path, line, message):
        path = put(tmp_path / "segments", f"first r 0 1\n\n{line}\n")
        with pytest.raises(DataError) as error:
            read_segments(path)
        assert str(error.value) == f"{path}:3: {message}"

    def test_regions_are_the_union(self):
        segments = Subsegments(
            list("abcd"), ["r"] * 4, np.array([3.0, 0.0, 1.5, 1.0]), np.array([4.0, 1.0, 2.0, 1.8])
        )
        assert regions_of(segments) == [Region(0.0, 2.0), Region(3.0, 4.0)]
        assert regions_of(segments.take([])) == []


class TestArchives:
    def vectors(self, tmp_path, n=3, dim=4):
        directory = tmp_path / "xvectors"
        directory.mkdir()
        starts = np.arange(n, dtype=float)
        ids = [segment_id("r", s, s + 1) for s in starts]
        write_segments(directory, Subsegments(ids, ["r"] * n, starts, starts + 1))
        table = {key: np.full(dim, i + 0.5, np.float32) for i, key in enumerate(ids)}
        write_ark(directory / "xvector.1.ark", table, directory / "xvector.scp")
        return directory, table

    def test_round_trip(self, tmp_path):
        directory, table = self.vectors(tmp_path)
        xvectors = XVectorDir(directory).load("r")
        assert xvectors.dim == 4 and xvectors.vectors.dtype == np.float32
        assert np.array_equal(xvectors.vectors, np.stack(list(table.values())))

    def test_matrices(self, tmp_path):
        write_ark(tmp_path / "p.ark", {"r": np.eye(3, dtype=np.float32)})
        scp = Scp(tmp_path / "p.scp")
        assert list(scp) == ["r"] and "r" in scp
        assert np.array_equal(scp["r"], np.eye(3))

    def test_a_moved_directory_still_works(self, tmp_path):
        directory, table = self.vectors(tmp_path)
        moved = tmp_path / "elsewhere"
        shutil.move(directory, moved)
        assert len(XVectorDir(moved).load("r")) == len(table)

    def test_missing_and_truncated_arks(self, tmp_path):
        directory, _ = self.vectors(tmp_path)
        ark = directory / "xvector.1.ark"
        whole = ark.read_bytes()
        ark.write_bytes(whole[: len(whole) - 6])
        with pytest.raises(DataError, match=r"xvector.scp:3: .*cannot be read") as error:
            XVectorDir(directory).load("r")
        assert "\n" not in str(error.value)
        ark.unlink()
        with pytest.raises(DataError, match=r"xvector.scp:1: .*no such ark"):
            XVectorDir(directory).load("r")

    def test_nan_names_the_window(self, tmp_path):
        directory, table = self.vectors(tmp_path)
        second = sorted(table)[1]
        table[second][2] = np.nan
        write_ark(directory / "xvector.1.ark", table, directory / "xvector.scp")
        with pytest.raises(DataError, match=f"1 of 3 .*first is '{second}'"):
            XVectorDir(directory).load("r")

    def test_ids_that_do_not_match(self, tmp_path):
        directory, table = self.vectors(tmp_path)
        lost = sorted(table)[0]
        del table[lost]
        write_ark(directory / "xvector.1.ark", table, directory / "xvector.scp")
        with pytest.raises(DataError, match=f"1 of 3 ids .* first is '{lost}'"):
            XVectorDir(directory).load("r")

    def test_dimensions_that_differ(self, tmp_path):
        directory, table = self.vectors(tmp_path)
        table[sorted(table)[0]] = np.zeros(5, np.float32)
        write_ark(directory / "xvector.1.ark", table, directory / "xvector.scp")
        with pytest.raises(DataError, match="vectors of one dimension"):
            XVectorDir(directory).load("r")

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("a\n", ":1: expected '<id> <ark>:<offset>'"),
            ("a copy-feats x |\n", ":1: expected '<id> <ark>:<offset>'"),
            ("a x.ark:1\na x.ark:9\n", ":2: duplicate id 'a'"),
        ],
    )
    def test_bad_scp_lines(self, tmp_path, text, message):
        with pytest.raises(DataError, match=message):
            Scp(put(tmp_path / "x.scp", text))
