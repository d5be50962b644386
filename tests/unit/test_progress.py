"""Progress of the jobs of a step: its numbers, its bar on a terminal, and silence elsewhere."""

import logging

import pytest

from dec_cli.progress import Here, Progress, Report, time_left
from dec_cli.share import Share
from diar.base.errors import DataError


class TestTimeLeft:
    def test_audio_counts_and_not_the_number_of_recordings(self):
        """Nine of ten recordings are done, but the tenth is as long as nine hundred others."""
        part = Report(done=9 * 4.0, total=9 * 4.0 + 3600.0, began=100.0, last=109.0)
        assert time_left([part], 1, now=109.0) == pytest.approx(900.0)
        assert time_left([part], 1, now=209.0) == pytest.approx(800.0), "it goes on meanwhile"

    def test_the_slowest_job_decides(self):
        parts = [Report(90, 100, 0, 10), Report(10, 100, 0, 10), Report(100, 100, 0, 9)]
        assert time_left(parts, 3, now=10) == pytest.approx(90)

    def test_a_job_with_nothing_done_is_taken_to_be_as_fast_as_the_others(self):
        parts = [Report(60, 100, 0, 10), Report(40, 100, 0, 10), Report(0, 400, 0, 0)]
        assert time_left(parts, 3, now=10) == pytest.approx(400 / 5 - 10)

    def test_jobs_that_wait_come_after_those_that_run(self):
        running = [Report(50, 100, 0, 10), Report(50, 100, 0, 10)]
        assert time_left(running, 6, now=10) == pytest.approx((10 + 10 + 4 * 20) / 2)

    def test_as_many_run_at_once_as_did(self):
        ended = [Report(100, 100, 0, 20), Report(100, 100, 1, 20), Report(100, 100, 30, 50)]
        assert time_left(ended, 7, now=50) == pytest.approx(4 * 20 / 2, rel=0.05)

    def test_nothing_is_known_at_first_and_nothing_is_left_at_last(self):
        assert time_left([Report(0, 100, 5, 5)], 2, now=60) is None
        assert time_left([Report(100, 100, 0, 10)], 1, now=11) == 0
        assert time_left([Report(50, 100, 0, 10)], 1, now=50) == 0, (
            "late, but never less than nothing"
        )


class TestNumbers:
    @pytest.fixture
    def step(self, tmp_path):
        """Two logs, and a clock that is set by hand."""
        logs = [tmp_path / f"x.{job}.log" for job in (1, 2)]
        now = [0.0]
        progress = Progress(logs, lambda: now[0])

        def at(time, job, text):
            now[0] = time
            with open(logs[job - 1], "a") as stream:
                stream.write(f"2026-01-01 INFO [x.py:1] {text}\n")
            progress.update()
            return progress.text(time)

        return progress, at, logs

    def test_several_jobs_add_up(self, step):
        progress, at, _ = step
        at(1, 1, "progress 0/3 recordings, 0.0/4000.0 s")
        assert at(2, 1, "other words") == "0/~6 recordings, 0.00/~2.22 h"
        at(2, 2, "progress 0/1 recordings, 0.0/3200.0 s")
        text = at(11, 1, "progress 2/3 recordings, 1000.0/4000.0 s")
        # Job 1 at 100 s a second has 30 s to go; job 2 as fast since its second 2: 32 - 9.
        assert text == "00:30 left, 2/4 recordings, 0.28/2.00 h, 100 x real time"
        assert progress.work == (1000, 7200)
        at(41, 1, "progress 3/3 recordings, 4000.0/4000.0 s")
        text = at(51, 2, "progress 1/1 recordings, 3200.0/3200.0 s")
        assert text == "00:00 left, 4/4 recordings, 2.00/2.00 h, 144 x real time"
        assert progress.summary() == "4 recordings, 2.00 h of audio, 51 s (141 x real time)"

    def test_work_of_this_process(self):
        now, here = [0.0], Here()
        progress = Progress([here], lambda: now[0])
        here.take(0, 3, "files", 0.0, 1000.0, 0.0)
        progress.update()
        here.take(1, 3, "files", 400.0, 1000.0, 10.0)
        assert progress.text(10.0) == "00:15 left, 1/3 files, 0.11/0.28 h, 40 x real time"

    def test_recordings_alone_where_no_length_is_known(self, step):
        progress, at, _ = step
        at(0, 1, "progress 0/4 recordings")
        at(0, 2, "progress 0/4 recordings")
        assert at(10, 1, "progress 2/4 recordings") == "00:10 left, 2/8 recordings"
        assert progress.work == (2, 8)
        at(20, 2, "progress 4/4 recordings")
        assert progress.summary() == "6 recordings, 20 s"

    def test_the_rate_is_that_of_the_present_work(self, step):
        """Voices first, which take their time, then recordings."""
        progress, at, _ = step
        progress.logs.pop()
        at(0, 1, "progress 0/40 voices")
        assert at(600, 1, "progress 20/40 voices") == "10:00 left, 20/40 voices"
        at(1200, 1, "progress 40/40 voices")
        at(1200, 1, "progress 0/2 recordings, 0.0/100.0 s")
        text = at(1210, 1, "progress 1/2 recordings, 50.0/100.0 s")
        assert text == "00:10 left, 1/2 recordings, 50/100 s, 5 x real time"

    def test_a_job_that_is_started_again_counts_from_the_beginning(self, step):
        progress, at, logs = step
        at(0, 1, "progress 0/2 recordings, 0.0/50.0 s")
        at(5, 1, "progress 1/2 recordings, 25.0/50.0 s")
        logs[0].write_text("# command\n")
        at(6, 2, "progress 1/2 recordings, 25.0/50.0 s")
        assert progress.work[0] == 25
        at(7, 1, "progress 0/2 recordings, 0.0/50.0 s")
        assert progress.work == (25, 100)

    def test_half_a_line_is_not_read(self, step):
        progress, _, logs = step
        with open(logs[0], "w") as stream:
            stream.write("progress 1/2 recordings, 25.0/50")
        progress.update()
        assert progress.reports == [] and progress.summary() is None


def test_a_share_reports_its_audio_and_leaves_out_what_failed(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    seconds = {"a": 10.0, "b": 20.0, "c": 30.0}
    share = Share(tmp_path, "1/1")
    for recording in share.of(dict.fromkeys(seconds, 1), seconds.get):
        with share.guard(recording):
            if recording == "b":
                raise DataError("no audio")
    reports = [r.message for r in caplog.records if r.message.startswith("progress")]
    assert reports == [
        "progress 0/3 recordings, 0.0/60.0 s",
        "progress 1/3 recordings, 10.0/60.0 s",
        "progress 2/3 recordings, 10.0/40.0 s",
        "progress 3/3 recordings, 40.0/40.0 s",
    ]
