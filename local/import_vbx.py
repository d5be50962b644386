#!/usr/bin/env python3
"""Convert the x-vector transform of VBx to Kaldi's files: mean.vec, transform.mat and plda, beside the x-vectors.

Usage: import_vbx.py <transform.h5> <plda> <xvector-dir>

VBx (BUT) subtracts mean1 from x-vectors, scales them to length 1, projects them with lda, subtracts mean2 and
scales them again; its plda is for the resulting vectors of length 1. Here mean.vec is mean1 and transform.mat is
lda transposed; the plda is rescaled for Kaldi's normalisation to the square root of the dimension. mean2 is
dropped: it is small compared with the projection. Needs h5py: pip install h5py

Example: local/import_vbx.py transform.h5 plda exp/vbx/calls
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dec_cli import program  # isort: split

import numpy as np

from diar.base.errors import DataError
from diar.kaldi.arks import write_array
from diar.kaldi.plda import read_plda, write_plda

MOST = 1 << 26  # elements of a matrix


def main() -> None:
    parser = program.parser(__doc__)
    parser.add_argument("transform", metavar="transform.h5", type=Path, help="mean1, mean2 and lda")
    parser.add_argument("plda", type=Path, help="the PLDA, in Kaldi's format")
    parser.add_argument(
        "xvector_dir", metavar="xvector-dir", type=Path, help="directory of the x-vectors"
    )
    args = parser.parse_args()
    if not args.xvector_dir.is_dir():
        raise DataError("no such directory", args.xvector_dir)
    mean, lda = read_transform(args.transform)
    plda = read_plda(args.plda)
    if plda.dim != lda.shape[1]:
        raise DataError(
            f"is for vectors of dimension {plda.dim}, but lda makes {lda.shape[1]}: it does not belong to"
            f" {args.transform}",
            args.plda,
        )
    if plda.for_unit_length:
        plda = plda.rescaled(plda.dim**0.5)
    write_array(args.xvector_dir / "mean.vec", mean)
    write_array(args.xvector_dir / "transform.mat", lda.T)
    write_plda(args.xvector_dir / "plda", plda)
    print(f"import_vbx.py: wrote mean.vec, transform.mat and plda to {args.xvector_dir}")


def read_transform(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Read mean1 (d,) and lda (d, d') of VBx's transform.h5.

    Raises:
        DataError: h5py is missing; the file does not exist, or is not VBx's; numbers are not finite.
    """
    try:
        import h5py
    except ImportError:
        raise DataError("h5py is needed to read it: pip install h5py", path) from None
    try:
        with h5py.File(path, "r") as stream:
            mean, lda = (_numbers(stream, name) for name in ("mean1", "lda"))
    except (OSError, KeyError, TypeError, ValueError, AttributeError) as error:
        reason = " ".join(str(error).split())
        raise DataError(f"not VBx's transform.h5, with mean1 and lda: {reason}", path) from None
    if mean.ndim != 1 or lda.ndim != 2 or len(mean) != len(lda) or not lda.size:
        raise DataError(f"mean1 and lda do not match: {mean.shape}, {lda.shape}", path)
    if not (np.isfinite(mean).all() and np.isfinite(lda).all()):
        raise DataError("mean1 or lda contains NaN or infinity", path)
    return mean, lda


def _numbers(stream: Any, name: str) -> np.ndarray:
    if stream[name].size > MOST:  # a file of a few bytes may declare any size
        raise ValueError(f"{name} has {stream[name].size} elements")
    return np.asarray(stream[name][()], np.float64)


if __name__ == "__main__":
    program.run(main)
