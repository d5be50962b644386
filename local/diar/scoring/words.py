"""Scores of words with speakers: WDER, cpWER, tcpWER.

WDER: Shafey, Soltau and Shafran, "Joint Speech Recognition and Speaker Diarization via Sequence Transduction",
Interspeech 2019. cpWER: Watanabe et al., "CHiME-6 Challenge", CHiME 2020. tcpWER: von Neumann et
al., "MeetEval", CHiME 2023. meeteval computes the latter two, and kaldialign, which it needs, aligns words.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy

from diar.base.errors import DataError
from diar.words.word import UNKNOWN, Word

COLLAR = 5.0  # seconds that a word may lie off for tcpWER


@dataclass(frozen=True)
class WordScore:
    """Scores of one recording, or of all. Rates are None if the divisor is 0.

    words: of the reference. aligned: correct words and substitutions; wrong: those of them with a wrong
    speaker. errors: substitutions, insertions, deletions of all words, regardless of speaker.
    cp_errors, tcp_errors: the same between each speaker and the best-matching speaker of the hypothesis.
    """

    words: int
    aligned: int
    wrong: int
    errors: int
    cp_errors: int
    tcp_errors: int

    def __add__(self, other: WordScore) -> WordScore:
        mine, theirs = vars(self), vars(other)
        return WordScore(**{name: mine[name] + theirs[name] for name in mine})

    @property
    def rates(self) -> dict[str, float | None]:
        """WDER, WER, cpWER and tcpWER in %."""

        def rate(count: int, total: int) -> float | None:
            return 100 * count / total if total else None

        return {
            "WDER": rate(self.wrong, self.aligned),
            "WER": rate(self.errors, self.words),
            "cpWER": rate(self.cp_errors, self.words),
            "tcpWER": rate(self.tcp_errors, self.words),
        }


def score(
    reference: Mapping[str, Sequence[Word]],
    hypothesis: Mapping[str, Sequence[Word]],
    collar: float = COLLAR,
) -> dict[str, WordScore]:
    """Score each recording of the reference; without a hypothesis, all its words are missing.

    A word without a speaker is wrong in WDER, and belongs to one more speaker in the others. Speakers of
    the hypothesis are mapped to those of the reference whose words match best; Shafey et al. did not need
    this, because their speakers had roles.

    Args:
        collar: of tcpWER, seconds.

    Raises:
        DataError: meeteval is missing; no recordings in the reference; words of it without speaker.
    """
    try:
        import meeteval  # noqa: F401
    except ImportError:
        raise DataError(
            "meeteval is needed to score words: pip install meeteval (pip needs a C++ compiler for it)"
        ) from None
    if not reference:
        raise DataError("the reference has no words")
    for recording, words in reference.items():
        if lost := sum(not word.speaker for word in words):
            raise DataError(f"{lost} word(s) of the reference of {recording} have no speaker")
    return {
        recording: _score(words, hypothesis.get(recording, ()), collar)
        for recording, words in sorted(reference.items())
    }


def _score(reference: Sequence[Word], hypothesis: Sequence[Word], collar: float) -> WordScore:
    from meeteval.wer.wer.cp import cp_word_error_rate
    from meeteval.wer.wer.time_constrained import (
        time_constrained_minimum_permutation_word_error_rate as tcp_word_error_rate,
    )

    pairs, errors = align([w.text for w in reference], [w.text for w in hypothesis])
    cp = cp_word_error_rate(
        _segments(reference), _segments(hypothesis), reference_sort=False, hypothesis_sort=False
    )
    tcp = tcp_word_error_rate(  # of the hypothesis it takes the middles of words
        _segments(sorted(reference, key=lambda word: word.start)),
        _segments(sorted(hypothesis, key=lambda word: word.start + word.end)),
        collar=collar,
        reference_sort=False,
        hypothesis_sort=False,
    )
    return WordScore(
        words=len(reference),
        aligned=len(pairs),
        wrong=_wrong([(reference[i].speaker, hypothesis[j].speaker) for i, j in pairs]),
        errors=errors,
        cp_errors=int(cp.errors),
        tcp_errors=int(tcp.errors),
    )


def align(a: Sequence[str], b: Sequence[str]) -> tuple[list[tuple[int, int]], int]:
    """Align two sequences of words with the fewest errors.

    Returns:
        (i, j) of the aligned words, equal or not; and the number of errors.
    """
    from kaldialign import align as levenshtein

    numbers = {text: number for number, text in enumerate(dict.fromkeys([*a, *b]))}
    pairs, errors, i, j = [], 0, 0, 0
    for left, right in levenshtein([numbers[x] for x in a], [numbers[x] for x in b], -1):
        if left != -1 and right != -1:
            pairs.append((i, j))
        errors += left != right
        i += left != -1
        j += right != -1
    return pairs, errors


def _wrong(speakers: Sequence[tuple[str, str]]) -> int:
    """Count pairs (speaker of the reference, of the hypothesis) outside the best one-to-one mapping."""
    ours = {name: k for k, name in enumerate(sorted({a for a, _ in speakers}))}
    theirs = {name: k for k, name in enumerate(sorted({b for _, b in speakers}))}
    counts = np.zeros((len(ours), len(theirs)), int)
    for a, b in speakers:
        counts[ours[a], theirs[b]] += bool(b)
    rows, columns = scipy.optimize.linear_sum_assignment(counts, maximize=True)
    return len(speakers) - int(counts[rows, columns].sum())


def _segments(words: Sequence[Word]) -> Any:
    from meeteval.io import SegLST

    return SegLST(
        [
            {
                "session_id": word.recording,
                "speaker": word.speaker or UNKNOWN,
                "start_time": word.start,
                "end_time": word.end,
                "words": word.text,
            }
            for word in words
        ]
    )


def plain(words: Sequence[Word]) -> list[Word]:
    """Return words in lower case without punctuation; words of punctuation only are dropped."""
    return [w._replace(text=text) for w in words if (text := _letters(w.text))]


def _letters(text: str) -> str:
    return "".join(c for c in text.casefold() if unicodedata.category(c)[0] != "P")
