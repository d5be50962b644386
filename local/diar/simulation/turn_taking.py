"""Who speaks when: turn-taking statistics of reference RTTMs, and conversations drawn from them.

The model: one speaker holds the floor at a time. After a floor turn the same speaker goes on after
a pause, or the floor changes, after a gap or before the turn has ended (a negative gap: overlap).
Others interject within a floor turn at a constant rate. Lengths are drawn from the quantiles that
were observed, so that no distribution is assumed (Heldner and Edlund, "Pauses, gaps and overlaps
in conversations", Journal of Phonetics 38, 2010, use the same division of silence and overlap).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from diar.base.errors import DataError
from diar.base.regions import union
from diar.base.types import Turn

MAX_SPEAKERS = 8
QUANTILES = np.linspace(0.01, 0.99, 25)


@dataclass(frozen=True)
class TurnTaking:
    """How people take turns: figures fitted to references, ``conf/turn_taking.yaml``.

    speakers: share of recordings with 1, 2 ... 8 speakers (more are left out).
    concentration: of the symmetric Dirichlet distribution of the speakers' shares of time.
    stay: probability that the floor's holder goes on after a pause.
    back: with three or more, probability that the floor returns to whom it came from, beyond
        what the number of their turns makes likely.
    interjections: turns within another's floor turn, per second of the latter.
    *_seconds: the 1 % to 99 % quantiles, in equal steps, of the lengths of floor turns, of pauses
        of the same speaker, of gaps at a change (negative: overlap), of interjections.
    """

    speakers: tuple[float, ...]
    concentration: float
    stay: float
    back: float
    interjections: float
    turn_seconds: tuple[float, ...]
    pause_seconds: tuple[float, ...]
    gap_seconds: tuple[float, ...]
    interjection_seconds: tuple[float, ...]

    def __post_init__(self) -> None:
        for name in ("stay", "back"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} is {getattr(self, name)}; a probability is in [0, 1]")
        if self.concentration <= 0 or self.interjections < 0:
            raise ValueError("concentration must be positive and interjections not negative")
        if len(self.speakers) != MAX_SPEAKERS or min(self.speakers) < 0 or not sum(self.speakers):
            raise ValueError(f"speakers: expected {MAX_SPEAKERS} shares, of 1 to {MAX_SPEAKERS}")
        for name in ("turn_seconds", "pause_seconds", "gap_seconds", "interjection_seconds"):
            values = getattr(self, name)
            if len(values) < 2 or any(b < a for a, b in pairwise(values)):
                raise ValueError(f"{name}: expected two or more quantiles, increasing")


def converse(
    recording: str, labels: Sequence[str], seconds: float, stats: TurnTaking, seed: int
) -> list[Turn]:
    """Draw a conversation of all ``labels`` that ends before ``seconds``.

    Args:
        recording: id that the turns carry.
        labels: the speakers; every one of them gets at least one turn.
        seconds: duration of the recording.
        stats: fitted figures.
        seed: of the random numbers; the same seed gives the same turns.

    Raises:
        DataError: no speakers, or too little time for all to speak.
    """
    if not labels or seconds < 2.0 * len(labels):
        raise DataError(f"{recording}: {len(labels)} speaker(s) cannot converse in {seconds} s")
    for attempt in range(100):
        rng = np.random.default_rng([seed, attempt])
        turns = _draw(recording, labels, seconds, stats, rng)
        if {turn.speaker for turn in turns} == set(labels):
            return sorted(turns)
    raise DataError(f"{recording}: no room for {len(labels)} speakers in {seconds} s")


def _draw(
    recording: str,
    labels: Sequence[str],
    seconds: float,
    stats: TurnTaking,
    rng: np.random.Generator,
) -> list[Turn]:
    weights = rng.dirichlet(np.full(len(labels), stats.concentration))
    # Those who speak most have longer turns, too, not only more of them.
    scale = np.clip(np.sqrt(weights * len(labels)), 0.5, 2.0)
    # No single turn may leave the others without time.
    longest = seconds / (1.5 * len(labels)) if len(labels) > 1 else seconds
    turns: list[Turn] = []
    floor, before = int(rng.choice(len(labels), p=weights)), -1
    start = rng.uniform(0.2, 1.0)
    while True:
        length = max(scale[floor] * _quantile(stats.turn_seconds, rng), 0.3)
        length = min(length, longest, seconds - 0.2 - start)
        if length < 0.3:
            return turns
        turns.append(Turn(recording, start, length, labels[floor]))
        turns += _interject(turns[-1], labels, weights, stats, rng)
        end = start + length
        unheard = [i for i, x in enumerate(labels) if x not in {t.speaker for t in turns}]
        if len(labels) == 1 or rng.random() < stats.stay:
            start = end + max(_quantile(stats.pause_seconds, rng), 0.05)
            continue
        # The less time is left for those not heard yet, the more likely they come next.
        urgency = len(unheard) * 8.0 / max(seconds - end, 0.1)
        if unheard and rng.random() < urgency:
            next_floor = int(rng.choice(unheard))
        elif before >= 0 and len(labels) > 2 and rng.random() < stats.back:
            next_floor = before
        else:
            p = np.where(np.arange(len(labels)) == floor, 0.0, weights + 1e-6)
            next_floor = int(rng.choice(len(labels), p=p / p.sum()))
        floor, before = next_floor, floor
        # An overlap takes at most half of the turn that it cuts into.
        start = max(end + _quantile(stats.gap_seconds, rng), start + 0.5 * length)


def _interject(
    turn: Turn,
    labels: Sequence[str],
    weights: np.ndarray,
    stats: TurnTaking,
    rng: np.random.Generator,
) -> list[Turn]:
    others = [i for i, label in enumerate(labels) if label != turn.speaker]
    if not others:
        return []
    turns = []
    for _ in range(rng.poisson(stats.interjections * turn.duration)):
        length = max(_quantile(stats.interjection_seconds, rng), 0.2)
        p = weights[others] + 1e-6
        speaker = labels[int(rng.choice(others, p=p / p.sum()))]
        at = turn.start + rng.random() * max(turn.duration - length, 0.0)
        if length < 0.8 * turn.duration:
            turns.append(Turn(turn.recording, at, length, speaker))
    return turns


def _quantile(values: Sequence[float], rng: np.random.Generator) -> float:
    grid = np.linspace(QUANTILES[0], QUANTILES[-1], len(values))
    return float(np.interp(rng.random(), grid, values))


def insert_silence(turns: Sequence[Turn], at: float, seconds: float) -> list[Turn]:
    """Put a silence into turns, at the first moment from ``at`` on when nobody speaks."""
    for region in union((t.start, t.end) for t in turns):
        if region.start < at < region.end:
            at = region.end
    return [t._replace(start=t.start + seconds) if t.start >= at - 1e-9 else t for t in turns]


def fit(recordings: Mapping[str, Sequence[Turn]], max_pause: float = 0.3) -> TurnTaking:
    """Fit the figures to reference turns; pauses up to ``max_pause`` s count as speech.

    Raises:
        DataError: no conversation of two or more among the recordings.
    """
    counts = np.zeros(MAX_SPEAKERS)
    kinds: dict[str, list[float]] = {k: [] for k in ("turn", "pause", "gap", "interjection")}
    moves = np.zeros(5)  # stays, changes, changes that could return, returns, returns by chance
    concentrations = []
    for turns in recordings.values():
        turns = _bridge_pauses(turns, max_pause)
        shares = _shares(turns)
        if len(shares) <= MAX_SPEAKERS:
            counts[len(shares) - 1] += 1
        if len(shares) > 1:
            _follow_floor(turns, kinds, moves)
            concentrations.append((len(shares), sum(x**2 for x in shares.values())))
    if not all(kinds.values()):
        raise DataError("no turns to fit: expected conversations with pauses, gaps, interjections")
    quantiles = {
        f"{kind}_seconds": tuple(np.round(np.quantile(values, QUANTILES), 3).tolist())
        for kind, values in kinds.items()
    }
    return TurnTaking(
        speakers=tuple(np.round(counts / counts.sum(), 4).tolist()),
        concentration=round(_concentration(concentrations), 3),
        stay=round(float(moves[0] / (moves[0] + moves[1])), 4),
        back=round(float(max(moves[3] - moves[4], 0) / max(moves[2] - moves[4], 1)), 4),
        interjections=round(len(kinds["interjection"]) / sum(kinds["turn"]), 5),
        **quantiles,
    )


def speech_and_overlap(turns: Iterable[Turn]) -> tuple[float, float]:
    """Sum the seconds in which anybody speaks, and in which two or more do, over recordings."""
    edges = sorted(
        edge for t in turns for edge in ((t.recording, t.start, 1), (t.recording, t.end, -1))
    )
    speech = overlap = last = 0.0
    active = 0
    for _, time, step in edges:
        speech += (time - last) * (active > 0)
        overlap += (time - last) * (active > 1)
        active, last = active + step, time
    return speech, overlap


def overlap_ratio(turns: Iterable[Turn]) -> float:
    """Compute the share of the time with speech in which two or more speak."""
    speech, overlap = speech_and_overlap(turns)
    return overlap / speech if speech else 0.0


def _follow_floor(turns: Sequence[Turn], kinds: dict[str, list[float]], moves: np.ndarray) -> None:
    holders = [turns[0]]
    for turn in turns[1:]:
        if turn.end <= holders[-1].end:
            kinds["interjection"].append(turn.duration)
            continue
        same = turn.speaker == holders[-1].speaker
        kinds["pause" if same else "gap"].append(turn.start - holders[-1].end)
        holders.append(turn)
    kinds["turn"] += [turn.duration for turn in holders]
    order = [turn.speaker for turn in holders]
    changes = [a for a, b in pairwise([*order, ""]) if a != b]
    moves[:2] += len(order) - len(changes), len(changes) - 1
    gains = {speaker: changes.count(speaker) for speaker in set(changes)}
    if len(gains) > 2:
        for before, floor, then in zip(changes, changes[1:], changes[2:], strict=False):
            moves[2] += 1
            moves[3] += then == before
            moves[4] += gains[before] / (len(changes) - gains[floor])


def _bridge_pauses(turns: Sequence[Turn], max_pause: float) -> list[Turn]:
    merged = []
    for speaker in {turn.speaker for turn in turns}:
        spans = [(t.start, t.end) for t in turns if t.speaker == speaker]
        merged += [Turn(turns[0].recording, a, b - a, speaker) for a, b in union(spans, max_pause)]
    return sorted(merged)


def _shares(turns: Sequence[Turn]) -> dict[str, float]:
    total: dict[str, float] = {}
    for turn in turns:
        total[turn.speaker] = total.get(turn.speaker, 0.0) + turn.duration
    return {speaker: total[speaker] / sum(total.values()) for speaker in sorted(total)}


def _concentration(observed: Sequence[tuple[int, float]]) -> float:
    """Fit by moments: a symmetric Dirichlet of n shares has E[sum p^2] = (a + 1) / (n a + 1)."""
    grid = np.geomspace(0.05, 20, 400)
    error = sum(((grid + 1) / (n * grid + 1) - concentrated) ** 2 for n, concentrated in observed)
    return float(grid[np.argmin(error)])
