"""What run_jobs.py shows of its jobs: a bar on a terminal, one line elsewhere."""

import os
import pty
import re
import subprocess
import sys
import termios


class TestBar:
    SCRIPT = "for i in 0 1 2 3; do sleep 0.5; echo progress $i/3 recordings, ${i}00.0/300.0 s; done; sleep 0.3"

    def command(self, root, tmp_path):
        return [sys.executable, root / "local/run_jobs.py", "--step", "work.sh", "JOB=1:2",
                tmp_path / "log/x.JOB.log", "bash", "-c", self.SCRIPT]  # fmt: skip

    def test_one_line_and_no_control_characters_without_a_terminal(self, root, tmp_path):
        result = subprocess.run(self.command(root, tmp_path), capture_output=True, text=True)
        assert (result.returncode, result.stderr) == (0, "")
        found = re.fullmatch(
            r"work.sh: 6 recordings, 0.17 h of audio, (\d+) s \((\d+) x real time\)\n",
            result.stdout,
        )
        assert found and 2 <= int(found[1]) <= 20 and 600 / 20 <= int(found[2]) <= 600 / 2

    def test_one_bar_on_a_terminal(self, root, tmp_path):
        ours, theirs = pty.openpty()
        termios.tcsetwinsize(theirs, (24, 90))
        process = subprocess.Popen(
            self.command(root, tmp_path), stderr=theirs, stdout=subprocess.PIPE, text=True
        )
        os.close(theirs)
        shown = b""
        try:
            while block := os.read(ours, 4096):
                shown += block
        except OSError:  # what Linux says when the other side is closed
            pass
        os.close(ours)
        stdout, _ = process.communicate()
        assert process.returncode == 0 and stdout.startswith("work.sh: 6 recordings")
        frames = [frame.strip() for frame in shown.decode().split("\r") if "%" in frame]
        done = [re.search(r"(\d+)/6 recordings, (\d.\d\d)/0.17 h", frame) for frame in frames]
        counts = [int(match[1]) for match in done]
        assert counts == sorted(counts) and counts[-1] == 6 and len(set(counts)) > 2, frames
        assert all(abs(float(match[2]) - int(match[1]) / 36) < 0.01 for match in done), frames
        assert any(re.search(r"00:0\d left, 4/6 .*, \d+ x real time", frame) for frame in frames)
        assert shown.endswith(b" \r"), "the bar is taken away"
