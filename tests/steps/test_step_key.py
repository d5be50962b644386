"""Keys of steps: what changes them and what does not, in a small tree of modules and in the recipe."""

import os
import shutil
import subprocess
import sys
import time

import pytest
from paths import ROOT

TREE = {
    "work.py": '"""Works."""\nfrom diar.near import part\nprint(part.FACTOR)\n',
    "diar/__init__.py": "",
    "diar/near/__init__.py": "FIRST = 1\n",
    "diar/near/part.py": (
        '"""A part."""\n\nfrom . import side\nfrom ..tables import EXTRACTORS\n\nFACTOR = 2\n\n\n'
        'class Part:\n    """Doc."""\n\n    size: int = 3\n    """Of it."""\n\n'
        '    def work(self):\n        """Do it."""\n        return f"{self.size} {side.A}"\n'
    ),
    "diar/near/side.py": "A = 1\n",
    "diar/near/unused.py": "A = 1\n",
    "diar/tables.py": (
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from diar import typed\n"
        'EXTRACTORS: dict[str, str] = {\n    "lazy": "diar.lazy.deep:work",\n}\nWORDS = {"a": "diar.words:x"}\n'
    ),
    "diar/typed.py": "A = 1\n",
    "diar/words.py": "A = 1\n",
    "diar/lazy/__init__.py": "A = 1\n",
    "diar/lazy/deep.py": "def work():\n    import diar.star\n",
    "diar/star.py": "from diar.all import *\n",
    "diar/all/__init__.py": "__all__ = ['one']\n",
    "diar/all/one.py": "A = 1\n",
}
COUNT = {
    name for name in TREE if name not in ("diar/near/unused.py", "diar/typed.py", "diar/words.py")
}


@pytest.fixture
def tree(tmp_path):
    """The files of TREE in local/, a second old and more, so that they are remembered."""
    for name, text in TREE.items():
        (tmp_path / "local" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "local" / name).write_text(text)
    for name in ("step_key.py", "step_code.py"):
        shutil.copy(ROOT / "local" / name, tmp_path / "local")
    return tmp_path


def key(tree, *inputs, program="local/work.py"):
    """The key, as a step asks for it."""
    command = [sys.executable, "-I", "-S", "local/step_key.py", program, "options", *inputs]
    result = subprocess.run(command, cwd=tree, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    return result.stdout


def settle(tree):
    """Wait until the files are trusted to be as they are."""
    newest = max(path.stat().st_ctime for path in tree.rglob("*"))
    time.sleep(max(0, newest + 2.1 - time.time()))


class TestMeaning:
    @pytest.mark.parametrize("name", sorted(TREE))
    def test_what_is_imported_counts_and_nothing_else(self, tree, name):
        before = key(tree)
        with open(tree / "local" / name, "a") as stream:
            stream.write("CHANGED = 1\n")
        assert (key(tree) != before) == (name in COUNT)

    @pytest.mark.parametrize("name", sorted(COUNT))
    def test_comments_and_blank_lines_do_not(self, tree, name):
        before = key(tree)
        text = (tree / "local" / name).read_text()
        (tree / "local" / name).write_text(f"# a comment\n\n\n{text}\n# another\n")
        assert key(tree) == before

    @pytest.mark.parametrize(
        "old, new",
        [
            ('"""A part."""', '"""Another word."""'),
            ('"""A part."""', ""),
            ('"""Doc."""', '"""Other\n\n    lines."""'),
            ('"""Of it."""', '"""Of that."""'),
            ('"""Do it."""', '"""Do this."""'),
            ("FACTOR = 2", "FACTOR = (2)  # two"),
            ("size: int = 3", "size: int = 0x3"),
        ],
    )
    def test_words_without_meaning_do_not(self, tree, old, new):
        before = key(tree)
        path = tree / "local/diar/near/part.py"
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new))
        assert key(tree) == before

    @pytest.mark.parametrize(
        "old, new",
        [
            ("FACTOR = 2", "FACTOR = 3"),
            ("FACTOR = 2", "FACTOR = 2.0"),
            ("size: int = 3", "size: int = True"),
            ("size: int = 3", "size: float = 3"),
            ('f"{self.size} {side.A}"', 'f"{self.size} {side.A!r}"'),
            ('f"{self.size} {side.A}"', 'f"{self.size}  {side.A}"'),
            ("return f", "return 'x' + f"),
            ("def work(self)", "def work(self, a=1)"),
            ("from . import side", "from . import side as side"),
        ],
    )
    def test_what_has_a_meaning_does(self, tree, old, new):
        before = key(tree)
        path = tree / "local/diar/near/part.py"
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new))
        assert key(tree) != before

    def test_a_program_that_is_an_input_counts_like_the_first(self, tree):
        (tree / "local/other.py").write_text("from diar.near import unused\n")
        before = key(tree, "local/other.py")
        (tree / "local/other.py").write_text('"""Docs."""\nfrom diar.near import unused  # a\n')
        assert key(tree, "local/other.py") == before
        (tree / "local/diar/near/unused.py").write_text("A = 2\n")
        assert key(tree, "local/other.py") != before

    def test_it_does_not_matter_where_the_recipe_lies(self, tree, tmp_path):
        shutil.copytree(tree / "local", tmp_path / "copy/local")
        assert key(tmp_path / "copy") == key(tree)


class TestMemory:
    def test_of_settled_files_only(self, tree):
        key(tree)
        assert not (tree / ".digests").exists()
        settle(tree)
        first = key(tree)
        memory = (tree / ".digests").read_text()
        assert "local/diar/near/part.py" in memory
        assert key(tree) == first
        assert (tree / ".digests").read_text() == memory

    def test_a_change_that_hides_its_time_is_seen(self, tree):
        settle(tree)
        first = key(tree)
        path = tree / "local/diar/near/side.py"
        stat = path.stat()
        path.write_text("A = 9\n")  # of the same size, in the same inode
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
        assert key(tree) != first
        settle(tree)
        assert key(tree) != first

    @pytest.mark.parametrize("damage", [b"", b"\0" * 100, b"x\ty\n", b"cut", None])
    def test_may_be_lost_or_damaged(self, tree, damage):
        settle(tree)
        first = key(tree)
        content = (tree / ".digests").read_bytes()
        (tree / ".digests").write_bytes(content[: len(content) // 2] if damage is None else damage)
        assert key(tree) == first

    def test_of_another_step_key_is_not_believed(self, tree):
        settle(tree)
        key(tree)
        text = (tree / ".digests").read_text().splitlines(keepends=True)
        wrong = "".join([text[0], *(line.replace("\t", "\t0", 1) for line in text[1:])])
        (tree / ".digests").write_text(wrong)
        believed = key(tree)
        os.utime(tree / "local/step_code.py")
        assert key(tree) != believed

    def test_a_recipe_that_may_only_be_read_has_keys(self, tree):
        settle(tree)
        first = key(tree)
        (tree / ".digests").unlink()
        (tree / ".digests").mkdir()  # also for root
        assert key(tree) == first

    def test_many_at_once(self, tree):
        (tree / "many").mkdir()
        for number in range(40):
            (tree / f"many/{number}").write_text(f"{number}\n")
        settle(tree)
        command = [sys.executable, "-I", "-S", "local/step_key.py", "local/work.py", ""]
        calls = [
            subprocess.Popen([*command, f"many/{n}"], cwd=tree, stdout=subprocess.PIPE, text=True)
            for n in range(40)
        ]
        at_once = [call.communicate()[0] for call in calls]
        (tree / ".digests").unlink()
        one_by_one = [
            subprocess.run([*command, f"many/{n}"], cwd=tree, capture_output=True, text=True).stdout
            for n in range(40)
        ]
        assert at_once == one_by_one and len(set(at_once)) == 40


class TestRecipe:
    """On the programs themselves, in a copy."""

    @pytest.fixture
    def copy(self, tmp_path):
        ignore = shutil.ignore_patterns("__pycache__", "*.safetensors", "assets")
        shutil.copytree(ROOT / "local", tmp_path / "local", ignore=ignore)
        return tmp_path

    def test_comments_and_docstrings_change_no_key_and_constants_do(self, copy):
        program = "local/extract_xvectors.py"
        before = key(copy, program=program)
        errors = copy / "local/diar/base/errors.py"
        text = errors.read_text()
        assert text.startswith('"""')
        errors.write_text(text.replace('"""', '"""Mended: ', 1) + "\n# a comment\n")
        assert key(copy, program=program) == before
        errors.write_text(f"{text}\nCONSTANT = 1\n")
        assert key(copy, program=program) != before

    @pytest.mark.parametrize(
        "program, module",
        [
            ("extract_xvectors", "diar/extractors/campplus.py"),
            ("extract_xvectors", "diar/extractors/onnx_file.py"),
            ("extract_xvectors", "dec_cli/program.py"),
            ("cluster", "diar/clustering/linkage.py"),
            ("fit_dec", "diar/clustering/methods.py"),
            ("prepare_corpus", "diar/corpora/ami.py"),
            ("make_vad", "diar/__init__.py"),
        ],
    )
    def test_what_a_program_runs_counts(self, copy, program, module):
        before = key(copy, program=f"local/{program}.py")
        with open(copy / "local" / module, "a") as stream:
            stream.write("\nCHANGED = 1\n")
        assert key(copy, program=f"local/{program}.py") != before

    def test_what_it_does_not_run_does_not(self, copy):
        before = key(copy, program="local/make_vad.py")
        for module in ("dec/sequence.py", "scoring/rates.py", "extractors/campplus.py"):
            with open(copy / "local/diar" / module, "a") as stream:
                stream.write("\nCHANGED = 1\n")
        assert key(copy, program="local/make_vad.py") == before
