"""No package that we import reports on its users: with an empty home, nothing is written there."""

import os
import subprocess
import sys

import pytest
from models import save_pooling
from paths import ROOT

SESSION = (
    "from pathlib import Path; from diar.networks.runtime import session; session(Path({model!r}))"
)
HALF = (
    "import numpy as np; from pathlib import Path; from diar.networks.half import HalfNetwork;"
    "HalfNetwork(lambda: Path({model!r}), lambda x: x.mean(1)[:, :24], 2, 1)(np.zeros((1, 9, 80), 'f'))"
)


@pytest.mark.parametrize(
    "code",
    [
        SESSION,
        HALF,
        "import DEC, onnxruntime",
        "import utils, silero_vad; silero_vad.load_silero_vad(onnx=True)",
        "from dec_cli import program; import onnxruntime, openvino, openvino.tools.ovc",
    ],
    ids=["session", "openvino", "published", "silero", "programs"],
)
def test_nothing_is_written_into_the_home(tmp_path, code):
    pytest.importorskip("openvino")
    model = save_pooling(tmp_path / "model.onnx")
    home = tmp_path / "home"
    home.mkdir()
    kept = {k: v for k, v in os.environ.items() if "TELEMETRY" not in k and k != "CI"}
    kept |= {
        name: str(home / name) for name in ("XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME")
    }
    kept |= {
        "XDG_CONFIG_HOME": str(home / "config"),
        "HOME": str(home),
        "PYTHONPATH": str(ROOT / "local"),
        "MPLCONFIGDIR": str(tmp_path / "fonts"),  # a cache of matplotlib, for use here
    }
    code = code.format(model=str(model))
    subprocess.run([sys.executable, "-c", code], env=kept, cwd=tmp_path, check=True)
    assert list(home.rglob("*")) == []


def test_a_choice_of_the_user_stays(tmp_path):
    code = "import diar, os; print(os.environ['ORT_DISABLE_TELEMETRY'])"
    call = [sys.executable, "-c", code]
    environment = {**os.environ, "ORT_DISABLE_TELEMETRY": "0", "PYTHONPATH": str(ROOT / "local")}
    assert subprocess.check_output(call, env=environment, text=True) == "0\n"
