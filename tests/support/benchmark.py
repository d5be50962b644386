"""Modules of benchmarks/, which are no packages."""

from __future__ import annotations

import importlib.util
import sys
from types import ModuleType

from paths import ROOT


def load_benchmark(name: str) -> ModuleType:
    """Return the module benchmarks/<name>/run.py; what lies beside it can be imported, too."""
    path = ROOT / "benchmarks" / name / "run.py"
    sys.path.append(str(path.parent))
    spec = importlib.util.spec_from_file_location(f"benchmark_{name}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
