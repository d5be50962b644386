"""Fonts and sizes readable in print, and reproducible files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib.style
from matplotlib.artist import Artist
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from diar.base import colours
from diar.base.errors import DataError
from diar.base.files import open_whole

COLUMN, PAGE = 3.4, 7.0  # inches: one column of a paper, and both
SMALL = 6.0  # points: nothing is smaller, unless there are more lanes than a page has room for
LETTER = 0.051  # inches, of a title on average
MARKERS = ("o", "^", "s", "D", "v")  # as many as do not divide the number of colours
_HAIR = 0.6  # points
_UNDATED = {"pdf": {"CreationDate": None}, "svg": {"Date": None}, "png": {}}  # by format

# matplotlib's default style with these, regardless of the user's settings; a decorator.
style = matplotlib.style.context(
    [
        "default",
        {
            "font.family": "DejaVu Sans",  # comes with matplotlib
            "font.size": 7,
            "axes.titlesize": 7,
            "axes.labelsize": 7,
            "xtick.labelsize": SMALL,
            "ytick.labelsize": SMALL,
            "legend.fontsize": SMALL,
            "legend.title_fontsize": SMALL,
            "figure.titlesize": 8,
            "text.parse_math": False,  # a name may hold '$'
            "axes.titlelocation": "left",
            "axes.titlepad": 3,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.linewidth": _HAIR,
            "axes.axisbelow": True,
            "grid.color": "0.85",
            "grid.linewidth": 0.4,
            "xtick.major.width": _HAIR,
            "ytick.major.width": _HAIR,
            "xtick.major.size": 2.5,
            "ytick.major.size": 2.5,
            "lines.linewidth": 1,
            "hatch.linewidth": 0.5,
            "legend.frameon": False,
            "legend.handlelength": 1.2,
            "pdf.fonttype": 42,  # TrueType: what publishers ask for
            "svg.hashsalt": "diar",
            "savefig.dpi": 300,
        },
    ]
)


@style
def new(width: float) -> Figure:
    """Make an empty figure of this width in inches; the drawing sets its height.

    Raises:
        DataError: an unreasonable width.
    """
    if not 1 <= width <= 100:
        raise DataError(
            f"a width of {width:g} inches; expected 1 to 100, a column of a paper is 3.4"
        )
    return Figure(figsize=(width, 1), layout="constrained")


def format_of(path: str | Path) -> str:
    """Return 'pdf', 'png' or 'svg', from the extension of a file name.

    Raises:
        DataError: another extension.
    """
    ending = Path(path).suffix.lower().removeprefix(".")
    if ending not in _UNDATED:
        raise DataError("the name of a figure ends in .pdf, .png or .svg", path)
    return ending


@style
def save(figure: Figure, path: str | Path) -> None:
    """Write a figure atomically; the same drawing gives the same bytes."""
    kind = format_of(path)
    with open_whole(path, "wb") as stream:
        figure.savefig(stream, format=kind, metadata=_UNDATED[kind])


def shorten(name: str, most: int = 16) -> str:
    """Shorten a name to a maximum number of characters by omitting its middle."""
    if len(name) <= most:
        return name
    head = (most - 1) // 2
    return f"{name[:head]}…{name[len(name) - (most - 1 - head) :]}"


def marker(place: int) -> tuple[str, str]:
    """Return (colour, marker) of the speaker at this index; neighbours differ in both."""
    return colours.style(place)[0], MARKERS[place % len(MARKERS)]


def darken(colour: str) -> tuple[float, float, float]:
    """Darken a colour, for outlines that make light colours visible on paper."""
    red, green, blue = to_rgb(colour)
    return 0.55 * red, 0.55 * green, 0.55 * blue


def legend(
    figure: Figure, handles: Sequence[Artist], columns: int | None = None, title: str | None = None
) -> None:
    """Add a legend below all axes, where it covers nothing."""
    figure.legend(
        handles=list(handles), ncols=columns or len(handles), title=title,
        loc="outside lower center", columnspacing=1.2, handletextpad=0.5, borderaxespad=0.1,
    )  # fmt: skip
