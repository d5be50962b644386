"""Who speakers are: profiles, known voices, the same people in several recordings."""

import itertools

import made_up
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diar.base.errors import DataError
from diar.base.types import Subsegments, Turn, XVectors
from diar.identity import linking, profiles, voices
from diar.identity.config import IdentityConfig
from diar.identity.linking import global_names, link, rename
from diar.identity.profiles import SpeakerProfile, between_of, compare, join, profile_of
from diar.identity.voices import KnownVoices, Session, check_fit, read_voices, recognise

CONFIG = IdentityConfig(drift=0.1, known=0.0, linked=0.0)
BETWEEN = np.full(8, 5.0)


def person(number, recording=0, seconds=30.0, config=CONFIG):
    """A person's profile from a recording, drawn from the model itself."""
    rng = np.random.default_rng([number, 0])
    own = rng.normal(size=8) * np.sqrt(BETWEEN)
    there = np.random.default_rng([number, 1 + recording])
    spread = config.drift + 1 / (config.evidence * seconds)
    return SpeakerProfile(own + np.sqrt(spread) * there.normal(size=8), spread, seconds)


def windows(starts, length=1.5, name="r"):
    starts = np.array(starts, float)
    return Subsegments(
        [f"{name}-{i}" for i in range(len(starts))], [name] * len(starts), starts, starts + length
    )


class TestSoloTime:
    def test_a_window_counts_by_the_share_in_which_nobody_else_speaks(self):
        turns = [Turn("r", 0.0, 4.5, "a"), Turn("r", 3.0, 3.0, "b")]
        found = profiles.solo_seconds(windows([0, 1.5, 3, 4.5]), turns)
        np.testing.assert_allclose(found["a"], [1.5, 1.5, 0, 0])
        np.testing.assert_allclose(found["b"], [0, 0, 0, 1.5])

    def test_who_is_never_alone_has_all_their_time(self):
        turns = [Turn("r", 0.0, 6.0, "a"), Turn("r", 1.5, 1.5, "b")]
        found = profiles.solo_seconds(windows([0, 1.5, 3, 4.5]), turns)
        np.testing.assert_allclose(found["b"], [0, 1.5, 0, 0])

    def test_close_windows_count_no_more_than_far_ones(self):
        turns = [Turn("r", 0.0, 60.0, "a")]
        close, far = np.arange(0, 30, 0.25), np.arange(0, 30, 0.75)
        times = [profiles.solo_seconds(windows(s), turns)["a"].sum() for s in (close, far)]
        assert times[0] == pytest.approx(times[1], abs=1.0)

    @settings(max_examples=50)
    @given(
        st.lists(
            st.tuples(st.integers(0, 40), st.integers(1, 20), st.sampled_from("abc")), min_size=1
        )
    )
    def test_no_more_time_than_the_windows_have(self, drawn):
        turns = [Turn("r", a / 2, b / 2, who) for a, b, who in drawn]
        found = profiles.solo_seconds(windows(np.arange(0, 30, 0.75)), turns)
        assert set(found) == {turn.speaker for turn in turns}
        assert all((t >= 0).all() and (t <= 0.75 + 1e-9).all() for t in found.values())

    def test_the_mean_x_vector_hears_who_is_alone(self):
        x = np.array([[1, 0], [1, 0], [9, 9], [0, 1]], np.float32)
        turns = [Turn("r", 0.0, 4.5, "a"), Turn("r", 3.0, 3.0, "b")]
        found = profiles.mean_xvectors(XVectors(windows([0, 1.5, 3, 4.5]), x), turns)
        np.testing.assert_allclose(found["a"], [1, 0])
        np.testing.assert_allclose(found["b"], [0, 1])
        assert found["a"].dtype == np.float32

    def test_without_a_window_there_is_no_profile(self):
        x = XVectors(windows([0]), np.ones((1, 2), np.float32))
        assert set(profiles.mean_xvectors(x, [Turn("r", 0, 1, "a"), Turn("r", 50, 1, "b")])) == {
            "a"
        }
        none = XVectors(windows([]), np.ones((0, 2), np.float32))
        assert profiles.mean_xvectors(none, []) == {}


class TestCompare:
    def test_one_person_against_two(self):
        people = [person(n, r) for n in range(12) for r in range(2)]
        ratios = compare(people, people, BETWEEN)
        same = np.equal.outer(np.arange(24) // 2, np.arange(24) // 2) & ~np.eye(24, dtype=bool)
        other = ~same & ~np.eye(24, dtype=bool)
        assert (ratios[same] > 0).mean() > 0.95 and (ratios[other] < 0).mean() > 0.95

    def test_it_does_not_matter_in_which_blocks(self, monkeypatch):
        people = [person(n) for n in range(7)]
        whole = compare(people, people[:5], BETWEEN)
        monkeypatch.setattr(profiles, "_BLOCK", 1)
        np.testing.assert_array_equal(compare(people, people[:5], BETWEEN), whole)
        assert compare([], people, BETWEEN).shape == (0, 7)

    def test_length_does_not_average_out_the_drift(self):
        y = np.ones((4, 8))
        short, long = (profile_of(y, np.full(4, s), CONFIG) for s in (1.0, 1e6))
        assert short.spread > long.spread and long.spread == pytest.approx(CONFIG.drift, rel=1e-4)

    def test_more_recordings_do(self):
        joined = join([person(0, r) for r in range(4)])
        assert joined.spread == pytest.approx(person(0).spread / 4) and joined.seconds == 120
        one = join([person(3)])
        np.testing.assert_allclose(one.mean, person(3).mean)


class TestLink:
    def people(self, recordings=6, count=4):
        return {
            (f"r{r}", f"r{r}_{n}"): person(n, r)
            for r in range(recordings)
            for n in range(count)
            if (n + r) % 3
        }

    def test_people_are_found_again(self):
        groups = link(self.people(), BETWEEN, 0.0)
        assert sorted(len({name[-1] for _, name in group}) for group in groups) == [1] * len(groups)
        assert len(groups) == 4

    def test_two_of_a_recording_are_never_one(self):
        alike = {("r", f"{i}"): person(0, i) for i in range(3)} | {("q", "0"): person(0, 7)}
        groups = link(alike, BETWEEN, -1e6)
        assert len(groups) == 3
        assert all(len({r for r, _ in group}) == len(group) for group in groups)

    @settings(max_examples=30)
    @given(st.randoms(use_true_random=False), st.floats(-50, 50))
    def test_the_order_does_not_matter_nor_does_the_threshold_break_it(self, random, threshold):
        people = list(self.people().items())
        expected = link(dict(people), BETWEEN, threshold)
        random.shuffle(people)
        assert link(dict(people), BETWEEN, threshold) == expected
        assert sorted(itertools.chain(*expected)) == sorted(key for key, _ in people)
        assert all(len({r for r, _ in group}) == len(group) for group in expected)

    def test_few(self):
        assert link({}, BETWEEN, 0.0) == []
        assert link({("r", "a"): person(0)}, BETWEEN, 0.0) == [[("r", "a")]]

    def test_names(self):
        groups = [[("q", "q_1"), ("r", "r_2")], [("r", "r_1")]]
        names = global_names(groups, ["spk0001"])
        assert names == {("q", "q_1"): "spk0002", ("r", "r_2"): "spk0002", ("r", "r_1"): "spk0003"}
        turns = [Turn("r", 0, 1, "r_1"), Turn("r", 1, 1, "x")]
        assert [t.speaker for t in rename(turns, {"r_1": "anna"})] == ["anna", "x"]
        assert linking.global_names([]) == {}


class TestRecognise:
    def known(self, count=3):
        return {f"p{n}": person(n) for n in range(count)}

    def test_who_is_known_is_named_and_others_are_not(self):
        found = recognise({"a": person(1, 5), "b": person(9, 5)}, self.known(), BETWEEN, 0.0)
        assert (found["a"].name, found["b"].name) == ("p1", None)
        assert set(found["b"].ratios) == {"p0", "p1", "p2"}
        assert found["a"].ratios["p1"] == max(found["a"].ratios.values())

    def test_two_speakers_are_never_the_same_person(self):
        twins = {name: person(1, n) for n, name in enumerate("abc")}
        found = recognise(twins, self.known(), BETWEEN, -1e9)
        assert sorted(match.name for match in found.values()) == ["p0", "p1", "p2"]
        found = recognise(twins, self.known(), BETWEEN, 0.0)
        assert [match.name for match in found.values()].count("p1") == 1

    def test_nobody_is_known_nobody_speaks(self):
        assert recognise({"a": person(0)}, {}, BETWEEN, 0.0)["a"] == voices.Match(None, {})
        assert recognise({}, self.known(), BETWEEN, 0.0) == {}


class Fake:
    """An extractor whose vectors are means of the samples, times a weight."""

    name, rate, dim = "fake", 16000, made_up.DIM

    def __init__(self, weight=1.0):
        self.weight = np.arange(made_up.DIM) ** weight

    def embed(self, samples, starts, ends):
        return (self.weight * np.abs(samples).mean() + 0 * starts[:, None]).astype(np.float32)


class TestFile:
    @pytest.fixture
    def known(self):
        x, labels = made_up.voices([10, 12])
        sessions = [Session(x[labels == n], np.full((labels == n).sum(), 0.75)) for n in range(2)]
        people = {"ben": [sessions[1], sessions[1]], "anna": [sessions[0]]}
        return KnownVoices("fake", voices.probe_of(Fake()), 1.5, people)

    @pytest.fixture
    def path(self, known, tmp_path):
        voices.write_voices(tmp_path / "v.npz", known)
        return tmp_path / "v.npz"

    def test_what_is_written_is_read(self, known, path):
        read = read_voices(path)
        assert (read.extractor, read.window) == ("fake", 1.5)
        assert {name: len(s) for name, s in read.people.items()} == {"anna": 1, "ben": 2}
        np.testing.assert_array_equal(read.people["ben"][1].x, known.people["ben"][1].x)

    def test_a_person_is_known_by_the_file(self, path):
        encoder = made_up.trained_encoder(0.75)
        x, _ = made_up.voices([10, 12])
        turns = [Turn("r", 0, 7.5, "r_1"), Turn("r", 7.5, 30, "r_2")]
        both = XVectors(made_up.spaced(22, 0.75), x)
        found = profiles.profiles_of(both, turns, encoder, CONFIG)
        known = read_voices(path).profiles(encoder, CONFIG)
        match = recognise(found, known, between_of(encoder), 0.0)
        assert {name: m.name for name, m in match.items()} == {"r_1": "anna", "r_2": "ben"}

    @pytest.mark.parametrize(
        "extractor, window, said",
        [
            (Fake(), 1.5, ""),
            (Fake(3.0), 1.5, "other weights or options"),
            (Fake(), 3.0, "windows of 1.5 s, not 3 s"),
        ],
    )
    def test_what_does_not_fit_is_refused(self, path, extractor, window, said):
        if not said:
            return check_fit(read_voices(path), extractor, window, path)
        with pytest.raises(DataError, match=said):
            check_fit(read_voices(path), extractor, window, path)
        return None

    def test_another_extractor_is_refused(self, path):
        other = Fake()
        other.name = "other"
        with pytest.raises(
            DataError, match="voices of extractor fake, not other: enrol them again"
        ):
            check_fit(read_voices(path), other, 1.5, path)

    @settings(max_examples=60)
    @given(data=st.data())
    def test_a_damaged_file_is_refused_in_one_line(self, data, tmp_path_factory):
        folder = tmp_path_factory.mktemp("v")
        x, _ = made_up.voices([3])
        one = KnownVoices(
            "fake", np.ones(made_up.DIM, np.float32), 1.5, {"a": [Session(x, np.ones(3))]}
        )
        voices.write_voices(folder / "v.npz", one)
        content = bytearray((folder / "v.npz").read_bytes())
        cut = data.draw(st.integers(0, len(content) - 1))
        if data.draw(st.booleans()):
            content = content[:cut]
        else:
            content[cut] ^= data.draw(st.integers(1, 255))
        (folder / "v.npz").write_bytes(content)
        try:
            read_voices(folder / "v.npz")
        except DataError as error:
            assert "not written by local/enroll.py, or damaged" in str(error)

    def test_arrays_that_do_not_fit_together_are_refused(self, path, tmp_path):
        with np.load(path) as stored:
            table = dict(stored)
        wrong = [
            {"person": np.array([0, 0, 5])},
            {"windows": table["windows"][:-1]},
            {"x": table["x"][:, 1:]},
            {"seconds": -table["seconds"]},
            {"names": np.array(["a b", "c"])},
            {"x": table["x"] * np.nan},
            {"version": np.array(9)},
            {"names": np.array([{}, {}], dtype=object)},
        ]
        for change in wrong:
            np.savez(tmp_path / "w.npz", **{**table, **change})
            with pytest.raises(DataError, match="enrol them again"):
                read_voices(tmp_path / "w.npz")
        with pytest.raises(DataError, match="no such file of voices"):
            read_voices(tmp_path / "none.npz")

    @pytest.mark.parametrize("name", ["", "a b", "a=b", "a,b", "a\x00"])
    def test_names_that_cannot_be_written_are_refused(self, name):
        with pytest.raises(DataError, match="not a valid name"):
            voices.check_name(name)


def test_an_autoencoder_without_a_speaker_space_is_refused():
    from diar.autoencoder.network import ResidualAutoEncoder

    plain = ResidualAutoEncoder(made_up.DIM, [4])
    with pytest.raises(DataError, match="speaker_space: true"):
        profiles.latents_of(np.ones((2, made_up.DIM)), plain)
    with pytest.raises(DataError, match="dimension 3"):
        profiles.latents_of(np.ones((2, 3)), made_up.trained_encoder(0.75))
