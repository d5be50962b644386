"""Public corpora as Kaldi data directories: one module each, found here by name.

A new one is a module with a ``Corpus``, and a line in ``CORPORA``: docs/extending.md.
"""

from __future__ import annotations

import pkgutil

from diar.corpora.corpus import Corpus

CORPORA = {  # module:object
    "ami": "diar.corpora.ami:CORPUS",
    "callhome": "diar.corpora.callhome:CORPUS",
    "dihard3": "diar.corpora.dihard3:CORPUS",
    "voxconverse": "diar.corpora.voxconverse:CORPUS",
}


def get(name: str) -> Corpus:
    """Load the corpus of that name, one of ``CORPORA``."""
    return pkgutil.resolve_name(CORPORA[name])
