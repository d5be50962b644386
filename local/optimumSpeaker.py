"""The published module ``optimumSpeaker``: affinity refinement and the eigengap."""

from diar.clustering.counting import (
    AffinityRefinementOperation,
    CropDiagonal,
    Diffuse,
    GaussianBlur,
    RowWiseNormalize,
    RowWiseThreshold,
    Symmetrize,
    eigengap,
)

eigenGap = eigengap  # both spellings are published

__all__ = [
    "AffinityRefinementOperation",
    "CropDiagonal",
    "Diffuse",
    "GaussianBlur",
    "RowWiseNormalize",
    "RowWiseThreshold",
    "Symmetrize",
    "eigenGap",
    "eigengap",
]
