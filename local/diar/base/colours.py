"""Colours of speakers and errors, the same in every figure and view, distinct for colour-blind readers.

Speakers: Okabe & Ito, "Color Universal Design" (2008), without black; beyond seven the colours repeat with
a hatch. Errors: Tol, "Colour Schemes", SRON/EPS/TN/09-002 (2021), high-contrast scheme.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

SPEAKERS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442")
HATCHES = ("", "/", "x", ".", "\\")  # as matplotlib and plotly name them
ERRORS = {"miss": "#004488", "false alarm": "#DDAA33", "confusion": "#BB5566", "overlap": "#888888"}


def style(place: int) -> tuple[str, str]:
    """Return (colour, hatch) of the speaker at a place, 0, 1, 2 ...; after 35 they repeat."""
    return SPEAKERS[place % len(SPEAKERS)], HATCHES[place // len(SPEAKERS) % len(HATCHES)]


def places(
    reference: Iterable[str], hypothesis: Iterable[str], pairs: Mapping[str, str]
) -> tuple[dict[str, int], dict[str, int]]:
    """Give each speaker of both sides a place in the palette; mapped speakers share one.

    Args:
        reference, hypothesis: speakers of each side, in the order of the figure; the reference may be
            empty.
        pairs: hypothesis speaker -> reference speaker.
    """
    ours = {speaker: i for i, speaker in enumerate(dict.fromkeys(reference))}
    theirs: dict[str, int] = {}
    free = len(ours)
    for speaker in dict.fromkeys(hypothesis):
        if pairs.get(speaker) in ours:
            theirs[speaker] = ours[pairs[speaker]]
        else:
            theirs[speaker], free = free, free + 1
    return ours, theirs
