"""Public corpora as Kaldi data directories: one module each, found here by name."""

from diar.corpora import ami, callhome, dihard3, voxconverse
from diar.corpora.corpus import Corpus

CORPORA: dict[str, Corpus] = {
    "ami": ami.CORPUS,
    "callhome": callhome.CORPUS,
    "dihard3": dihard3.CORPUS,
    "voxconverse": voxconverse.CORPUS,
}
