"""The first use of path.sh: where packages come from, and what is said of it."""

import subprocess
import sys
from pathlib import Path

import pytest
from package_index import add, recipe, wheel


@pytest.fixture(scope="module")
def indexes(tmp_path_factory):
    """One as that of Python's packages, with CUDA; one as PyTorch's own, without."""
    public, cpu = tmp_path_factory.mktemp("public"), tmp_path_factory.mktemp("cpu")
    add(public, "numpy", "2.4")
    add(public, "nvidia-cudnn-cu13", "9.20")
    add(public, "ruff", "1.0")
    add(public, "torch", "2.13.0", ["nvidia-cudnn-cu13"])
    add(public, "torch", "2.14.0", ["nvidia-cudnn-cu13"])
    add(cpu, "torch", "2.13.0+cpu")
    return public, cpu


def source(folder, index, script="", path="/usr/local/bin:/usr/bin:/bin", **env):
    """Source the path.sh of a folder with this index and no other; then run a script."""
    environment = {
        "PATH": path,
        "HOME": str(folder.parent),
        "PYTHON": sys._base_executable,
        "PIP_CONFIG_FILE": "/dev/null",
        "PIP_INDEX_URL": index if isinstance(index, str) else index.as_uri(),
        **env,
    }
    return subprocess.run(
        ["bash", "--norc", "-c", f". {folder}/path.sh && {script or 'true'}"],
        cwd=folder.parent, env=environment, capture_output=True, text=True,
    )  # fmt: skip


def packages(folder):
    """What is installed there, with versions."""
    found = folder.glob(".venv/lib/python*/site-packages/*.dist-info")
    return {path.name.removesuffix(".dist-info") for path in found}


HINT = "pip finds PyTorch with CUDA, but there is no NVIDIA GPU here"


@pytest.mark.skipif(any(Path("/dev").glob("nvidia[0-9]*")), reason="a GPU is here")
class TestTorch:
    def test_with_cuda_and_no_gpu_there_is_a_hint_first(self, indexes, tmp_path):
        here = recipe(tmp_path / "recipe")
        result = source(here, indexes[0])
        assert result.returncode == 0, result.stderr
        said = result.stderr.splitlines()
        assert said[1].startswith(f"path.sh: {HINT}") and "DIAR_TORCH_INDEX=" in said[1]
        assert said[2] == "path.sh: this needs 3 GB to fetch and 5.3 GB of disk, and a few minutes"
        assert said[-1].startswith("path.sh: installed, ")
        assert {"torch-2.13.0", "nvidia_cudnn_cu13-9.20", "numpy-2.4"} <= packages(here)
        assert source(here, "http://127.0.0.1:9").stderr == ""  # it is there

    def test_from_another_index_it_comes_without(self, indexes, tmp_path):
        here = recipe(tmp_path / "recipe")
        result = source(here, indexes[0], DIAR_TORCH_INDEX=indexes[1].as_uri())
        assert result.returncode == 0, result.stderr
        assert "CUDA" not in result.stderr
        assert "path.sh: this needs 1.5 GB of disk, and a few minutes\n" in result.stderr
        assert "torch-2.13.0+cpu" in packages(here)
        assert not any(name.startswith("nvidia") for name in packages(here))
        # An extra, later and from the usual index, leaves it.
        result = source(here, indexes[0], DIAR_EXTRA="test")
        assert result.returncode == 0 and "GB" not in result.stderr
        assert {"torch-2.13.0+cpu", "ruff-1.0"} <= packages(here)

    def test_where_there_is_a_gpu_nobody_is_asked(self, indexes, tmp_path):
        (tmp_path / "bin").mkdir()
        (tmp_path / "bin/nvidia-smi").symlink_to("/bin/true")
        here = recipe(tmp_path / "recipe")
        result = source(here, indexes[0], path=f"{tmp_path}/bin:/usr/local/bin:/usr/bin:/bin")
        assert result.returncode == 0, result.stderr
        assert HINT not in result.stderr and "5.3 GB of disk" in result.stderr


def test_a_package_that_does_not_work_is_found_at_once(indexes, tmp_path):
    code = "raise ImportError('libgomp.so.1: cannot open shared object file')"
    here = recipe(tmp_path / "recipe", code)
    result = source(here, indexes[0])
    assert result.returncode == 1
    said = "path.sh: a package does not work here: ImportError: libgomp.so.1: cannot open shared object file"
    assert result.stderr.splitlines()[-1] == said
    assert not (here / ".venv/.installed").exists()


class TestBundle:
    def test_nothing_else_is_asked(self, tmp_path):
        wheels = tmp_path / "bundle/wheels"
        wheels.mkdir(parents=True)
        wheel(wheels, "numpy", "2.4")
        wheel(wheels, "torch", "2.13.0+cpu")
        here = recipe(tmp_path / "recipe")
        bundle = str(tmp_path / "bundle")
        result = source(here, "http://127.0.0.1:9", DIAR_BUNDLE=bundle)
        assert result.returncode == 0, result.stderr
        assert {"numpy-2.4", "torch-2.13.0+cpu"} <= packages(here)

    def test_one_that_is_none(self, tmp_path):
        here = recipe(tmp_path / "recipe")
        result = source(here, "http://127.0.0.1:9", DIAR_BUNDLE=str(tmp_path))
        assert result.returncode == 1
        assert (
            result.stderr
            == f"path.sh: DIAR_BUNDLE={tmp_path}: not a bundle of steps/make_bundle.sh: wheels/ is missing\n"
        )
        assert not (here / ".venv").exists()
