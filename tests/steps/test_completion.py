"""local/completion.bash, sourced by a bash of its own: options, values, files; and by zsh."""

import argparse
import re
import shutil

import pytest
from command_line import WITH_OPTIONS, known, run
from paths import ROOT

import diarize


class TestCompletion:
    """In a bash of its own, which sources local/completion.bash."""

    def offered(self, function, *words, cwd=ROOT, before=""):
        script = f"""
            . {ROOT}/local/completion.bash
            {before}
            COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
            {function} "$1" "${{COMP_WORDS[COMP_CWORD]}}" "${{COMP_WORDS[COMP_CWORD-1]}}" || exit 9
            printf '%s\\n' "${{COMPREPLY[@]}}" """
        result = run("bash", "--norc", "-c", script, "bash", *words, cwd=cwd)
        assert result.returncode == 0, result.stderr
        return result.stdout.split()

    @pytest.mark.parametrize("name", WITH_OPTIONS)
    def test_each_option_of_a_script_is_offered(self, name):
        offered = {
            o for o in self.offered("_diar_script", f"./{name}", "--") if not o.endswith(".")
        }
        assert offered == known(name) | {"--config", "--help", "--version"}

    @pytest.mark.parametrize(
        "words, expected",
        [
            (
                ["--vad", ""],
                {
                    "combined",
                    "segmentation",
                    "silero",
                    "energy",
                    "oracle",
                    "segments",
                    "vad_scp",
                },  # fmt: skip
            ),
            (["--vad", "s"], {"segmentation", "silero", "segments"}),
            (["--vad", "=", "en"], {"energy"}),
            (["--cmd", "="], {"local", "slurm"}),
            (["--num_spk", ""], {"oracle"}),
            (["--wav-pipes", ""], {"true", "false"}),
            (["--extractor", "e"], {"ecapa"}),
            (["--device", "c"], {"cpu", "cuda"}),
            (["--corpus", ""], {"ami", "callhome", "dihard3", "kaldi", "mini", "voxconverse"}),
            (["--config", "conf/paper_"], {"conf/paper_ami.conf", "conf/paper_voxconverse.conf"}),
            (["--data", "loc"], {"local"}),
            (["--exp", "run."], set()),
            (["--dec.ref"], set()),
            (["--dec."], {"--dec."}),
            (["--help", ""], set()),
            (["--plan", "--st"], {"--stage", "--stop-stage"}),
        ],
    )
    def test_values_of_run_sh(self, words, expected):
        assert set(self.offered("_diar_script", "./run.sh", *words)) == expected

    def test_stages_are_those_that_there_are(self):
        stages = re.findall(r"(?m)^if starts (\d+) ", (ROOT / "run.sh").read_text())
        assert self.offered("_diar_script", "./run.sh", "--stop-stage", "") == stages

    def test_files_where_a_script_takes_them(self, tmp_path):
        (tmp_path / "a b.rttm").write_text("")
        assert self.offered("_diar_script", ROOT / "steps/score.sh", "a", cwd=tmp_path) == [
            "a",
            "b.rttm",
        ]
        assert not self.offered("_diar_script", ROOT / "run.sh", "a", cwd=tmp_path)

    def test_of_a_program_comes_from_its_parser(self):
        ask = "_diar_program local/diarize.py; [ $? = 124 ] || exit 8"
        shown = self.offered("_shtab_diarize_py", "local/diarize.py", "--", before=ask)
        options = [
            o
            for a in diarize.make_parser()._actions
            if a.help != argparse.SUPPRESS
            for o in a.option_strings
        ]
        assert sorted(shown) == sorted(o for o in options if o.startswith("--"))
        values = self.offered("_shtab_diarize_py", "local/diarize.py", "--vad", "", before=ask)
        assert sorted(values) == ["combined", "energy", "segmentation", "silero"]
        values = self.offered("_shtab_diarize_py", "local/diarize.py", "--device", "c", before=ask)
        assert sorted(values) == ["cpu", "cuda"]
        values = self.offered("_shtab_diarize_py", "local/diarize.py", "--json", "run.", before=ask)
        assert values == ["run.sh"]

    def test_no_foreign_program_is_run(self, tmp_path):
        (tmp_path / "score.py").write_text(f"open('{tmp_path}/ran', 'w')\n")
        (tmp_path / "run.sh").write_text(f"#!/usr/bin/env bash\ntouch {tmp_path}/ran\n")
        for name in ("score.py", "run.sh"):
            (tmp_path / name).chmod(0o755)
        ask = f"_diar_program {tmp_path}/score.py; [ $? = 124 ] && exit 8"
        self.offered("_diar_script", tmp_path / "run.sh", "", before=ask)
        assert not (tmp_path / "ran").exists()

    @pytest.mark.skipif(not shutil.which("zsh"), reason="no zsh")
    def test_zsh_takes_it_too(self):
        script = """
            autoload -Uz compinit bashcompinit && compinit -u -D && bashcompinit
            . local/completion.bash
            echo $_comps[run.sh] $_comps[diarize.py]
            eval "$(_diar_ask local/diarize.py zsh)"; echo $+functions[_shtab_diarize_py]"""
        result = run("zsh", "-f", "-c", script)
        assert result.stderr == "" and "_bash_complete" in result.stdout
        assert result.stdout.endswith("_diar_program\n1\n")
