"""Stage 7: what the page says, and that it needs nothing but itself."""

from __future__ import annotations

import base64
import gzip
import hashlib
import html
import json
import re
import shutil
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import small_report
from command_line import run
from hypothesis import given
from hypothesis import strategies as st

from diar.base.types import Region, Turn
from diar.clustering.sampling import sample_rows
from diar.kaldi import rttm
from diar.report import projection
from diar.report.experiment import ExperimentSet, address
from diar.report.overview import figure, mark_best, summary
from diar.report.recordings import ReportConfig, View, plain
from diar.report.usage import usage_of

ODD = 'a<b&"c'


@pytest.fixture(scope="module")
def experiment(tmp_path_factory, sample_wav, sample_turns):
    return small_report.make(tmp_path_factory.mktemp("report"), sample_wav, sample_turns)


def make(experiment, out, *options):
    where = (experiment / "data", experiment / "exp", "test", out)
    return run("steps/make_report.sh", "--nj", 1, *options, *where)


@pytest.fixture(scope="module")
def report(experiment):
    result = make(experiment, experiment / "exp/report", "--nj", 2)
    assert result.returncode == 0, result.stderr
    return (experiment / "exp/report/index.html").read_text(encoding="utf-8")


def recording(text, key):
    """What lies in the page of a recording."""
    data = re.search(
        f'id="data:{re.escape(html.escape(key).replace("&#x27;", "&#39;").replace("&quot;", "&#34;"))}">([^<]+)<',
        text,
    )[1]
    return json.loads(gzip.decompress(base64.b64decode(data)))


def test_the_page_needs_nothing_else(report):
    assert not re.search(
        r'<(?:script|img|iframe|source|audio|video)[^>]*\ssrc=|<link[^>]*href="(?!data:)|@import|url\(',
        report,
    )
    assert len(report) < 5e6


def policy_of(page):
    (policy,) = re.findall('<meta http-equiv="Content-Security-Policy" content="([^"]*)">', page)
    return html.unescape(policy)


def test_only_the_scripts_of_the_page_may_run(report):
    policy = policy_of(report)
    scripts = re.findall("<script>(.*?)</script>", report, re.DOTALL)
    assert scripts
    for script in scripts:
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy
    (allowed,) = re.findall("script-src ([^;]*)", policy)
    assert len(allowed.split()) == len(scripts) + 1  # and plotly, which is unpacked later
    assert policy.startswith("default-src 'none';")


def test_the_tables_are_those_of_the_scores(report, experiment):
    summary = json.loads((experiment / "exp/ahc/test/score/summary.json").read_text())
    every = report[report.index("<span>DER of every protocol") :]
    row = re.search(r'<th scope="row" data-value="AHC">AHC</th>(.*?)</tr>', every, re.S)[1]
    values = re.findall(r'<td data-value="([^"]*)"', row)
    assert [float(x) for x in values] == [x["der_%"] for x in summary["protocols"].values()]
    assert re.search(r"DEC, default against the others", report)
    assert 'data-value="321">321' in report  # megabytes, from the log
    assert "answer: 42 # &lt;b&gt;" in report


def test_who_is_told_the_number_of_speakers_is_not_the_best():
    cells = {"a": figure(10.004), "b": figure(9.0), "b_oracle": figure(1.0), "c": figure(9.001)}
    cells["d"] = figure(None)
    marked = mark_best(cells, ["b_oracle"])
    assert {system for system, cell in marked.items() if cell.best} == {
        "b",
        "c",
    }  # they read the same
    (best,) = (s for s, cell in mark_best(cells, ["b_oracle"], highest=True).items() if cell.best)
    assert best == "a"
    assert not mark_best({"a": figure(1.0)}, [])["a"].best


def test_the_first_table_has_a_row_for_each_set(experiment):
    page = ExperimentSet(experiment / "data", experiment / "exp", "test").page({"ahc": "code"})
    table = summary([page, replace(page, name="other", ders={"ahc": page.ders["ahc"]}, old={})])
    assert [row.cells[0].text for row in table.rows] == ["test", "other"]
    systems, protocols = (
        [getattr(c, of) for c in table.header[1:]] for of in ("system", "protocol")
    )
    assert set(zip(systems, protocols, strict=True)) == {
        (s, p) for s in ("dec_default", "ahc") for p in page.protocols
    }
    first, other = (dict(zip(systems, row.cells[1:], strict=True)) for row in table.rows)
    assert first["ahc"].below == "\N{DAGGER}" and first["dec_default"].below == ""
    assert other["dec_default"].text == "-" and other["ahc"].below == ""
    full = page.ders["ahc"]["full"]
    assert first["ahc"].text == full.text and first["ahc"].heat > first["dec_default"].heat > 0


def test_what_it_says_of_a_recording(report, sample_turns):
    found = recording(report, "test/talk")
    assert found["duration"] == 30000 and found["regions"] == [[0, 30000]]
    dec, ahc = (found["systems"][name] for name in ("dec_default", "ahc"))
    expected = sorted([round(1000 * s), round(1000 * e)] for s, e, _ in sample_turns)
    assert sorted(turn[:2] for turn in found["reference"]["turns"]) == expected
    there = found["reference"]["speakers"]
    assert dec["pairs"] == [
        {"talk_1": "speaker91", "talk_2": "speaker90"}[s] for s in dec["speakers"]
    ]
    assert dec["places"] == [there.index(pair) for pair in dec["pairs"]]
    assert sum(end - start for start, end, _ in dec["errors"]["miss"]) > 2000  # it comes late
    assert ahc["errors"]["confusion"] and "posteriors" not in ahc
    sums = {sum(column) for column in zip(*dec["posteriors"], strict=True)}
    assert len(dec["posteriors"]) == 2 and sums <= {99, 100, 101}
    assert set(dec["projections"]) >= {"pca", "tsne"}
    assert dec["history"] == [[0.9, None], [0.5, 0.25], [None, 0.125]]


def test_odd_names_stay_text(report):
    odd = recording(report, 'test/a<b&"c')
    assert odd["audio"] is None and len(odd["reference"]["speakers"]) == small_report.SPEAKERS
    assert len(set(odd["systems"]["dec_default"]["places"])) == small_report.SPEAKERS
    assert "<i>0</i>" not in report and 'a<b&"c' not in report


def test_the_same_again_is_up_to_date_and_the_same(experiment, report):
    """Also by another number of jobs."""
    assert "up to date" in make(experiment, experiment / "exp/report").stdout
    again = experiment / "exp/again"
    assert make(experiment, again).returncode == 0
    assert (again / "index.html").read_text() == report


def test_too_large_it_is_split(experiment, report):
    out = experiment / "exp/split"
    result = make(experiment, out, "--set", "inline=0.1")
    assert "2 recordings beside it" in result.stdout
    text = (out / "index.html").read_text()
    assert 'id="data:' not in text and len(text) < len(report)
    assert "'self' file:;" in policy_of(text)  # theirs run, too
    call = (out / "index_files/test/talk.js").read_text()
    key, data = json.loads(f"[{call[len('receive(') : -3]}]")
    assert key == "test/talk"
    assert json.loads(gzip.decompress(base64.b64decode(data))) == recording(report, "test/talk")


def test_a_recording_that_cannot_be_shown_costs_only_itself(tmp_path, sample_wav, sample_turns):
    folder = small_report.make(tmp_path, sample_wav, sample_turns)
    ark = folder / "exp/dec_default/test/latents.ark"
    ark.write_bytes(ark.read_bytes()[:-500])  # the last recording is 'talk'
    result = make(folder, folder / "exp/report", "--set", "projections=[pca]")
    assert result.returncode == 1 and "1 recording(s) failed" in result.stderr
    assert (folder / "exp/report/failed").read_text().startswith("test/talk ")
    text = (folder / "exp/report/index.html").read_text()
    assert "data:test/talk" not in text and "data:test/a" in text
    assert 'href="#test/a' in text and 'href="#test/talk' not in text  # but its row is there
    assert '"recordings": ["a\\u003cb' in text and ">talk</th>" in text


def test_killed_after_the_page_was_written_it_is_written_again(experiment, tmp_path):
    options = ["--set", "projections=[pca]", experiment / "data", experiment / "exp", "test"]
    for program in ("view_recordings.py", "make_report.py", "make_report.py"):
        result = run(f"local/{program}", *options, tmp_path)
        assert result.returncode == 0, result.stderr
    assert "2 recordings" in result.stdout


def changed(experiment, folder):
    """A copy of the experiment, to be changed."""
    return Path(shutil.copytree(experiment, folder, ignore=shutil.ignore_patterns("report", "log")))


def seen(folder, name="test"):
    """The set, and what is shown of each recording."""
    one = ExperimentSet(folder / "data", folder / "exp", name)
    config = ReportConfig(projections=("pca",))
    return one, {r: plain(one.view(r, folder / "exp/report"), config) for r in one.durations}


def without(path, start):
    """Take the lines of a recording out of a file."""
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(x for x in lines if start not in x.split(" ")[:2]))


def test_what_nobody_has_transcribed_has_no_errors(experiment, tmp_path):
    folder = changed(experiment, tmp_path / "x")
    without(folder / "data/test/ref.rttm", "talk")
    one, views = seen(folder)
    assert views["talk"]["reference"]["turns"] == []  # the UEM says that it is evaluated
    assert views["talk"]["systems"]["ahc"]["errors"]["false alarm"]
    (folder / "data/test/all.uem").unlink()
    one, views = seen(folder)
    assert views["talk"]["reference"] is None and views[ODD]["reference"]["turns"]
    assert views["talk"]["systems"]["ahc"]["errors"] is None
    speakers = {row.cells[0].text: row.cells[2].text for row in one.page().recording_table.rows}
    assert speakers == {"talk": "-", ODD: str(small_report.SPEAKERS)}


@pytest.mark.parametrize("name", ["start_latents.scp", "history", "segments"])
def test_what_an_older_recipe_has_left_is_shown_without_latents(experiment, tmp_path, name):
    folder = changed(experiment, tmp_path / "x")
    (folder / "exp/dec_default/test" / name).unlink()
    _, views = seen(folder)
    assert "posteriors" not in views["talk"]["systems"]["dec_default"]
    assert views["talk"]["systems"]["dec_default"]["turns"]


def test_scores_of_other_recordings_are_not_compared(experiment, tmp_path):
    folder = changed(experiment, tmp_path / "x")
    path = folder / "exp/ahc/test/score/per_recording.tsv"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(line for line in lines if "\ttalk\t" not in line))
    page = seen(folder)[0].page()
    assert (
        "cannot be compared: only the first system has scores of"
        in page.folded[-1].rows[0].cells[1].text
    )
    assert page.recording_table.rows[1].cells[-1].text == "-"


def test_of_a_set_there_may_be_no_data(experiment, tmp_path):
    folder = changed(experiment, tmp_path / "x")
    shutil.rmtree(folder / "data")  # x-vectors of Kaldi have none
    for system in ("ahc", "dec_default"):
        (folder / f"exp/{system}/test").rename(folder / f"exp/{system}/te[s]t")
    one, views = seen(folder, "te[s]t")
    assert one.systems == ["dec_default", "ahc"] and views["talk"]["audio"] is None
    assert views["talk"]["reference"] is None and 29000 < views["talk"]["duration"] <= 30000


def test_a_speaker_talks_once_at_a_time():
    turns = [Turn("r", 0.0, 4.0, "a"), Turn("r", 1.0, 2.0, "a"), Turn("r", 3.5, 1.5, "a")]
    view = View("r", 10.0, reference=turns, turns={"x": turns})
    found = plain(view, ReportConfig())
    assert found["reference"]["turns"] == found["systems"]["x"]["turns"] == [[0, 5000, 0]]


def test_without_turns_it_says_what_makes_them(experiment, tmp_path):
    where = (experiment / "data", experiment / "exp", "dev", tmp_path / "out")
    result = run("steps/make_report.sh", *where)
    assert result.returncode == 1
    assert "no turns of dev" in result.stderr and "--stage 4" in result.stderr


def test_without_reference_and_scores():
    view = View("r", 10.0, turns={"dec": [Turn("r", 1.0, 2.0, "b"), Turn("r", 0.5, 1.0, "a")]})
    found = plain(view, ReportConfig())
    assert found["reference"] is None and found["systems"]["dec"]["errors"] is None
    assert found["systems"]["dec"]["speakers"] == ["a", "b"]
    assert found["systems"]["dec"]["turns"] == [[500, 1500, 0], [1000, 3000, 1]]


def test_words_of_a_data_directory(experiment, tmp_path):
    """Of some recordings; each system gives them to its own speakers. Without words nothing changes."""
    _, without_words = seen(experiment)
    folder = changed(experiment, tmp_path / "x")
    turn = next(iter(rttm.read_rttm(folder / "exp/dec_default/test/rttm")["talk"]))
    (folder / "data/test/ctm").write_text(
        f"file 2 {turn.start + 0.1:.3f} 0.2 hello\nfile 2 {turn.start + 0.3:.3f} 0.2 there\n"
    )
    (folder / "data/test/reco2file_and_channel").write_text("talk file 2\n")
    _, views = seen(folder)
    said = {system: found["spoken"] for system, found in views["talk"]["systems"].items()}
    ((start, end, place, text),) = said["dec_default"]
    assert [start, end] == [round(1000 * (turn.start + x)) for x in (0.1, 0.5)]
    assert text == "hello there"
    assert views["talk"]["systems"]["dec_default"]["speakers"][place] == turn.speaker
    assert [(said["ahc"][0][2], said["ahc"][0][3])] == [(0, "hello there")]
    for view in views.values():
        for found in view["systems"].values():
            found.pop("spoken", None)
    assert views == without_words
    (folder / "exp/ahc/test/rttm_exclusive").write_text(
        f"SPEAKER talk 1 {turn.start:.3f} 2 <NA> <NA> talk_9 <NA> <NA>\n"
    )
    _, views = seen(folder)
    assert views["talk"]["systems"]["ahc"]["spoken"][0][2] == -1  # they decide, whoever they are


def test_words_that_cannot_be_used(experiment, tmp_path):
    """A bad line costs the words of its recording; a file of which nothing can be read stops, in a line."""
    folder = changed(experiment, tmp_path / "x")
    (folder / "data/test/ctm").write_text("talk 1 zero 0.2 hello\nother 1 1 1 x\n")
    result = make(folder, folder / "exp/report", "--set", "projections=[pca]")
    assert result.returncode == 0, result.stderr
    assert "ctm:1: 'zero' is not a number" in result.stderr
    assert "words of other, not in" in result.stderr
    (folder / "data/test/ctm").write_bytes(b"\xff\xfe\x00\n")
    result = make(folder, folder / "exp/report", "--set", "projections=[pca]")
    assert result.returncode == 1 and "data/test/ctm" in result.stderr
    assert "Traceback" not in result.stderr


def test_confidences_of_turns_that_are_joined():
    """The mean over their time; a single one as it is, to the last digit."""
    turns = [
        Turn("r", 0, 3, "a"),
        Turn("r", 3, 1, "a"),
        Turn("r", 5, 3.3, "a"),
        Turn("r", 1, 1, "b"),
    ]
    sure = {turns[0]: 0.9, turns[1]: 0.1, turns[2]: 0.7}
    view = View("r", 10.0, turns={"x": turns, "y": turns}, confidences={"x": sure})
    found = plain(view, ReportConfig(doubtful=0.7))["systems"]
    assert found["x"]["turns"] == [[0, 4000, 0], [1000, 2000, 1], [5000, 8300, 0]]
    assert found["x"]["sure"] == [0.7, None, 0.7] and found["x"]["doubtful"] == []
    found = plain(view, ReportConfig(doubtful=0.71))["systems"]
    assert found["x"]["doubtful"] == [0, 2] and "sure" not in found["y"]


def test_errors_are_those_inside_the_regions():
    turns = [Turn("r", 0.0, 10.0, "a")]
    view = View("r", 10.0, regions=[Region(2.0, 4.0)], reference=turns, turns={"x": []})
    assert plain(view, ReportConfig())["systems"]["x"]["errors"]["miss"] == [[2000, 4000, 1]]


@given(st.integers(1, 40), st.integers(1, 6), st.integers(0, 3))
def test_projections_of_anything(n, dim, seed):
    tables = [np.random.default_rng(seed + i).normal(size=(n, dim)) for i in range(2)]
    with warnings.catch_warnings(action="error"):  # users would see them
        found = projection.project("pca", tables)
        same = projection.project("pca", [np.ones((n, dim))] * 2)
    assert [table.shape for table in found] == [(n, 2)] * 2 and np.isfinite(found).all()
    assert np.array_equal(same, np.zeros((2, n, 2)))
    if dim <= 2:  # nothing is lost
        for table, flat in zip(tables, found, strict=True):
            assert np.allclose(
                np.linalg.norm(table - table[0], axis=1), np.linalg.norm(flat - flat[0], axis=1)
            )


@pytest.mark.parametrize("method", ["tsne", "umap"])
def test_neighbours_stay_neighbours(method):
    if method == "umap":
        pytest.importorskip("umap", reason="pip install -e '.[umap]'")
    generator = np.random.default_rng(0)
    centres = np.repeat([[0.0] * 8, [9.0] * 8], 30, axis=0)
    points = centres + generator.normal(size=(60, 8))
    flat = projection.project(method, [points, points[:59]])
    assert [len(table) for table in flat] == [60, 59]
    nearest = np.argsort(np.linalg.norm(flat[0][:, None] - flat[0][None], axis=2), axis=1)[:, 1]
    assert ((nearest < 30) == (np.arange(60) < 30)).mean() > 0.95
    assert projection.project(method, [points[:4], points[:4]]) is None
    same = projection.project("tsne", [np.ones((9, 3)), np.ones((9, 3))])
    assert np.array_equal(same, np.zeros((2, 9, 2)))


@given(st.integers(1, 5000), st.integers(1, 300))
def test_evenly(n, most):
    rows = sample_rows(n, most)
    assert len(rows) == min(n, most) and (np.diff(rows) > 0).all()
    assert rows[0] == 0 and (most == 1 or rows[-1] == n - 1)


@pytest.mark.parametrize("step", ["local_speakers", "vad_silero"])
def test_time_and_memory_come_from_the_logs(tmp_path, step):
    log = tmp_path / step / "test/log"
    log.mkdir(parents=True)
    for job, (seconds, cpu, memory) in enumerate([(3, 2.5, 400), (7.5, 6, 350)], 1):
        (log / f"make_vad.{job}.log").write_text(
            f"x\n2026 [program.py:9] used {seconds} s, {cpu} s CPU, {memory} MB\n"
        )
    (tmp_path / "ahc/test/log").mkdir(parents=True)
    (tmp_path / "ahc/test/log/cluster.1.log").write_text("nothing is said\n")
    (used,) = usage_of(tmp_path)
    assert (used.directory, used.stage, used.jobs) == (f"{step}/test", 1, 2)
    assert (used.seconds, used.cpu, used.memory) == (7.5, 8.5, 400)


def test_addresses_of_audio(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    inside, outside = tmp_path / "data/a b#.wav", tmp_path.parent / "x y.wav"
    assert address(inside, tmp_path / "exp/report") == "../../data/a%20b%23.wav"
    assert address(outside, tmp_path / "exp/report") == outside.as_uri()
    assert address(inside, tmp_path.parent) == inside.as_uri()
