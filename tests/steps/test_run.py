"""run.sh on a small data set of real speech, stages 1 to 6, good and bad recordings."""

import os
import shutil
import subprocess

import command_line
import numpy as np
import pytest
import soundfile

from diar.base.regions import union
from diar.kaldi.rttm import read_rttm


def run(folder, *options):
    where = ("--data", folder / "data", "--exp", folder / "exp", "--test-sets", "test")
    dec = ("--dec-config", "conf/dec.yaml")
    return command_line.run("./run.sh", *where, *dec, *options, timeout=600)


def rttms(folder):
    return {p.parent: p.read_bytes() for p in sorted((folder / "exp").glob("*/*/rttm"))}


@pytest.fixture(scope="module")
def experiment(tmp_path_factory, sample, sample_turns):
    """Three sets of the same conversation; in 'test' also silence and four bad recordings."""
    folder = tmp_path_factory.mktemp("run")
    for name in ("train", "dev", "test"):
        data = folder / "data" / name
        data.mkdir(parents=True)
        soundfile.write(data / "talk.flac", sample, 16000)
        lines = [f"talk {data}/talk.flac\n"]
        if name == "test":
            soundfile.write(data / "quiet.wav", np.zeros(32000), 16000)
            soundfile.write(data / "empty.wav", sample[:0], 16000)
            (data / "text.wav").write_text("no audio\n")
            lines += [f"{r} {data}/{r}.wav\n" for r in ("empty", "gone", "quiet", "text")]
            lines.append("nopath\n")
        (data / "wav.scp").write_text("".join(sorted(lines)))
        (data / "reco2dur").write_text(
            "quiet 2.0\ntalk 30.0\n" if name == "test" else "talk 30.0\n"
        )
        (data / "reco2num_spk").write_text("quiet 1\ntalk 2\n")
        turns = [(a, b - a, who) for a, b, who in sample_turns]
        text = "".join(
            f"SPEAKER talk 1 {a:.3f} {d:.3f} <NA> <NA> {w} <NA> <NA>\n" for a, d, w in turns
        )
        if name == "test":
            text += "SPEAKER quiet 1 0.000 2.000 <NA> <NA> nobody <NA> <NA>\n"
        (data / "ref.rttm").write_text(text)
    made = run(folder, "--stage", 1, "--stop-stage", 5, "--nj", 2)
    run(folder, "--stage", 6, "--nj", 1)
    return folder, made


def test_bad_recordings_are_named_and_cost_only_themselves(experiment):
    folder, result = experiment
    assert result.returncode == 1, result.stdout + result.stderr
    failed = [line for line in result.stderr.splitlines() if "failed: " in line]
    assert len(failed) == 4
    for name, reason in {
        "empty": "zero length",
        "gone": "no such audio file",
        "nopath": "wav.scp:3: no audio path",
        "text": "not an audio file",
    }.items():
        assert any(f": {name} " in line and reason in line for line in failed), failed
    assert "Traceback" not in result.stderr
    turns = read_rttm(folder / "exp/dec_default/test/rttm")
    assert list(turns) == ["talk"] and len({t.speaker for t in turns["talk"]}) == 2
    lines = (folder / "exp/dec_default/test/rttm").read_text().splitlines()
    starts = [float(line.split()[3]) for line in lines]
    assert starts == sorted(starts) and max(starts) > 10, "in the order of time"


def test_silence_is_listed_and_scored_as_all_missed(experiment):
    folder, _ = experiment
    assert (folder / "exp/vad_combined/test/no_speech").read_text() == "quiet\n"
    rows = (folder / "exp/dec_default/test/score/per_recording.tsv").read_text().splitlines()
    full = [row.split("\t") for row in rows if "quiet" in row]
    header = rows[0].split("\t")
    assert full
    for row in full:
        cells = dict(zip(header, row, strict=True))
        assert float(cells["der_%"]) == 100.0, cells


def test_results_hold_every_system(experiment):
    folder, result = experiment
    page = (folder / "exp/RESULTS.md").read_text()
    for system in ("DEC, default", "AHC", "NME-SC", "spectral", "k-means"):
        assert system in page
    assert "DEC, default" in result.stdout


def test_second_run_does_no_work_and_a_changed_option_only_its_own(experiment):
    folder, _ = experiment
    before = {p: p.stat().st_mtime_ns for p in (folder / "exp").glob("*/*/.done")}
    again = run(folder, "--stage", 1, "--nj", 1)
    assert {p: p.stat().st_mtime_ns for p in (folder / "exp").glob("*/*/.done")} == before
    assert "DEC (" not in again.stdout
    first = rttms(folder)
    seeds = run(folder, "--stage", 4, "--stop-stage", 5, "--seeds", "default=2", "--nj", 1)
    assert seeds.stdout.count("DEC (conf/dec.yaml)") == 1, "the second, of the test set alone"
    assert "DEC, default, 2 seeds" in seeds.stdout
    assert rttms(folder) == first, "other seeds lie beside the first"
    other = folder / "exp/dec_default/test/seed1/score/summary.json"
    assert other.exists() and not (folder / "exp/dec_default/dev/seed1").exists()
    changed = run(folder, "--stage", 1, "--stop-stage", 5, "--dec.refine.niter", 3, "--nj", 1)
    assert changed.stdout.count("DEC (conf/dec.yaml)") == 2
    assert "x-vectors of" not in changed.stdout and "VAD of data" not in changed.stdout
    assert rttms(folder).items() > first.items(), "a variant takes the place of nothing"
    assert "DEC, default; refine.niter=3" in changed.stdout and "\N{DAGGER}" not in changed.stdout
    assert other.exists()
    shutil.rmtree(folder / "exp/dec_default")
    run(folder, "--stage", 4, "--stop-stage", 5, "--nj", 1)
    assert rttms(folder).items() > first.items(), "nj and what was there before change nothing"


def test_what_a_killed_run_left_of_its_results_goes(experiment):
    folder, _ = experiment
    ended = subprocess.Popen(["true"])
    ended.wait()
    left, used = (folder / f"exp/.results.{pid}" for pid in (ended.pid, os.getpid()))
    left.write_text("half a page\n")
    used.write_text("half a page\n")
    assert run(folder, "--stage", 5, "--stop-stage", 5).returncode == 1, "bad recordings"
    assert not left.exists()
    assert used.exists(), "its run still writes it"
    used.unlink()


def test_hypotheses_do_not_need_the_reference(experiment, tmp_path):
    folder, _ = experiment
    shutil.copytree(folder / "data", tmp_path / "data")
    for name in ("ref.rttm", "reco2num_spk"):
        (tmp_path / "data/test" / name).unlink()
    scp = (tmp_path / "data/test/wav.scp").read_text()
    (tmp_path / "data/test/wav.scp").write_text(scp.replace(str(folder), str(tmp_path)))
    shutil.copytree(folder / "exp", tmp_path / "exp")
    for name in ("local_speakers", "vad_combined", "xvectors_campplus", "dec_default"):
        shutil.rmtree(tmp_path / "exp" / name / "test")
    result = run(tmp_path, "--stage", 1, "--stop-stage", 5)
    assert "has no ref.rttm" in result.stdout, result.stderr
    same = "dec_default/test/rttm"
    assert (tmp_path / "exp" / same).read_bytes() == (folder / "exp" / same).read_bytes()


def test_one_speaker_at_a_time(experiment, tmp_path):
    """rttm_exclusive always; rttm, too, where --overlap false says so."""
    folder, _ = experiment
    both, one = (
        read_rttm(folder / f"exp/dec_default/test/{x}")["talk"] for x in ("rttm", "rttm_exclusive")
    )
    assert overlapping(both) > 0.3 and overlapping(one) < 1e-6
    assert {t.speaker for t in one} <= {t.speaker for t in both}
    shutil.copytree(folder / "exp", tmp_path / "exp")
    (tmp_path / "data").symlink_to(folder / "data")
    run(tmp_path, "--stage", 4, "--stop-stage", 4, "--overlap", "false")
    made = tmp_path / "exp/dec_default+overlap=false/test"
    assert overlapping(read_rttm(made / "rttm")["talk"]) < 1e-6
    assert read_rttm(made / "rttm") == read_rttm(made / "rttm_exclusive")


def overlapping(turns):
    """Seconds that several turns cover."""
    union_of = union((t.start, t.end) for t in turns)
    return sum(t.duration for t in turns) - sum(end - start for start, end in union_of)


@pytest.mark.parametrize(
    "options, words",
    [
        (["--num-spk", "0"], "--num-spk"),
        (["--num-spk", "5", "--max-spk", "2"], "--num-spk 5 is more than --max-spk 2"),
        (["--min-spk", "3", "--num-spk", "2"], "--num-spk 2 is less than --min-spk 3"),
        (["--baselines", "ahc kmeans"], "kmeans needs the number of speakers"),
        (["--colour", "red"], "unknown option --colour"),
        (["--seeds", "default"], "expected NAME=N, as in paper=5, not 'default'"),
        (["--seeds", "papr=3"], "no such file: conf/dec_papr.yaml (--seeds papr=3"),
        (["--xvector.options.path", "my model.onnx"], "has a blank in its value, 'my model.onnx'"),
        (["--vad", "magic"], "silero, energy, oracle, segments or vad_scp"),
        (["--overlap", "perhaps"], "--overlap must be true or false"),
        (["--corpus", "nowhere"], "conf/nowhere.conf"),
        (["--stage", "4", "--dec.refine.nitre", "3"], "did you mean 'niter'"),
        (["--stage", "4", "--dec-config", "conf/none.yaml"], "conf/none.yaml"),
        (["surplus"], "unexpected argument"),
    ],
)
def test_wrong_options_are_one_line(experiment, options, words):
    folder, _ = experiment
    result = run(folder, *options)
    assert result.returncode == 1
    lines = [line for line in result.stderr.splitlines() if line]
    assert len(lines) == 1 and words in lines[0], result.stderr
    assert (folder / "exp/dec_default/test/rttm").exists(), "a mistake costs nothing that is done"


def test_nan_in_an_ark_costs_one_recording(experiment, tmp_path):
    import kaldiio

    folder, _ = experiment
    xvectors = tmp_path / "xvectors"
    shutil.copytree(folder / "exp/xvectors_campplus/test", xvectors)
    good = {k: np.array(v) for k, v in kaldiio.load_scp(str(xvectors / "xvector.scp")).items()}
    bad = {k.replace("talk", "evil"): np.full_like(v, np.nan) for k, v in good.items()}
    kaldiio.save_ark(str(xvectors / "all.ark"), good | bad, scp=str(xvectors / "xvector.scp"))
    text = (xvectors / "segments").read_text()
    (xvectors / "segments").write_text(text + text.replace("talk", "evil"))
    result = command_line.run(
        "steps/fit_dec.sh", "--nj", 1, xvectors, folder / "exp/ae_default", tmp_path / "out"
    )
    assert result.returncode == 1
    failed = (tmp_path / "out/failed").read_text()
    assert failed.startswith("evil ") and "NaN" in failed and failed.count("\n") == 1
    assert "1 recording(s) failed" in result.stderr
    assert list(read_rttm(tmp_path / "out/rttm")) == ["talk"]


def test_plain_audio_to_rttm(root, sample, tmp_path):
    stereo = np.stack([sample, sample], axis=1)[::2]
    soundfile.write(tmp_path / "a talk.ogg", stereo, 8000)
    soundfile.write(tmp_path / "quiet.wav", np.zeros(32000), 16000)
    (tmp_path / "bad.mp3").write_text("no audio")
    files = [tmp_path / name for name in ("a talk.ogg", "quiet.wav", "bad.mp3")]
    words = (root / "local/diarize.py", *files, "--out", tmp_path / "out")
    result = command_line.run(*words, cwd=tmp_path)
    assert result.returncode == 1 and "bad.mp3: not an audio file" in result.stderr
    assert "Traceback" not in result.stderr
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["a_talk.rttm", "quiet.rttm"]
    turns = read_rttm(tmp_path / "out/a_talk.rttm")["a_talk"]
    assert len({t.speaker for t in turns}) == 2
    assert (tmp_path / "out/quiet.rttm").read_text() == ""
